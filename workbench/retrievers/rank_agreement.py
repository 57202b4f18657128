"""How alike two rankings are, two models on the same chunks, and two hit lists for one query: no labels needed."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.indexes import Flat
from workbench.records import Hit
from workbench.vectors import Vectors

PERSISTENCE = 0.9
"""Rank-biased overlap's p: how likely a reader goes on to the next rank; at 0.9 the first ten weigh 86 %."""


def overlap_at(a: Sequence[Hashable], b: Sequence[Hashable], k: int) -> float:
    """Return the share, 0 to 1, of the first k that two rankings have in common, of fewer where neither has k; 1 where
    both are empty.
    """
    first, second = set(a[:k]), set(b[:k])
    most = max(len(first), len(second))
    return len(first & second) / most if most else 1.0


def rank_biased_overlap(a: Sequence[Hashable], b: Sequence[Hashable], p: float = PERSISTENCE) -> float:
    """Return rank-biased overlap, 0 to 1, extrapolated from the given ranks; 1 where both are empty.

    Raises:
        SpecError: p is not between 0 and 1, or a ranking holds something twice.
    Source: Webber, Moffat and Zobel 2010, "A Similarity Measure for Indefinite Rankings", equation 32.
    """
    if not 0 < p < 1:
        raise SpecError(f"p ({p}) must lie between 0 and 1")
    if len(set(a)) < len(a) or len(set(b)) < len(b):
        raise SpecError("a ranking holds each item once")
    short, long = sorted((a, b), key=len)
    s, n = len(short), len(long)
    if s == 0:
        return 1.0 if n == 0 else 0.0
    seen_short: set[Hashable] = set()
    seen_long: set[Hashable] = set()
    common, at_s, total = 0, 0, 0.0
    for d in range(1, n + 1):
        item = long[d - 1]
        seen_long.add(item)
        common += item in seen_short
        if d <= s:
            other = short[d - 1]
            seen_short.add(other)
            common += other in seen_long  # where both are the same item, this finds it, and the line above did not
        if d == s:
            at_s = common
        total += common / d * p**d
        if d > s:
            total += at_s * (d - s) / (s * d) * p**d
    return (1 - p) / p * total + ((common - at_s) / n + at_s / s) * p**n


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Two models' neighbours of the same chunks: (n,) overlap@k and rank-biased overlap of each chunk's neighbours.

    `k` is the number of neighbours compared; NaN where a chunk has none. The chunk itself is no neighbour of its own.
    `first` and `second` (n, k) are the neighbours by either model, the nearest first.
    """

    k: int
    overlap: NDArray[np.float64]
    rank_biased: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def disagreements(self, most: int) -> NDArray[np.int64]:
        """Return the chunks on which the models agree least, the worst first; equal ones by row."""
        order = np.lexsort((np.arange(len(self.overlap)), self.rank_biased, self.overlap))
        return order[:most]


def agreement(a: Vectors, b: Vectors, k: int = 10, p: float = PERSISTENCE) -> Agreement:
    """Compare the k nearest neighbours, by cosine, in two models' vectors (n, dim_a) and (n, dim_b) of the same chunks.

    Raises:
        SpecError: they are not of the same chunks.
    """
    if len(a) != len(b):
        raise SpecError(f"{len(a)} and {len(b)} vectors are not of the same chunks")
    k = max(0, min(k, len(a) - 1))
    if k == 0:
        none, nobody = np.full(len(a), np.nan), np.empty((len(a), 0), np.int64)
        return Agreement(0, none, none, nobody, nobody)
    first, second = (_neighbours(vectors, k) for vectors in (a, b))
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    overlaps = np.array([overlap_at(x, y, k) for x, y in pairs])
    return Agreement(k, overlaps, np.array([rank_biased_overlap(x, y, p) for x, y in pairs]), first, second)


def _neighbours(vectors: Vectors, k: int) -> NDArray[np.int64]:
    """Return (n, k) the nearest other rows of each row."""
    found = Flat()(vectors).search(vectors, k + 1)[1]
    own = found == np.arange(len(vectors))[:, None]
    own[~own.any(axis=1), -1] = True  # among many equal rows a row may miss itself: then the last gives way
    others: NDArray[np.int64] = found[~own].reshape(len(vectors), k)
    return others


@dataclass(frozen=True, slots=True)
class Movement:
    """A passage in two hit lists. `old` or `new` is None where that list does not hold it."""

    old: Hit | None
    new: Hit | None

    @property
    def change(self) -> int | None:
        """Ranks gained (above 0) or lost; None where the passage entered or left."""
        return self.old.rank - self.new.rank if self.old and self.new else None

    @property
    def word(self) -> str:
        """What happened: up, down, same, entered or left."""
        if self.change is None:
            return "entered" if self.new else "left"
        return "up" if self.change > 0 else "down" if self.change < 0 else "same"


def movements(a: Sequence[Hit], b: Sequence[Hit]) -> list[Movement]:
    """Return every hit of both lists once: by its rank in `b`, then those that left, by their rank in `a`.

    Two hits are the same passage if their spans share at least half of the shorter one. Where that allows several
    pairs, the one with the larger share of common characters in both together (intersection over union) comes first,
    then the better ranks; each hit is in one pair at most. So equal spans always pair, and mere chunk overlap does not.
    """
    pairs = []
    for i, old in enumerate(a):
        for j, new in enumerate(b):
            if old.span == new.span:
                pairs.append((-1.0, i, j))
            elif (common := old.span.overlap(new.span)) and 2 * common >= min(len(old.span), len(new.span)):
                pairs.append((-common / (len(old.span) + len(new.span) - common), i, j))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(pairs):
        if i not in taken and j not in partner:
            partner[j] = i
            taken.add(i)
    moved = [Movement(a[partner[j]] if j in partner else None, new) for j, new in enumerate(b)]
    return moved + [Movement(old, None) for i, old in enumerate(a) if i not in taken]
