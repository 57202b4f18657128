"""The tree of pieces that separators make of a text, and the one merge pass that makes chunks of them.

What does not depend on chunk_size and chunk_overlap is computed once per text and kept: where each separator cuts, and
how long each piece is, measured on its own as LangChain's length_function does. A new size is then a merge over
prefix sums. The chunks are those of langchain-text-splitters 1.1.3, as spans (tests/reference/test_langchain.py).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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

    def applies(self, text: str) -> bool:
        return not self.pattern or re.search(self.pattern, text) is not None


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
    _children: dict[int, "Pieces"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sums = np.concatenate([[0], np.cumsum(self.lengths + self.joint)])
        object.__setattr__(self, "sums", sums.tolist())
        object.__setattr__(self, "_children", {})

    def child(self, i: int) -> "Pieces":
        """Piece i, cut by the first finer rule that applies to it."""
        if i not in self._children:
            self._children[i] = cut(self.text, self.starts[i], self.ends[i], self.finer, self.measure)
        return self._children[i]


def measured(text: str, starts: Sequence[int], ends: Sequence[int], measure: str) -> Ints:
    """(n,) length of each piece on its own, in code points or in the tokens of the named tokenizer."""
    if measure == CHARACTERS:
        return np.asarray(ends, np.int64) - np.asarray(starts, np.int64)
    return tokenizer(measure).counts([text[start:end] for start, end in zip(starts, ends, strict=True)])


def cut(text: str, start: int, end: int, rules: tuple[Cut, ...], measure: str) -> Pieces:
    """The pieces of `text[start:end]` under the first rule that applies to it, or the last rule."""
    part = text[start:end]
    which = next((i for i, rule in enumerate(rules) if rule.applies(part)), len(rules) - 1)
    rule, finer = rules[which], rules[which + 1 :]
    if not rule.pattern:
        return _characters(text, start, end, measure)
    bounds = sorted({start, end, *(start + at for at in rule(part))})
    return Pieces(text, bounds[:-1], bounds[1:], measured(text, bounds[:-1], bounds[1:], measure), finer, measure)


def _characters(text: str, start: int, end: int, measure: str) -> Pieces:
    """Every character of `text[start:end]` as a piece; each distinct one is measured once."""
    lengths = np.ones(end - start, np.int64)
    if measure != CHARACTERS:
        codes = np.frombuffer(text[start:end].encode("utf-32-le", "surrogatepass"), np.uint32)
        distinct, where = np.unique(codes, return_inverse=True)
        lengths = tokenizer(measure).counts([chr(c) for c in distinct])[where]
    return Pieces(text, range(start, end), range(start + 1, end + 1), lengths, (), measure)


@lru_cache(maxsize=64)
def pieces(text: str, rules: tuple[Cut, ...], measure: str) -> Pieces:
    """The pieces of a whole text; kept, so that a change of size or overlap cuts and measures nothing anew."""
    return cut(text, 0, len(text), rules, measure)


def chunked(pieces: Pieces, size: int, overlap: int) -> Iterator[Pair]:
    """The chunks: runs of pieces merged up to `size`; a piece of `size` or more is cut finer and chunked by itself."""
    run = 0
    for big in np.flatnonzero(pieces.lengths >= size).tolist():
        yield from merged(pieces, run, big, size, overlap)
        if pieces.finer:
            yield from chunked(pieces.child(big), size, overlap)
        else:
            yield pieces.starts[big], pieces.ends[big]
        run = big + 1
    yield from merged(pieces, run, len(pieces.lengths), size, overlap)


def merged(pieces: Pieces, first: int, last: int, size: int, overlap: int) -> Iterator[Pair]:
    """Pieces `first` to `last` merged into chunks of at most `size`, each repeating up to `overlap` of the one before.

    With prefix sums C of the lengths, a chunk that starts at piece a ends before the first piece i with
    C[i + 1] - C[a] > size, and the next one starts at the first a with
    C[a] >= max(C[i] - overlap, min(C[i + 1] - size, C[i])): what overlaps may not push piece i out.
    White space at both ends is left out, and chunks of white space alone are dropped.
    """
    sums, joint = pieces.sums, pieces.joint
    a = i = first
    while a < last:
        i = bisect_right(sums, sums[a] + size + joint, i + 2, last + 1) - 1 if i + 2 <= last else last
        yield from stripped(pieces.text, pieces.starts[a], pieces.ends[i - 1])
        if i >= last:
            return
        room = min(sums[i + 1] - joint - size, sums[i] - joint)
        a = bisect_left(sums, max(sums[i] - joint - overlap, room), a, i)


def stripped(text: str, start: int, end: int) -> Iterator[Pair]:
    """`start, end` without white space at the ends; nothing where nothing is left."""
    part = text[start:end]
    body = part.lstrip()
    start += len(part) - len(body)
    if body:
        yield start, start + len(body.rstrip())
