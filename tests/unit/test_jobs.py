"""Background work: shared by those who wait for it, stopped when nobody does, its errors told in a line."""

import threading
from types import SimpleNamespace

import pytest

from workbench.errors import ModelUnavailable
from workbench.retrievers import Collection
from workbench.tasks import Task
from workbench.ui import jobs


@pytest.fixture(autouse=True)
def nothing_runs() -> None:
    jobs._jobs.clear()


def until(event: threading.Event) -> None:
    assert event.wait(20)


def made(task: Task) -> str:
    return "made"


def cancellable(started: threading.Event) -> jobs.Work:
    def work(task: Task) -> str:
        task.report(1, 10)
        started.set()
        for _ in range(2000):
            task.check()
            threading.Event().wait(0.01)
        return "never"

    return work


def running(key: str, visit: str = "visit") -> jobs.Job:
    started = threading.Event()
    job = jobs.run(key, visit, cancellable(started))
    until(started)
    return job


def test_the_same_work_is_done_once() -> None:
    calls = []
    for visit in ("a", "b"):
        job = jobs.run("key", visit, lambda task: calls.append(1) or "made")
        until(job.finished)
    assert (job.result, calls) == ("made", [1])


def test_work_is_not_cancelled_before_it_begins() -> None:
    for i in range(200):  # a job whose watcher came late would stop at its first look
        job = jobs.run(i, "visit", lambda task: "stopped" if task.cancelled() else "went on")
        until(job.finished)
        assert job.result == "went on"


def test_it_ends_when_its_only_watcher_turns_elsewhere_and_starts_anew_when_that_comes_back() -> None:
    first = running("first")
    jobs.attend("visit", {"second"})
    again = jobs.run("first", "visit", made)  # at once, while the first has not noticed yet
    until(first.finished)
    assert first.failed
    assert first.abandoned
    until(again.finished)
    assert again.result == "made"


def test_what_was_left_alone_and_has_ended_starts_anew() -> None:
    first = running("first")
    jobs.attend("visit", set())
    until(first.finished)
    again = jobs.run("first", "visit", made)
    until(again.finished)
    assert again.result == "made"


def test_a_stop_holds_until_it_is_asked_for_again() -> None:
    job = running("key")
    jobs.stop("key", "visit")
    assert jobs.run("key", "visit", made) is job  # a rerun before it has ended
    until(job.finished)
    assert "Stopped after 1 of 10 chunks" in job.error
    assert jobs.run("key", "visit", made) is job  # and one after
    again = jobs.run("key", "visit", made, again=True)
    until(again.finished)
    assert again.result == "made"


def test_nobody_stops_what_another_waits_for() -> None:
    job = running("key", "one")
    jobs.run("key", "two", made)
    jobs.stop("key", "one")
    jobs.attend("one", set())
    assert not job.cancelled
    jobs.stop("key", "two")
    until(job.finished)
    assert job.failed


@pytest.mark.parametrize(
    "error, says",
    [
        (ModelUnavailable("no such model; install it"), "no such model; install it"),
        (ZeroDivisionError(), "the server's log"),
    ],
)
def test_errors_are_told_and_not_tried_again_by_themselves(error: Exception, says: str) -> None:
    def work(task: Task) -> None:
        raise error

    job = jobs.run("key", "visit", work)
    until(job.finished)
    assert says in job.error
    assert jobs.run("key", "visit", made) is job


def heavy(task: Task) -> Collection:
    """Rows of one document whose words would take all that results may weigh."""
    corpus = SimpleNamespace(characters=jobs.BYTES)
    found = Collection.__new__(Collection)
    found.__dict__.update(spans=[], corpus=corpus, _index=None)
    return found


def test_light_results_are_kept_up_to_a_number() -> None:
    for i in range(jobs.MOST + 5):
        jobs.attend("visit", {i})
        until(jobs.run(i, "visit", made).finished)
    assert jobs.MOST <= len(jobs._jobs) <= jobs.MOST + 1
    assert jobs.find(0) is None
    assert jobs.find(jobs.MOST + 4) is not None


def test_of_heavy_results_the_last_few_are_kept() -> None:
    for i in range(jobs.KEPT + 5):
        jobs.attend("visit", {i})
        until(jobs.run(i, "visit", heavy).finished)
    assert len(jobs._jobs) <= jobs.KEPT + 1
    assert jobs.find(0) is None
    assert jobs.find(jobs.KEPT + 4) is not None


def test_what_the_visit_itself_watches_is_kept_up_to_a_limit() -> None:
    for i in range(jobs.KEPT + 5):
        until(jobs.run(i, "visit", heavy).finished)
    assert jobs.find(0) is not None
    for i in range(jobs.KEPT + 5, jobs.SHOWN + 10):
        until(jobs.run(i, "visit", heavy).finished)
    assert len(jobs._jobs) <= jobs.SHOWN + 1
    assert jobs.find(1) is None
    until(jobs.run("other", "another visit", made).finished)
    assert len(jobs._jobs) == jobs.KEPT


def test_of_results_that_weigh_gigabytes_few_are_kept() -> None:
    def huge(task: Task) -> Collection:
        found = heavy(task)
        found.corpus = SimpleNamespace(characters=jobs.HUGE)
        return found

    for i in range(jobs.FEW + 4):
        jobs.attend("visit", {i})
        until(jobs.run(i, "visit", huge).finished)
    assert len(jobs._jobs) <= jobs.FEW + 1
    assert jobs.find(jobs.FEW + 3) is not None


def test_detached_work_goes_on_while_nobody_watches_and_notes_what_it_does() -> None:
    noted, go_on = threading.Event(), threading.Event()

    def work(task: Task) -> str:
        task.report(1, 2, "the first half")
        noted.set()
        until(go_on)
        task.check()
        return task.owner

    job = jobs.run("sweep", "visit", work, detached=True)
    until(noted)
    jobs.attend("visit", set())
    assert jobs.run("sweep", "another", made, detached=True) is job
    jobs.attend("another", set())
    assert (job.share, job.note, job.running, job.cancelled) == (0.5, "the first half", True, False)
    go_on.set()
    until(job.finished)
    assert job.result == "visit"


def test_the_words_of_progress_name_what_is_left() -> None:
    job = jobs.Job()
    assert jobs.progress_words("Speed", job) == "Speed: begins"
    job.report(20, 300)
    job.seconds = 2.0  # ten steps per second
    assert jobs.progress_words("Speed", job) == "Speed: 20 of 300, about 28 s left"
    job.stopped = True
    assert jobs.progress_words("Speed", job) == "Speed: stopping"
