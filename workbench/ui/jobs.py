"""Slow work in the background, shared by all visits that want the same result."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from workbench.embedders import Cancelled
from workbench.errors import WorkbenchError

log = logging.getLogger(__name__)

KEPT = 12
"""Finished results kept; a collection of 10,000 chunks of 384 dimensions takes 15 MB."""

Report = Callable[[int, int], None]
Work = Callable[[Report, Callable[[], bool]], Any]


@dataclass(slots=True, eq=False)
class Job:
    """Work under way or done. `total` is 0 until it is known; `error` is a line for the user."""

    done: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    result: Any = None
    error: str = ""
    watchers: set[str] = field(default_factory=set)
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def rate(self) -> float:
        """Things a second so far; 0 before the first."""
        spent = self.seconds or time.monotonic() - self.started
        return self.done / spent if self.done and spent else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to go, by the rate so far."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more, so that it stops, or has."""
        return not self.watchers and self.result is None

    @property
    def failed(self) -> bool:
        """Whether it ended without a result."""
        return self.finished.is_set() and self.result is None


_jobs: OrderedDict[Hashable, Job] = OrderedDict()
_lock = threading.Lock()


def find(key: Hashable) -> Job | None:
    """The job with this key, if it runs, or is finished and kept."""
    with _lock:
        if key in _jobs:
            _jobs.move_to_end(key)
        return _jobs.get(key)


def run(key: Hashable, watcher: str, work: Work, patience: float = 0.4) -> Job:
    """The job with this key, started if there is none, after it was given `patience` seconds to finish.

    `watcher` (a visit) waits for one job at a time: what it waited for before stops, unless others wait too.
    """
    with _lock:
        for other, job in _jobs.items():
            if other != key:
                job.watchers.discard(watcher)
        found = _jobs.get(key)
        job = found or Job()
        if is_new := found is None or found.failed or found.cancelled:
            job = _jobs[key] = Job()
        job.watchers.add(watcher)  # before it starts: a job without watchers stops
        if is_new:
            threading.Thread(target=_work, args=(job, work), daemon=True, name="workbench-job").start()
        _jobs.move_to_end(key)
        while len(_jobs) > KEPT and next(iter(_jobs.values())).finished.is_set():
            _jobs.popitem(last=False)
    if is_new:  # later calls, a keystroke each, find it running and go on
        job.finished.wait(patience)
    return job


def cancel(key: Hashable, watcher: str) -> None:
    """Nothing; this visit waits for the job no more. It stops when nobody does."""
    with _lock:
        if key in _jobs:
            _jobs[key].watchers.discard(watcher)


def _work(job: Job, work: Work) -> None:
    def report(done: int, total: int) -> None:
        if not total or job.total != total:
            job.started = time.monotonic()  # loading a model is no part of its rate
        job.done, job.total = done, total

    try:
        job.result = work(report, lambda: job.cancelled)
    except Cancelled:
        job.error = f"Stopped after {job.done:,} of {job.total:,} chunks; what was done is kept."
    except WorkbenchError as error:
        job.error = str(error)
    except Exception:  # a thread has no one above it to tell; the log has the details
        log.exception("background work failed")
        job.error = "Embedding failed; the server's log has the details. Try again, or choose another model."
    finally:
        job.seconds = time.monotonic() - job.started
        job.finished.set()
