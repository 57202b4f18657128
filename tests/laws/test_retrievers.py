"""Laws that every registered retriever keeps, on any corpus, chunking, query and filter."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.documents import Chunks, Corpus, Document
from workbench.errors import SpecError
from workbench.retrievers import (
    BM25,
    MMR,
    RETRIEVERS,
    Collection,
    Dense,
    Hybrid,
    Rerank,
    Retriever,
    VectorsMissing,
    Where,
    context,
    reranking,
)
from workbench.specs import from_dict, to_dict
from workbench.testing import check_hits, check_method

METHODS = [cls() for cls in RETRIEVERS.values()] + [
    RETRIEVERS["hybrid"](fusion="weighted"),  # type: ignore[call-arg]
    RETRIEVERS["hybrid"](fusion="weighted", weight=1.0, depth=2),  # type: ignore[call-arg]
    RETRIEVERS["bm25"](k1=0.0, b=0.0),  # type: ignore[call-arg]
    BM25(stemmer="english", stop_words="en"),
    BM25(expand="neighbours", window=2),
    Dense(expand="section"),
    Hybrid(expand="neighbours", merge=True),
    MMR(weight=0.2),
    MMR(weight=1.0, depth=3),
    Rerank(first="bm25"),
]
laws = pytest.mark.parametrize("retriever", METHODS, ids=lambda r: " ".join(map(str, to_dict(r).values())))


@pytest.fixture(autouse=True)
def _fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cross-encoder that counts: many texts tie."""
    monkeypatch.setattr(
        reranking, "pair_scores", lambda model, query, texts: np.array([float(t.count("b")) for t in texts])
    )


@dataclass
class Counted:
    """An encoder whose vectors count three letters: many texts tie."""

    def encode_query(self, texts: list[str]) -> np.ndarray:
        return np.array([[t.count("a"), t.count("b"), t.count("c")] for t in texts], np.float32).reshape(-1, 3)


@dataclass
class Exact:
    """An exact inner-product index."""

    vectors: np.ndarray

    def decoded(self, rows: np.ndarray) -> np.ndarray:
        return self.vectors[rows]

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        scores = np.full((len(queries), k), -np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        for i, query in enumerate(queries):
            found = self.vectors @ query
            order = np.argsort(-found, kind="stable")[:k]
            scores[i, : len(order)], rows[i, : len(order)] = found[order], order
        return scores, rows


text = st.lists(st.sampled_from(["a", "b", "ab", "ca-1", "東京", "c\u0301", "bb", "-"]), max_size=12).map(" ".join)


@st.composite
def collections(draw: st.DrawFn) -> Collection:
    documents = [
        Document(str(i), f"{i}{t}", draw(st.sampled_from("xyz")), t)
        for i, t in enumerate(draw(st.lists(text, max_size=4)))
    ]
    corpus = Corpus(tuple(documents))
    chunks = []
    for document in documents:
        place = st.integers(0, len(document.text))
        pairs = sorted(tuple(sorted(pair)) for pair in draw(st.lists(st.tuples(place, place), max_size=8)))
        chunks.append(Chunks.of(document, pairs, [draw(st.sampled_from(["", "a c"])) for _ in pairs]))
    rows = Collection(corpus, chunks)
    vectors = Counted().encode_query(rows.texts())
    part = (lambda some: Exact(vectors[some])) if draw(st.booleans()) else None
    return rows.with_vectors(Exact(vectors), Counted(), part)


def keys(rows: Collection, hits: list) -> list[tuple[float, int]]:
    return [(-h.score, h.chunk) for h in hits]


@laws
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(collections(), st.lists(text, min_size=1, max_size=3), st.integers(1, 40))
def test_hits_are_ranked_spans_of_the_corpus(
    retriever: Retriever, rows: Collection, queries: list[str], k: int
) -> None:
    for hits in retriever(rows, queries, k):
        check_hits(hits, rows, k)
        for hit in hits:
            if retriever.expansion == ("none", 1, False):
                assert hit.span == rows.span(hit.chunk)
            elif not retriever.expansion[2]:
                units = retriever.units(rows)[hit.span.document].tolist()
                assert [hit.span.start, hit.span.end] in units
            assert hit.header == rows.headers[hit.chunk]
            assert rows.corpus[rows.span(hit.chunk)] in rows.text(hit.chunk)


@laws
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(collections(), st.lists(text, min_size=1, max_size=4), st.integers(1, 10))
def test_a_query_has_the_same_hits_alone_and_again(
    retriever: Retriever, rows: Collection, queries: list[str], k: int
) -> None:
    together = retriever(rows, queries, k)
    assert together == [retriever(rows, [query], k)[0] for query in reversed(queries)][::-1]
    assert together == retriever(rows, queries, k)


@laws
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(collections(), text, st.integers(1, 10))
def test_fewer_hits_are_the_first_of_more(retriever: Retriever, rows: Collection, query: str, k: int) -> None:
    # Candidates grow with k beyond a depth, and what is merged is not replaced.
    if getattr(retriever, "depth", 100) >= 20 and not retriever.expansion[2]:
        assert retriever(rows, [query], k)[0] == retriever(rows, [query], 20)[0][:k]


@laws
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(collections(), text, st.integers(1, 6), st.data())
def test_a_filter_gives_the_best_of_the_allowed_rows(
    retriever: Retriever, rows: Collection, query: str, k: int, data: st.DataObject
) -> None:
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
    hits = retriever(rows, [query], k, where=mask)[0]
    assert all(mask[h.chunk] for h in hits)
    # What ranks among allowed candidates, or leaves out what lies within an allowed hit, depends on what is allowed.
    if retriever.kind in ("dense", "bm25") and retriever.expansion[0] == "none":
        full = [h for h in retriever(rows, [query], 1000)[0] if mask[h.chunk]]
        assert keys(rows, hits) == keys(rows, full[:k])
    assert retriever(rows, [query], k, where=np.ones(len(rows), np.bool_)) == retriever(rows, [query], k)
    assert retriever(rows, [query], k, where=np.zeros(len(rows), np.bool_)) == [[]]


@laws
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(collections(), text)
def test_documents_and_sections_filter(retriever: Retriever, rows: Collection, query: str) -> None:
    for document in rows.corpus:
        hits = retriever(rows, [query], 5, where=Where(documents=(document.id,)))[0]
        assert {h.span.document for h in hits} <= {document.id}
    assert retriever(rows, [query], 5, where=Where(documents=())) == [[]]
    assert retriever(rows, [query], 5, where=Where(section=("nowhere",))) == [[]]
    assert retriever(rows, [query], 5, where=Where()) == retriever(rows, [query], 5)


@laws
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(collections(), text, st.integers(1, 10))
def test_no_hit_lies_within_a_better_one_once_expanded(
    retriever: Retriever, rows: Collection, query: str, k: int
) -> None:
    if retriever.expansion[0] != "none":
        hits = retriever(rows, [query], k)[0]
        for i, hit in enumerate(hits):
            assert not any(better.span.covers(hit.span) for better in hits[:i])
        if retriever.expansion[2]:
            assert context(hits, rows.corpus).passages == () or len(context(hits, rows.corpus).passages) == len(hits)


@laws
def test_nothing_to_search_gives_no_hits(retriever: Retriever) -> None:
    empty = Collection(Corpus(()), []).with_vectors(Exact(np.empty((0, 3), np.float32)), Counted())
    assert retriever(empty, ["a", ""], 5) == [[], []]
    assert retriever(empty, [], 5) == []


@laws
@pytest.mark.parametrize("k", [0, -1, 1001, 2.5, True, None])
def test_k_out_of_range_is_refused(retriever: Retriever, k: object) -> None:
    with pytest.raises(SpecError, match=r"k \(.*\) must be a whole number from 1 to 1000"):
        retriever(Collection(Corpus(()), []), ["a"], k)  # type: ignore[arg-type]


@laws
def test_a_retriever_says_whether_it_needs_vectors(retriever: Retriever) -> None:
    document = Document("s", "id", "name", "a b c")
    rows = Collection(Corpus((document,)), [Chunks.of(document, [(0, 5)])])
    assert not rows.has_vectors
    if retriever.needs_vectors:
        with pytest.raises(VectorsMissing, match="1 chunks have no vectors"):
            retriever(rows, ["a"], 5)
    else:
        assert len(retriever(rows, ["c"], 5)[0]) == 1


@laws
def test_a_retriever_round_trips_and_its_identity_is_its_own(retriever: Retriever) -> None:
    assert from_dict(RETRIEVERS, to_dict(retriever), "retriever") == retriever
    assert [r.fingerprint for r in METHODS].count(retriever.fingerprint) == 1
    check_method(type(retriever))
