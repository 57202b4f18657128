"""Where a workspace keeps what was measured: a folder for each state of its documents and golden set."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from workbench.documents import Corpus
from workbench.errors import RunError
from workbench.metrics import REVISION
from workbench.records import Question, Run, golden_id, read_run
from workbench.specs import fingerprint
from workbench.workspaces.contents import Workspace


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
