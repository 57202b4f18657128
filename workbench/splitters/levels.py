"""A text as levels of pieces, each level cut finer than the one above, and the chunks that are merged of them.

What does not depend on chunk_size and chunk_overlap is computed once per text and kept: where each separator cuts, and
how long each piece is, measured on its own as LangChain's length_function does. A new size is then a walk over sums
and a table. The chunks are those of langchain-text-splitters 1.1.3, as spans (tests/reference/test_langchain.py).
"""

from array import array
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.caches import kept
from workbench.spans import Ranges, ranges
from workbench.splitters.pieces import Codes, Cut, Ints, bare, codes, measured


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Pieces of a text in order; those of one owner, which is a piece of the level above, are merged with each other.

    `owners` (m,) the place where each owner starts, `finer` (m,) the rule from which on its pieces may be cut, `first`
    (m + 1,) its first piece; `starts`, `ends` (n,) of each piece; `sums` (n + 1,) the lengths of all pieces before one,
    each with the `joint` that is put back after it; `at_least` (sums[-1] + 1,) the first piece before which there is so
    much: `bisect_left(sums, s)` for every s.
    """

    owners: Ints
    finer: Ints
    first: Ints
    starts: Ints
    ends: Ints
    sums: NDArray[np.int32]
    at_least: NDArray[np.int32]
    joint: int = 0

    @classmethod
    def of(
        cls, owners: Ints, finer: Ints, counts: Ints, starts: Ints, ends: Ints, lengths: Ints, joint: int = 0
    ) -> "Level":
        """The level of pieces in order, of which each owner has so many."""
        steps = lengths + joint
        sums = _before(steps).astype(np.int32)
        at_least = np.zeros(sums[-1] + 1, np.int32)
        at_least[1:] = np.repeat(np.arange(1, len(steps) + 1, dtype=np.int32), steps)
        return cls(owners, finer, _before(counts), starts, ends, sums, at_least, joint)

    @property
    def lengths(self) -> Ints:
        """(n,) of each piece on its own."""
        return np.diff(self.sums) - self.joint

    @property
    def bytes(self) -> int:
        """What it takes in memory, about."""
        return 3 * self.starts.nbytes + self.at_least.nbytes

    def with_(self, other: "Level") -> "Level":
        """The pieces of both, which have no owner in common."""
        mine, theirs = np.diff(self.first), np.diff(other.first)
        owner = np.argsort(np.concatenate([self.owners, other.owners]))
        starts = np.concatenate([self.starts, other.starts])
        piece = np.argsort(starts)
        return Level.of(
            np.concatenate([self.owners, other.owners])[owner],
            np.concatenate([self.finer, other.finer])[owner],
            np.concatenate([mine, theirs])[owner],
            starts[piece],
            np.concatenate([self.ends, other.ends])[piece],
            np.concatenate([self.lengths, other.lengths])[piece],
        )

    def spans(self, which: Ints) -> Ranges:
        """(n, 2) of these pieces."""
        return np.column_stack([self.starts[which], self.ends[which]])

    def large(self, owners: Ints, size: int) -> tuple[Ints, Ints]:
        """The pieces of these owners that are of `size` or more, and the rule from which on each may be cut."""
        large = np.flatnonzero(self.lengths >= size)
        owner = np.searchsorted(self.first, large, "right") - 1
        if len(owners) < len(self.owners):
            among = np.zeros(len(self.owners), np.bool_)
            among[owners] = True
            large, owner = large[among[owner]], owner[among[owner]]
        return large, self.finer[owner]

    def merged(self, owners: Ints, large: Ints, size: int, overlap: int) -> Ranges:
        """(n, 2) the pieces of these owners between those that are large, merged into chunks of at most `size`, each
        repeating up to `overlap` of the one before.

        With sums C of the lengths, a chunk that starts at piece a ends before the first piece i with
        C[i + 1] - C[a] > size, and the next one starts at the first a with
        C[a] >= min(max(C[i] - overlap, C[i + 1] - size), C[i]): what overlaps may not push piece i out.
        """
        begins = np.sort(np.concatenate([self.first[owners], large + 1]))
        stops = np.sort(np.concatenate([self.first[owners + 1], large]))
        some = begins < stops
        begins, stops = begins[some], stops[some]
        sums, at_least, joint = memoryview(self.sums), memoryview(self.at_least), self.joint
        beyond, overlap, size = size + joint + 1, overlap + joint, size + joint
        firsts, lasts = array("q"), array("q")
        for a, stop, limit in zip(begins.tolist(), stops.tolist(), self.sums[stops].tolist(), strict=True):
            i = a
            while (reach := sums[a] + beyond) <= limit and i + 1 < stop:
                fits = at_least[reach] - 1
                i = fits if fits > i else i + 1  # a piece that is large by itself, where none is cut finer
                firsts.append(a)
                lasts.append(i - 1)
                keep, room = sums[i] - overlap, sums[i + 1] - size
                if room > keep:
                    keep = room if room < sums[i] - joint else sums[i] - joint
                a = at_least[keep]
            firsts.append(a)
            lasts.append(stop - 1)
        return np.column_stack([self.starts[np.array(firsts)], self.ends[np.array(lasts)]])

@dataclass(slots=True, eq=False)
class Tree:
    """A text's levels, as far as they were needed: `rules` cut it, the coarsest first, and `measure` its pieces."""

    text: str
    rules: tuple[Cut, ...]
    measure: str
    codes: Codes
    levels: dict[int, Level]

    @classmethod
    def of(cls, text: str, rules: tuple[Cut, ...], measure: str, starts: Ints, ends: Ints) -> "Tree":
        """The tree whose first level is these pieces, all merged with each other."""
        one, zero = np.array([len(starts)]), np.zeros(1, np.int64)
        level = Level.of(zero, zero, one, starts, ends, measured(text, starts, ends, measure))
        return cls(text, rules, measure, codes(text), {0: level})

    @classmethod
    def within(cls, text: str, rules: tuple[Cut, ...], measure: str, parts: Ranges) -> "Tree":
        """The tree of these parts of a text, each cut and chunked by itself."""
        tree = cls(text, rules, measure, codes(text), {})
        tree.levels[0] = tree._cut(parts[:, 0], parts[:, 1], np.zeros(len(parts), np.int64))
        return tree

    def grouped(self, first: Ints) -> "Tree":
        """The same with other owners of the first level's pieces, each from its `first` one on."""
        level = self.levels[0]
        new = replace(level, owners=first, finer=np.zeros_like(first), first=np.append(first, len(level.starts)))
        return replace(self, levels={**self.levels, 0: new})

    @property
    def pieces(self) -> Ranges:
        """(n, 2) the pieces of the first level."""
        return self.levels[0].spans(np.arange(len(self.levels[0].starts)))

    @property
    def bytes(self) -> int:
        """What it takes in memory now, about; the text left out."""
        return self.codes.nbytes + sum(level.bytes for level in self.levels.values())

    def weigh(self) -> int:
        """What it may take in memory, about, once its finer levels are cut too."""
        return 24 * len(self.text)

    def chunks(self, size: int, overlap: int) -> Ranges:
        """(n, 2) the chunks, in order: runs of pieces merged up to `size`; a piece of `size` or more is cut finer and
        chunked by itself, and stays as it is where it can be cut no finer.
        """
        level = self.levels[0]
        owners = np.arange(len(level.owners))
        merged, whole, depth = [], [], 0
        while True:
            large, finer = level.large(owners, size)
            merged.append(level.merged(owners, large, size, overlap))
            final = finer == len(self.rules)
            whole.append(level.spans(large[final]))
            if final.all():
                break
            depth, parts = depth + 1, level.spans(large[~final])
            level = self._level(depth, parts, finer[~final])
            owners = np.searchsorted(level.owners, parts[:, 0])
        spans = np.concatenate([bare(self.text, self.codes, np.concatenate(merged)), *whole])
        return spans[np.argsort(spans[:, 0], kind="stable")]

    def _level(self, depth: int, parts: Ranges, finer: Ints) -> Level:
        """The level of this depth, in which these parts are owners: cut now where they were not before."""
        known = self.levels.get(depth)
        if known is None:
            level = self._cut(parts[:, 0], parts[:, 1], finer)
        else:
            at = np.searchsorted(known.owners, parts[:, 0])
            new = known.owners.take(at, mode="clip") != parts[:, 0]
            if not new.any():
                return known
            level = known.with_(self._cut(parts[new, 0], parts[new, 1], finer[new]))
        self.levels[depth] = level
        return level

    def _cut(self, starts: Ints, ends: Ints, finer: Ints) -> Level:
        """The level of these parts, each cut by the first rule from its own on that applies to it, or the last."""
        counts, used = np.ones(len(starts), np.int64), np.full(len(starts), len(self.rules))
        inner, left = [starts], np.arange(len(starts))
        for number, rule in enumerate(self.rules, 1):
            here = left[finer[left] < number]
            if not len(here):
                continue
            places, low, high = rule.places(self.text, self.codes, starts[here], ends[here])
            found = low < high
            here, low, high = here[found], low[found], high[found]
            low = low + (places[low] == starts[here])
            inner.append(places[_ranges(low, high)])
            counts[here] += high - low
            used[here] = number if rule.pattern else len(self.rules)
            left = np.setdiff1d(left, here, assume_unique=True)
        firsts = np.sort(np.concatenate(inner))
        lasts = np.append(firsts[1:], 0)
        lasts[np.cumsum(counts) - 1] = ends
        return Level.of(starts, used, counts, firsts, lasts, measured(self.text, firsts, lasts, self.measure))


KEPT = 256 << 20
"""The most bytes of trees that each kind of splitter keeps."""


@kept(KEPT, Tree.weigh)
def tree(text: str, rules: tuple[Cut, ...], measure: str) -> Tree:
    """The tree of a whole text; kept, so that a change of size or overlap cuts and measures nothing anew."""
    return Tree.within(text, rules, measure, ranges([(0, len(text))] if text else []))


def _before(counts: Ints) -> Ints:
    """(n + 1,) the sum of the counts before each place, and of all."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums


def _ranges(low: Ints, high: Ints) -> Ints:
    """The whole numbers of each range from low to high, one range after the other."""
    counts = high - low
    return np.arange(counts.sum()) + np.repeat(low - _before(counts)[:-1], counts)
