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
_STEPS = 4  # characters that all chunks are stripped of together; few have more


def bare(text: str, points: Codes, starts: Ints, ends: Ints) -> NDArray[np.int64]:
    """(m, 2) the spans without white space at their ends; those of white space alone are left out."""
    first, unsure = _solid(points, starts, 1)
    last, unsure_too = _solid(points, ends - 1, -1)
    spans = np.column_stack([first, last + 1])
    for i in np.flatnonzero(unsure | unsure_too).tolist():
        spans[i] = next(stripped(text, int(starts[i]), int(ends[i])), (0, 0))
    return spans[spans[:, 0] < spans[:, 1]]


def _solid(points: Codes, places: Ints, step: int) -> tuple[Ints, NDArray[np.bool_]]:
    """From each place on by steps, the first that is no white space, and whether it takes more steps to reach it."""
    for _ in range(_STEPS):
        blank = _SPACE[np.minimum(points.take(places, mode="clip"), 0x3001)]
        if not blank.any():
            break
        places = places + blank if step > 0 else places - blank
    return places, blank
