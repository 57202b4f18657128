"""Corpora put together are kept for many visitors, and for few where they are large."""

import pytest

from workbench.documents import Corpus
from workbench.workspaces import openings


def opened(documents: int) -> openings.Opened:
    return openings.Opened((), dict.fromkeys(range(documents)), Corpus(()))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "OPENED", type(openings.OPENED)())


def test_thirty_small_workspaces_do_not_push_each_other_out() -> None:
    for i in range(30):
        openings.remember(i, opened(14))
    assert [*openings.OPENED] == [*range(30)]


def test_of_large_ones_the_last_few_stay() -> None:
    few, many = openings._MOST_OPENED
    for i in range(few + 4):
        openings.remember(i, opened(many // 4))
    assert [*openings.OPENED] == [*range(4, few + 4)]


def test_empty_ones_are_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    many = 300
    monkeypatch.setattr(openings, "_MOST_OPENED", (8, many))
    for i in range(many + 10):
        openings.OPENED[i] = opened(0)
    openings.remember("last", opened(0))
    assert len(openings.OPENED) == many
    assert "last" in openings.OPENED
