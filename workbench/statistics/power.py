"""What a number of questions can show, and how many it takes. `sd` is that of the questions' paired differences.

Source: Cohen 1988, "Statistical Power Analysis", by the normal approximation.
"""

from math import ceil, sqrt
from statistics import NormalDist

from workbench.errors import SpecError
from workbench.statistics.resampling import LEVEL

POWER = 0.8

_MOST = 10**9  # questions; more is "never"


def minimum_detectable_difference(sd: float, n: int, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest true difference that n questions show, two-sided, with this power."""
    if n < 1:
        raise SpecError(f"the number of questions ({n}) must be at least 1")
    return (_two_sided(level) + _quantile(power, "power")) * _spread(sd) / sqrt(n)


def questions_needed(
    sd: float, difference: float, power: float = POWER, level: float = LEVEL, critical: float | None = None
) -> int:
    """Questions to show a true difference of this size, two-sided, with this power.

    `critical` is the number of standard errors that a difference must exceed, where several runs are compared at once.
    """
    return _count(_two_sided(level) if critical is None else critical, power, sd, difference, "difference")


def questions_for_equivalence(
    sd: float, margin: float, power: float = POWER, level: float = LEVEL, critical: float | None = None
) -> int:
    """Questions for the interval to lie inside ± margin, with this power, where the true difference is 0.

    Two one-sided tests at 5 % each need less: they are a level of 0.9.

    Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure".
    """
    return _count(_two_sided(level) if critical is None else critical, (1 + power) / 2, sd, margin, "margin")


def _count(critical: float, power: float, sd: float, size: float, what: str) -> int:
    if not size > 0:
        raise SpecError(f"{what} ({size}) must be above 0")
    ratio = (critical + _quantile(power, "power")) * _spread(sd) / size
    return max(1, ceil(min(ratio * ratio, _MOST)))


def _two_sided(level: float) -> float:
    return _quantile((1 + level) / 2, "level")


def _quantile(share: float, what: str) -> float:
    if not 0 < share < 1:
        raise SpecError(f"{what} must be between 0 and 1")
    return NormalDist().inv_cdf(share)


def _spread(sd: float) -> float:
    if not 0 <= sd < float("inf"):
        raise SpecError(f"the standard deviation ({sd}) must be at least 0")
    return sd
