"""The folder of a sweep: a file for each finished run, and claims by which processes share the work."""

import csv
import io
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import RunError
from workbench.metrics import REVISION
from workbench.records import Run, read_run, write_run
from workbench.records.runs import write_whole
from workbench.specs import digest

log = logging.getLogger(__name__)

_LEFT_BEHIND = 600  # seconds after which a half-written file is abandoned


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run must have been measured on, and by, to be reused."""

    corpus: str
    golden: str
    metrics: tuple[str, ...]
    definitions: str = "workbench"
    measures: int = REVISION

    def mismatch(self, run: Run) -> str:
        """Return in words what the run was measured on or by instead; "" where it matches."""
        if run.measures != self.measures:
            return f"by revision {run.measures} of the measures, which is {self.measures} now"
        own = run.corpus, run.golden, run.metrics, run.definitions
        if own != (self.corpus, self.golden, self.metrics, self.definitions):
            return "on another corpus, golden set or other metrics"
        return ""


@dataclass(slots=True)
class Folder:
    """A sweep's folder: `path`/runs/FINGERPRINT.json for each run; nothing is written where `path` is None.

    A claim is a lock on one byte of a file; the system releases it when a process ends, however it ends.

    Raises:
        RunError: the folder cannot be written.
    """

    path: Path | None
    warnings: list[str] = field(default_factory=list)
    _claims: Any = None

    def __post_init__(self) -> None:
        if self.path is None:
            return
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            self._claims = open(self.path / ".claims", "ab")  # noqa: SIM115 — held as long as the folder is in use
            for part in self.runs.glob(".*.json.*"):
                if time.time() - part.stat().st_mtime > _LEFT_BEHIND:
                    part.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{self.path}: the sweep's folder cannot be used ({reason}); choose another") from None

    @property
    def runs(self) -> Path:
        """The folder of the runs' files."""
        if self.path is None:
            raise ValueError("nothing is kept")
        return self.path / "runs"

    def read(self, fingerprint: str, wanted: Wanted) -> Run | None:
        """Return the finished run of a pipeline; None where there is none, or it is damaged or of something else."""
        if self.path is None or not (file := self.runs / f"{fingerprint}.json").is_file():
            return None
        try:
            run = read_run(file)
        except RunError as error:
            file.unlink(missing_ok=True)
            self._warn(f"{error}; it was dropped, and is measured again")
            return None
        if run.fingerprint != fingerprint:
            self._warn(f"{file.name} holds the run of another pipeline; it is measured again")
            return None
        if other := wanted.mismatch(run):
            self._warn(f"{run.label} ({file.name}) was measured {other}; it is measured again")
            return None
        return run

    def write(self, run: Run) -> None:
        """Keep the run.

        Raises:
            RunError: the disk refuses.
        """
        if self.path is not None:
            write_run(run, self.runs / f"{run.fingerprint}.json")

    def write_table(self, runs: Sequence[Run]) -> None:
        """Write every tidy row to table.csv: the same bytes for the same runs, whatever they took."""
        if self.path is not None:
            write_whole(self.path / "table.csv", table(runs).encode("utf-8", "replace"))

    def claim(self, name: str) -> bool:
        """Claim the work of this name for this process; return False while another process has it."""
        return self._lock(name, _fcntl().LOCK_EX | _fcntl().LOCK_NB if _fcntl() else 0)

    def release(self, name: str) -> None:
        """Release a claim."""
        self._lock(name, _fcntl().LOCK_UN if _fcntl() else 0)

    def close(self) -> None:
        """Release all claims."""
        if self._claims is not None:
            self._claims.close()

    def _lock(self, name: str, how: int) -> bool:
        if self._claims is None or _fcntl() is None:
            return True
        try:
            _fcntl().lockf(self._claims, how, 1, int(digest(name.encode())[:12], 16))
        except OSError:
            return False
        return True

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            log.warning("%s", message)
            self.warnings.append(message)


def table(runs: Sequence[Run]) -> str:
    """Return the tidy rows of runs as CSV: pipeline, label, question, metric, budget, value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["pipeline", "label", "question", "metric", "budget", "value"])
    for run in runs:
        writer.writerows(
            [r["pipeline"], run.label, r["question"], r["metric"], r["budget"], repr(r["value"])] for r in run.rows()
        )
    return out.getvalue()


def _fcntl() -> Any:
    """Return the module of file locks; None on systems without it, where processes may do the same work twice."""
    if os.name != "posix":
        return None
    import fcntl

    return fcntl
