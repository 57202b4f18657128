"""What a user keeps: documents, a golden set, pipelines and settings, still there after a restart.

    workspace = open_workspace()          # the local one, or the one that a link names
    workspace.add("handbook.pdf", data)
    corpus, refusals = workspace.corpus()

Everything stands in the folder `WORKBENCH_HOME` (default `.workbench/`). In local mode there is one workspace. In team
mode (`WORKBENCH_MODE=team`) each visitor gets a private one, reached only by an unguessable id.
"""

from workbench.models import team_mode
from workbench.workspaces.contents import Workspace
from workbench.workspaces.goldens import GoldenSet
from workbench.workspaces.histories import History, Version
from workbench.workspaces.links import LOCAL, delete_workspace, expire, new_workspace, open_workspace
from workbench.workspaces.manifests import Source
from workbench.workspaces.openings import Refusal

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
