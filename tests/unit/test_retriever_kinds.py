"""MMR against its definition, words, expansion and merging, and how alike rankings and models are."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.documents import Chunks, Corpus, Document, Section
from workbench.embedders import Static
from workbench.errors import SpecError
from workbench.parsers import read
from workbench.pipelines import Pipeline, from_yaml, prepared, to_yaml
from workbench.records import Hit
from workbench.retrievers import (
    BM25,
    RETRIEVERS,
    Collection,
    Dense,
    Hybrid,
    Retriever,
    Words,
    agreement,
    overlap_at,
    rank_biased_overlap,
)
from workbench.retrievers.contexts import merged
from workbench.retrievers.methods import marginal_relevance
from workbench.spans import Span, ranges
from workbench.splitters import Recursive
from workbench.vectors import unit


@settings(max_examples=60)
@given(st.integers(1, 25), st.integers(0, 99), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.integers(1, 30))
def test_mmr_is_its_definition(n: int, seed: int, weight: float, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, query = unit(rng.normal(size=(n, 6))), unit(rng.normal(size=(1, 6)))[0]
    relevance = (vectors @ query).astype(np.float64)
    chosen, left = [], list(range(n))
    while left and len(chosen) < k:

        def value(i: int, chosen: list[int] = chosen) -> float:
            most = max([0.0] + [float(vectors[i] @ vectors[j]) for j in chosen])
            return weight * float(relevance[i]) - (1 - weight) * most

        best = max(left, key=lambda i: (round(value(i), 5), -i))
        chosen.append(best)
        left.remove(best)
    found, scores = marginal_relevance(relevance, vectors, weight, k)
    if weight or n == 1:  # without any weight on the query, what points away ties
        assert found.tolist() == chosen
    assert (np.diff(scores) <= 0).all()
    assert len(set(found.tolist())) == min(n, k)


def document(text: str, headings: tuple[str, ...] = ()) -> Document:
    sections = tuple(Section("heading", 1, Span("d", text.index(h), text.index(h) + len(h)), h) for h in headings)
    return Document("s", "d", "a.txt", text, sections)


def collection(
    text: str, cuts: list[tuple[int, int]], headings: tuple[str, ...] = (), parents: object = None
) -> Collection:
    d = document(text, headings)
    return Collection(Corpus((d,)), [Chunks("d", ranges(cuts), parents=parents)])  # type: ignore[arg-type]


def found(rows: Collection, retriever: Retriever, query: str, k: int = 5) -> list[str]:
    return [rows.corpus[hit.span] for hit in retriever(rows, [query], k)[0]]


def test_stems_meet_and_stop_words_do_not_count_and_codes_stay() -> None:
    text = "the houses of E-4417\nmax_tokens and the rest\nHouse rules"
    rows = collection(text, [(0, 20), (21, 44), (45, 56)])
    assert found(rows, BM25(), "housing") == []
    assert set(found(rows, BM25(stemmer="english"), "housing")) == {"the houses of E-4417", "House rules"}
    assert len(found(rows, BM25(), "the of and")) == 2
    assert found(rows, BM25(stop_words="en"), "the of and") == []
    for retriever in (BM25(), BM25(stemmer="english", stop_words="en")):
        assert found(rows, retriever, "E-4417") == ["the houses of E-4417"]
        assert found(rows, retriever, "max_tokens")[0] == "max_tokens and the rest"
    assert Words("german", "de")(["häuser", "haus", "und", "e-4417", "42"]) == ["haus", "haus", None, "e-4417", "42"]


def test_every_stemmer_and_list_can_be_used() -> None:
    from workbench.retrievers import STEMMERS, STOP_WORDS

    for stemmer in STEMMERS:
        for stop_words in STOP_WORDS:
            assert len(Words(stemmer, stop_words)(["a", "kleine", "e-4417"])) == 3


def test_the_identity_of_what_was_there_before_is_the_same() -> None:
    assert Dense().identity() == {"kind": "dense"}
    assert BM25().identity() == {"kind": "bm25", "k1": 1.5, "b": 0.75, "analyser": 1}
    assert set(Hybrid().identity()) == {"kind", "fusion", "rrf_k", "weight", "depth", "k1", "b", "analyser"}
    assert Dense(window=5).identity() == Dense().identity()
    assert Dense(expand="neighbours", window=5).identity() == {"kind": "dense", "expand": "neighbours", "window": 5}


TEXT = "One\naa bb cc\nTwo\ndd ee ff"
CUTS = [(0, 6), (7, 9), (10, 12), (13, 19), (20, 22), (23, 25)]


def test_expansion_by_neighbours_sections_and_parents() -> None:
    rows = collection(TEXT, CUTS, ("One", "Two"))
    assert found(rows, BM25(), "bb") == ["bb"]
    assert found(rows, BM25(expand="neighbours"), "bb") == ["One\naa bb cc"]
    assert found(rows, BM25(expand="neighbours", window=20), "ff") == [TEXT]
    assert found(rows, BM25(expand="section"), "bb") == ["One\naa bb cc\n"]
    assert found(rows, BM25(expand="section"), "ee") == ["Two\ndd ee ff"]
    assert BM25(expand="section").units(rows)["d"].tolist() == [[0, 13]] * 3 + [[13, 25]] * 3
    assert BM25().units(rows)["d"].tolist() == [list(c) for c in CUTS]
    with pytest.raises(SpecError, match="needs a splitter that knows parents"):
        found(rows, BM25(expand="parent"), "bb")
    parents = ranges([(0, 12)] * 3 + [(13, 25)] * 3)
    rows = collection(TEXT, CUTS, parents=parents)
    assert found(rows, BM25(expand="parent"), "ee") == ["Two\ndd ee ff"]


def test_what_lies_within_a_better_hit_gives_way_to_another_chunk() -> None:
    rows = collection(TEXT, CUTS, ("One", "Two"))
    hits = BM25(expand="section")(rows, ["aa bb cc ee"], 2)[0]
    assert [(h.rank, rows.corpus[h.span][:3]) for h in hits] == [(1, "One"), (2, "Two")]


def test_parents_must_hold_their_chunk() -> None:
    with pytest.raises(ValueError, match="parent that holds it"):
        Chunks("d", ranges([(0, 5)]), parents=ranges([(1, 9)]))


def test_touching_hits_merge_at_the_better_rank() -> None:
    corpus = Corpus((document("aa bb cc dd"),))
    spans = [(9, 11), (3, 5), (0, 2), (6, 7)]
    hits = [Hit(Span("d", *s), 1.0 / r, r, r) for r, s in enumerate(spans, 1)]
    assert [(h.rank, h.span.start, h.span.end, h.chunk) for h in merged(hits, corpus)] == [(1, 9, 11, 1), (2, 0, 7, 2)]
    rows = collection("aa bb cc dd", [(0, 2), (3, 5), (6, 8), (9, 11)])
    assert found(rows, BM25(merge=True), "bb aa dd") == ["aa bb", "dd"]


def test_overlap_is_a_share_of_the_first_k() -> None:
    assert overlap_at("abcd", "bace", 2) == 1.0
    assert overlap_at("abcd", "bxyz", 4) == 0.25
    assert overlap_at("ab", "a", 5) == 0.5
    assert overlap_at("", "", 5) == 1.0


def test_rank_biased_overlap_is_webbers() -> None:
    assert rank_biased_overlap("abc", "abc") == pytest.approx(1.0)
    assert rank_biased_overlap("abc", "xyz") == 0.0
    assert rank_biased_overlap("", "") == 1.0
    # equal lengths: (1 − p)/p · Σ A_d p^d + A_k p^k, agreements 0, 1, 2/3
    p, agreements = 0.8, [0, 1, 2 / 3]
    by_hand = (1 - p) / p * sum(a * p**d for d, a in enumerate(agreements, 1)) + agreements[-1] * p**3
    assert rank_biased_overlap("abc", "bax", 0.8) == pytest.approx(by_hand)
    # uneven: a prefix agrees in full, so the rest is taken to agree as well
    assert rank_biased_overlap("abcd", "ab", 0.9) == pytest.approx(1.0)
    assert rank_biased_overlap("abcd", "ba", 0.9) == rank_biased_overlap("ba", "abcd", 0.9) < 1
    for bad in (0.0, 1.0):
        with pytest.raises(SpecError, match="between 0 and 1"):
            rank_biased_overlap("a", "a", bad)
    with pytest.raises(SpecError, match="once"):
        rank_biased_overlap("aa", "ab")


@settings(max_examples=80)
@given(st.permutations(range(8)), st.permutations(range(8)), st.integers(1, 8), st.integers(1, 8))
def test_rank_biased_overlap_is_a_share_and_symmetric(a: list[int], b: list[int], m: int, n: int) -> None:
    value = rank_biased_overlap(a[:m], b[:n])
    assert -1e-9 <= value <= 1 + 1e-9
    assert value == pytest.approx(rank_biased_overlap(b[:n], a[:m]))


def test_models_that_agree_and_the_chunk_on_which_they_do_not() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(60, 8)).astype(np.float32)
    same = agreement(a, 3 * a @ np.linalg.qr(rng.normal(size=(8, 8)))[0].astype(np.float32), 10)
    assert (same.overlap == 1).all()
    assert same.rank_biased == pytest.approx(np.ones(60))
    b = a.copy()
    b[17] = -a[17]
    mixed = agreement(a, b, 10)
    assert mixed.disagreements(1).tolist() == [17]
    assert 0.1 < np.mean(agreement(a, rng.normal(size=(60, 4)).astype(np.float32), 10).overlap) < 0.3  # chance: 10/59
    assert np.isnan(agreement(a[:1], a[:1]).overlap).all()
    twins = np.ones((30, 4), np.float32)
    assert agreement(twins, twins, 5).overlap.tolist() == [1.0] * 30
    with pytest.raises(SpecError, match="60 and 3 vectors"):
        agreement(a, a[:3])


@pytest.fixture(scope="module")
def sample(root: Path) -> Corpus:
    return read(root / "sample_docs", safely=False)


@pytest.mark.parametrize("kind", [k for k in RETRIEVERS if k != "rerank"])
@pytest.mark.parametrize("expand", ["none", "neighbours", "section"])
def test_each_retriever_finds_the_sample_corpus(kind: str, expand: str, sample: Corpus) -> None:
    retriever = RETRIEVERS[kind](expand=expand)  # type: ignore[call-arg]
    pipeline = Pipeline(splitter=Recursive(chunk_size=120, chunk_overlap=0), embedder=Static(), retriever=retriever)
    assert from_yaml(to_yaml(pipeline)) == pipeline
    rows = prepared(sample, pipeline)
    hits = retriever(rows, ["How many days of annual leave do employees have?"], 5)[0]
    assert 1 <= len(hits) <= 5
    assert any("leave" in rows.corpus[h.span].lower() for h in hits)
