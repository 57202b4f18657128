"""The tree of pieces that separators make of a text, and the one merge pass that makes chunks of them.

What does not depend on chunk_size and chunk_overlap is computed once per text and kept: where each separator cuts, and
how long each piece is, measured on its own as LangChain's length_function does. A new size is then a merge over
prefix sums. The chunks are those of langchain-text-splitters 1.1.3, as spans (tests/reference/test_langchain.py).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.caches import kept
from workbench.joints import word_tokens
from workbench.tokens import tokenizer

Ints = NDArray[np.int64]
Pair = tuple[int, int]

CHARACTERS = "characters"
"""The measure that counts code points; every other measure is the name of a tokenizer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule that cuts a text: before each match of `pattern`; the empty pattern cuts between all characters."""

    pattern: str

    def __call__(self, text: str) -> list[int]:
        return [m.start() for m in re.finditer(self.pattern, text)] if self.pattern else []


@cache
def literal(separator: str) -> Cut:
    """The cut before each occurrence of a separator, which stays with the piece that follows it."""
    return Cut(re.escape(separator))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Neighbouring pieces of a text, their lengths, and the finer pieces of each, cut when they are first needed."""

    text: str = field(repr=False)
    starts: Sequence[int]
    ends: Sequence[int]
    lengths: Ints
    finer: tuple[Cut, ...]
    measure: str
    joint: int = 0  # length of the separator that is put back between pieces; 0 where pieces keep theirs
    sums: list[int] = field(init=False, repr=False)
    longest: int = field(init=False, repr=False)
    _children: dict[int, "Pieces"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sums = np.concatenate([[0], np.cumsum(self.lengths + self.joint)])
        object.__setattr__(self, "sums", sums.tolist())
        object.__setattr__(self, "longest", int(self.lengths.max(initial=0)))
        object.__setattr__(self, "_children", {})

    def child(self, i: int) -> "Pieces":
        """Piece i, cut by the first finer rule that applies to it."""
        return self.children([i])[0]

    def children(self, which: Sequence[int]) -> list["Pieces"]:
        """`child` of several; those that are new are measured together."""
        new = [i for i in which if i not in self._children]
        found = cuts(self.text, [(self.starts[i], self.ends[i]) for i in new], self.finer, self.measure)
        self._children.update(zip(new, found, strict=True))
        return [self._children[i] for i in which]


def measured(text: str, starts: Sequence[int], ends: Sequence[int], measure: str) -> Ints:
    """(n,) length of each piece on its own, in code points or in the tokens of the named tokenizer."""
    first, last = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
    if measure == CHARACTERS:
        return last - first
    alone = np.ones(len(first), np.bool_)
    counts = np.zeros(len(first), np.int64)
    if (words := word_tokens(text, measure)) is not None:
        counts, alone = words.counts(first, last)
    if alone.any():
        pairs = zip(first[alone].tolist(), last[alone].tolist(), strict=True)
        counts[alone] = tokenizer(measure).counts([text[start:end] for start, end in pairs])
    return counts


def cut(text: str, start: int, end: int, rules: tuple[Cut, ...], measure: str) -> Pieces:
    """The pieces of `text[start:end]` under the first rule that applies to it, or the last rule."""
    return cuts(text, [(start, end)], rules, measure)[0]


def cuts(text: str, parts: Iterable[Pair], rules: tuple[Cut, ...], measure: str) -> list[Pieces]:
    """`cut` of several parts of a text, their pieces measured together."""
    bounds = [_bounds(text, start, end, rules) for start, end in parts]
    starts = [place for places, _ in bounds for place in places[:-1]]
    ends = [place for places, _ in bounds for place in places[1:]]
    lengths = measured(text, starts, ends, measure)
    found, at = [], 0
    for places, finer in bounds:
        if finer is None:  # cut between all characters
            found.append(_characters(text, places[0], places[-1], measure))
        else:
            n = len(places) - 1
            found.append(Pieces(text, places[:-1], places[1:], lengths[at : at + n], finer, measure))
        at += len(places) - 1
    return found


def _bounds(text: str, start: int, end: int, rules: tuple[Cut, ...]) -> tuple[list[int], tuple[Cut, ...] | None]:
    """The bounds of the pieces under the first rule that applies, and the finer rules; None: between all characters."""
    part = text[start:end]
    for i, rule in enumerate(rules, 1):
        if not rule.pattern:
            return [start, end], None
        inner = rule(part)
        if inner or i == len(rules):
            between = [start + at for at in inner if 0 < at < len(part)]
            return [start, *between, end] if part else [start], rules[i:]
    raise ValueError("there is no rule to cut by")


def _characters(text: str, start: int, end: int, measure: str) -> Pieces:
    """Every character of `text[start:end]` as a piece; each distinct one is measured once."""
    lengths = np.ones(end - start, np.int64)
    if measure != CHARACTERS:
        codes = np.frombuffer(text[start:end].encode("utf-32-le", "surrogatepass"), np.uint32)
        distinct, where = np.unique(codes, return_inverse=True)
        lengths = tokenizer(measure).counts([chr(c) for c in distinct])[where]
    return Pieces(text, range(start, end), range(start + 1, end + 1), lengths, (), measure)


@kept(256 << 20, lambda found: 16 * len(found.text))  # its finer pieces, cut later, included
def pieces(text: str, rules: tuple[Cut, ...], measure: str) -> Pieces:
    """The pieces of a whole text; kept, so that a change of size or overlap cuts and measures nothing anew."""
    return cut(text, 0, len(text), rules, measure)


def chunked(pieces: Pieces, size: int, overlap: int) -> list[Pair]:
    """The chunks: runs of pieces merged up to `size`; a piece of `size` or more is cut finer and chunked by itself."""
    if pieces.longest < size:
        return merged(pieces, 0, len(pieces.lengths), size, overlap)
    found: list[Pair] = []
    run = 0
    large = np.flatnonzero(pieces.lengths >= size).tolist()
    finer = pieces.children(large) if pieces.finer else None
    for i, big in enumerate(large):
        if run < big:
            found += merged(pieces, run, big, size, overlap)
        if finer:
            found += chunked(finer[i], size, overlap)
        else:
            found.append((pieces.starts[big], pieces.ends[big]))
        run = big + 1
    return found + merged(pieces, run, len(pieces.lengths), size, overlap)


def merged(pieces: Pieces, first: int, last: int, size: int, overlap: int) -> list[Pair]:
    """Pieces `first` to `last` merged into chunks of at most `size`, each repeating up to `overlap` of the one before.

    With prefix sums C of the lengths, a chunk that starts at piece a ends before the first piece i with
    C[i + 1] - C[a] > size, and the next one starts at the first a with
    C[a] >= max(C[i] - overlap, min(C[i + 1] - size, C[i])): what overlaps may not push piece i out.
    White space at both ends is left out, and chunks of white space alone are dropped.
    """
    text, starts, ends, sums, joint = pieces.text, pieces.starts, pieces.ends, pieces.sums, pieces.joint
    found: list[Pair] = []
    a = i = first
    while a < last:
        i = bisect_right(sums, sums[a] + size + joint, i + 2, last + 1) - 1 if i + 2 <= last else last
        start, end = starts[a], ends[i - 1]
        while start < end and text[start].isspace():  # a character or two: quicker than to copy the chunk
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start < end:
            found.append((start, end))
        if i >= last:
            break
        keep, room = sums[i] - joint - overlap, sums[i + 1] - joint - size
        if room > keep:  # what overlaps would push piece i out
            keep = min(room, sums[i] - joint)
        a = bisect_left(sums, keep, a, i)
    return found


def stripped(text: str, start: int, end: int) -> Iterator[Pair]:
    """`start, end` without white space at the ends; nothing where nothing is left."""
    part = text[start:end]
    body = part.lstrip()
    start += len(part) - len(body)
    if body:
        yield start, start + len(body.rstrip())
