"""Two runs on the same questions: how far apart they are, and whether chance alone could do that."""

from dataclasses import dataclass

import numpy as np

from workbench.statistics.resampling import (
    LEVEL,
    RESAMPLES,
    Floats,
    Ints,
    blocks,
    cluster_sums,
    percentiles,
    resampled_means,
)

_EXACT = 12
"""Up to so many clusters every pattern of signs is tried, 4,096 of them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run a less run b: the mean difference with its interval, and who won how many questions.

    `p` is two-sided. `sd` is the standard deviation of the questions' differences, clusters allowed for: what
    `questions_needed` asks for. `low`, `high` and `sd` are NaN with fewer than two clusters.
    """

    difference: float
    low: float
    high: float
    p: float
    wins: int
    ties: int
    losses: int
    n: int
    clusters: int
    sd: float


def compare(
    a: Floats, b: Floats, of: Ints, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Comparison:
    """Run a against run b, values (n,) each on the same questions; `of` (n,) are the questions' clusters.

    The interval is the paired percentile bootstrap's over clusters, p the sign-flip permutation test's.
    """
    d = a - b
    sums, sizes = cluster_sums(d[:, None], of)
    difference = float(d.mean())
    low = high = sd = float("nan")
    if len(sizes) > 1:
        ends = percentiles(resampled_means(sums, sizes, resamples, seed), level)
        low, high = (float(end[0]) for end in ends)
        sd = float(np.sqrt(squared_errors(sums, sizes)[0, 0] * len(d)))
    wins, losses = int((d > _TIE).sum()), int((d < -_TIE).sum())
    p = sign_flip(sums[:, 0], resamples, seed)
    return Comparison(difference, low, high, p, wins, len(d) - wins - losses, losses, len(d), len(sizes), sd)


_TIE = 1e-12  # rounding, not a difference


def squared_errors(sums: Floats, sizes: Floats) -> Floats:
    """(runs, runs) the covariances of the runs' means, from clusters that vary in size as well as in sum.

    Source: Cochran 1977, "Sampling Techniques", 6.4: the ratio estimator, linearised.
    """
    c, n = len(sizes), sizes.sum()
    residuals = (sums - sizes[:, None] * (sums.sum(axis=0) / n)) / n
    out: Floats = c / (c - 1) * (residuals.T @ residuals)
    return out


def sign_flip(sums: Floats, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """Two-sided p: how often the clusters' differences sum to as much when each one's sign is a coin's.

    Exact where few clusters differ, else the share of random patterns, the one observed among them, so never 0.

    Source: Fisher 1935, "The Design of Experiments"; the added one, Phipson and Smyth 2010.
    """
    d = sums[np.abs(sums) > _TIE]  # clusters without a difference are the same under either sign
    reached = abs(d.sum()) - 1e-9 * np.abs(d).sum()
    if len(d) <= _EXACT:
        patterns = (np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1
        return float((np.abs((2.0 * patterns - 1) @ d) >= reached).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for start, end in blocks(resamples, len(d)):
        signs = 2.0 * rng.integers(2, size=(end - start, len(d)), dtype=np.int8) - 1
        extreme += int((np.abs(signs @ d) >= reached).sum())
    return (extreme + 1) / (resamples + 1)
