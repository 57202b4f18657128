"""Scores and ranks of several rankings brought together, and rankings made less alike."""

import numpy as np
from numpy.typing import NDArray

from workbench.vectors import Vectors


def reciprocal_ranks(n: int, rrf_k: int) -> NDArray[np.float64]:
    """(n,) 1 / (rrf_k + rank) for ranks 1 to n."""
    return 1.0 / (rrf_k + np.arange(1, n + 1, dtype=np.float64))


def stretched(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the scores mapped so that the lowest is 0 and the highest 1; all 1 where they are equal."""
    if len(scores) == 0 or scores.max() == scores.min():
        return np.ones(len(scores))
    out: NDArray[np.float64] = (scores - scores.min()) / (scores.max() - scores.min())
    return out


def marginal_relevance(
    relevance: NDArray[np.float64], vectors: Vectors, weight: float, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The first k candidates by maximal marginal relevance, and their scores, which never rise.

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
