"""The retrievers. Each is called with a collection and queries, and gives ranked hits."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench.errors import SpecError
from workbench.extensions import methods
from workbench.records import Hit
from workbench.retrievers import analyser, reranking
from workbench.retrievers.collections import Collection, Ranking, best
from workbench.retrievers.expansions import EXPANSIONS, distinct, merged
from workbench.retrievers.filters import Mask, Where
from workbench.retrievers.fusions import marginal_relevance, reciprocal_ranks, stretched
from workbench.retrievers.words import STEMMERS, STOP_WORDS, Words
from workbench.spans import Ranges
from workbench.specs import Spec, option, to_dict

MAX_K = 1000

_K1 = option(1.5, "How much a term's repetition in a chunk counts; 0 counts presence only.", low=0, high=10)
_B = option(0.75, "How far long chunks are marked down: 0 not at all, 1 in full.", low=0, high=1)
_BM25_K1 = option(1.5, "BM25's k1.", low=0, high=10, advanced=True)
_BM25_B = option(0.75, "BM25's b.", low=0, high=1, advanced=True)
_STEMMER = option("none", "Words are counted by their stem, in this language; codes stay.", choices=STEMMERS)
_STOP_WORDS = option("none", "Words too common to tell are left out, in this language.", choices=STOP_WORDS)
_DEPTH = "Candidates, at least k."

# As a collection is asked: what comes back for a chunk. The last fields of every retriever.
_EXPAND = option(
    "none",
    "What comes back for a chunk: itself, its neighbours too, its section, or the parent it was cut from.",
    choices=EXPANSIONS,
    advanced=True,
)
_WINDOW = option(1, "Neighbours: so many chunks before and after.", low=1, high=20, advanced=True)
_MERGE = option(False, "Hits that touch or overlap come back as one, at the better rank.", advanced=True)


@dataclass(frozen=True, slots=True)
class Retriever(Spec):
    """How the best k chunks are found for a query, and what comes back for each.

    The rules of all: scores fall or stay equal with the rank, equal scores go by document and start, k is 1 to 1000,
    and a query's hits do not depend on the queries beside it. Expanded hits that lie within a better one are left out,
    and further chunks take their place; merged ones are not replaced. Every kind has the fields `expand`, `window` and
    `merge`.
    """

    @property
    @abstractmethod
    def needs_vectors(self) -> bool:
        """Whether the collection must have vectors."""

    @property
    def expansion(self) -> tuple[str, int, bool]:
        """The fields `expand`, `window` and `merge`."""
        expand, window, merge = (getattr(self, name, default) for name, default in _AS_FOUND.items())
        return expand, window, merge

    def identity(self) -> dict[str, Any]:
        # What stands at its default is left out, so that what was known before there was a choice keeps its identity.
        quiet = _AS_FOUND | {"stemmer": "none", "stop_words": "none"}
        fields = {name: value for name, value in to_dict(self).items() if quiet.get(name, ...) != value}
        if fields.get("expand") == "neighbours":
            fields["window"] = self.expansion[1]
        else:
            fields.pop("window", None)
        return fields

    def __call__(
        self, collection: Collection, queries: Sequence[str], k: int, where: Where | Mask | None = None
    ) -> list[list[Hit]]:
        """For each query its hits, at most k, among the rows that `where` allows.

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
        """Document → (n, 2) the spans that can come back from it, a row for each chunk; before any merging."""
        expand, window, _ = self.expansion
        return collection.units(expand, window)

    def _hits(self, collection: Collection, query: str, k: int, mask: Mask | None) -> list[Hit]:
        expand, window, merge = self.expansion
        if expand == "none":
            hits = collection.hits(self.rank(collection, query, k, mask))
        else:
            wide = k
            while True:  # chunks within one before give way to further ones
                found = collection.hits(self.rank(collection, query, wide, mask), expand, window)
                hits = distinct(found, k)
                if len(hits) == k or len(found) < wide or wide >= MAX_K:
                    break
                wide = min(2 * wide, MAX_K)
        return merged(hits, collection.corpus) if merge else hits

    @abstractmethod
    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        """The best k allowed rows with their scores."""


_AS_FOUND: dict[str, Any] = {"expand": "none", "window": 1, "merge": False}


@dataclass(frozen=True, slots=True)
class Dense(Retriever):
    """The chunks whose vectors are nearest to the query's; the score is the index's own (cosine: −1 to 1)."""

    kind: ClassVar[str] = "dense"

    expand: str = _EXPAND
    window: int = _WINDOW
    merge: bool = _MERGE

    @property
    def needs_vectors(self) -> bool:
        return True

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        return collection.dense(query, k, mask)


@dataclass(frozen=True, slots=True)
class BM25(Retriever):
    """The chunks that share the query's rarer terms most often, for their length; terms as `analyser` says.

    A chunk that shares no term with the query scores 0 and is no hit.
    """

    kind: ClassVar[str] = "bm25"

    k1: float = _K1
    b: float = _B
    stemmer: str = _STEMMER
    stop_words: str = _STOP_WORDS
    expand: str = _EXPAND
    window: int = _WINDOW
    merge: bool = _MERGE

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

    fusion: str = option("rrf", "By reciprocal ranks, or by weighted scores.", choices=("rrf", "weighted"))
    rrf_k: int = option(60, "Reciprocal ranks: the larger, the less the first ranks stand out.", low=1, high=1000)
    weight: float = option(0.5, "Weighted: the share of dense; BM25 has the rest.", low=0, high=1)
    depth: int = option(100, "Candidates from each side, at least k.", low=1, high=MAX_K, advanced=True)
    k1: float = _BM25_K1
    b: float = _BM25_B
    stemmer: str = _STEMMER
    stop_words: str = _STOP_WORDS
    expand: str = _EXPAND
    window: int = _WINDOW
    merge: bool = _MERGE

    @property
    def needs_vectors(self) -> bool:
        return True

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
    """The nearest chunks, each next one marked down for being like those before it; see `fusions.marginal_relevance`.

    Candidates are the max(depth, k) nearest; the vectors compared are those that the index keeps.
    """

    kind: ClassVar[str] = "mmr"

    weight: float = option(0.5, "The share of nearness to the query (lambda); 1 is dense.", low=0, high=1)
    depth: int = option(50, _DEPTH, low=1, high=MAX_K, advanced=True)
    expand: str = _EXPAND
    window: int = _WINDOW
    merge: bool = _MERGE

    @property
    def needs_vectors(self) -> bool:
        return True

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        rows, scores = collection.dense(query, max(self.depth, k), mask)
        order = np.argsort(rows, kind="stable")  # so that equal values go by row
        rows, scores = rows[order], scores[order]
        chosen, values = marginal_relevance(scores, collection.vectors(rows), self.weight, k)
        return rows[chosen], values


@dataclass(frozen=True, slots=True)
class Rerank(Retriever):
    """Candidates of another retriever, read together with the query by a cross-encoder, which ranks them anew.

    The model is a sentence-transformers CrossEncoder: a folder, or an id in the hub's cache. Much slower than the
    others: a model's pass for each candidate.
    """

    kind: ClassVar[str] = "rerank"

    model: str = option(reranking.DEFAULT_RERANKER, "A CrossEncoder: a folder, or a hub id in the local cache.")
    first: str = option("hybrid", "Whose candidates are read.", choices=("hybrid", "dense", "bm25"))
    depth: int = option(50, _DEPTH, low=1, high=MAX_K)
    stemmer: str = _STEMMER
    stop_words: str = _STOP_WORDS
    expand: str = _EXPAND
    window: int = _WINDOW
    merge: bool = _MERGE

    @property
    def needs_vectors(self) -> bool:
        return self.candidates.needs_vectors

    @property
    def candidates(self) -> Retriever:
        """The retriever whose hits are read."""
        if self.first == "dense":
            return Dense()
        lexical = BM25 if self.first == "bm25" else Hybrid
        return lexical(stemmer=self.stemmer, stop_words=self.stop_words)

    def identity(self) -> dict[str, Any]:
        fields = Retriever.identity(self) | {"first": self.candidates.identity()}
        return {**fields, "model": reranking.identity(self.model)}

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        rows, _ = self.candidates.rank(collection, query, max(self.depth, k), mask)
        rows = np.sort(rows)
        return best(rows, reranking.pair_scores(self.model, query, [collection.text(r) for r in rows.tolist()]), k)


RETRIEVERS = methods("retrievers", Retriever, Dense, BM25, Hybrid, MMR, Rerank)
"""kind → class."""
