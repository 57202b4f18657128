"""What a user keeps: documents, a golden set, pipelines and settings, still there after a restart.

    workspace = open_workspace()          # the local one, or the one that a link names
    workspace.add("handbook.pdf", data)
    corpus, refusals = workspace.corpus()

Everything stands in the folder `WORKBENCH_HOME` (default `.workbench/`). In local mode there is one workspace. In team
mode (`WORKBENCH_MODE=team`) each visitor gets a private one, reached only by an unguessable id.
"""

from workbench.settings import team_mode
from workbench.workspaces.corpus_cache import Refusal
from workbench.workspaces.golden import GoldenSet, History, Version
from workbench.workspaces.manifest import Source
from workbench.workspaces.workspace import LOCAL, Workspace, delete_workspace, expire, new_workspace, open_workspace

__all__ = [
    "LOCAL",
    "GoldenSet",
    "History",
    "Refusal",
    "Source",
    "Version",
    "Workspace",
    "delete_workspace",
    "expire",
    "new_workspace",
    "open_workspace",
    "team_mode",
]
