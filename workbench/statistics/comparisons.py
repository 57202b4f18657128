"""Two runs on the same questions: how far apart they are, and whether chance alone could do that."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.statistics.intervals import (
    TAIL,
    UNIT_RANGE,
    Floats,
    Ints,
    bounded_interval,
    bounded_p,
    cluster_sums,
    difference_bounds,
    flipped_interval,
    flipped_p,
    residuals,
)

MIN_QUESTIONS = 8
"""Below so many questions nothing is concluded from a comparison."""

_TIE = 1e-12  # rounding, not a difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run a less run b: the mean difference with its interval, and who won how many questions.

    `p` is two-sided and inverts the interval: it is below 0.05 exactly where the interval leaves 0 out. `sd` is the
    standard deviation of the questions' differences, clusters allowed for; NaN with fewer than two clusters.
    `documents` is the number of documents where the figure speaks of documents like these, else None.
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
    documents: int | None = None

    @property
    def is_enough(self) -> bool:
        """Whether there are questions enough to conclude anything."""
        return self.n >= MIN_QUESTIONS and self.clusters > 1

    @property
    def is_settled(self) -> bool:
        """Whether the difference is told from 0."""
        return self.is_enough and (self.low > 0 or self.high < 0)


def compare(
    a: Floats,
    b: Floats,
    of: Ints,
    *,
    documents: Ints | None = None,
    bounds: tuple[float, float] = UNIT_RANGE,
    tail: float = TAIL,
    seed: int = 0,
) -> Comparison:
    """Compare run a with run b, values (n,) each on the same questions.

    `of`, `documents`, `bounds`: as for `mean_intervals`; the range of the differences follows from that of the values.
    """
    d = (a - b)[:, None]
    sums, sizes = cluster_sums(d, of)
    mean, squares, c = sums.sum(axis=0) / sizes.sum(), (residuals(sums, sizes) ** 2).sum(axis=0), len(sizes)
    possible = difference_bounds(bounds)
    low, high = bounded_interval(mean, squares, c, possible, (tail, tail))
    p = bounded_p(mean, squares, c, possible)
    units = None
    if documents is not None:
        by_document, numbers = cluster_sums(d, documents)
        units = len(numbers)
        ends = flipped_interval(by_document, numbers, (tail, tail), seed)
        low, high = np.minimum(low, ends[0]), np.maximum(high, ends[1])
        p = np.maximum(p, flipped_p(by_document, seed))
    low, high = np.clip(low, *possible), np.clip(high, *possible)
    sd = float(np.sqrt(squares[0] / (c - 1))) * float(np.sqrt(len(d) / c)) if c > 1 else float("nan")
    wins, losses = int((d > _TIE).sum()), int((d < -_TIE).sum())
    return Comparison(
        float(mean[0]),
        float(low[0]),
        float(high[0]),
        float(p[0]),
        wins,
        len(d) - wins - losses,
        losses,
        len(d),
        c,
        sd,
        units,
    )


def dropped(
    differences: Floats, of: Ints, documents: Ints | None, bounds: tuple[float, float], seed: int = 0
) -> NDArray[np.bool_]:
    """Return (m,) whether each column of differences (n, m) is a significant drop, as `compare` would find."""
    sums, sizes = cluster_sums(differences, of)
    mean = sums.sum(axis=0) / sizes.sum()
    if len(differences) < MIN_QUESTIONS or len(sizes) < 2:
        return np.zeros(len(mean), np.bool_)
    p = bounded_p(mean, (residuals(sums, sizes) ** 2).sum(axis=0), len(sizes), difference_bounds(bounds))
    if documents is not None:
        p = np.maximum(p, flipped_p(cluster_sums(differences, documents)[0], seed))
    out: NDArray[np.bool_] = (mean < 0) & (p < 2 * TAIL)
    return out
