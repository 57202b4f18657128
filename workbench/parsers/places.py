"""Which character of one reading of a text stands where in another reading of it."""

import re
from difflib import SequenceMatcher

_WORDS = re.compile(r"\S+")
_MAX_WORDS = 20_000
_MAX_CHARACTERS = 400  # of a differing stretch that is aligned letter by letter


def align(text: str, other: str) -> list[int | None]:
    """For each character of `text` its index in `other`; None where nothing there corresponds, and for blanks.

    Words are aligned first, then the letters of what differs: line breaks, hyphens and left-out lines do no harm.
    """
    if text == other:
        return list(range(len(text)))
    found: list[int | None] = [None] * len(text)
    ours = [(m.start(), m[0]) for m in _WORDS.finditer(text)]
    theirs = [(m.start(), m[0]) for m in _WORDS.finditer(other)]
    if max(len(ours), len(theirs)) > _MAX_WORDS:
        return found
    matcher = SequenceMatcher(None, [w for _, w in ours], [w for _, w in theirs], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            for (start, word), (place, _) in zip(ours[a:b], theirs[c:d], strict=True):
                found[start : start + len(word)] = range(place, place + len(word))
        elif kind == "replace":
            _letters(text, _stretch(ours[a:b]), other, _stretch(theirs[c:d]), found)
    return found


def _stretch(words: list[tuple[int, str]]) -> tuple[int, int]:
    return words[0][0], words[-1][0] + len(words[-1][1])


def _letters(text: str, ours: tuple[int, int], other: str, theirs: tuple[int, int], found: list[int | None]) -> None:
    (a, b), (c, d) = ours, theirs
    if max(b - a, d - c) > _MAX_CHARACTERS:
        return
    for block in SequenceMatcher(None, text[a:b], other[c:d], autojunk=False).get_matching_blocks():
        for i in range(block.size):
            if not text[a + block.a + i].isspace():
                found[a + block.a + i] = c + block.b + i
