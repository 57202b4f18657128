"""Means with their uncertainty, by the bootstrap over clusters: questions that share a passage move together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 10_000
LEVEL = 0.95
_BLOCK = 2_000_000  # draws held in memory at once


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over questions with its interval; `sd` is that of the questions (over n, as it is published).

    `low` and `high` are NaN where there are fewer than two clusters: their spread cannot be known.
    """

    mean: float
    low: float
    high: float
    sd: float
    n: int


def cluster_sums(values: Floats, of: Ints) -> tuple[Floats, Floats]:
    """(c, runs) the sum of each cluster's values, and (c,) its number of questions.

    Raises:
        ValueError: shapes that do not fit, no question, or values that are not finite.
    """
    if values.ndim != 2 or of.shape != (len(values),) or values.size == 0:
        raise ValueError(f"values of shape {values.shape} do not fit {of.shape} clusters: (questions, runs) is needed")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite numbers")
    _, number = np.unique(of, return_inverse=True)
    sizes = np.bincount(number).astype(np.float64)
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, number, values)
    return sums, sizes


def resampled_means(sums: Floats, sizes: Floats, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """(resamples, runs) the means when as many clusters as there are get drawn with replacement, runs kept paired.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife"; of clusters, Davison and Hinkley 1997, 3.8.
    """
    rng = np.random.default_rng(seed)
    c = len(sizes)
    columns = np.column_stack([sums, sizes])
    out = np.empty((resamples, sums.shape[1]))
    for start, end in blocks(resamples, c):
        rows = end - start
        drawn = rng.integers(c, size=(rows, c)) + c * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * c).reshape(rows, c)
        totals = times.astype(np.float64) @ columns
        out[start:end] = totals[:, :-1] / totals[:, -1:]
    return out


def blocks(resamples: int, width: int) -> Iterator[tuple[int, int]]:
    """(start, end) of parts of the resamples that fit in memory with `width` draws each."""
    step = max(1, _BLOCK // max(width, 1))
    for start in range(0, resamples, step):
        yield start, min(start + step, resamples)


def mean_intervals(
    values: Floats, of: Ints, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> list[Interval]:
    """For each column of `values` (questions, runs) its mean with a percentile interval.

    `of` (n,) says which cluster each question belongs to, as `clusters` gives it.
    """
    sums, sizes = cluster_sums(values, of)
    means = sums.sum(axis=0) / sizes.sum()
    low, high = percentiles(resampled_means(sums, sizes, resamples, seed), level) if len(sizes) > 1 else _unknown(means)
    rows = zip(means.tolist(), low.tolist(), high.tolist(), values.std(axis=0).tolist(), strict=True)
    return [Interval(mean, lo, hi, sd, len(values)) for mean, lo, hi, sd in rows]


def percentiles(means: Floats, level: float) -> tuple[Floats, Floats]:
    """The ends between which the middle `level` of each column lies."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _unknown(means: Floats) -> tuple[Floats, Floats]:
    return np.full_like(means, np.nan), np.full_like(means, np.nan)
