"""A text as a tree of pieces, kept in a few arrays, and the one merge that makes chunks of them.

What does not depend on chunk_size and chunk_overlap is computed once per text and kept: where each separator cuts, and
how long each piece is, measured on its own as LangChain's length_function does. A new size is then a walk over sums of
lengths. The chunks are those of langchain-text-splitters 1.1.3, as spans (tests/reference/test_langchain.py).
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace

import numpy as np

from workbench.memory_cache import cached
from workbench.spans import Ranges, ranges
from workbench.splitters.pieces import Cut, Ints, Source, bare, measured

_ENDLESS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of a text, in groups: neighbours that are merged with each other, and that a larger piece was cut into.

    Of each piece (n,): its `starts` and `ends`, and with the white space there left out, `bare_starts` and `bare_ends`;
    `least`, the length of the shortest of the pieces that it lies in and itself; the `rule` from which on it may be
    cut, or -1 if it was: into a group that stands somewhere after it. `sums` (n + 1,): the lengths of all before it,
    each with the `joint` that is put back after it. Of each group: its `first` (m + 1,) piece, and the length of the
    shortest piece that it lies in, `within` (m,): at a size above, this group is in no chunk.
    """

    starts: Ints
    ends: Ints
    bare_starts: Ints
    bare_ends: Ints
    least: Ints
    rule: Ints
    sums: list[int]
    first: Ints
    within: Ints
    joint: int = 0

    @classmethod
    def of(
        cls, source: Source, starts: Ints, ends: Ints, counts: Ints, rules: Ints, within: Ints, joint: int = 0
    ) -> "Pieces":
        """Pieces of which each group has so many."""
        lengths = measured(source.text, starts, ends, source.measure)
        bare_starts, bare_ends = bare(source.codes, starts, ends)
        least, rule = np.minimum(lengths, np.repeat(within, counts)), np.repeat(rules, counts)
        sums = _before(lengths + joint).tolist()
        return cls(starts, ends, bare_starts, bare_ends, least, rule, sums, _before(counts), within, joint)

    @classmethod
    def single(cls, source: Source, starts: Ints, ends: Ints, joint: int = 0) -> "Pieces":
        """One group of pieces, which lie in no larger one."""
        return cls.of(source, starts, ends, np.array([len(starts)]), np.zeros(1, np.int64), np.array([_ENDLESS]), joint)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def bytes(self) -> int:
        """What they take in memory, about."""
        return 88 * len(self) + 16 * len(self.first)

    def with_(self, cut: Ints, finer: "Pieces") -> "Pieces":
        """These and the finer pieces that some of them were cut into."""
        rule = self.rule.copy()
        rule[cut] = -1
        return Pieces(
            np.append(self.starts, finer.starts),
            np.append(self.ends, finer.ends),
            np.append(self.bare_starts, finer.bare_starts),
            np.append(self.bare_ends, finer.bare_ends),
            np.append(self.least, finer.least),
            np.append(rule, finer.rule),
            [*self.sums, *(self.sums[-1] + np.array(finer.sums[1:])).tolist()],
            np.append(self.first, finer.first[1:] + len(self)),
            np.append(self.within, finer.within),
            self.joint,
        )

    def merged(self, large: Ints, size: int, overlap: int) -> tuple[Ints, Ints]:
        """Starts and ends of chunks, bare: the pieces between those that are large, merged up to `size` within their
        group, each chunk repeating up to `overlap` of the one before.

        With the sums C of the lengths, a chunk that starts at piece a ends before the first piece i with
        C[i + 1] - C[a] > size, and the next one starts at the first a with
        C[a] >= max(C[i] - overlap, C[i + 1] - size): what overlaps may not push piece i out.
        """
        groups = (self.within >= size).nonzero()[0]
        begins = np.concatenate([self.first[groups], large + 1])
        stops = np.concatenate([self.first[groups + 1], large])
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
        return self.bare_starts[np.frombuffer(firsts, np.int64)], self.bare_ends[np.frombuffer(lasts, np.int64)]


def in_order(starts: Ints, ends: Ints) -> Ranges:
    """(n, 2) the spans by their starts, without those that are empty."""
    order = starts.argsort(kind="stable")
    spans = np.array([starts[order], ends[order]]).T
    return spans[spans[:, 0] < spans[:, 1]]


@dataclass(slots=True, eq=False)
class Tree:
    """A text's pieces, cut by `rules`, the coarsest first, as fine as was needed."""

    source: Source
    rules: tuple[Cut, ...]
    pieces: Pieces
    roots: int = 1  # so many groups lie in no larger piece

    @classmethod
    def of(cls, text: str, rules: tuple[Cut, ...], measure: str, starts: Ints, ends: Ints) -> "Tree":
        """The tree of these pieces, all merged with each other, which the rules cut finer."""
        source = Source.of(text, measure)
        return cls(source, rules, Pieces.single(source, starts, ends))

    @classmethod
    def within(cls, text: str, rules: tuple[Cut, ...], measure: str, parts: Ranges) -> "Tree":
        """The tree of these parts of a text, each cut and chunked by itself."""
        source, n = Source.of(text, measure), len(parts)
        first = np.zeros(n, np.int64), np.full(n, _ENDLESS)
        return cls(source, rules, _cut(source, rules, parts[:, 0], parts[:, 1], *first), n)

    def grouped(self, first: Ints) -> "Tree":
        """The same with other groups of the coarsest pieces, each from its `first` one on."""
        all_, rest = self.pieces, slice(self.roots, None)
        within = np.append(np.full(len(first), _ENDLESS), all_.within[rest])
        pieces = replace(all_, first=np.append(first, all_.first[rest]), within=within)
        return replace(self, pieces=pieces, roots=len(first))

    @property
    def spans(self) -> Ranges:
        """(n, 2) the coarsest pieces."""
        n = self.pieces.first[self.roots]
        return np.column_stack([self.pieces.starts[:n], self.pieces.ends[:n]])

    @property
    def bytes(self) -> int:
        """What it takes in memory now, about; the text left out."""
        return 500 + self.source.codes.nbytes + self.pieces.bytes

    def chunks(self, size: int, overlap: int) -> Ranges:
        """(n, 2) the chunks, in order: runs of pieces merged up to `size`; a piece of `size` or more is cut finer and
        chunked by itself, and stays as it is where it can be cut no finer.
        """
        pieces, finest = self.pieces, len(self.rules)
        while True:
            large = (pieces.least >= size).nonzero()[0]
            rule = pieces.rule[large]
            new = large[(rule >= 0) & (rule < finest)]
            if not len(new):
                break
            new = new[pieces.starts[new].argsort()]
            parts = pieces.starts[new], pieces.ends[new], pieces.rule[new], pieces.least[new]
            self.pieces = pieces = pieces.with_(new, _cut(self.source, self.rules, *parts))
        starts, ends = pieces.merged(large, size, overlap)
        if len(whole := large[rule == finest]):
            starts, ends = np.append(starts, pieces.starts[whole]), np.append(ends, pieces.ends[whole])
        return in_order(starts, ends)


KEPT = 256 << 20
"""The most bytes of trees that each kind of splitter keeps."""


def weight(tree: Tree) -> int:
    """What it takes in memory now: more once it was cut finer."""
    return tree.bytes


@cached(KEPT, weight, grows=True)
def tree(text: str, rules: tuple[Cut, ...], measure: str) -> Tree:
    """The tree of a whole text; kept, so that a change of size or overlap cuts and measures nothing anew."""
    return Tree.within(text, rules, measure, ranges([(0, len(text))] if text else []))


def _cut(source: Source, rules: tuple[Cut, ...], starts: Ints, ends: Ints, rule: Ints, within: Ints) -> Pieces:
    """The pieces of these parts, each cut by the first rule from its own on that applies to it, or the last."""
    counts, used = np.ones(len(starts), np.int64), np.zeros(len(starts), np.int64)
    inner = [starts]
    for number, cuts in enumerate(rules, 1):
        here = np.flatnonzero((rule < number) & (used == 0))
        if not len(here):
            continue
        places, low, high = cuts.places(source, starts[here], ends[here])
        found = low < high
        here, low, high = here[found], low[found], high[found]
        low = low + (places[low] == starts[here])  # no piece ends where its part starts
        inner.append(places[_ranges(low, high)])
        counts[here] += high - low
        used[here] = number
    used[used == 0] = len(rules)
    firsts = np.sort(np.concatenate(inner))
    lasts = np.empty_like(firsts)
    lasts[:-1] = firsts[1:]
    lasts[np.cumsum(counts) - 1] = ends
    return Pieces.of(source, firsts, lasts, counts, used, within)


def _before(counts: Ints) -> Ints:
    """(n + 1,) the sum of the counts before each place, and of all."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums


def _ranges(low: Ints, high: Ints) -> Ints:
    """The whole numbers of each range from low to high, one range after the other."""
    counts = high - low
    return np.arange(counts.sum()) + np.repeat(low - _before(counts)[:-1], counts)
