"""Corpora put together are held for many visitors, and for few where they are large."""

import pytest

from workbench.documents import Corpus
from workbench.workspaces.corpus_cache import OPENED, Opened


def opened(documents: int) -> Opened:
    return Opened((), dict.fromkeys(range(documents)), Corpus(()))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_open() -> None:
    OPENED.clear()


def test_thirty_small_workspaces_do_not_push_each_other_out() -> None:
    for i in range(30):
        OPENED.put(i, opened(14))
    assert [i in OPENED for i in range(31)] == [True] * 30 + [False]


def test_of_large_ones_the_last_few_stay() -> None:
    for i in range(12):
        OPENED.put(i, opened(12_000))
    assert [i for i in range(12) if i in OPENED] == [*range(4, 12)]


def test_empty_ones_are_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OPENED, "budget", 600_000)
    for i in range(310):
        OPENED.put(i, opened(0))
    assert len(OPENED) == 300
    assert 309 in OPENED
