"""The retrievers: each is called with a collection and queries, and returns ranked hits."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.embedders.sentence_transformer import loaded_network
from workbench.errors import ModelUnavailable, SpecError
from workbench.extensions import methods
from workbench.records import Hit
from workbench.retrievers import analyser
from workbench.retrievers.analyser import STEMMERS, STOP_WORDS, Words
from workbench.retrievers.collection import Collection, Mask, Ranking, Where, best
from workbench.retrievers.contexts import EXPANSIONS, distinct, merged
from workbench.spans import Ranges
from workbench.specs import Spec, option, to_dict
from workbench.vectors import Vectors

MAX_K = 1000

DEFAULT_RERANKER = "cross-encoder/ms-marco-MiniLM-L6-v2"
"""Apache-2.0; fetched by the user, as no package carries it."""

_K1 = option(1.5, "How much a term's repetition in a chunk counts; 0 counts presence only.", low=0, high=10)
_B = option(0.75, "How far long chunks are marked down: 0 not at all, 1 in full.", low=0, high=1)
_BM25_K1 = option(1.5, "BM25's k1.", low=0, high=10, advanced=True)
_BM25_B = option(0.75, "BM25's b.", low=0, high=1, advanced=True)
_STEMMER = option("none", "Words are counted by their stem, in this language; codes stay.", choices=STEMMERS)
_STOP_WORDS = option("none", "Words too common to tell are left out, in this language.", choices=STOP_WORDS)
_DEPTH = "Candidates, at least k."

_QUIET = {"expand": "none", "window": 1, "merge": False, "stemmer": "none", "stop_words": "none"}
"""Values that are left out of an identity, so that what was known before there was a choice keeps its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriever(Spec):
    """How the best k chunks are found for a query, and what comes back for each.

    The rules of all: scores fall or stay equal with the rank, equal scores go by document and start, k is 1 to 1000,
    and a query's hits do not depend on the queries beside it. Expanded hits that lie within a better one are left out,
    and further chunks take their place; merged ones are not replaced.
    """

    expand: str = option(
        "none",
        "What comes back for a chunk: itself, its neighbours too, its section, or the parent it was cut from.",
        choices=EXPANSIONS,
        advanced=True,
    )
    window: int = option(1, "Neighbours: so many chunks before and after.", low=1, high=20, advanced=True)
    merge: bool = option(False, "Hits that touch or overlap come back as one, at the better rank.", advanced=True)

    def __init_subclass__(cls) -> None:
        """Put these fields after a kind's own, in forms and files as in the constructor.

        `slots` makes each dataclass a second time; its fields are known by then.
        """
        if (found := vars(cls).get("__dataclass_fields__")) is not None:
            cls.__dataclass_fields__ = dict(sorted(found.items(), key=lambda item: item[1].kw_only is True))

    @property
    def needs_vectors(self) -> bool:
        """Return whether the collection must have vectors."""
        return True

    def identity(self) -> dict[str, Any]:
        fields = {name: value for name, value in to_dict(self).items() if _QUIET.get(name, ...) != value}
        if self.expand == "neighbours":
            return fields | {"window": self.window}
        return {name: value for name, value in fields.items() if name != "window"}

    def __call__(
        self, collection: Collection, queries: Sequence[str], k: int, where: Where | Mask | None = None
    ) -> list[list[Hit]]:
        """Return for each query its hits, at most k, among the rows that `where` allows.

        Raises:
            SpecError: k is out of range, or the filter or the expansion does not fit the collection.
            VectorsMissing: the retriever needs vectors and the collection has none yet.
        """
        if isinstance(queries, str):
            raise SpecError("queries must be a list of texts, not one text")
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_K:
            raise SpecError(f"k ({k!r}) must be a whole number from 1 to {MAX_K}")
        mask = collection.mask(where)
        rows = collection.asking(queries) if len(queries) > 1 else collection
        return [self._hits(rows, query, int(k), mask) for query in queries]

    def units(self, collection: Collection) -> dict[str, Ranges]:
        """Return document → (n, 2) the spans that can come back from it, a row for each chunk; before any merging."""
        return collection.units(self.expand, self.window)

    def _hits(self, collection: Collection, query: str, k: int, mask: Mask | None) -> list[Hit]:
        if self.expand == "none":
            hits = collection.hits(self.rank(collection, query, k, mask))
        else:
            wide = k
            while True:  # chunks within a better one give way to further ones
                found = collection.hits(self.rank(collection, query, wide, mask), self.expand, self.window)
                hits = distinct(found, k)
                if len(hits) == k or len(found) < wide or wide >= MAX_K:
                    break
                wide = min(2 * wide, MAX_K)
        return merged(hits, collection.corpus) if self.merge else hits

    @abstractmethod
    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        """Return the best k allowed rows with their scores."""


@dataclass(frozen=True, slots=True)
class Dense(Retriever):
    """The chunks whose vectors are nearest to the query's; the score is the index's own (cosine: −1 to 1)."""

    kind: ClassVar[str] = "dense"
    label: ClassVar[str] = "Dense"

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        return collection.dense(query, k, mask)


@dataclass(frozen=True, slots=True)
class BM25(Retriever):
    """The chunks that share the query's rarer terms most often, for their length; terms as `analyser` says.

    A chunk that shares no term with the query scores 0 and is no hit.
    """

    kind: ClassVar[str] = "bm25"
    label: ClassVar[str] = "BM25"

    k1: float = _K1
    b: float = _B
    stemmer: str = _STEMMER
    stop_words: str = _STOP_WORDS

    @property
    def needs_vectors(self) -> bool:
        return False

    def identity(self) -> dict[str, Any]:
        return Retriever.identity(self) | {"analyser": analyser.VERSION}

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        return collection.lexical(query, k, self.k1, self.b, mask, Words(self.stemmer, self.stop_words))


@dataclass(frozen=True, slots=True)
class Hybrid(Retriever):
    """Dense and BM25 rankings fused. Each side gives its best max(depth, k) allowed chunks as candidates.

    `rrf`: score = Σ over the sides that hold the chunk of 1 / (rrf_k + its rank there), ranks from 1.
    `weighted`: score = weight · dense + (1 − weight) · BM25, where each side's scores are stretched over its candidates
    from 0 (its lowest) to 1 (its highest), all 1 where they are equal, and a chunk that a side does not hold has 0
    there. A side with no weight gives no candidates.

    With k up to `depth`, the hits for a smaller k are the first of those for a larger one.

    Source: Cormack, Clarke and Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and individual rank
    learning methods".
    """

    kind: ClassVar[str] = "hybrid"
    label: ClassVar[str] = "Hybrid"

    fusion: str = option("rrf", "By reciprocal ranks, or by weighted scores.", choices=("rrf", "weighted"))
    rrf_k: int = option(60, "Reciprocal ranks: the larger, the less the first ranks stand out.", low=1, high=1000)
    weight: float = option(0.5, "Weighted: the share of dense; BM25 has the rest.", low=0, high=1)
    depth: int = option(100, "Candidates from each side, at least k.", low=1, high=MAX_K, advanced=True)
    k1: float = _BM25_K1
    b: float = _BM25_B
    stemmer: str = _STEMMER
    stop_words: str = _STOP_WORDS

    def identity(self) -> dict[str, Any]:
        return Retriever.identity(self) | {"analyser": analyser.VERSION}

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        depth = max(self.depth, k)
        words = Words(self.stemmer, self.stop_words)
        dense = collection.dense(query, depth, mask)
        lexical = collection.lexical(query, depth, self.k1, self.b, mask, words)
        if self.fusion == "rrf":
            shares = [(rows, reciprocal_ranks(len(rows), self.rrf_k)) for rows, _ in (dense, lexical)]
        else:
            sides = ((dense, self.weight), (lexical, 1 - self.weight))
            shares = [(rows, weight * stretched(scores)) for (rows, scores), weight in sides if weight > 0]
        rows, place = np.unique(np.concatenate([rows for rows, _ in shares]), return_inverse=True)
        fused = np.zeros(len(rows))
        np.add.at(fused, place, np.concatenate([share for _, share in shares]))
        return best(rows, fused, k)


@dataclass(frozen=True, slots=True)
class MMR(Retriever):
    """The nearest chunks, each next one marked down for being like those before it; see `marginal_relevance`.

    Candidates are the max(depth, k) nearest; the vectors compared are those that the index keeps.
    """

    kind: ClassVar[str] = "mmr"
    label: ClassVar[str] = "MMR"

    weight: float = option(0.5, "The share of nearness to the query (lambda); 1 is dense.", low=0, high=1)
    depth: int = option(50, _DEPTH, low=1, high=MAX_K, advanced=True)

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        rows, scores = collection.dense(query, max(self.depth, k), mask)
        order = np.argsort(rows, kind="stable")  # so that equal values go by row
        rows, scores = rows[order], scores[order]
        chosen, values = marginal_relevance(scores, collection.vectors(rows), self.weight, k)
        return rows[chosen], values


@dataclass(frozen=True, slots=True)
class Rerank(Retriever):
    """Candidates of another retriever, reranked by a cross-encoder that reads each together with the query.

    The model is a sentence-transformers CrossEncoder: a folder, or an id in the hub's cache. Much slower than the
    others: a model's pass for each candidate.
    """

    kind: ClassVar[str] = "rerank"
    label: ClassVar[str] = "Rerank"

    model: str = option(DEFAULT_RERANKER, "A CrossEncoder: a folder, or a hub id in the local cache.")
    first: str = option("hybrid", "Whose candidates are read.", choices=("hybrid", "dense", "bm25"))
    depth: int = option(50, _DEPTH, low=1, high=MAX_K)
    stemmer: str = _STEMMER
    stop_words: str = _STOP_WORDS

    @property
    def needs_vectors(self) -> bool:
        return self.candidates.needs_vectors

    @property
    def candidates(self) -> Retriever:
        """The retriever whose hits are reranked."""
        if self.first == "dense":
            return Dense()
        lexical = BM25 if self.first == "bm25" else Hybrid
        return lexical(stemmer=self.stemmer, stop_words=self.stop_words)

    def identity(self) -> dict[str, Any]:
        fields = Retriever.identity(self) | {"first": self.candidates.identity()}
        return {**fields, "model": reranker_identity(self.model)}

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        rows, _ = self.candidates.rank(collection, query, max(self.depth, k), mask)
        rows = np.sort(rows)
        return best(rows, pair_scores(self.model, query, [collection.text(r) for r in rows.tolist()]), k)


def reciprocal_ranks(n: int, rrf_k: int) -> NDArray[np.float64]:
    """Return (n,) 1 / (rrf_k + rank) for ranks 1 to n."""
    return 1.0 / (rrf_k + np.arange(1, n + 1, dtype=np.float64))


def stretched(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the scores mapped so that the lowest is 0 and the highest 1; all 1 where they are equal."""
    if len(scores) == 0 or scores.max() == scores.min():
        return np.ones(len(scores))
    out: NDArray[np.float64] = (scores - scores.min()) / (scores.max() - scores.min())
    return out


def marginal_relevance(
    relevance: NDArray[np.float64], vectors: Vectors, weight: float, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the first k candidates by maximal marginal relevance, and their scores, which never rise.

    Each next one has the greatest weight · relevance − (1 − weight) · r, where r is its greatest inner product with one
    already chosen, at least 0: before the first, and for what points away from all, there is no redundancy. Equal ones
    go by place.

    Source: Carbonell and Goldstein 1998, "The Use of MMR, Diversity-Based Reranking".
    """
    rows = vectors.astype(np.float64)
    redundancy = np.zeros(len(relevance))
    left = np.ones(len(relevance), np.bool_)
    order, scores = [], []
    for _ in range(min(k, len(relevance))):
        value = np.where(left, weight * relevance - (1 - weight) * redundancy, -np.inf)
        best = int(np.argmax(value))
        order.append(best)
        scores.append(float(value[best]))
        left[best] = False
        # Along each row, not a matrix product, and rounded: equal passages tie whatever their last bits are.
        redundancy = np.maximum(redundancy, np.round((rows * rows[best]).sum(axis=1), 6))
    return np.array(order, np.int64), np.array(scores, np.float64)


_PLACES = 5  # decimals to which a pair's score does not depend on the rest of its batch


def pair_scores(model: str, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return (n,) how well each text answers the query, by the model's own measure; higher is better.

    Raises:
        ModelUnavailable: with what to do about it.
    """
    if not texts:
        return np.empty(0)
    loaded = loaded_network(models.find(model), "CrossEncoder")
    with loaded.lock:
        scores = np.asarray(
            loaded.network.predict([(query, text) for text in texts], batch_size=16, show_progress_bar=False),
            np.float64,
        )
    if scores.shape != (len(texts),):
        raise ModelUnavailable(f"model {model!r} gives {scores.shape[1:]} figures a pair; a reranker gives one")
    if not np.isfinite(scores).all():
        raise ModelUnavailable(f"model {model!r} gives scores that are not finite numbers; its weights are broken")
    return np.round(scores, _PLACES)


def reranker_identity(model: str) -> dict[str, Any]:
    """Return the hashes behind a model's name; the name itself where the model is not here."""
    try:
        return models.find(model).identity()
    except ModelUnavailable:
        return {"missing": model}


RETRIEVERS = methods("retrievers", Retriever, Dense, BM25, Hybrid, MMR, Rerank)
"""kind → class."""
