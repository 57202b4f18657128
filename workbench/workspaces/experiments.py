"""Where a workspace keeps what was measured: files for each state of documents and golden set, and the catalogue."""

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from workbench.catalogue import Catalogue, open_catalogue
from workbench.documents import Corpus
from workbench.errors import RunError, WorkbenchError
from workbench.golden import write_golden
from workbench.metrics import REVISION
from workbench.records import Question, Run, golden_id, read_run
from workbench.specs import fingerprint
from workbench.workspaces.workspace import Workspace


def experiments_folder(workspace: Workspace, corpus: Corpus, questions: Sequence[Question]) -> Path:
    """The folder of the runs on these documents and questions; another document or question is another folder."""
    return workspace.folder / "experiments" / fingerprint([corpus.id, golden_id(questions)])


def kept_runs(folder: Path) -> tuple[Run, ...]:
    """The runs in an experiments folder by label.

    Left out, and measured again by a sweep, are damaged files and those of another revision of the measures.
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
    """The runs of the state of documents and golden set that was measured last, if at least two can be compared."""
    home = workspace.folder / "experiments"
    folders = [f for f in home.iterdir() if (f / "runs").is_dir()] if home.is_dir() else []
    for folder in sorted(folders, key=lambda f: (f / "runs").stat().st_mtime, reverse=True):
        if len(runs := kept_runs(folder)) > 1:
            return runs
    return ()


@lru_cache(maxsize=2_000)
def _read(file: Path, changed: int, size: int) -> Run:
    return read_run(file)


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
