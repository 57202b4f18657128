"""Two readings of one text aligned: word by word for people, character by character for places on a page."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from workbench.documents import Document
from workbench.errors import DocumentError

_WORDS = re.compile(r"\w+|[^\w\s]")
_BLOCK = 1_500  # words that difflib sees at once: its time grows with their square
MAX_WORDS = 2_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch where the texts differ: start and end in the first, start and end in the second."""

    kind: str  # "replace", "delete" or "insert"
    first: tuple[int, int]
    second: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two documents of one file. `words` are those of each text, `common` those in the same order in both.

    `sections` counts each kind in both; `missing` counts the words that only the first text has, `added` those that
    only the second has, whatever their order: words lost, not words moved.
    """

    changes: tuple[Change, ...]
    words: tuple[int, int]
    common: int
    sections: Mapping[str, tuple[int, int]]
    missing: tuple[tuple[str, int], ...]
    added: tuple[tuple[str, int], ...]
    seconds: tuple[float | None, float | None] = (None, None)

    @property
    def similarity(self) -> float:
        """The share of words in the same order in both, 0 to 1. Source: Dice's coefficient."""
        return 2 * self.common / max(1, sum(self.words)) if any(self.words) else 1.0


def compare(
    first: Document, second: Document, seconds: tuple[float | None, float | None] = (None, None), most: int = 200
) -> Comparison:
    """Compare two parsers' documents of one file, without white space. `most` bounds the word lists.

    Large texts are compared block by block, so a stretch that moved far shows as removed here and added there.

    Raises:
        DocumentError: documents of different files, or with more words than the limit.
    """
    if first.source != second.source:
        raise DocumentError(f"{first.name} and {second.name} are different files; compare two parsers on one file.")
    ours = [(m.start(), m.end()) for m in _WORDS.finditer(first.text)]
    theirs = [(m.start(), m.end()) for m in _WORDS.finditer(second.text)]
    if max(len(ours), len(theirs)) > MAX_WORDS:
        raise DocumentError(f"{first.name}: more than {MAX_WORDS:,} words, the limit of a comparison.")
    a = [first.text[s:e] for s, e in ours]
    b = [second.text[s:e] for s, e in theirs]
    changes = []
    common = 0
    for kind, i, j, k, m in opcodes(a, b):
        if kind == "equal":
            common += j - i
        else:
            changes.append(Change(kind, _stretch(ours, i, j), _stretch(theirs, k, m)))
    counted, other = Counter(a), Counter(b)
    kinds = sorted({s.kind for s in (*first.sections, *second.sections)})
    return Comparison(
        changes=tuple(changes),
        words=(len(a), len(b)),
        common=common,
        sections={k: (_count(first, k), _count(second, k)) for k in kinds},
        missing=tuple((counted - other).most_common(most)),
        added=tuple((other - counted).most_common(most)),
        seconds=seconds,
    )


def opcodes(a: list[str], b: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield difflib's opcodes, in linear time: equal runs are skipped, the rest is compared in blocks."""
    i = j = 0
    while i < len(a) or j < len(b):
        run = 0
        while i + run < len(a) and j + run < len(b) and a[i + run] == b[j + run]:
            run += 1
        if run:
            yield ("equal", i, i + run, j, j + run)
            i, j = i + run, j + run
            continue
        left, right = a[i : i + _BLOCK], b[j : j + _BLOCK]
        codes = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
        last = i + len(left) == len(a) and j + len(right) == len(b)
        # What stands after the block's last match may match beyond the block: it is met again in the next one.
        final = max((n for n, code in enumerate(codes) if code[0] == "equal"), default=-1)
        if not last and final >= 0:
            codes = codes[: final + 1]
        for kind, p, q, r, s in codes:
            yield (kind, i + p, i + q, j + r, j + s)
        i, j = i + codes[-1][2], j + codes[-1][4]


def _stretch(words: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    if start < end:
        return words[start][0], words[end - 1][1]
    at = words[start - 1][1] if start else 0
    return at, at


def _count(document: Document, kind: str) -> int:
    return sum(s.kind == kind for s in document.sections)


_NONBLANK = re.compile(r"\S+")
_MAX_WORDS = 20_000
_MAX_CHARACTERS = 400  # of a differing stretch that is aligned letter by letter


def align(text: str, other: str) -> list[int | None]:
    """Return for each character of `text` its index in `other`; None for no counterpart, and for blanks.

    Words are aligned first, then the letters of what differs: line breaks, hyphens and left-out lines do no harm.
    """
    if text == other:
        return list(range(len(text)))
    found: list[int | None] = [None] * len(text)
    ours = [(m.start(), m[0]) for m in _NONBLANK.finditer(text)]
    theirs = [(m.start(), m[0]) for m in _NONBLANK.finditer(other)]
    if max(len(ours), len(theirs)) > _MAX_WORDS:
        return found
    matcher = SequenceMatcher(None, [w for _, w in ours], [w for _, w in theirs], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            for (start, word), (place, _) in zip(ours[a:b], theirs[c:d], strict=True):
                found[start : start + len(word)] = range(place, place + len(word))
        elif kind == "replace":
            _letters(text, _extent(ours[a:b]), other, _extent(theirs[c:d]), found)
    return found


def _extent(words: list[tuple[int, str]]) -> tuple[int, int]:
    return words[0][0], words[-1][0] + len(words[-1][1])


def _letters(text: str, ours: tuple[int, int], other: str, theirs: tuple[int, int], found: list[int | None]) -> None:
    (a, b), (c, d) = ours, theirs
    if max(b - a, d - c) > _MAX_CHARACTERS:
        return
    for block in SequenceMatcher(None, text[a:b], other[c:d], autojunk=False).get_matching_blocks():
        for i in range(block.size):
            if not text[a + block.a + i].isspace():
                found[a + block.a + i] = c + block.b + i
