"""How many more questions would settle an inconclusive verdict: futures drawn from the questions seen."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.statistics.comparisons import MARGIN
from workbench.statistics.intervals import (
    TAIL,
    UNIT_RANGE,
    Floats,
    Ints,
    cluster_sums,
    difference_bounds,
    smoothed,
)

RELIABLE_FROM = 68
"""Questions below which no number is given: too little is known of those to come."""

MOST_TIMES = 10
"""The largest number that is given, as a multiple of the questions seen."""

CONFIDENCE = 0.9
"""The share of drawn futures that must be settled."""

DRAWS = 200
_MOST_RUNS = 60  # of the leaders that are drawn


def questions_to_settle(
    values: Floats,
    of: Ints,
    margin: float = MARGIN,
    *,
    documents: Ints | None = None,
    bounds: tuple[float, float] = UNIT_RANGE,
    seed: int = 0,
) -> int | None:
    """Return about how many more questions settle the verdict over runs (n, m); None where no number can be given.

    Each draw weights the questions seen (Dirichlet), takes as many further questions by these weights, and
    applies the verdict of `standings` to all. The answer is the smallest number with which 90 % of draws are settled.
    With a margin of 0 only a best run settles it.

    Source: O'Hagan, Stevens and Campbell 2005, "Assurance in clinical trial design"; the weights, Rubin 1981, "The
    Bayesian bootstrap".
    """
    n, m = values.shape
    if n < RELIABLE_FROM:
        return None
    some = np.sort(np.argsort(-values.mean(axis=0), kind="stable")[:_MOST_RUNS])
    future = _Future(values[:, some], of, documents, margin, difference_bounds(bounds), m, seed)
    if future.units < 2:
        return None
    tried = np.unique(np.ceil(np.geomspace(n / 16, MOST_TIMES * n, 40)).astype(np.int64)).tolist()
    at = bisect_left(tried, True, key=lambda more: future.settled(more) >= CONFIDENCE)
    return tried[at] if at < len(tried) else None


class _Moments:
    """Sums over groups of questions, each group as often as it is drawn: what an interval needs, for every draw.

    `units` (n,) says which unit of the draw each question, and so its group, lies in; a unit is drawn whole.
    """

    def __init__(self, values: Floats, groups: Ints, units: Ints) -> None:
        sums, sizes = cluster_sums(values, groups)
        first = np.unique(groups, return_index=True)[1]
        unit = units[first]  # of each group
        c, m = int(units.max()) + 1, sums.shape[1]

        def per_unit(columns: Floats) -> Floats:
            out = np.zeros((c, columns.shape[1]))
            np.add.at(out, unit, columns)
            return out

        self._runs = m
        self._sums, self._crossed = per_unit(sums), per_unit(sums * sizes[:, None])
        self._products = per_unit((sums[:, :, None] * sums[:, None, :]).reshape(len(sums), -1))
        self._sizes = per_unit(np.column_stack([np.ones(len(sizes)), sizes, sizes**2]))

    def draw(self, counts: Floats) -> "_Drawn":
        """Return the sums of draws; `counts` (draws, units) says how often each unit is in each."""
        n, questions, squared = (counts @ self._sizes).T
        products = (counts @ self._products).reshape(len(counts), self._runs, self._runs)
        means = counts @ self._sums / questions[:, None]
        return _Drawn(n, means, products, counts @ self._crossed, squared, (questions / n) ** 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """The moments of every draw: groups n (d,), means (d, m), second moments of the groups' sums and sizes."""

    n: Floats
    means: Floats
    products: Floats
    crossed: Floats
    squared: Floats
    scale: Floats

    def differences(self, i: Ints) -> tuple[Floats, Floats]:
        """Return (d, m) each run's mean less that of run i (d,) of the draw, and its sum of squared residuals."""
        rows = np.arange(len(self.n))
        own = np.einsum("djj->dj", self.products)
        mean = self.means - self.means[rows, i][:, None]
        cross = self.crossed - self.crossed[rows, i][:, None]
        square = own + own[rows, i][:, None] - 2 * self.products[rows, i]
        square = square - 2 * mean * cross + mean**2 * self.squared[:, None]
        return mean, np.maximum(square, 0) / self.scale[:, None]


class _Future:
    """Draws of further questions, and whether they settle the verdict."""

    def __init__(
        self,
        values: Floats,
        of: Ints,
        documents: Ints | None,
        margin: float,
        bounds: tuple[float, float],
        runs: int,
        seed: int,
    ) -> None:
        self._margin, self._bounds, self._runs, self._seed = margin, bounds, runs, seed
        # Questions that share a passage are drawn together, with the document of the first of them.
        units = np.unique(of if documents is None else documents, return_inverse=True)[1].astype(np.int64)
        self.units = int(units.max()) + 1
        self._per_unit = len(values) / self.units
        self._questions = _Moments(values, of, units)
        self._documents = None if documents is None else _Moments(values, units, units)

    def settled(self, more: int) -> float:
        """Return the share of draws that are settled with so many further questions."""
        rng = np.random.default_rng(self._seed)
        weights = rng.dirichlet(np.ones(self.units), DRAWS)
        further = max(1, round(more / self._per_unit))
        drawn = np.stack([rng.multinomial(further, row) for row in weights])
        return float(self._verdicts(1.0 + drawn.astype(np.float64)).mean())

    def _verdicts(self, counts: Floats) -> NDArray[np.bool_]:
        """Return (draws,) whether the verdict of `standings` is settled."""
        questions = self._questions.draw(counts)
        documents = self._documents.draw(counts) if self._documents else None
        draws, m = questions.means.shape
        leader = questions.means.argmax(axis=1)
        low, high = self._ends(questions, documents, leader, TAIL)
        others = np.arange(m) != leader[:, None]
        best = ((high < 0) | ~others).all(axis=1)
        undecided = others & ~((low >= -self._margin) & (high <= self._margin)) & ~best[:, None]
        for j in range(m):
            if not undecided.any():
                break
            above = self._ends(questions, documents, np.full(draws, j), TAIL / (self._runs - 1))[1] < 0
            undecided &= ~above  # a run is not above itself: its own interval holds 0
        settled: NDArray[np.bool_] = ~undecided.any(axis=1)
        return settled

    def _ends(self, questions: _Drawn, documents: _Drawn | None, i: Ints, tail: float) -> tuple[Floats, Floats]:
        """Return (draws, m) the interval of each run less run i of the draw."""
        mean, squares = questions.differences(i)
        centre, error = smoothed(mean, squares, questions.n[:, None], self._bounds)
        reach = _student(questions.n, tail) * error
        low, high = centre - reach, centre + reach
        if documents is not None:  # sign flips of so many documents are near Student's t
            mean, squares = documents.differences(i)
            n = documents.n[:, None]
            reach = _student(documents.n, tail) * np.sqrt(squares / (n * (n - 1)))
            low, high = np.minimum(low, mean - reach), np.maximum(high, mean + reach)
        return low, high


def _student(n: Floats, tail: float) -> Floats:
    from scipy.special import stdtrit

    out: Floats = stdtrit(n - 1, 1 - tail)[:, None]
    return out
