"""Slow work in the background, shared by all visits that want the same result, and the bars that show how far it is."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.pipelines import weight
from workbench.retrievers import Collection
from workbench.tasks import Cancelled, Task
from workbench.ui import state
from workbench.ui.layout import duration, guarded, plain

log = logging.getLogger(__name__)

KEPT = 12
"""Finished results kept whatever they weigh; a collection of 10,000 chunks of 384 dimensions takes 15 MB."""

FEW, HUGE = 4, 8 << 30
"""Results kept of those that weigh gigabytes: two settings of half a million chunks, by a generous estimate."""

SHOWN = 40
"""Results kept, whatever they weigh, while the visit that starts another job watches them."""

MOST, BYTES = 400, 128 << 20
"""Results kept, and their weight together, so that many visits do not evict each other's work."""

PATIENCE = 0.15
"""Seconds for which a page waits for work that it has just started: most of what is cached is there by then."""

Work = Callable[[Task], Any]


@dataclass(slots=True, eq=False)
class Job:
    """Work that is running or done. `total` is 0 until it is known; `error` is a line for the user.

    It goes on while a visit watches it, or at all events if it is `detached`, and until somebody stops it. `note` is
    the last that the work reported beside its progress.
    """

    done: int = 0
    total: int = 0
    note: Any = None
    begun: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    result: Any = None
    error: str = ""
    weight: int = 0
    counted: bool = False
    stopped: bool = False
    abandoned: bool = False
    detached: bool = False
    paused: threading.Event = field(default_factory=threading.Event)
    watchers: set[str] = field(default_factory=set)
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def rate(self) -> float:
        """Steps per second so far; 0 before the first."""
        spent = self.seconds or time.monotonic() - self.started
        return self.done / spent if self.done and spent else 0.0

    @property
    def left(self) -> float | None:
        """Seconds to go, by the rate so far."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def cancelled(self) -> bool:
        """Return whether it has to end before it is done."""
        return self.stopped or not (self.watchers or self.detached)

    @property
    def failed(self) -> bool:
        """Return whether it ended without a result."""
        return self.finished.is_set() and self.result is None

    @property
    def running(self) -> bool:
        """Return whether it has not ended yet."""
        return not self.finished.is_set()

    def wait(self) -> None:
        """Give quick work the time to finish before anything is drawn, counted from its start."""
        self.finished.wait(max(0.0, self.begun + PATIENCE - time.monotonic()))

    def report(self, done: int, total: int, note: object = None) -> None:
        """Take note of progress."""
        if not self.done:
            self.started = time.monotonic()  # loading a model is no part of its rate
        self.done, self.total, self.note, self.counted = done, total, note, True


_jobs: OrderedDict[Hashable, Job] = OrderedDict()
_lock = threading.Lock()


def find(key: Hashable) -> Job | None:
    """Return the job with this key, if it is running, or finished and kept."""
    with _lock:
        if key in _jobs:
            _jobs.move_to_end(key)
        return _jobs.get(key)


def attend(visit: str, keys: Container[Hashable]) -> None:
    """Stop watching every job except `keys`. A job that nobody watches any more ends by itself."""
    with _lock:
        for key, job in _jobs.items():
            if key not in keys:
                job.watchers.discard(visit)


def run(key: Hashable, visit: str, work: Work, again: bool = False, *, detached: bool = False) -> Job:
    """Return the job with this key, watched by this visit; start it if there is none, or if the last was abandoned.

    A job that was stopped by hand, or failed, stays as it is unless it is asked for `again`. A `detached` job goes on
    while nobody watches it.
    """
    with _lock:
        job = _jobs.get(key)
        runs_out = job is not None and (job.abandoned or (job.running and not (job.watchers or job.detached)))
        if job is None or runs_out or (again and (job.failed or job.stopped)):
            job = _jobs[key] = Job(watchers={visit}, detached=detached)
            threading.Thread(target=_work, args=(job, work, visit), daemon=True, name="workbench-job").start()
        job.watchers.add(visit)
        _jobs.move_to_end(key)
        while _too_many():
            oldest, there = next(iter(_jobs.items()))
            shown = visit in there.watchers and len(_jobs) <= SHOWN  # a page that compares needs all that it shows
            if shown or there.running:
                break
            del _jobs[oldest]
    return job


def _too_many() -> bool:
    bytes = sum(job.weight for job in _jobs.values())
    return len(_jobs) > MOST or (len(_jobs) > KEPT and bytes > BYTES) or (len(_jobs) > FEW and bytes > HUGE)


def stop(key: Hashable, visit: str) -> None:
    """End the job, and keep it ended, unless another visit watches it too."""
    with _lock:
        if (job := _jobs.get(key)) and job.watchers <= {visit}:
            job.stopped = True


def _work(job: Job, work: Work, owner: str) -> None:
    try:
        result = work(Task(job.report, lambda: job.cancelled, job.paused.is_set, owner))
        job.weight = weight(result) if isinstance(result, Collection) else 1_000
        job.result = result
    except Cancelled:
        job.abandoned = not job.stopped
        job.error = f"Stopped after {job.done:,} of {job.total:,} chunks; what was done is kept."
    except WorkbenchError as error:
        job.error = str(error)
    except Exception:  # a thread has no caller to raise to; the log has the details
        log.exception("background work failed")
        job.error = "This failed; the server's log has the details. Try again, or choose another model."
    finally:
        job.seconds = time.monotonic() - job.started
        job.finished.set()


# --- how far it is, on a page

Awaited = tuple[str, Hashable, Job]
"""What it is for, in words; the job's key; the job."""


def progress_words(label: str, job: Job) -> str:
    """Return how far a job is: `Embedding: 20 of 300, about 12 s left`."""
    if job.stopped:
        return f"{label}: stopping"
    if not job.total:
        return f"{label}: begins"
    seconds = job.left
    left = f", about {duration(seconds)} left" if seconds is not None and seconds >= 1 else ""
    return f"{label}: {job.done:,} of {job.total:,}{left}"


def bars(awaited: Sequence[Awaited]) -> None:
    """Draw a bar with a stop for each job that is running, and say what failed. Finished jobs take no room."""
    for label, _, job in awaited:
        if job.error and not job.running:
            st.caption(plain(f"{label}: {job.error}"))
    watch(awaited)


def watch(
    awaited: Sequence[Awaited], words: Callable[[str, Job], str] | None = progress_words, stop_key: str | None = None
) -> None:
    """Draw how far the running ones of these jobs are, and the page again once one of them has ended.

    Args:
        words: what stands on a bar; None draws nothing and only waits.
        stop_key: the widget key of the stop; "" for none, None for one of each job's own.
    """
    if running := [one for one in awaited if one[2].running]:
        _running(running, words, stop_key)


@st.fragment(run_every=0.7)
def _running(awaited: Sequence[Awaited], words: Callable[[str, Job], str] | None, stop_key: str | None) -> None:
    if not all(job.running for _, _, job in awaited):
        st.rerun()
    if words is None:
        return
    with guarded():
        for label, name, job in awaited:
            place: Any = st
            if stop_key != "":
                place, right = st.columns([5, 1], gap="small", vertical_alignment="center")
                right.button(
                    "Stop", key=stop_key or f"stop-{sha256(label.encode()).hexdigest()[:12]}", on_click=stop,
                    args=(name, state.visit()), disabled=job.stopped, type="tertiary",
                )  # fmt: skip
            place.progress(job.share, text=plain(words(label, job)))
