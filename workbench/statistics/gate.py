"""What drop a regression gate could have seen: how many questions must lose all they had before it fires."""

from dataclasses import dataclass

import numpy as np

from workbench.statistics.comparisons import MIN_QUESTIONS, compare
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
        if self.drop is None and self.n < MIN_QUESTIONS:
            return f"with {self.n} questions no drop can be told: at least {MIN_QUESTIONS} are needed"
        if self.drop is None:
            return f"with {self.n} questions no drop of what the baseline finds can be told, not even of all of it"
        return (
            f"a drop of {self.drop:.2f} or more ({self.lost} of {self.n} questions losing all they had) would have "
            f"been seen with {POWER:.0%} power".replace("%", " %")
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

    def fires(lost: Ints) -> bool:
        now = baseline.copy()
        now[lost] = bounds[0]
        found = compare(now, baseline, of, documents=documents, bounds=bounds, seed=seed)
        return found.is_settled and found.difference < 0

    if not len(some) or not fires(some):
        return blind
    orders = [np.random.default_rng([seed, i]).permutation(some) for i in range(DRAWS)]
    low, high = 1, len(some)
    while low < high:  # losing more never makes the gate less likely to fire
        middle = (low + high) // 2
        seen = np.mean([fires(order[:middle]) for order in orders])
        low, high = (low, middle) if seen >= POWER else (middle + 1, high)
    drop = float(np.mean([(baseline[order[:low]] - bounds[0]).sum() for order in orders])) / n
    return Sight(n, drop, low)
