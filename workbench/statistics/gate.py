"""What drop a regression gate could have seen: how many questions must lose all they had before it fires."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.statistics.comparisons import MIN_QUESTIONS, dropped
from workbench.statistics.intervals import UNIT_RANGE, Floats, Ints
from workbench.statistics.power import POWER

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
        questions = f"{self.n:,} question" + ("" if self.n == 1 else "s")
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
    blind = Sight(n, None, None)

    def fires(orders: Sequence[Ints], lost: int) -> float:
        """The share of draws in which losing so many of the questions makes the gate fire."""
        drops = np.zeros((n, len(orders)))
        for i, order in enumerate(orders):
            drops[order[:lost], i] = bounds[0] - baseline[order[:lost]]
        return float(dropped(drops, of, documents, bounds, seed).mean())

    if not len(some) or not fires([some], len(some)):
        return blind
    orders = [np.random.default_rng([seed, i]).permutation(some) for i in range(DRAWS)]
    low, high = 1, len(some)
    while low < high:  # losing more never makes the gate less likely to fire
        middle = (low + high) // 2
        low, high = (low, middle) if fires(orders, middle) >= POWER else (middle + 1, high)
    drop = float(np.mean([(baseline[order[:low]] - bounds[0]).sum() for order in orders])) / n
    return Sight(n, drop, low)
