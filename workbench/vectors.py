"""Arithmetic on rows of vectors: unit length, the best k of a row of scores, and ranges of rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(n, dim) float32, one row for each text."""


def unit(rows: NDArray[Any]) -> Vectors:
    """Return (n, dim) float32, each row at length 1; a row of zeros stays as it is."""
    rows = np.ascontiguousarray(rows, np.float32)
    lengths = norms(rows)[:, None]
    out: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return out


def truncated(rows: NDArray[Any], dimensions: int, *, normalised: bool) -> Vectors:
    """Return (n, dimensions) float32 the first dimensions of each row, at length 1 again where the rows had it.

    Matryoshka models are trained to put most into these (Kusupati et al. 2022); others lose more.
    """
    rows = np.ascontiguousarray(rows[:, :dimensions], np.float32)
    return unit(rows) if normalised else rows


def norms(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return (n,) float32 the length of each row, summed in float64, so that none overflows or vanishes."""
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)  # no copy of all rows
    return np.sqrt(squares).astype(np.float32)


def top_k(scores: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Return (q, min(k, n)) int64 the columns of the k highest scores of each row, best first; equal ones by column.

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


def gathered(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of every range in turn: `[*range(*bounds[0]), *range(*bounds[1]), …]`."""
    sizes = bounds[:, 1] - bounds[:, 0]
    ends = np.cumsum(sizes)
    out: NDArray[np.int64] = np.arange(ends[-1] if len(ends) else 0) + np.repeat(bounds[:, 0] - (ends - sizes), sizes)
    return out


def blocks(counts: NDArray[np.int64], most: int) -> Iterator[slice]:
    """Yield slices of consecutive rows whose `counts` are at most `most` together, or of one row."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, "right")))
        yield slice(start, stop)
        start = stop
