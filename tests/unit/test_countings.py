"""Figures and parts of large corpora: what is looked at, and by what figures are kept."""

from types import SimpleNamespace

import pytest

from workbench.documents import Corpus, Document
from workbench.embedders import Static
from workbench.errors import StoreError
from workbench.pipelines import Pipeline, collection
from workbench.specs import digest
from workbench.splitters import Recursive
from workbench.splitters.cuttings import MANY_CHARACTERS
from workbench.store import Store
from workbench.ui import compute


def document(name: str, characters: int) -> Document:
    id = digest(name.encode())
    return Document(id, id, name, "a" * characters)


@pytest.mark.parametrize("sizes", [(MANY_CHARACTERS + 9, MANY_CHARACTERS + 5), (MANY_CHARACTERS + 9, 7, 8, 9)])
def test_a_part_of_huge_documents_is_not_empty(sizes: tuple[int, ...]) -> None:
    corpus = Corpus(tuple(document(str(i), n) for i, n in enumerate(sizes)))
    part = compute.part(corpus)
    fits = [n for n in sizes if n <= MANY_CHARACTERS]
    assert sorted(len(d.text) for d in part) == (sorted(fits) or [min(sizes)])
    assert compute.said(part, corpus) == f"By a sample of {len(part):,} of {len(corpus):,} documents."
    assert {d.id for d in compute.part(corpus, frozenset([corpus.documents[0].id]))} >= {corpus.documents[0].id}


def test_a_small_corpus_is_its_own_part() -> None:
    corpus = Corpus((document("a", 10),))
    assert compute.part(corpus) is corpus
    assert compute.said(corpus, corpus) == ""


def test_figures_are_counted_where_the_store_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tuple(document(str(i), 900) for i in range(5)))
    pipeline = Pipeline(splitter=Recursive(200, 0, "characters"), embedder=Static())
    rows, store = collection(corpus, pipeline.splitter), Store(None)
    exact = compute.totals(corpus, pipeline)

    def full(kind: str, entries: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "put_many", full)
    assert compute._counted(rows, pipeline, store, lambda done, total: None, lambda: False) == exact
    monkeypatch.undo()
    for _ in range(2):  # made, then read
        assert compute._counted(rows, pipeline, store, lambda done, total: None, lambda: False) == exact
    assert store.usage()[compute.KIND].entries == 5


def test_figures_follow_the_tokenizer_not_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus((document("a", 900),))
    pipeline = Pipeline(splitter=Recursive(200, 0, "characters"), embedder=Static())
    rows, store = collection(corpus, pipeline.splitter), Store(None)
    compute._counted(rows, pipeline, store, lambda done, total: None, lambda: False)
    monkeypatch.setattr(compute, "tokenizer", lambda name: SimpleNamespace(sha256="another"))
    compute._counted(rows, pipeline, store, lambda done, total: None, lambda: False)
    assert store.usage()[compute.KIND].entries == 2
