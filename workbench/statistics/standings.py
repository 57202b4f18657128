"""Many runs on the same questions: which is the best, which are worse, which are equivalent, what is inconclusive."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.statistics.comparisons import MIN_QUESTIONS
from workbench.statistics.intervals import (
    TAIL,
    UNIT_RANGE,
    Floats,
    Ints,
    cluster_sums,
    difference_bounds,
    flipped_interval,
    flipped_p,
    residuals,
    smoothed,
    student,
)

Verdict = Literal["best", "equivalent", "ruled out", "not settled"]

WORDS: dict[Verdict, str] = {
    "best": "best",
    "equivalent": "equivalent",
    "ruled out": "significantly worse",
    "not settled": "inconclusive",
}
"""Each verdict as people read it."""

MARGIN = 0.05
"""A difference that does not matter, unless said otherwise."""


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
        """The interval of every run less another, by the questions."""
        if self.clusters < 2:
            return np.full_like(self.means, self._bounds[0]), np.full_like(self.means, self._bounds[1])
        own = self._squares.diagonal()
        squares = np.maximum(own + own[other] - 2 * self._squares[other], 0)
        centre, error = smoothed(self.means - self.means[other], squares, self.clusters, self._bounds)
        reach = student(self.clusters - 1, 1 - tail) * error
        return centre - reach, centre + reach
