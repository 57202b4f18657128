import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from workbench import models
from workbench.embedders import (
    EMBEDDERS,
    Cancelled,
    Embedder,
    SentenceTransformer,
    Static,
    embed,
    embedder_for,
    sentence_transformer,
)
from workbench.errors import ModelUnavailable, SpecError, StoreError
from workbench.specs import from_dict, option, to_dict
from workbench.store import Store

CALLS: list[list[str]] = []


@dataclass(frozen=True, slots=True)
class Counting(Embedder):
    """An embedder that writes down what it was asked to embed, in batches of three, from the last text to the first."""

    kind: ClassVar[str] = "static"
    model: str = option("wordllama-256", "as the static one")
    shift: int = option(0, "added to every number")

    def batches(self, texts: Sequence[str]) -> Iterator[np.ndarray]:
        for start in range(0, len(texts), 3):
            yield np.arange(len(texts))[::-1][start : start + 3]

    def encode_batch(self, texts: list[str], query: bool) -> np.ndarray:
        CALLS.append(texts)
        return np.array([[hash(text) % 1000 + query + self.shift] * 256 for text in texts], np.float32)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    CALLS.clear()


@pytest.fixture
def store() -> Store:
    return Store(None)


TEXTS = ["a", "b", "a", "c", "d", "", "a"]


def test_each_distinct_text_is_embedded_once(store: Store) -> None:
    rows = embed(Counting(), TEXTS, store)
    assert sorted(t for batch in CALLS for t in batch) == sorted(set(TEXTS))
    assert rows.dtype == np.float32
    assert [row[0] for row in rows] == [hash(t) % 1000 for t in TEXTS]
    CALLS.clear()
    again = embed(Counting(), [*TEXTS, "new"], store)
    assert CALLS == [["new"]]
    assert (again[:-1] == rows).all()


def test_queries_and_documents_do_not_mix(store: Store) -> None:
    document, query = embed(Counting(), ["a"], store), embed(Counting(), ["a"], store, queries=True)
    assert (query == document + 1).all()


def test_another_embedder_has_its_own_vectors(store: Store) -> None:
    embed(Counting(), ["a"], store)
    assert (embed(Counting(shift=5), ["a"], store) == hash("a") % 1000 + 5).all()


def test_progress_counts_new_texts_and_ends_complete(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.embedders.vector_cache._PAUSE", 0)
    embed(Counting(), ["x", "y"], store)
    seen: list[tuple[int, int]] = []
    embed(Counting(), [*map(str, range(10)), "x", "y", "0"], store, progress=lambda *at: seen.append(at))
    assert seen == [(0, 10), (3, 10), (6, 10), (9, 10), (10, 10)]
    seen.clear()
    embed(Counting(), ["x"], store, progress=lambda *at: seen.append(at))
    assert seen == [(0, 0)]


def test_cancelling_keeps_what_was_done(store: Store) -> None:
    texts = list(map(str, range(9)))
    with pytest.raises(Cancelled, match="6 of 9"):
        embed(Counting(), texts, store, cancelled=lambda: len(CALLS) == 2)
    CALLS.clear()
    embed(Counting(), texts, store)
    assert CALLS == [["2", "1", "0"]]


def test_a_failure_keeps_what_was_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Counting.encode_batch

    def failing(self: Counting, texts: list[str], query: bool) -> np.ndarray:
        if len(CALLS) == 2:
            raise ModelUnavailable("gone")
        return real(self, texts, query)

    monkeypatch.setattr(Counting, "encode_batch", failing)
    with pytest.raises(ModelUnavailable):
        embed(Counting(), list(map(str, range(9))), store)
    assert store.usage()["vectors"].entries == 6


def test_a_store_that_refuses_costs_no_vector(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    def full(kind: str, entries: dict[str, bytes]) -> None:
        asked.append(len(entries))
        raise StoreError("the disk is full")

    monkeypatch.setattr("workbench.embedders.vector_cache._PAUSE", 0)
    monkeypatch.setattr(store, "put_many", full, raising=False)
    texts = list(map(str, range(10)))
    assert [row[0] for row in embed(Counting(), texts, store)] == [hash(t) % 1000 for t in texts]
    assert asked == [3]  # it is not asked again
    assert [r.message for r in caplog.records if "the disk is full" in r.message] == [caplog.messages[0]]
    CALLS.clear()
    with pytest.raises(Cancelled, match="3 of 10"):  # nor does it hide why the embedding ended
        embed(Counting(), texts, store, cancelled=lambda: len(CALLS) == 1)


@pytest.mark.parametrize("data", [b"", b"short", bytes(4 * 255)])
def test_an_entry_of_another_length_is_made_again(store: Store, data: bytes) -> None:
    rows = embed(Counting(), ["a"], store)
    (key,) = [k for (k,) in store._connection.execute("SELECT key FROM entries")]
    store.put("vectors", key, data)
    CALLS.clear()
    assert (embed(Counting(), ["a"], store) == rows).all()
    assert CALLS == [["a"]]


def test_no_texts_and_no_store() -> None:
    assert embed(Counting(), []).shape == (0, 256)
    assert embed(Counting(), ["a", "a"]).shape == (2, 256)
    assert CALLS == [["a"]]


def test_the_right_kind_for_a_name() -> None:
    assert embedder_for("all-MiniLM-L6-v2") == SentenceTransformer()
    assert embedder_for("wordllama-256") == Static()
    with pytest.raises(ModelUnavailable):
        embedder_for("nobody/nothing")


def test_usable_tokens_are_less_specials_and_prefix() -> None:
    assert SentenceTransformer().max_tokens == 254
    assert SentenceTransformer(passage_prefix="passage: ").max_tokens == 252
    assert SentenceTransformer(query_prefix="query: ").max_tokens == 254
    assert Static().max_tokens is None


@pytest.mark.parametrize("field", ["passage_prefix", "query_prefix"])
def test_a_prefix_must_leave_room_for_the_text(field: str) -> None:
    assert SentenceTransformer(**{field: "word " * 253})
    with pytest.raises(SpecError, match=rf"{field} takes 254 tokens, but all-MiniLM-L6-v2 reads 254"):
        SentenceTransformer(**{field: "word " * 254})


def test_a_loaded_model_does_not_wait_for_one_that_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def network(model: models.Model, family: str, dtype: str) -> str:
        if dtype == "bfloat16":
            begun.set()
            assert go_on.wait(60)
        return dtype

    monkeypatch.setattr(sentence_transformer, "_network", network)
    monkeypatch.setattr(sentence_transformer, "_loaded", {})
    model = models.find(models.DEFAULT)
    here = sentence_transformer.loaded_network(model, dtype="float32")
    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(sentence_transformer.loaded_network, model, dtype="bfloat16")
        assert begun.wait(60)
        try:
            assert pool.submit(sentence_transformer.loaded_network, model, dtype="float32").result(timeout=30) is here
        finally:
            go_on.set()
        assert loading.result().network == "bfloat16"


def test_identity_is_content() -> None:
    plain = SentenceTransformer()
    assert "all-MiniLM-L6-v2" not in str(plain.identity())
    assert plain.identity()["weights"].startswith("53aa5117")
    assert plain.fingerprint == SentenceTransformer(query_prefix="", passage_prefix="").fingerprint
    different = [plain, SentenceTransformer(dtype="bfloat16"), SentenceTransformer(query_prefix="q: "),
                 SentenceTransformer(passage_prefix="q: "), Static()]  # fmt: skip
    assert len({e.fingerprint for e in different}) == len(different)


def test_fields_round_trip() -> None:
    spec = SentenceTransformer(dtype="bfloat16", passage_prefix="p: ")
    assert from_dict(EMBEDDERS, to_dict(spec), "embedder") == spec
    with pytest.raises(SpecError, match="float32, bfloat16, float16"):
        SentenceTransformer(dtype="int8")


def test_static_takes_texts_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["word " * 50, "", "x" * 1000, "y", "z"] * 3
    whole = Static().encode_document(texts)
    monkeypatch.setattr("workbench.embedders.static._BLOCK", 300)
    monkeypatch.setattr("workbench.embedders.static._PIECE", 7)
    batches = [b.tolist() for b in Static().batches(texts)]
    assert [i for b in batches for i in b] == list(range(15))
    assert all(sum(len(texts[i]) for i in b) <= 300 or len(b) == 1 for b in batches)
    np.testing.assert_allclose(Static().encode_document(texts), whole, atol=1e-6)


def test_transformer_batches_are_alike_in_length_and_within_the_budget() -> None:
    texts = [("word " * n).strip() for n in (1, 300, 5, 250, 20, 1, 100, 0, 3) * 8]
    sizes = np.array([min(len(t.split()), 254) + 8 for t in texts])
    batches = list(SentenceTransformer().batches(texts))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(texts)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * sizes[batch].max() <= 2_048
    lengths = np.concatenate([sizes[b] for b in batches])
    assert (np.diff(lengths) <= 0).all()
