"""Corpora put together are kept for many visitors, and for few where they are large."""

import pytest

from workbench.documents import Corpus
from workbench.workspaces import corpus_cache


def opened(documents: int) -> corpus_cache.Opened:
    return corpus_cache.Opened((), dict.fromkeys(range(documents)), Corpus(()))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_cache, "OPENED", type(corpus_cache.OPENED)())


def test_thirty_small_workspaces_do_not_push_each_other_out() -> None:
    for i in range(30):
        corpus_cache.remember(i, opened(14))
    assert [*corpus_cache.OPENED] == [*range(30)]


def test_of_large_ones_the_last_few_stay() -> None:
    few, many = corpus_cache._MOST_OPENED
    for i in range(few + 4):
        corpus_cache.remember(i, opened(many // 4))
    assert [*corpus_cache.OPENED] == [*range(4, few + 4)]


def test_empty_ones_are_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    many = 300
    monkeypatch.setattr(corpus_cache, "_MOST_OPENED", (8, many))
    for i in range(many + 10):
        corpus_cache.OPENED[i] = opened(0)
    corpus_cache.remember("last", opened(0))
    assert len(corpus_cache.OPENED) == many
    assert "last" in corpus_cache.OPENED
