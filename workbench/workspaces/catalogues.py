"""The catalogue of a workspace: its runs, golden set versions and decisions in SQL."""

import logging
from collections.abc import Iterable, Sequence

from workbench.catalogue import Catalogue, open_catalogue
from workbench.documents import Corpus
from workbench.errors import WorkbenchError
from workbench.golden import write_golden
from workbench.records import Question, Run, golden_id
from workbench.workspaces.contents import Workspace

log = logging.getLogger(__name__)


def catalogue_of(workspace: Workspace) -> Catalogue:
    """The catalogue of this workspace and of no other; both of its ids lead to it, as to its folder.

    Raises:
        StoreError: the database cannot be used.
    """
    return open_catalogue(workspace.folder.parents[1], workspace.folder.name)


def remember(workspace: Workspace, runs: Iterable[Run], corpus: Corpus, questions: Sequence[Question]) -> bool:
    """Whether the catalogue has the runs now, and the golden set that they were measured on.

    Where it cannot be used the log says so and the work goes on: files are the first copy of every run.
    """
    try:
        catalogue = catalogue_of(workspace)
        current = workspace.golden.history.current.label
        catalogue.keep_golden(golden_id(questions), corpus.id, write_golden(questions, corpus), len(questions), current)
        for run in runs:
            catalogue.record(run)
    except WorkbenchError as error:
        log.warning("the run history was not written: %s", error)
        return False
    return True
