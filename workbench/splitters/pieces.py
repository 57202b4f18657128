"""The pieces that separators make of a text: where they cut it, and how long each piece is on its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.joints import word_tokens
from workbench.tokens import tokenizer

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
        """The text with its numbers."""
        return cls(text, np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), measure)


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule that cuts a text: before each match of `pattern`; the empty pattern cuts between all characters."""

    pattern: str

    def places(self, source: Source, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
        """Where matches start, in order, and which of them (from, to) lie in each part `starts` to `ends` of a text.

        A part is searched as a text by itself: what a match sees or takes ends with it.
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
        """The one character that the pattern stands for; "" where it is more than that."""
        sign = self.pattern[-1:]
        escaped = self.pattern == f"\\{sign}" and not sign.isalnum()
        return sign if escaped or (self.pattern == sign and sign not in _SPECIAL) else ""


@cache
def literal(separator: str) -> Cut:
    """The cut before each occurrence of a separator, which stays with the piece that follows it."""
    return Cut(re.escape(separator))


def measured(text: str, starts: Ints, ends: Ints, measure: str) -> Ints:
    """(n,) length of each piece on its own, in code points or in the tokens of the named tokenizer."""
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
    """`start, end` without white space at the ends; nothing where nothing is left."""
    part = text[start:end]
    body = part.lstrip()
    start += len(part) - len(body)
    if body:
        yield start, start + len(body.rstrip())


_SPACE = np.array([chr(c).isspace() for c in range(0x3001)] + [False])  # U+3000 is the last; the rest is none
_STEPS = 16  # after so many all other places are looked up at once


def bare(codes: Codes, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """(n,), (n,) the first place from each start on that is no white space, and the end of the last before each end.

    Both are looked for in the whole text: of white space alone comes a start that is not before its end.
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
