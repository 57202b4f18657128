"""Which differences between runs on the same questions are real: two compared, and the standing of many."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
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
    smoothed,
    student,
)

MIN_QUESTIONS = 8
"""Questions below which nothing is concluded from a comparison."""

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
        """Return whether there are enough questions to conclude anything."""
        return self.n >= MIN_QUESTIONS and self.clusters > 1

    @property
    def is_settled(self) -> bool:
        """Return whether the difference is significant."""
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
    figures = float(mean[0]), float(low[0]), float(high[0]), float(p[0])
    return Comparison(*figures, wins, len(d) - wins - losses, losses, len(d), c, sd, units)


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


Verdict = Literal["best", "equivalent", "ruled out", "not settled"]

WORDS: dict[Verdict, str] = {
    "best": "best",
    "equivalent": "equivalent",
    "ruled out": "significantly worse",
    "not settled": "inconclusive",
}
"""Each verdict as people read it."""

MARGIN = 0.05
"""The default margin within which a difference does not matter."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A run against its `rival`: the leader, or for the leader the next best run.

    `difference` is the run's mean less the rival's, with the two-sided 95 % interval of these two alone.
    """

    run: int
    mean: float
    rival: int
    difference: float
    low: float
    high: float
    verdict: Verdict


def standings(
    values: Floats,
    of: Ints,
    margin: float = MARGIN,
    *,
    documents: Ints | None = None,
    bounds: tuple[float, float] = UNIT_RANGE,
    leader: int | None = None,
    seed: int = 0,
) -> tuple[Standing, ...]:
    """Return the standing of each run. `values` is (questions, runs), higher is better.

    *best*: the leader is above each other run, two-sided at 5 %, or all others are ruled out. *equivalent*: the
    interval against the leader lies inside ± margin. *ruled out*: some run is above it, one-sided at 2.5 % shared
    among the others, or the leader is the best. *not settled*: all else, and everything below 8 questions.

    So a run that is not the best is called best in at most 5 % of cases, the truly best is ruled out in at most 2.5 %,
    and a run outside the margin is called equivalent in at most 5 %. `leader` names the run of the highest mean that
    ties are decided for; `of`, `documents` and `bounds` are as for `mean_intervals`.

    Source: Gutmann and Maymin 1987, "Is the selected population the best?"; the shares, Bonferroni 1936; Berger and
    Hsu 1996, "Bioequivalence trials, intersection-union tests and equivalence confidence sets".

    Raises:
        SpecError: fewer than two runs, or a margin that is not above 0.
    """
    if values.ndim != 2 or values.shape[1] < 2:
        raise SpecError("standings compare at least two runs")
    if not margin > 0:
        raise SpecError(f"the margin of equivalence ({margin}) must be above 0")
    pairs = _Pairs(values, of, documents, bounds, seed)
    means, runs = pairs.means, values.shape[1]
    first = int(means.argmax()) if leader is None else leader
    second = int(np.where(np.arange(runs) == first, -np.inf, means).argmax())
    low, high = pairs.against(first)  # of each run less the leader
    others = np.arange(runs) != first
    enough = len(values) >= MIN_QUESTIONS and pairs.clusters > 1
    worse = pairs.beaten(TAIL / (runs - 1)) if enough else np.zeros(runs, np.bool_)
    best = enough and bool((high[others] < 0).all() or worse[others].all())
    inside = enough & (low >= -margin) & (high <= margin)

    def verdict(i: int) -> Verdict:
        if i == first:
            in_play = others & ~(worse & ~inside)
            return "best" if best else "equivalent" if enough and inside[in_play].all() else "not settled"
        return "equivalent" if inside[i] else "ruled out" if worse[i] or best else "not settled"

    def standing(i: int) -> Standing:
        rival = second if i == first else first
        ends = (-high[second], -low[second]) if i == first else (low[i], high[i])
        difference = float(means[i] - means[rival])
        return Standing(i, float(means[i]), rival, difference, float(ends[0]), float(ends[1]), verdict(i))

    return tuple(standing(i) for i in range(runs))


class _Pairs:
    """The paired differences of all runs, by sums over clusters of questions and, where given, over documents."""

    def __init__(
        self, values: Floats, of: Ints, documents: Ints | None, bounds: tuple[float, float], seed: int
    ) -> None:
        sums, sizes = cluster_sums(values, of)
        self.means: Floats = sums.sum(axis=0) / sizes.sum()
        self.clusters = len(sizes)
        apart = residuals(sums, sizes)
        self._squares = apart.T @ apart
        self._documents = None if documents is None else cluster_sums(values, documents)
        self._bounds = difference_bounds(bounds)
        self._seed = seed

    def against(self, leader: int) -> tuple[Floats, Floats]:
        """Return the two-sided intervals of each run less the leader; 0 for the leader itself."""
        low, high = self._ends(leader, TAIL)
        if self._documents is not None:
            sums, sizes = self._documents
            ends = flipped_interval(sums - sums[:, [leader]], sizes, (TAIL, TAIL), self._seed)
            low, high = np.minimum(low, ends[0]), np.maximum(high, ends[1])
        low, high = np.clip(low, *self._bounds), np.clip(high, *self._bounds)
        low[leader] = high[leader] = 0
        return low, high

    def beaten(self, tail: float) -> NDArray[np.bool_]:
        """Return whether some other run is above each run, one-sided at `tail`."""
        out = np.zeros(len(self.means), np.bool_)
        for i in range(len(self.means)):
            above = self._ends(i, tail)[0] > 0
            above[i] = False
            if self._documents is not None and above.any():
                sums = self._documents[0]
                rows = np.flatnonzero(above)
                above[rows] = flipped_p(sums[:, rows] - sums[:, [i]], self._seed) < 2 * tail
            out[i] = above.any()
        return out

    def _ends(self, other: int, tail: float) -> tuple[Floats, Floats]:
        """Return the interval of every run less another, by the questions."""
        if self.clusters < 2:
            return np.full_like(self.means, self._bounds[0]), np.full_like(self.means, self._bounds[1])
        own = self._squares.diagonal()
        squares = np.maximum(own + own[other] - 2 * self._squares[other], 0)
        centre, error = smoothed(self.means - self.means[other], squares, self.clusters, self._bounds)
        reach = student(self.clusters - 1, 1 - tail) * error
        return centre - reach, centre + reach
