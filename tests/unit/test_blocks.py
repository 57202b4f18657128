"""Pooled vectors of large corpora: made once for each document, and the same as without the store."""

from collections.abc import Iterator

import numpy as np
import pytest

from workbench.documents import Chunks, Document
from workbench.embedders import Cancelled, vector_cache
from workbench.embedders.vector_cache import BLOCKS, pooled_vectors
from workbench.store import Store


class Lengths:
    """A chunk's vector is its length and its document's number; says which documents it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def prepare(self, *_: object) -> None: ...

    def encode_spans(self, document: Document, chunks: Chunks, store: Store | None = None) -> np.ndarray:
        self.asked.append(document.name)
        return np.array([[b - a, float(document.name)] for a, b in chunks.spans.tolist()], np.float32).reshape(-1, 2)


def parts(n: int, size: int = 3) -> Iterator[tuple[Document, Chunks]]:
    for i in range(n):
        document = Document(str(i), f"id-{i}", str(i), "some text")
        yield document, Chunks.of(document, [(j, 9) for j in range(size)])


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_cache, "LARGE", 30)
    monkeypatch.setattr(vector_cache, "_TOGETHER", 4)


def test_one_document_more_costs_its_own_alone() -> None:
    embedder, store, told = Lengths(), Store(None), []
    first = pooled_vectors(embedder, "m", parts(10), (30, 2), store, lambda done, total: told.append((done, total)))
    assert told == [(0, 30), (12, 30), (24, 30), (30, 30)]
    assert len(embedder.asked) == 10
    more = pooled_vectors(embedder, "m", parts(11), (33, 2), store)
    assert embedder.asked[10:] == ["10"]
    assert more[:30].tobytes() == first.tobytes()
    assert more.tobytes() == pooled_vectors(Lengths(), "m", parts(11), (33, 2)).tobytes()


def test_another_cut_or_model_is_made_anew() -> None:
    embedder, store = Lengths(), Store(None)
    pooled_vectors(embedder, "m", parts(10), (30, 2), store)
    pooled_vectors(embedder, "m", parts(10, 4), (40, 2), store)
    pooled_vectors(embedder, "n", parts(10), (30, 2), store)
    assert len(embedder.asked) == 30


def test_little_is_not_kept() -> None:
    embedder, store = Lengths(), Store(None)
    pooled_vectors(embedder, "m", parts(9), (27, 2), store)
    assert not store.get_many(BLOCKS, ["any"])
    assert BLOCKS not in store.usage()


def test_stopping_keeps_what_is_done() -> None:
    embedder, store = Lengths(), Store(None)
    with pytest.raises(Cancelled, match="stopped after 12 of 30 chunks"):
        pooled_vectors(embedder, "m", parts(10), (30, 2), store, cancelled=lambda: len(embedder.asked) >= 4)
    pooled_vectors(embedder, "m", parts(10), (30, 2), store)
    assert sorted(embedder.asked) == sorted(str(i) for i in range(10))
