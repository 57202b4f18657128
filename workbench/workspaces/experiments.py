"""Where a workspace keeps what was measured: files for each state of documents and golden set, and the catalogue."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.catalogue import open_catalogue
from workbench.documents import Corpus
from workbench.errors import RunError, WorkbenchError
from workbench.golden import write_golden
from workbench.memory_cache import cached
from workbench.metrics import REVISION
from workbench.records import Question, Run, golden_id, read_run
from workbench.specs import fingerprint
from workbench.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from workbench.catalogue import Catalogue


def experiments_folder(workspace: Workspace, corpus: Corpus, questions: Sequence[Question]) -> Path:
    """Return the folder of the runs on exactly these documents and questions."""
    return workspace.folder / "experiments" / fingerprint([corpus.id, golden_id(questions)])


def kept_runs(folder: Path) -> tuple[Run, ...]:
    """Return the runs in an experiments folder, in the order of their labels.

    Damaged files and those of another revision of the measures are left out; a sweep measures them again.
    """
    files = sorted((folder / "runs").glob("[0-9a-f]*.json")) if folder.is_dir() else []
    runs = []
    for file in files:
        try:
            stat = file.stat()
            runs.append(_read(file, stat.st_mtime_ns, stat.st_size))
        except (OSError, RunError):
            continue
    runs = [run for run in runs if run.measures == REVISION or run.definitions == "chroma"]
    return tuple(sorted(runs, key=lambda run: (run.label, run.fingerprint)))


def latest_runs(workspace: Workspace) -> tuple[Run, ...]:
    """Return the runs of the documents and golden set measured last, if at least two can be compared."""
    home = workspace.folder / "experiments"
    folders = [f for f in home.iterdir() if (f / "runs").is_dir()] if home.is_dir() else []
    for folder in sorted(folders, key=lambda f: (f / "runs").stat().st_mtime, reverse=True):
        if len(runs := kept_runs(folder)) > 1:
            return runs
    return ()


@cached(256 << 20, lambda run: 10_000 + 1_000 * len(run.questions))
def _read(file: Path, changed: int, size: int) -> Run:
    return read_run(file)


log = logging.getLogger(__name__)


def catalogue_of(workspace: Workspace) -> "Catalogue":
    """Return the catalogue of this workspace; both of its ids lead to it, as to its folder.

    Raises:
        StoreError: the database cannot be used.
    """
    return open_catalogue(workspace.folder.parents[1], workspace.folder.name)


def remember(workspace: Workspace, runs: Iterable[Run], corpus: Corpus, questions: Sequence[Question]) -> bool:
    """Keep the runs and their golden set in the catalogue; return whether that worked.

    If not, it is logged and the work goes on: the first copy of every run is its file.
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
