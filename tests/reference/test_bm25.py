"""BM25 and reciprocal rank fusion against their formulas written out, and against bm25s' own tokenised corpus."""

import math
import random
from collections import Counter

import numpy as np
import pytest

from workbench.documents import Chunks, Corpus, Document
from workbench.retrievers import BM25, Collection, Hybrid
from workbench.retrievers.analyser import terms
from workbench.retrievers.bm25 import Lexical, Terms

VOCABULARY = "alpha beta gamma delta E-4417 88-1032-B § 12.3(b) a_b 東京都 naïve x.y@z.de co-op 32GB the of".split(" ")


def collection(texts: list[str]) -> Collection:
    """One document a text, one chunk a document, in the order of the texts."""
    documents = [Document(str(i), f"{i:06}-{text}", f"{i:06}", text) for i, text in enumerate(texts)]
    return Collection(Corpus(tuple(documents)), [Chunks.of(d, [(0, len(d.text))]) for d in documents])


def made_up(seed: int) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    weights = [1 / (i + 1) for i in range(len(VOCABULARY))]
    texts = [" ".join(draw.choices(VOCABULARY, weights, k=draw.randint(0, 60))) for _ in range(draw.randint(1, 60))]
    return texts, [" ".join(draw.choices([*VOCABULARY, "unseen"], k=draw.randint(1, 6))) for _ in range(10)]


def bm25(query: list[str], texts: list[list[str]], k1: float, b: float) -> list[float]:
    """Robertson's formula with Lucene's idf, term by term."""
    n = len(texts)
    average = sum(len(t) for t in texts) / n
    out = []
    for text in texts:
        counts, score = Counter(text), 0.0
        for term in query:
            holding = sum(term in other for other in texts)
            idf = math.log(1 + (n - holding + 0.5) / (holding + 0.5))
            if counts[term]:
                score += idf * counts[term] / (counts[term] + k1 * (1 - b + b * len(text) / average))
        out.append(score)
    return out


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("k1,b", [(1.5, 0.75), (1.2, 0.0), (0.0, 1.0), (3.0, 1.0)])
def test_scores_equal_the_formula(seed: int, k1: float, b: float) -> None:
    texts, queries = made_up(seed)
    rows = collection(texts)
    analysed = [terms(t) for t in texts]
    for query, hits in zip(queries, BM25(k1=k1, b=b)(rows, queries, 1000), strict=True):
        expected = bm25(terms(query), analysed, k1, b)
        assert {h.chunk for h in hits} == {i for i, score in enumerate(expected) if score > 0}
        assert [h.score for h in hits] == pytest.approx([expected[h.chunk] for h in hits], abs=1e-6)
        assert [h.score for h in hits] == pytest.approx(sorted((s for s in expected if s > 0), reverse=True), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_plain_words_score_as_in_bm25s_own_pipeline(seed: int) -> None:
    import bm25s

    draw = random.Random(seed)
    words = "red green blue cyan magenta yellow black white grey pink".split()
    texts = [" ".join(draw.choices(words, k=draw.randint(1, 30))) for _ in range(40)]
    query = " ".join(draw.sample(words, 3))
    theirs = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    theirs.index(bm25s.tokenize(texts, stopwords=None, show_progress=False), show_progress=False)
    expected = theirs.get_scores(query.split())
    hits = BM25()(collection(texts), [query], 1000)[0]
    scores = np.zeros(len(texts))
    scores[[h.chunk for h in hits]] = [h.score for h in hits]
    assert scores == pytest.approx(expected, abs=1e-5)  # theirs are float32


class Nearest:
    """A dense index that gives rows in an order of its own, for the arithmetic of fusion."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = np.array(scores, np.float32)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.argsort(-self.scores, kind="stable")[:k]
        return np.tile(self.scores[rows], (len(queries), 1)), np.tile(rows, (len(queries), 1))

    def encode_query(self, texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 1), np.float32)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rrf_k,depth", [(60, 100), (1, 5), (60, 3)])
def test_reciprocal_rank_fusion_equals_its_formula(seed: int, rrf_k: int, depth: int) -> None:
    texts, queries = made_up(seed)
    draw = random.Random(seed)
    dense = Nearest([draw.random() for _ in texts])
    rows = collection(texts).with_vectors(dense, dense)
    k = 4
    for query, hits in zip(queries, Hybrid(rrf_k=rrf_k, depth=depth)(rows, queries, k), strict=True):
        lexical = bm25(terms(query), [terms(t) for t in texts], 1.5, 0.75)
        by_words = [i for i in sorted(range(len(texts)), key=lambda i: (-round(lexical[i], 9), i)) if lexical[i] > 0]
        by_vector = sorted(range(len(texts)), key=lambda i: (-dense.scores[i], i))
        fused: dict[int, float] = {}
        for ranking in (by_vector[: max(depth, k)], by_words[: max(depth, k)]):
            for rank, row in enumerate(ranking, 1):
                fused[row] = fused.get(row, 0) + 1 / (rrf_k + rank)
        assert [h.score for h in hits] == pytest.approx(sorted(fused.values(), reverse=True)[:k], abs=1e-12)
        assert [h.score for h in hits] == pytest.approx([fused[h.chunk] for h in hits], abs=1e-12)


def test_weighted_fusion_equals_its_formula() -> None:
    texts = ["red", "red red blue", "blue blue", "green", "red green"]
    dense = Nearest([0.1, 0.5, 0.9, 0.3, 0.2])
    rows = collection(texts).with_vectors(dense, dense)
    lexical = bm25(["red"], [t.split() for t in texts], 1.5, 0.75)
    held = [s for s in lexical if s > 0]
    words = [(s - min(held)) / (max(held) - min(held)) if s > 0 else 0 for s in lexical]
    vectors = [(s - 0.1) / 0.8 for s in (0.1, 0.5, 0.9, 0.3, 0.2)]
    for weight in (0.25, 0.5, 0.75):
        expected = [weight * v + (1 - weight) * w for v, w in zip(vectors, words, strict=True)]
        hits = Hybrid(fusion="weighted", weight=weight)(rows, ["red"], 5)[0]
        assert [h.score for h in hits] == pytest.approx([expected[h.chunk] for h in hits], abs=1e-6)
        assert len(hits) == 5
    only_words = Hybrid(fusion="weighted", weight=0)(rows, ["red"], 5)[0]
    assert [h.chunk for h in only_words] == [h.chunk for h in BM25()(rows, ["red"], 5)[0]]
    only_vectors = Hybrid(fusion="weighted", weight=1)(rows, ["red"], 5)[0]
    assert [h.chunk for h in only_vectors] == [2, 1, 3, 4, 0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k1,b", [(1.5, 0.75), (0.0, 0.0), (2.0, 1.0)])
def test_scores_are_those_of_bm25s_bit_for_bit(seed: int, k1: float, b: float) -> None:
    import bm25s

    rng = np.random.default_rng(seed)
    rows = [np.minimum(rng.zipf(1.4, rng.integers(0, 60)), 299).astype(np.int32) for _ in range(400)]
    vocabulary = {f"w{i}": i for i in range(300)}
    theirs = bm25s.BM25(k1=k1, b=b, method="lucene", dtype="float64")
    theirs.scores = theirs.build_index_from_ids(range(300), [row.tolist() for row in rows], show_progress=False)
    ours = Lexical(Terms.of(rows, vocabulary), k1, b)
    for query in ([1], [1, 2, 3], [299, 1, 1], [298, 17, 40]):
        assert ours.scores(" ".join(f"w{i}" for i in query)).tobytes() == theirs.get_scores_from_ids(query).tobytes()
