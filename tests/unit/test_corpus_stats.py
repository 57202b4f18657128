"""Figures and parts of large corpora: what is looked at, and by what figures are kept."""

from types import SimpleNamespace

import pytest

from workbench.documents import Corpus, Document
from workbench.embedders import Static
from workbench.errors import StoreError
from workbench.pipelines import Pipeline, collection
from workbench.specs import digest
from workbench.splitters import Recursive
from workbench.splitters.chunk_cache import MANY_CHARACTERS
from workbench.store import Store
from workbench.tasks import QUIET
from workbench.ui import corpus_stats


def document(name: str, characters: int) -> Document:
    id = digest(name.encode())
    return Document(id, id, name, "a" * characters)


@pytest.mark.parametrize("sizes", [(MANY_CHARACTERS + 9, MANY_CHARACTERS + 5), (MANY_CHARACTERS + 9, 7, 8, 9)])
def test_a_part_of_huge_documents_is_not_empty(sizes: tuple[int, ...]) -> None:
    corpus = Corpus(tuple(document(str(i), n) for i, n in enumerate(sizes)))
    part = corpus_stats.part(corpus)
    fits = [n for n in sizes if n <= MANY_CHARACTERS]
    assert sorted(len(d.text) for d in part) == (sorted(fits) or [min(sizes)])
    assert corpus_stats.said(part, corpus) == f"By a sample of {len(part):,} of {len(corpus):,} documents."
    assert {d.id for d in corpus_stats.part(corpus, frozenset([corpus.documents[0].id]))} >= {corpus.documents[0].id}


def test_a_small_corpus_is_its_own_part() -> None:
    corpus = Corpus((document("a", 10),))
    assert corpus_stats.part(corpus) is corpus
    assert corpus_stats.said(corpus, corpus) == ""


def test_figures_are_counted_where_the_store_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tuple(document(str(i), 900) for i in range(5)))
    pipeline = Pipeline(splitter=Recursive(200, 0, "characters"), embedder=Static())
    rows, store = collection(corpus, pipeline.splitter), Store(None)
    exact = corpus_stats.totals(corpus, pipeline)

    def full(kind: str, entries: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "put_many", full)
    assert corpus_stats.counted(rows, pipeline, store, QUIET) == exact
    monkeypatch.undo()
    for _ in range(2):  # made, then read
        assert corpus_stats.counted(rows, pipeline, store, QUIET) == exact
    assert store.usage()[corpus_stats.KIND].entries == 5


def test_figures_follow_the_tokenizer_not_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus((document("a", 900),))
    pipeline = Pipeline(splitter=Recursive(200, 0, "characters"), embedder=Static())
    rows, store = collection(corpus, pipeline.splitter), Store(None)
    corpus_stats.counted(rows, pipeline, store, QUIET)
    monkeypatch.setattr(corpus_stats, "tokenizer", lambda name: SimpleNamespace(sha256="another"))
    corpus_stats.counted(rows, pipeline, store, QUIET)
    assert store.usage()[corpus_stats.KIND].entries == 2
