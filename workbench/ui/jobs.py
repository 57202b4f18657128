"""Slow work in the background, shared by all visits that want the same result, and how far it is."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import streamlit as st

from workbench.embedders import Cancelled
from workbench.errors import WorkbenchError
from workbench.pipelines import weight
from workbench.retrievers import Collection
from workbench.ui import state
from workbench.ui.layout import guarded, plain

log = logging.getLogger(__name__)

KEPT = 12
"""Finished results kept whatever they weigh; a collection of 10,000 chunks of 384 dimensions takes 15 MB."""

FEW, HUGE = 4, 8 << 30
"""So few are kept of those that weigh gigabytes: two settings of half a million chunks, by a generous estimate."""

SHOWN = 40
"""Kept, whatever they weigh, while the visit that runs another watches them."""

MOST, BYTES = 400, 128 << 20
"""Results kept, and what they may weigh together, so that many visits do not make each other's work come to nothing."""

PATIENCE = 0.15
"""Seconds for which a page waits for work that it has just started: most of what is cached is there by then."""

Report = Callable[[int, int], None]
Work = Callable[[Report, Callable[[], bool]], Any]


@dataclass(slots=True, eq=False)
class Job:
    """Work under way or done. `total` is 0 until it is known; `error` is a line for the user.

    It goes on while a visit watches it and nobody has stopped it.
    """

    done: int = 0
    total: int = 0
    begun: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    result: Any = None
    error: str = ""
    weight: int = 0
    counted: bool = False
    stopped: bool = False
    abandoned: bool = False
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
        """Whether it is to end before it is done."""
        return self.stopped or not self.watchers

    @property
    def failed(self) -> bool:
        """Whether it ended without a result."""
        return self.finished.is_set() and self.result is None

    def wait(self) -> None:
        """Nothing; gives quick work, counted from its begin, the time to finish before anything is drawn."""
        self.finished.wait(max(0.0, self.begun + PATIENCE - time.monotonic()))


_jobs: OrderedDict[Hashable, Job] = OrderedDict()
_lock = threading.Lock()


def find(key: Hashable) -> Job | None:
    """The job with this key, if it runs, or is finished and kept."""
    with _lock:
        if key in _jobs:
            _jobs.move_to_end(key)
        return _jobs.get(key)


def attend(visit: str, keys: Container[Hashable]) -> None:
    """Nothing; of all jobs this visit watches these at most. Those that nobody watches any more end by themselves."""
    with _lock:
        for key, job in _jobs.items():
            if key not in keys:
                job.watchers.discard(visit)


def run(key: Hashable, visit: str, work: Work, again: bool = False) -> Job:
    """The job with this key, watched by this visit; started if there is none, or if the last one was left alone.

    One that was stopped by hand, or went wrong, stays as it is unless it is asked for `again`.
    """
    with _lock:
        job = _jobs.get(key)
        runs_out = job is not None and (job.abandoned or (not job.watchers and not job.finished.is_set()))
        if job is None or runs_out or (again and (job.failed or job.stopped)):
            job = _jobs[key] = Job(watchers={visit})
            threading.Thread(target=_work, args=(job, work), daemon=True, name="workbench-job").start()
        job.watchers.add(visit)
        _jobs.move_to_end(key)
        while _too_many():
            oldest, there = next(iter(_jobs.items()))
            shown = visit in there.watchers and len(_jobs) <= SHOWN  # a page that compares needs all that it shows
            if shown or not there.finished.is_set():
                break
            del _jobs[oldest]
    return job


def _too_many() -> bool:
    bytes = sum(job.weight for job in _jobs.values())
    return len(_jobs) > MOST or (len(_jobs) > KEPT and bytes > BYTES) or (len(_jobs) > FEW and bytes > HUGE)


def stop(key: Hashable, visit: str) -> None:
    """Nothing; the job ends, and stays ended, unless another visit watches it too."""
    with _lock:
        if (job := _jobs.get(key)) and job.watchers <= {visit}:
            job.stopped = True


def _work(job: Job, work: Work) -> None:
    def report(done: int, total: int) -> None:
        if not job.done:
            job.started = time.monotonic()  # loading a model is no part of its rate
        job.done, job.total, job.counted = done, total, True

    try:
        result = work(report, lambda: job.cancelled)
        job.weight = _weight(result)
        job.result = result
    except Cancelled:
        job.abandoned = not job.stopped
        job.error = f"Stopped after {job.done:,} of {job.total:,} chunks; what was done is kept."
    except WorkbenchError as error:
        job.error = str(error)
    except Exception:  # a thread has no one above it to tell; the log has the details
        log.exception("background work failed")
        job.error = "This failed; the server's log has the details. Try again, or choose another model."
    finally:
        job.seconds = time.monotonic() - job.started
        job.finished.set()


def _weight(result: Any) -> int:
    """Bytes of a result, about."""
    return weight(result) if isinstance(result, Collection) else 1_000


Awaited = tuple[str, Hashable, Job]
"""What it is for, in words, the job's key, and the job."""


def bars(awaited: Sequence[Awaited]) -> None:
    """How far these jobs are. Those that are done take no room; what failed is said."""
    for label, _, job in awaited:
        if job.finished.is_set() and job.error:
            st.caption(plain(f"{label}: {job.error}"))
    running = [one for one in awaited if not one[2].finished.is_set()]
    if running:
        _running(running)


@st.fragment(run_every=0.7)
def _running(awaited: Sequence[Awaited]) -> None:
    if any(job.finished.is_set() for _, _, job in awaited):
        st.rerun()
    with guarded():
        for label, name, job in awaited:
            left, right = st.columns([5, 1], gap="small", vertical_alignment="center")
            share = min(job.done / job.total, 1.0) if job.total else 0.0
            left.progress(share, text=plain(_told(label, job)))
            key = sha256(label.encode()).hexdigest()[:12]
            right.button(
                "Stop", key=f"stop-{key}", on_click=stop, args=(name, state.visit()), disabled=job.stopped,
                type="tertiary",
            )  # fmt: skip


def _told(label: str, job: Job) -> str:
    if job.stopped:
        return f"{label}: stopping"
    if not job.total:
        return f"{label}: begins"
    seconds = job.left
    left = f", about {seconds:.0f} s left" if seconds is not None and 1 <= seconds < 100 else ""
    left = f", about {seconds / 60:.0f} min left" if seconds is not None and seconds >= 100 else left
    return f"{label}: {job.done:,} of {job.total:,}{left}"
