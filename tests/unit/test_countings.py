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
from workbench.ui import countings


def document(name: str, characters: int) -> Document:
    id = digest(name.encode())
    return Document(id, id, name, "a" * characters)


@pytest.mark.parametrize("sizes", [(MANY_CHARACTERS + 9, MANY_CHARACTERS + 5), (MANY_CHARACTERS + 9, 7, 8, 9)])
def test_a_part_of_huge_documents_is_not_empty(sizes: tuple[int, ...]) -> None:
    corpus = Corpus(tuple(document(str(i), n) for i, n in enumerate(sizes)))
    part = countings.part(corpus)
    fits = [n for n in sizes if n <= MANY_CHARACTERS]
    assert sorted(len(d.text) for d in part) == (sorted(fits) or [min(sizes)])
    assert countings.said(part, corpus) == f"By a sample of {len(part):,} of {len(corpus):,} documents."
    assert {d.id for d in countings.part(corpus, frozenset([corpus.documents[0].id]))} >= {corpus.documents[0].id}


def test_a_small_corpus_is_its_own_part() -> None:
    corpus = Corpus((document("a", 10),))
    assert countings.part(corpus) is corpus
    assert countings.said(corpus, corpus) == ""


def test_figures_are_counted_where_the_store_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tuple(document(str(i), 900) for i in range(5)))
    pipeline = Pipeline(splitter=Recursive(200, 0, "characters"), embedder=Static())
    rows, store = collection(corpus, pipeline.splitter), Store(None)
    exact = countings.totals(corpus, pipeline)

    def full(kind: str, entries: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "put_many", full)
    assert countings._counted(rows, pipeline, store, lambda done, total: None, lambda: False) == exact
    monkeypatch.undo()
    for _ in range(2):  # made, then read
        assert countings._counted(rows, pipeline, store, lambda done, total: None, lambda: False) == exact
    assert store.usage()[countings.KIND].entries == 5


def test_figures_follow_the_tokenizer_not_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus((document("a", 900),))
    pipeline = Pipeline(splitter=Recursive(200, 0, "characters"), embedder=Static())
    rows, store = collection(corpus, pipeline.splitter), Store(None)
    countings._counted(rows, pipeline, store, lambda done, total: None, lambda: False)
    monkeypatch.setattr(countings, "tokenizer", lambda name: SimpleNamespace(sha256="another"))
    countings._counted(rows, pipeline, store, lambda done, total: None, lambda: False)
    assert store.usage()[countings.KIND].entries == 2
