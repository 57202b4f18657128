"""What a number of questions can show, how many it takes, and what drop a regression gate could have seen.

Widths are counted by the rule of `intervals`. `sd` is that of the questions' paired differences of a score in [0, 1].

Source: Cohen 1988, "Statistical Power Analysis", with the normal approximation for what is still to be drawn.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, sqrt
from statistics import NormalDist

import numpy as np

from workbench.errors import SpecError
from workbench.records import Run
from workbench.statistics.comparisons import MIN_QUESTIONS, compare, dropped
from workbench.statistics.intervals import PSEUDO, TAIL, UNIT_RANGE, Floats, Ints, least_difference, student

POWER = 0.8

_MOST = 10**9  # questions; more is "never"


def minimum_detectable_difference(sd: float, n: int, power: float = POWER) -> float:
    """Return the smallest true difference that n questions show, two-sided at 5 %, with this power; infinity for none.

    Raises:
        SpecError: no question, an sd below 0, or a power outside (0, 1).
    """
    if n < 1:
        raise SpecError(f"the number of questions ({n}) must be at least 1")
    spread, quantile = _spread(sd), _quantile(power)
    if n < MIN_QUESTIONS:
        return inf
    least = float(least_difference(np.array(n * spread**2), n, student(n - 1, 1 - TAIL)))
    found = least + quantile * spread / sqrt(n)
    return found if found <= 1 else inf


def questions_needed(sd: float, difference: float, power: float = POWER) -> int:
    """Return how many questions show a true difference of this size, two-sided at 5 %, with this power."""
    if not difference > 0:
        raise SpecError(f"difference ({difference}) must be above 0")
    minimum_detectable_difference(sd, MIN_QUESTIONS, power)  # refuses what makes no sense
    return _fewest(lambda n: minimum_detectable_difference(sd, n, power) <= difference)


def questions_for_equivalence(sd: float, margin: float, power: float = POWER) -> int:
    """Return how many questions bring the interval inside ± margin, with this power, where the true difference is 0.

    With sd 0, no difference seen at all, it is the least number from which anything is called equivalent.
    """
    if not margin > 0:
        raise SpecError(f"margin ({margin}) must be above 0")
    spread, quantile = _spread(sd), _quantile((1 + power) / 2 if 0 < power < 1 else power)

    def fits(n: int) -> bool:
        more = n + 2 * PSEUDO
        error = sqrt((n * spread**2 + 2 * PSEUDO) / more / more)
        return student(n - 1, 1 - TAIL) * error + quantile * spread / sqrt(n) <= margin

    return _fewest(fits)


def _fewest(fits: Callable[[int], bool]) -> int:
    """Return the smallest number of questions that fits, at most `_MOST`."""
    return MIN_QUESTIONS + bisect_left(range(MIN_QUESTIONS, _MOST), True, key=fits)


def _quantile(power: float) -> float:
    if not 0 < power < 1:
        raise SpecError(f"power ({power}) must be between 0 and 1")
    return NormalDist().inv_cdf(power)


def _spread(sd: float) -> float:
    if not 0 <= sd < inf:
        raise SpecError(f"the standard deviation ({sd}) must be at least 0")
    return sd


USUAL = 0.2, 0.4
"""Standard deviations of paired recall differences where a workspace has no runs yet: 0.14 to 0.41 were seen."""

_MOST_RUNS = 40  # runs that are compared with each other


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest recall difference that `n` questions show: `low` to `high` for a spread of `sd[0]` to `sd[1]`.

    `assumed` is True where the spread is not the workspace's own.
    """

    n: int
    low: float
    high: float
    sd: tuple[float, float]
    assumed: bool
    sentence: str


def paired_sd(runs: Sequence[Run], measure: str = "recall") -> tuple[float, float] | None:
    """Return the 10 % and 90 % quantiles of the standard deviations of paired differences between runs.

    Runs are paired where they share a golden set and a metric of this measure (the first that both have); pairs that
    do not differ at all tell nothing. None where no pair is left.
    """
    found: list[float] = []
    for a, b in combinations(runs[-_MOST_RUNS:], 2):
        name = next((m for m in a.metrics if m.partition("@")[0] == measure and m in b.metrics), None)
        ids = [q.id for q in a.questions]
        if name is None or a.golden != b.golden or ids != [q.id for q in b.questions]:
            continue
        found.append(compare(a.column(name), b.column(name), a.clusters).sd)
    some = [sd for sd in found if sd > 0]  # NaN is not
    low, high = np.quantile(some, [0.1, 0.9]).tolist() if some else (0.0, 0.0)
    return (low, high) if some else None


def power_statement(n: int, runs: Sequence[Run] = ()) -> Power:
    """Return what `n` questions can show, as figures and as a sentence for people."""
    own = paired_sd(runs)
    low, high = own or USUAL
    if n < MIN_QUESTIONS:
        few = f"with {_questions(n)}" if n else "with no question yet"
        sentence = f"{few}, no difference can be told: at least {MIN_QUESTIONS} are needed to compare"
        return Power(n, 1.0, 1.0, (low, high), own is None, sentence)
    least, most = (min(1.0, minimum_detectable_difference(sd, n)) for sd in (low, high))
    words = f"{least:.2f}" if f"{least:.2f}" == f"{most:.2f}" else f"{least:.2f} to {most:.2f}"
    sentence = f"with {_questions(n)} you can see a recall difference of {words} or more ({POWER:.0%} power)"
    return Power(n, least, most, (low, high), own is None, sentence.replace("%", " %"))


def _questions(n: int) -> str:
    return f"{n:,} question" + ("" if n == 1 else "s")


DRAWS = 100


@dataclass(frozen=True, slots=True)
class Sight:
    """The smallest drop of the mean that a gate sees with 80 % power, when `lost` of `n` questions lose all they had.

    Both are None for a gate that cannot fire, even where every question loses all.
    """

    n: int
    drop: float | None
    lost: int | None

    @property
    def sentence(self) -> str:
        """Say what the gate could have seen."""
        questions = _questions(self.n)
        if self.drop is None and self.n < MIN_QUESTIONS:
            return f"with {questions} no drop can be told: at least {MIN_QUESTIONS} are needed"
        if self.drop is None:
            return f"with {questions} no drop of what the baseline finds can be told, not even of all of it"
        return (
            f"if no other question changes, a drop of {self.drop:.2f} or more ({self.lost} of {questions} losing all "
            f"they had) is seen with {POWER:.0%} power".replace("%", " %")
        )


def sight(
    baseline: Floats,
    of: Ints,
    *,
    documents: Ints | None = None,
    bounds: tuple[float, float] = UNIT_RANGE,
    seed: int = 0,
) -> Sight:
    """Return what a gate over these questions sees. `baseline` (n,) are the values that can be lost.

    Questions are drawn at random to lose their whole value, 100 times for each number of them; the others stay.
    """
    n, some = len(baseline), np.flatnonzero(baseline > bounds[0])

    def fires(orders: Sequence[Ints], lost: int) -> float:
        """Return the share of draws in which losing so many of the questions makes the gate fire."""
        drops = np.zeros((n, len(orders)))
        for i, order in enumerate(orders):
            drops[order[:lost], i] = bounds[0] - baseline[order[:lost]]
        return float(dropped(drops, of, documents, bounds, seed).mean())

    if not len(some) or not fires([some], len(some)):
        return Sight(n, None, None)
    orders = [np.random.default_rng([seed, i]).permutation(some) for i in range(DRAWS)]
    # Losing more never makes the gate less likely to fire.
    lost = 1 + bisect_left(range(1, len(some)), True, key=lambda lost: fires(orders, lost) >= POWER)
    drop = float(np.mean([(baseline[order[:lost]] - bounds[0]).sum() for order in orders])) / n
    return Sight(n, drop, lost)
