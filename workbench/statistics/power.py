"""What a number of questions can show, and how many it takes, by the rule of `intervals`: its width is counted in.

`sd` is that of the questions' paired differences of a score in [0, 1]. Cohen 1988, "Statistical Power Analysis", with
the normal approximation for what is still to be drawn.
"""

from collections.abc import Callable
from math import inf, sqrt
from statistics import NormalDist

import numpy as np

from workbench.errors import SpecError
from workbench.statistics.comparisons import MIN_QUESTIONS
from workbench.statistics.intervals import PSEUDO, TAIL, least_difference, student

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
    """The smallest number of questions that fits, at most `_MOST`."""
    low, high = MIN_QUESTIONS, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def _quantile(power: float) -> float:
    if not 0 < power < 1:
        raise SpecError(f"power ({power}) must be between 0 and 1")
    return NormalDist().inv_cdf(power)


def _spread(sd: float) -> float:
    if not 0 <= sd < inf:
        raise SpecError(f"the standard deviation ({sd}) must be at least 0")
    return sd
