"""Long work as seen from inside: where progress goes, and whether to stop."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_PAUSE = 0.1  # seconds between two looks at a task that is paused


class Cancelled(Exception):
    """Work was stopped on request; what was finished is kept."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Task:
    """What a long function is given by whoever started it; the default does nothing and never stops.

    `on_report(done, total, note)` gets every report. `stop` says whether to end early, `pause` whether to wait.
    `owner` names who asked for the work, such as a visit of the app.
    """

    on_report: Callable[[int, int, object], None] | None = None
    stop: Callable[[], bool] = _never
    pause: Callable[[], bool] = _never
    owner: str = ""

    def report(self, done: int, total: int, note: object = None) -> None:
        """Report that `done` of `total` steps are finished; `note` says more, in words or as a value of the function.

        Fits wherever a `progress(done, total)` is wanted.
        """
        if self.on_report:
            self.on_report(done, total, note)

    def cancelled(self) -> bool:
        """Return whether to end now. While the task is paused, wait until it goes on or is stopped."""
        while self.pause() and not self.stop():
            time.sleep(_PAUSE)
        return self.stop()

    def check(self, message: str = "stopped; what was finished is kept") -> None:
        """Go on, or end here.

        Raises:
            Cancelled: the task was stopped.
        """
        if self.cancelled():
            raise Cancelled(message)


QUIET = Task()
"""Reports nowhere and is never stopped: the default of every function that takes a task."""
