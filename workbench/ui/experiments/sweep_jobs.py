"""Sweeps in the background: one at a time on this server; each can be paused, stopped and resumed.

Unlike the jobs that embed for a page, a sweep goes on while its visitor looks at other pages. What it finished is
stored in its folder, so that a stop, a restart or a kill of the server costs only the run in progress.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

log = logging.getLogger(__name__)

Report = Callable[[Any], None]
Asked = Callable[[], bool]
Work = Callable[[Report, Asked, Asked], Any]
"""Called with where to report progress, and what says whether it is cancelled and whether it is paused."""


@dataclass(slots=True, eq=False)
class Task:
    """A sweep or a race, running or finished: its `plan`, its last step and its results.

    `error` is a line for the user; `waiting` is true while another one uses the machine.
    """

    plan: tuple[Any, ...] = ()
    progress: Any = None
    results: Any = None
    error: str = ""
    waiting: bool = True
    paused: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)


_tasks: dict[Path, Task] = {}
_lock = threading.Lock()
_turn = threading.Semaphore(1)
_WAIT = 0.2


def find(folder: Path) -> Task | None:
    """Return the sweep into this folder, if this server has run one."""
    with _lock:
        return _tasks.get(folder)


def start(folder: Path, work: Work, plan: tuple[Any, ...] = ()) -> Task:
    """Return the sweep into this folder: the one that runs, or a new one."""
    with _lock:
        task = _tasks.get(folder)
        if task is None or task.finished.is_set():
            task = _tasks[folder] = Task(plan)
            threading.Thread(target=_run, args=(task, work), daemon=True, name="workbench-sweep").start()
    return task


def _run(task: Task, work: Work) -> None:
    def report(progress: Any) -> None:
        task.progress = progress

    try:
        while not _turn.acquire(timeout=_WAIT):
            if task.stopped.is_set():
                return
        try:
            task.waiting = False
            task.results = work(report, task.stopped.is_set, task.paused.is_set)
        finally:
            _turn.release()
    except WorkbenchError as error:
        task.error = str(error)
    except Exception:  # a thread has no one above it to tell; the log has the details
        log.exception("a sweep failed")
        task.error = "The sweep failed; the server's log has the details. What was finished is kept."
    finally:
        task.finished.set()
