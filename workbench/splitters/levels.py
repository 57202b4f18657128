"""A text as a tree of pieces, kept in a few arrays, and the one merge that makes chunks of them.

What does not depend on chunk_size and chunk_overlap is computed once per text and kept: where each separator cuts, and
how long each piece is, measured on its own as LangChain's length_function does. A new size is then a walk over sums of
lengths. The chunks are those of langchain-text-splitters 1.1.3, as spans (tests/reference/test_langchain.py).
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.caches import kept
from workbench.spans import Ranges, ranges
from workbench.splitters.pieces import Codes, Cut, Ints, bare, codes, measured

_ENDLESS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of a text, in groups: neighbours that are merged with each other, and that a larger piece was cut into.

    Of each piece: `starts`, `ends`, `lengths` (n,), and whether it `was_cut` (n,) into a group of its own, which stands
    somewhere after it; `sums` (n + 1,) the lengths of all before it, each with the `joint` that is put back after it.
    Of each group: its `first` (m + 1,) piece, the rule from which on these may be cut finer (`rules`, (m,)), and the
    length of the shortest piece that it lies in (`within`, (m,)): the group stands in no chunks of a size above.
    """

    starts: Ints
    ends: Ints
    lengths: Ints
    was_cut: NDArray[np.bool_]
    sums: list[int]
    first: Ints
    rules: Ints
    within: Ints
    joint: int = 0

    @classmethod
    def of(
        cls, starts: Ints, ends: Ints, lengths: Ints, counts: Ints, rules: Ints, within: Ints, joint: int = 0
    ) -> "Pieces":
        """Pieces of which each group has so many."""
        sums = before(lengths + joint).tolist()
        was_cut = np.zeros(len(starts), np.bool_)
        return cls(starts, ends, lengths, was_cut, sums, before(counts), rules, within, joint)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def bytes(self) -> int:
        """What they take in memory, about."""
        return 33 * len(self) + 24 * len(self.first)

    def with_(self, cut: Ints, finer: "Pieces") -> "Pieces":
        """These and the finer pieces that some of them were cut into."""
        was_cut = np.append(self.was_cut, finer.was_cut)
        was_cut[cut] = True
        return replace(
            self,
            starts=np.append(self.starts, finer.starts),
            ends=np.append(self.ends, finer.ends),
            lengths=np.append(self.lengths, finer.lengths),
            was_cut=was_cut,
            sums=[*self.sums, *(self.sums[-1] + np.array(finer.sums[1:])).tolist()],
            first=np.append(self.first, finer.first[1:] + len(self)),
            rules=np.append(self.rules, finer.rules),
            within=np.append(self.within, finer.within),
        )

    def group(self, which: Ints) -> Ints:
        """The group that each of these pieces stands in."""
        return self.first.searchsorted(which, "right") - 1

    def large(self, size: int) -> tuple[Ints, Ints]:
        """The pieces of `size` or more in groups that stand at this size, and the group of each."""
        large = np.flatnonzero(self.lengths >= size)
        group = self.group(large)
        stands = self.within[group] >= size
        return (large, group) if stands.all() else (large[stands], group[stands])

    def merged(self, large: Ints, size: int, overlap: int) -> tuple[Ints, Ints]:
        """Starts and ends of chunks: the pieces between those that are large, merged up to `size` within their group,
        each chunk repeating up to `overlap` of the one before.

        With the sums C of the lengths, a chunk that starts at piece a ends before the first piece i with
        C[i + 1] - C[a] > size, and the next one starts at the first a with
        C[a] >= max(C[i] - overlap, C[i + 1] - size): what overlaps may not push piece i out.
        """
        groups = np.flatnonzero(self.within >= size)
        begins, stops = np.append(self.first[groups], large + 1), np.append(self.first[groups + 1], large)
        begins.sort()
        stops.sort()
        sums, size, overlap = self.sums, size + self.joint, overlap + self.joint
        firsts, lasts = array("q"), array("q")
        for begin, stop in zip(begins.tolist(), stops.tolist(), strict=True):
            if begin == stop:
                continue
            a, limit = begin, sums[stop] - size
            while (done := sums[a]) < limit:
                i = bisect_right(sums, done + size, a, stop)  # after the piece that does not fit
                keep, room = sums[i - 1] - overlap, sums[i] - size
                firsts.append(a)
                lasts.append(i - 2)
                a = bisect_left(sums, keep if keep > room else room, a, i)
            firsts.append(a)
            lasts.append(stop - 1)
        return self.starts[np.frombuffer(firsts, np.int64)], self.ends[np.frombuffer(lasts, np.int64)]


def single(starts: Ints, ends: Ints, lengths: Ints, joint: int = 0) -> Pieces:
    """One group of pieces, which lie in no larger one."""
    one = np.array([len(starts)]), np.zeros(1, np.int64), np.array([_ENDLESS])
    return Pieces.of(starts, ends, lengths, *one, joint)


@dataclass(slots=True, eq=False)
class Tree:
    """A text's pieces, cut as fine as was needed: by `rules`, the coarsest first, and measured by `measure`."""

    text: str
    rules: tuple[Cut, ...]
    measure: str
    codes: Codes
    pieces: Pieces
    roots: int = 1  # so many groups lie in no larger piece

    @classmethod
    def of(cls, text: str, rules: tuple[Cut, ...], measure: str, starts: Ints, ends: Ints) -> "Tree":
        """The tree of these pieces, all merged with each other, which the rules cut finer."""
        return cls(text, rules, measure, codes(text), single(starts, ends, measured(text, starts, ends, measure)))

    @classmethod
    def within(cls, text: str, rules: tuple[Cut, ...], measure: str, parts: Ranges) -> "Tree":
        """The tree of these parts of a text, each cut and chunked by itself."""
        tree = cls.of(text, rules, measure, parts[:0, 0], parts[:0, 1])
        any_, endless = np.zeros(len(parts), np.int64), np.full(len(parts), _ENDLESS)
        return replace(tree, pieces=tree._cut(parts[:, 0], parts[:, 1], any_, endless), roots=len(parts))

    def grouped(self, first: Ints) -> "Tree":
        """The same with other groups of the coarsest pieces, each from its `first` one on."""
        all_, rest = self.pieces, slice(self.roots, None)
        pieces = replace(
            all_,
            first=np.append(first, all_.first[rest]),
            rules=np.append(np.zeros_like(first), all_.rules[rest]),
            within=np.append(np.full(len(first), _ENDLESS), all_.within[rest]),
        )
        return replace(self, pieces=pieces, roots=len(first))

    @property
    def spans(self) -> Ranges:
        """(n, 2) the coarsest pieces."""
        n = self.pieces.first[self.roots]
        return np.column_stack([self.pieces.starts[:n], self.pieces.ends[:n]])

    def weigh(self) -> int:
        """What it may take in memory, about, once it is cut finer too."""
        return 24 * len(self.text)

    def chunks(self, size: int, overlap: int) -> Ranges:
        """(n, 2) the chunks, in order: runs of pieces merged up to `size`; a piece of `size` or more is cut finer and
        chunked by itself, and stays as it is where it can be cut no finer.
        """
        pieces = self.pieces
        while True:
            large, group = pieces.large(size)
            whole = pieces.rules[group] == len(self.rules)
            new = ~(whole | pieces.was_cut[large])
            if not new.any():
                break
            cut = large[new][pieces.starts[large[new]].argsort()]
            group = pieces.group(cut)
            within = np.minimum(pieces.lengths[cut], pieces.within[group])
            finer = self._cut(pieces.starts[cut], pieces.ends[cut], pieces.rules[group], within)
            self.pieces = pieces = pieces.with_(cut, finer)
        spans = bare(self.text, self.codes, *pieces.merged(large, size, overlap))
        if whole.any():
            spans = np.concatenate([spans, np.column_stack([pieces.starts[large[whole]], pieces.ends[large[whole]]])])
        return spans[spans[:, 0].argsort(kind="stable")]

    def _cut(self, starts: Ints, ends: Ints, rules: Ints, within: Ints) -> Pieces:
        """The pieces of these parts, each cut by the first rule from its own on that applies to it, or the last."""
        counts, used = np.ones(len(starts), np.int64), np.full(len(starts), len(self.rules))
        inner, left = [starts], np.arange(len(starts))
        for number, rule in enumerate(self.rules, 1):
            here = left[rules[left] < number]
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
        return Pieces.of(firsts, lasts, measured(self.text, firsts, lasts, self.measure), counts, used, within)


KEPT = 256 << 20
"""The most bytes of trees that each kind of splitter keeps."""


@kept(KEPT, Tree.weigh)
def tree(text: str, rules: tuple[Cut, ...], measure: str) -> Tree:
    """The tree of a whole text; kept, so that a change of size or overlap cuts and measures nothing anew."""
    return Tree.within(text, rules, measure, ranges([(0, len(text))] if text else []))


def before(counts: Ints) -> Ints:
    """(n + 1,) the sum of the counts before each place, and of all."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums


def _ranges(low: Ints, high: Ints) -> Ints:
    """The whole numbers of each range from low to high, one range after the other."""
    counts = high - low
    return np.arange(counts.sum()) + np.repeat(low - before(counts)[:-1], counts)
