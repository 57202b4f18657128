"""Background work: shared by those who wait for it, stopped when nobody does, its errors told in a line."""

import threading

import pytest

from workbench.embedders import Cancelled
from workbench.errors import ModelUnavailable
from workbench.ui import jobs


@pytest.fixture(autouse=True)
def nothing_runs() -> None:
    jobs._jobs.clear()


def until(event: threading.Event) -> None:
    assert event.wait(20)


def cancellable(started: threading.Event) -> jobs.Work:
    def work(report: jobs.Report, cancelled: object) -> str:
        report(1, 10)
        started.set()
        for _ in range(2000):
            if cancelled():  # type: ignore[operator]
                raise Cancelled
            threading.Event().wait(0.01)
        return "never"

    return work


def test_the_same_work_is_done_once() -> None:
    calls = []
    for visit in ("a", "b"):
        job = jobs.run("key", visit, lambda report, cancelled: calls.append(1) or "made", patience=20)
    assert (job.result, calls) == ("made", [1])
    assert not job.cancelled


def test_work_is_not_cancelled_before_it_begins() -> None:
    for i in range(200):  # a job whose watcher came late would stop at its first look
        job = jobs.run(i, "visit", lambda report, cancelled: "stopped" if cancelled() else "went on", patience=20)
        assert job.result == "went on"


def test_it_stops_when_its_only_watcher_turns_elsewhere() -> None:
    started = threading.Event()
    first = jobs.run("first", "visit", cancellable(started), patience=0)
    until(started)
    jobs.run("second", "visit", lambda report, cancelled: "made", patience=20)
    until(first.finished)
    assert first.failed
    assert "Stopped after 1 of 10 chunks" in first.error


def test_it_goes_on_while_another_waits() -> None:
    started = threading.Event()
    job = jobs.run("key", "one", cancellable(started), patience=0)
    jobs.run("key", "two", cancellable(started), patience=0)
    jobs.cancel("key", "one")
    assert not job.cancelled
    jobs.cancel("key", "two")
    until(job.finished)
    assert job.failed


def test_stopped_work_starts_anew_when_it_is_asked_for_again() -> None:
    started = threading.Event()
    job = jobs.run("key", "visit", cancellable(started), patience=0)
    until(started)
    jobs.cancel("key", "visit")
    again = jobs.run("key", "visit", lambda report, cancelled: "made", patience=20)
    assert again is not job
    assert again.result == "made"


@pytest.mark.parametrize(
    "error, says",
    [
        (ModelUnavailable("no such model; install it"), "no such model; install it"),
        (ZeroDivisionError(), "the server's log"),
    ],
)
def test_errors_are_told(error: Exception, says: str) -> None:
    def work(report: jobs.Report, cancelled: object) -> None:
        raise error

    job = jobs.run("key", "visit", work, patience=20)
    assert says in job.error


def test_only_the_last_results_are_kept() -> None:
    for i in range(jobs.KEPT + 5):
        jobs.run(i, "visit", lambda report, cancelled: "made", patience=20)
    assert len(jobs._jobs) <= jobs.KEPT + 1
    assert jobs.find(0) is None
    assert jobs.find(jobs.KEPT + 4) is not None
