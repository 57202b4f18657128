"""The retrievers: dense, BM25, and both fused. Each is called with a collection and queries, and gives ranked hits."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.records import Hit
from workbench.retrievers import analyser
from workbench.retrievers.collections import Collection, Mask, Ranking, Where, best
from workbench.specs import Spec, option, to_dict

MAX_K = 1000


@dataclass(frozen=True, slots=True)
class Retriever(Spec):
    """How the best k chunks are found for a query.

    The rules of all: scores fall or stay equal with the rank, equal scores go by document and start, k is 1 to 1000,
    and a query's hits do not depend on the queries beside it.
    """

    needs_vectors: ClassVar[bool]

    def __call__(
        self, collection: Collection, queries: Sequence[str], k: int, where: Where | Mask | None = None
    ) -> list[list[Hit]]:
        """For each query its hits, at most k, among the rows that `where` allows.

        Raises:
            SpecError: k is out of range, or the filter does not fit the collection.
            VectorsMissing: the retriever needs vectors and the collection has none yet.
        """
        if isinstance(queries, str):
            raise SpecError("queries must be a list of texts, not one text")
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_K:
            raise SpecError(f"k ({k!r}) must be a whole number from 1 to {MAX_K}")
        mask = collection.mask(where)
        return [collection.hits(self.rank(collection, query, int(k), mask)) for query in queries]

    @abstractmethod
    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        """The best k allowed rows with their scores."""


@dataclass(frozen=True, slots=True)
class Dense(Retriever):
    """The chunks whose vectors are nearest to the query's; the score is the index's own (cosine: −1 to 1)."""

    kind: ClassVar[str] = "dense"
    needs_vectors: ClassVar[bool] = True

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        return collection.dense(query, k, mask)


@dataclass(frozen=True, slots=True)
class BM25(Retriever):
    """The chunks that share the query's rarer terms most often, for their length; terms as `analyser` says.

    A chunk that shares no term with the query scores 0 and is no hit.
    """

    kind: ClassVar[str] = "bm25"
    needs_vectors: ClassVar[bool] = False

    k1: float = option(1.5, "How much a term's repetition in a chunk counts; 0 counts presence only.", low=0, high=10)
    b: float = option(0.75, "How far long chunks are marked down: 0 not at all, 1 in full.", low=0, high=1)

    def identity(self) -> dict[str, Any]:
        return to_dict(self) | {"analyser": analyser.VERSION}

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        return collection.lexical(query, k, self.k1, self.b, mask)


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
    needs_vectors: ClassVar[bool] = True

    fusion: str = option("rrf", "By reciprocal ranks, or by weighted scores.", choices=("rrf", "weighted"))
    rrf_k: int = option(60, "Reciprocal ranks: the larger, the less the first ranks stand out.", low=1, high=1000)
    weight: float = option(0.5, "Weighted: the share of dense; BM25 has the rest.", low=0, high=1)
    depth: int = option(100, "Candidates from each side, at least k.", low=1, high=MAX_K, advanced=True)
    k1: float = option(1.5, "BM25's k1.", low=0, high=10, advanced=True)
    b: float = option(0.75, "BM25's b.", low=0, high=1, advanced=True)

    def identity(self) -> dict[str, Any]:
        return to_dict(self) | {"analyser": analyser.VERSION}

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        depth = max(self.depth, k)
        dense = collection.dense(query, depth, mask)
        lexical = collection.lexical(query, depth, self.k1, self.b, mask)
        if self.fusion == "rrf":
            shares = [(rows, reciprocal_ranks(len(rows), self.rrf_k)) for rows, _ in (dense, lexical)]
        else:
            sides = ((dense, self.weight), (lexical, 1 - self.weight))
            shares = [(rows, weight * stretched(scores)) for (rows, scores), weight in sides if weight > 0]
        rows, place = np.unique(np.concatenate([rows for rows, _ in shares]), return_inverse=True)
        fused = np.zeros(len(rows))
        np.add.at(fused, place, np.concatenate([share for _, share in shares]))
        return best(rows, fused, k)


def reciprocal_ranks(n: int, rrf_k: int) -> NDArray[np.float64]:
    """(n,) 1 / (rrf_k + rank) for ranks 1 to n."""
    return 1.0 / (rrf_k + np.arange(1, n + 1, dtype=np.float64))


def stretched(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the scores mapped so that the lowest is 0 and the highest 1; all 1 where they are equal."""
    if len(scores) == 0 or scores.max() == scores.min():
        return np.ones(len(scores))
    out: NDArray[np.float64] = (scores - scores.min()) / (scores.max() - scores.min())
    return out


RETRIEVERS: dict[str, type[Retriever]] = {cls.kind: cls for cls in (Dense, BM25, Hybrid)}
