"""Spans of text and their algebra. Every offset is a code point of `Document.text`, every range is half-open.

`Span` is one range of one document. Its vectorised twin is an (n, 2) int64 array of starts and ends within
one document; the functions below take and return such arrays.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError

Ranges = NDArray[np.int64]
"""(n, 2) int64: start and end of n ranges in one document."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The characters `start` to `end` (exclusive) of a document."""

    document: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise SpecError(f"span {self.start}..{self.end} is not valid: 0 <= start <= end must hold")

    def __len__(self) -> int:
        return self.end - self.start

    def overlap(self, other: "Span") -> int:
        """Return the number of characters that both spans hold; 0 across documents."""
        if self.document != other.document:
            return 0
        return max(0, min(self.end, other.end) - max(self.start, other.start))

    def covers(self, other: "Span") -> bool:
        """Return whether `other` lies wholly inside this span."""
        return self.document == other.document and self.start <= other.start and other.end <= self.end


def ranges(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return the pairs as (n, 2) int64; (0, 2) of none."""
    return np.array(list(pairs), dtype=np.int64).reshape(-1, 2)


def lengths(spans: Ranges) -> NDArray[np.int64]:
    """Return the number of characters in each range, (n,)."""
    out: NDArray[np.int64] = spans[:, 1] - spans[:, 0]
    return out


def nonblank(spans: Ranges, blanks: NDArray[np.int64]) -> Ranges:
    """Return the ranges counted in characters other than white space; `blanks` are its offsets, ascending."""
    counted: Ranges = spans - np.searchsorted(blanks, spans)
    return counted


def union(spans: Ranges) -> Ranges:
    """Return the same characters as disjoint ranges in order; touching ranges are joined, empty ones dropped."""
    spans = spans[lengths(spans) > 0]
    if len(spans) == 0:
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    first = np.concatenate([[True], spans[1:, 0] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.column_stack([spans[first, 0], reach[last]])


def intersection(a: Ranges, b: Ranges) -> Ranges:
    """Return the characters that both hold, as disjoint ranges in order."""
    return depth_at_least(np.concatenate([union(a), union(b)]), 2)


def depth_at_least(spans: Ranges, depth: int) -> Ranges:
    """Return the characters that at least `depth` of the ranges hold, as disjoint ranges in order.

    `depth_at_least(chunks, 2)` is the overlap that chunks share.
    """
    spans = spans[lengths(spans) > 0]
    edges = np.concatenate([spans[:, 0], spans[:, 1]])
    steps = np.concatenate([np.ones(len(spans), np.int64), -np.ones(len(spans), np.int64)])
    places, where = np.unique(edges, return_inverse=True)
    height = np.cumsum(np.bincount(where, weights=steps, minlength=len(places))).astype(np.int64)
    deep = height >= depth
    return union(np.column_stack([places[:-1][deep[:-1]], places[1:][deep[:-1]]]).astype(np.int64))


def covered(spans: Ranges) -> int:
    """Return the number of characters that the ranges hold, each counted once."""
    return int(lengths(union(spans)).sum())
