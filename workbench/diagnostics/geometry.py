"""How the vectors of chunks lie to each other: hubs that answer everything, orphans, near-duplicates and outliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.indexes import Flat
from workbench.vectors import Vectors

Ints = NDArray[np.int64]

K = 10
HUB = 2.0
"""Standard deviations of k-occurrence above its mean from which on a chunk is a hub (Radovanović et al. 2010)."""
NEAR_DUPLICATE = 0.97
"""Cosine from which on two chunks say the same to this model."""
FENCE = 1.5
"""Interquartile ranges beyond the third quartile: Tukey's fence for outliers."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhoods:
    """Each chunk's k nearest others, and what follows from them.

    `neighbours` (n, k) rows and `cosines` (n, k), the nearest first; `occurrence` (n,) the number of lists of k that
    a chunk is in; `skew` its skewness: 0 where all chunks are found alike, above 1 where a few crowd out the others.
    """

    k: int
    neighbours: Ints
    cosines: NDArray[np.float32]
    occurrence: Ints
    skew: float

    @property
    def hubs(self) -> Ints:
        """Rows in far more lists than others, the most frequent first."""
        if not self.occurrence.any():
            return np.empty(0, np.int64)
        rows = np.flatnonzero(self.occurrence > self.occurrence.mean() + HUB * max(self.occurrence.std(), 1e-9))
        return rows[np.argsort(-self.occurrence[rows], kind="stable")].astype(np.int64)

    @property
    def orphans(self) -> Ints:
        """Rows in no list: near to no other chunk."""
        return np.flatnonzero(self.occurrence == 0).astype(np.int64)

    @property
    def near_duplicates(self) -> Ints:
        """(m, 2) pairs of rows, the lower first, whose cosine is at least `NEAR_DUPLICATE`; the closest pairs first."""
        rows, places = np.nonzero(self.cosines >= NEAR_DUPLICATE)
        pairs = np.sort(np.column_stack([rows, self.neighbours[rows, places]]), axis=1)
        pairs, first = np.unique(pairs, axis=0, return_index=True)
        return pairs[np.argsort(-self.cosines[rows, places][first], kind="stable")].astype(np.int64)

    @property
    def outliers(self) -> Ints:
        """Rows that are far from even their nearest: mean distance beyond Tukey's fence, the farthest first."""
        distance = 1 - self.cosines.mean(axis=1) if self.cosines.size else np.zeros(len(self.cosines))
        if not len(distance):
            return np.empty(0, np.int64)
        low, high = np.quantile(distance, [0.25, 0.75])
        rows = np.flatnonzero(distance > high + FENCE * (high - low))
        return rows[np.argsort(-distance[rows], kind="stable")].astype(np.int64)


def neighbourhoods(vectors: Vectors, k: int = K) -> Neighbourhoods:
    """Find each chunk's k nearest others by cosine; k is at most n − 1.

    Source: Radovanović, Nanopoulos and Ivanović 2010, "Hubs in Space", JMLR 11.
    """
    n = len(vectors)
    k = min(k, max(n - 1, 0))
    if k == 0:
        return Neighbourhoods(0, np.empty((n, 0), np.int64), np.empty((n, 0), np.float32), np.zeros(n, np.int64), 0.0)
    scores, rows = Flat()(vectors).search(vectors, k + 1)
    others = rows != np.arange(n)[:, None]
    others &= np.cumsum(others, axis=1) <= k  # a duplicate with a lower row can come before the chunk itself
    occurrence = np.bincount(rows[others], minlength=n).astype(np.int64)
    return Neighbourhoods(k, rows[others].reshape(n, k), scores[others].reshape(n, k), occurrence, _skew(occurrence))


def _skew(values: Ints) -> float:
    """Return the third standardised moment; 0 where nothing varies."""
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean() / spread**3) if spread else 0.0


@dataclass(frozen=True, slots=True)
class HubsAmongMisses:
    """Return whether hubs are in the way: the mean share of hubs among the hits of missed and of answered questions.

    `p` is the two-sided permutation p of the difference; NaN where a side has fewer than two questions.
    """

    missed: float
    answered: float
    questions_missed: int
    questions_answered: int
    p: float


def hubs_among_misses(
    hubs: Ints, hits: Sequence[Sequence[int]], missed: Sequence[bool], resamples: int = 10_000, seed: int = 0
) -> HubsAmongMisses:
    """Compare the share of hubs among the hits (rows) of `missed` and of answered questions."""
    marks = set(hubs.tolist())
    shares = np.array([np.mean([row in marks for row in rows]) if len(rows) else 0.0 for rows in hits], np.float64)
    lost = np.asarray(missed, np.bool_)
    a, b = shares[lost], shares[~lost]
    if min(len(a), len(b)) < 2:
        nan = float("nan")
        return HubsAmongMisses(_mean(a), _mean(b), len(a), len(b), nan)
    from scipy.stats import permutation_test

    rng = np.random.default_rng(seed)
    test: Any = permutation_test((a, b), _apart, n_resamples=resamples, rng=rng, vectorized=True)
    return HubsAmongMisses(_mean(a), _mean(b), len(a), len(b), float(test.pvalue))


def _apart(a: Any, b: Any, axis: int = -1) -> Any:
    return a.mean(axis=axis) - b.mean(axis=axis)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
