"""A text as a tree of pieces, kept in a few arrays, and the one merge that makes chunks of them.

What does not depend on chunk_size and chunk_overlap is computed once per text and kept: where each separator cuts, and
how long each piece is, measured on its own as LangChain's length_function does. A new size is then a walk over sums of
lengths. The chunks are those of langchain-text-splitters 1.1.3, as spans (tests/reference/test_langchain.py).
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.memory_cache import cached
from workbench.spans import Ranges, ranges
from workbench.tokens import tokenizer, word_tokens
from workbench.vectors import gathered

Ints = NDArray[np.int64]
Codes = NDArray[np.uint32]
Pair = tuple[int, int]

CHARACTERS = "characters"
"""The measure that counts code points; every other measure is the name of a tokenizer."""

_SPECIAL = frozenset(r".^$*+?{}[]\|()")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A text, its code points as numbers, and what its pieces are measured by."""

    text: str
    codes: Codes
    measure: str

    @classmethod
    def of(cls, text: str, measure: str) -> "Source":
        return cls(text, np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), measure)


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule that cuts a text: before each match of `pattern`; the empty pattern cuts between all characters."""

    pattern: str

    def places(self, source: Source, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
        """Return where matches start, in order, and which of them (from, to) lie in each part `starts` to `ends`.

        A part is searched as a text of its own: no match looks or reaches beyond it.
        """
        if not self.pattern:
            return np.arange(len(source.text)), starts, ends
        if character := self._character():
            found = np.flatnonzero(source.codes == ord(character))
            return found, np.searchsorted(found, starts), np.searchsorted(found, ends)
        matches = re.compile(self.pattern).finditer
        bounds = zip(starts.tolist(), ends.tolist(), strict=True)
        each = [[start + m.start() for m in matches(source.text[start:end])] for start, end in bounds]
        last = np.cumsum([len(places) for places in each], dtype=np.int64)
        return np.array([at for places in each for at in places], np.int64), np.concatenate([[0], last[:-1]]), last

    def _character(self) -> str:
        """Return the one character that the pattern stands for, or ""."""
        sign = self.pattern[-1:]
        escaped = self.pattern == f"\\{sign}" and not sign.isalnum()
        return sign if escaped or (self.pattern == sign and sign not in _SPECIAL) else ""


@cache
def literal(separator: str) -> Cut:
    """Return the cut before each occurrence of a separator, which stays with the piece that follows it."""
    return Cut(re.escape(separator))


def measured(text: str, starts: Ints, ends: Ints, measure: str) -> Ints:
    """Return (n,) the length of each piece on its own, in code points or in the tokens of the named tokenizer."""
    if measure == CHARACTERS:
        return ends - starts
    alone = np.ones(len(starts), np.bool_)
    counts = np.zeros(len(starts), np.int64)
    if (words := word_tokens(text, measure)) is not None:
        counts, alone = words.counts(starts, ends)
    if alone.any():
        pairs = zip(starts[alone].tolist(), ends[alone].tolist(), strict=True)
        counts[alone] = tokenizer(measure).counts([text[start:end] for start, end in pairs])
    return counts


def stripped(text: str, start: int, end: int) -> Iterator[Pair]:
    """Yield `start, end` without white space at the ends; nothing where only white space is left."""
    part = text[start:end]
    body = part.lstrip()
    start += len(part) - len(body)
    if body:
        yield start, start + len(body.rstrip())


_SPACE = np.array([chr(c).isspace() for c in range(0x3001)] + [False])  # U+3000 is the last; the rest is none
_STEPS = 16  # of one character; the places that are still blank then are looked up all at once


def bare(codes: Codes, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return (n,), (n,): the first place from each start on that is not white space, and the end of the last before
    each end.

    Both are looked for in the whole text: a piece of white space alone gets a start that is not before its end.
    """
    places = np.concatenate([starts, ends - 1])
    steps = np.repeat([1, -1], len(starts))
    left = np.arange(len(places))
    for _ in range(_STEPS):
        if not len(left):
            break
        left = left[_blank(codes.take(places[left], mode="clip"))]
        places[left] += steps[left]
    else:
        solid = np.flatnonzero(~_blank(codes))
        after, upto = solid.searchsorted(places[left]), solid.searchsorted(places[left], "right") - 1
        places[left] = np.where(steps[left] > 0, np.append(solid, len(codes))[after], np.append(solid, -1)[upto])
    return places[: len(starts)], places[len(starts) :] + 1


def _blank(codes: Codes) -> NDArray[np.bool_]:
    return _SPACE[np.minimum(codes, 0x3001)]


_ENDLESS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of a text, in groups of neighbours that may be merged; a group is what one larger piece was cut into.

    Per piece (n,): `starts` and `ends`; `bare_starts` and `bare_ends`, the same without white space at the ends;
    `least`, the smallest length among the piece and the pieces around it; `rule`, the first rule that may cut it, or
    -1 once it was cut (its group comes after it). `sums` (n + 1,): the lengths of all pieces before it, each with the
    `gap` put back after it. Per group: `first` (m + 1,), its first piece, and `within` (m,), the smallest length
    among the pieces around it: chunks of a larger size contain nothing of the group.
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
    gap: int = 0

    @classmethod
    def of(
        cls, source: Source, starts: Ints, ends: Ints, counts: Ints, rules: Ints, within: Ints, gap: int = 0
    ) -> "Pieces":
        """Return pieces in groups of these `counts`."""
        lengths = measured(source.text, starts, ends, source.measure)
        bare_starts, bare_ends = bare(source.codes, starts, ends)
        least, rule = np.minimum(lengths, np.repeat(within, counts)), np.repeat(rules, counts)
        sums = _before(lengths + gap).tolist()
        return cls(starts, ends, bare_starts, bare_ends, least, rule, sums, _before(counts), within, gap)

    @classmethod
    def single(cls, source: Source, starts: Ints, ends: Ints, gap: int = 0) -> "Pieces":
        """Return one group of pieces that lie in no larger one."""
        return cls.of(source, starts, ends, np.array([len(starts)]), np.zeros(1, np.int64), np.array([_ENDLESS]), gap)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def bytes(self) -> int:
        return 88 * len(self) + 16 * len(self.first)

    def with_(self, cut: Ints, finer: "Pieces") -> "Pieces":
        """Return these and the finer pieces that those at `cut` were cut into."""
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
            self.gap,
        )

    def merged(self, large: Ints, size: int, overlap: int) -> tuple[Ints, Ints]:
        """Return the bare starts and ends of chunks: the pieces between the `large` ones, merged up to `size` within
        their group, each chunk repeating up to `overlap` of the one before.

        With the sums C of the lengths, a chunk that starts at piece a ends before the first piece i with
        C[i + 1] - C[a] > size, and the next one starts at the first a with
        C[a] >= max(C[i] - overlap, C[i + 1] - size): what overlaps may not push piece i out.
        """
        groups = (self.within >= size).nonzero()[0]
        begins = np.concatenate([self.first[groups], large + 1])
        stops = np.concatenate([self.first[groups + 1], large])
        begins.sort()
        stops.sort()
        sums, size, overlap = self.sums, size + self.gap, overlap + self.gap
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
    """Return (n, 2) the spans by their starts, without the empty ones."""
    order = starts.argsort(kind="stable")
    spans = np.array([starts[order], ends[order]]).T
    return spans[spans[:, 0] < spans[:, 1]]


@dataclass(slots=True, eq=False)
class Tree:
    """A text's pieces, cut by `rules` (the coarsest first) as finely as was needed so far."""

    source: Source
    rules: tuple[Cut, ...]
    pieces: Pieces
    roots: int = 1  # how many groups lie in no larger piece

    @classmethod
    def of(cls, text: str, rules: tuple[Cut, ...], measure: str, starts: Ints, ends: Ints) -> "Tree":
        """Return the tree of these pieces, all of one group, which the rules cut finer."""
        source = Source.of(text, measure)
        return cls(source, rules, Pieces.single(source, starts, ends))

    @classmethod
    def within(cls, text: str, rules: tuple[Cut, ...], measure: str, parts: Ranges) -> "Tree":
        """Return the tree of these parts of a text, each cut and chunked by itself."""
        source, n = Source.of(text, measure), len(parts)
        first = np.zeros(n, np.int64), np.full(n, _ENDLESS)
        return cls(source, rules, _cut(source, rules, parts[:, 0], parts[:, 1], *first), n)

    def grouped(self, first: Ints) -> "Tree":
        """Return the tree with other groups of the coarsest pieces, each from its `first` one on."""
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
        """The bytes in memory now, about, without the text: more once it was cut finer."""
        return 500 + self.source.codes.nbytes + self.pieces.bytes

    def chunks(self, size: int, overlap: int) -> Ranges:
        """Return (n, 2) the chunks, in order: runs of pieces merged up to `size`. A piece of `size` or more is cut
        finer and chunked by itself, or stays whole where no rule cuts it.
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
"""The most bytes of trees that each kind of splitter keeps in memory."""


@cached(KEPT, lambda tree: tree.bytes, grows=True)
def tree(text: str, rules: tuple[Cut, ...], measure: str) -> Tree:
    """Return the tree of a whole text; kept, so that another size or overlap cuts and measures nothing again."""
    return Tree.within(text, rules, measure, ranges([(0, len(text))] if text else []))


def _cut(source: Source, rules: tuple[Cut, ...], starts: Ints, ends: Ints, rule: Ints, within: Ints) -> Pieces:
    """Return the pieces of these parts, each cut by the first rule from its own on that applies to it, or the last."""
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
        inner.append(places[gathered(np.column_stack([low, high]))])
        counts[here] += high - low
        used[here] = number
    used[used == 0] = len(rules)
    firsts = np.sort(np.concatenate(inner))
    lasts = np.empty_like(firsts)
    lasts[:-1] = firsts[1:]
    lasts[np.cumsum(counts) - 1] = ends
    return Pieces.of(source, firsts, lasts, counts, used, within)


def _before(counts: Ints) -> Ints:
    """Return (n + 1,) the sum of the counts before each place, and of all."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums
