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


def codes(text: str) -> Codes:
    """(n,) the code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule that cuts a text: before each match of `pattern`; the empty pattern cuts between all characters."""

    pattern: str

    def places(self, text: str, points: Codes, starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
        """Where matches start, in order, and which of them (from, to) lie in each part `starts` to `ends` of a text.

        A part is searched as a text by itself: what a match sees or takes ends with it.
        """
        if not self.pattern:
            return np.arange(len(points)), starts, ends
        if character := self._character():
            found = np.flatnonzero(points == ord(character))
            return found, np.searchsorted(found, starts), np.searchsorted(found, ends)
        matches = re.compile(self.pattern).finditer
        bounds = zip(starts.tolist(), ends.tolist(), strict=True)
        each = [[start + m.start() for m in matches(text[start:end])] for start, end in bounds]
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
_WINDOW = np.arange(4)  # as many characters are looked at for all spans together; few have more white space


def bare(text: str, points: Codes, spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m, 2) the spans without white space at their ends; those of white space alone are left out."""
    starts, ends = spans[:, 0] + _blanks(points, spans[:, 0], _WINDOW), spans[:, 1]
    ends = ends - _blanks(points, ends - 1, -_WINDOW)
    for i in np.flatnonzero((starts - spans[:, 0] == len(_WINDOW)) | (spans[:, 1] - ends == len(_WINDOW))).tolist():
        starts[i], ends[i] = next(stripped(text, *spans[i].tolist()), (0, 0))
    some = starts < ends
    return np.column_stack([starts[some], ends[some]])


def _blanks(points: Codes, places: Ints, window: Ints) -> Ints:
    """(n,) how many characters from each place on are white space, as far as the window reaches."""
    seen = points.take(places[:, None] + window, mode="clip")
    blank: Ints = np.logical_and.accumulate(_SPACE[np.minimum(seen, 0x3001)], axis=1).sum(1)
    return blank
