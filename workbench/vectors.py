"""Arithmetic on rows of vectors: unit length, and the best k of a row of scores."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(n, dim) float32, one row for each text."""


def unit(rows: NDArray[Any]) -> Vectors:
    """(n, dim) float32, each row at length 1; a row of zeros stays as it is."""
    rows = np.ascontiguousarray(rows, np.float32)
    lengths = norms(rows)[:, None]
    out: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return out


def truncated(rows: NDArray[Any], dimensions: int, *, normalised: bool) -> Vectors:
    """(n, dimensions) float32: the first dimensions of each row, at length 1 again where the rows had it.

    Matryoshka models are trained to put most into these (Kusupati et al. 2022); others lose more.
    """
    rows = np.ascontiguousarray(rows[:, :dimensions], np.float32)
    return unit(rows) if normalised else rows


def norms(rows: NDArray[Any]) -> NDArray[np.float32]:
    """(n,) float32 length of each row; summed in float64, so that no length overflows or vanishes."""
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)  # no copy of all rows
    return np.sqrt(squares).astype(np.float32)


def top_k(scores: NDArray[Any], k: int) -> NDArray[np.int64]:
    """(q, min(k, n)) int64: the columns of the k highest scores of each row, best first; equal scores by column.

    Columns with a score of minus infinity come last; no score may be NaN.
    """
    scores = np.atleast_2d(scores)
    n = scores.shape[1]
    k = min(k, n)
    if k <= 0 or len(scores) == 0:
        return np.empty((len(scores), max(k, 0)), np.int64)
    if k > n // 4:  # a sort of everything is as quick
        return np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int64)
    kth = -np.partition(-scores, k - 1, axis=1)[:, k - 1]
    best = np.empty((len(scores), k), np.int64)
    for i, (row, bound) in enumerate(zip(scores, kth, strict=True)):
        columns = np.flatnonzero(row >= bound)  # all that tie with the k-th, so that the lowest column wins
        best[i] = columns[np.argsort(-row[columns], kind="stable")[:k]]
    return best
