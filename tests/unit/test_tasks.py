"""A task: what is reported reaches its owner, and a stop is noticed even while it is paused."""

import pytest

from workbench.tasks import QUIET, Cancelled, Task


def test_a_report_reaches_whoever_asked() -> None:
    seen: list[tuple[int, int, object]] = []
    task = Task(lambda *step: seen.append(step))
    task.report(1, 3)
    task.report(2, 3, "half")
    assert seen == [(1, 3, None), (2, 3, "half")]


def test_the_quiet_task_goes_on() -> None:
    QUIET.report(1, 2)
    QUIET.check()
    assert not QUIET.cancelled()


def test_a_stopped_task_says_why_it_ends() -> None:
    with pytest.raises(Cancelled, match="after 2 of 5"):
        Task(stop=lambda: True).check("stopped after 2 of 5")


def test_a_paused_task_waits_until_it_goes_on() -> None:
    looks: list[bool] = []

    def pause() -> bool:
        looks.append(True)
        return len(looks) < 3

    assert not Task(pause=pause).cancelled()
    assert len(looks) == 3


def test_a_stop_ends_a_pause() -> None:
    assert Task(stop=lambda: True, pause=lambda: True).cancelled()
