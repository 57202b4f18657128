"""The progress line: silent for a second, then with rate and time left."""

import io

import pytest

from workbench.cli import output
from workbench.cli.output import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    return now


def test_work_of_less_than_a_second_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("embedding", "chunks")
    for done, now in ((0, 100.0), (50, 100.4), (100, 100.9)):
        clock[0] = now
        progress(done, 100)
    assert capsys.readouterr().err == ""


def test_nothing_to_do_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("embedding", "chunks")
    clock[0] = 105.0
    progress(0, 0)
    assert capsys.readouterr().err == ""


def test_rate_and_time_left_do_not_count_the_loading(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("embedding", "chunks")
    progress(0, 1200)
    for done, now in ((100, 108.0), (140, 112.0), (200, 118.0), (1200, 218.0)):
        clock[0] = now
        progress(done, 1200)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "embedding 100 of 1,200 chunks …",
        "embedding 200 of 1,200 chunks · 10 a second · 100 s left",
        "embedding 1,200 of 1,200 chunks in 118.0 s",
    ]


def test_a_terminal_has_one_line_drawn_over_itself(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(output.sys, "stderr", terminal)
    progress = Progress("embedding", "chunks")
    for done, now in ((0, 100.0), (10, 101.0), (20, 102.0), (40, 104.0)):
        clock[0] = now
        progress(done, 40)
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("embedding 40 of 40 chunks in 4.0 s\n")
    assert "20 of 40 chunks · 10 a second · 2 s left" in text

    quick = Terminal()
    monkeypatch.setattr(output.sys, "stderr", quick)
    progress = Progress("embedding", "chunks")
    progress(0, 5)
    progress(5, 5)
    assert quick.getvalue().endswith("\x1b[K")  # wiped out, and nothing is left of it
