"""A text in which quotes are found again: letter by letter, without regard to blanks, and approximately.

The approximate search first votes. Every short run of letters (gram) that quote and text share says where the quote
would begin; where many agree is a candidate. Only there are letters compared, and the edges moved to
where the comparison is best, from one edge of a word to another.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST_PLACES = 100
"""Places of a quote at which the search stops; more than one is too many anyway."""

CONTEXT = 48
"""Letters kept on each side of a quote that is found more than once, to tell its places apart."""

APPROXIMATE = 85.0
"""Least `rapidfuzz.fuzz.ratio` of a quote's letters and those of the place that is taken for it, 0 to 100."""

SHORTEST_APPROXIMATE = 20
LONGEST_APPROXIMATE = 100_000
"""Letters of a quote that is searched approximately; a shorter one is like too much, a longer one takes too long."""

_CLEAR = 2.0  # a place must be so much more like the quote than the next one is
_CLEAR_CONTEXT = 8  # a place must agree with so many more letters around it than the next one does
_HOPELESS = 60.0  # a candidate less like the quote than this before its edges are moved is not looked at further
_GRAM = 6
_MOST_SEEDS = 200  # a more frequent gram says little
_MOST_GRAMS = 2_000  # of a quote, evenly chosen
_CANDIDATES = 4
_FITTED_WHOLE = 2_000  # longer quotes have only their ends compared while the edges move
_END = 400
_FACT = re.compile(r"\w*\d(?:[\w.,:/-]*\w)?")
# Scripts without spaces between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer.
_NO_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003fffd]")
_BLANKS = np.array([c for c in range(0x3001) if chr(c).isspace()], np.uint32)


@dataclass(frozen=True, slots=True)
class Near:
    """A place that is like a quote, from one edge of a word to another; `score` up to 100."""

    start: int
    end: int
    score: float


def find_quote(text: str, quote: str) -> list[tuple[int, int]]:
    """Return where the quote is, letter by letter, else ignoring blanks; at most `MOST_PLACES` places."""
    return Quotable(text).find(quote)


class Quotable:
    """A text with what is needed to find quotes in it, made when first needed. Letters are what is not blank."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, quote: str) -> list[tuple[int, int]]:
        """Return (start, end) of each place; see `find_quote`."""
        if exact := [(at, at + len(quote)) for at in _occurrences(self.text, quote)]:
            return exact
        return self.find_letters(quote)

    def find_letters(self, quote: str) -> list[tuple[int, int]]:
        """Return (start, end) of each place without regard to blanks."""
        wanted, at = squeezed(quote), self._at
        return [(int(at[i]), int(at[i + len(wanted) - 1]) + 1) for i in _occurrences(self._letters, wanted)]

    def by_context(self, places: list[tuple[int, int]], prefix: str, suffix: str) -> tuple[int, int] | None:
        """Return the one place with these words before and after it; None where no place clearly agrees best."""
        from rapidfuzz.distance import Prefix

        before, after = squeezed(prefix)[::-1], squeezed(suffix)
        agree = []
        for start, end in places:
            left = squeezed(self.text[max(0, start - 4 * CONTEXT) : start])[::-1]
            right = squeezed(self.text[end : end + 4 * CONTEXT])
            agree.append(Prefix.similarity(left, before) + Prefix.similarity(right, after))
        order = sorted(range(len(places)), key=lambda i: -agree[i])
        second = agree[order[1]] if len(order) > 1 else 0
        return places[order[0]] if order and agree[order[0]] >= second + _CLEAR_CONTEXT else None

    def repeats(self, quote: str) -> bool:
        """Return whether the quote is found more than once, ignoring blanks."""
        wanted = squeezed(quote)
        return self._letters.find(wanted, self._letters.find(wanted) + 1) >= 0

    def context(self, start: int, end: int) -> tuple[str, str]:
        """Return the text just before and just after a place."""
        return self.text[max(0, start - CONTEXT) : start], self.text[end : end + CONTEXT]

    def nearest(self, quote: str) -> list[Near]:
        """Return places like the quote, the most alike first, none overlapping."""
        wanted = squeezed(quote)
        if not SHORTEST_APPROXIMATE <= len(wanted) <= LONGEST_APPROXIMATE:
            return []
        found: list[tuple[int, int, float]] = []
        for start, end in self._candidates(wanted):
            fit = self._fitted(wanted, start, end)
            if fit is not None and not any(fit[0] < b and a < fit[1] for a, b, _ in found):
                found.append(fit)
        at = self._at
        near = [Near(int(at[a]), int(at[b - 1]) + 1, score) for a, b, score in found]
        return sorted(near, key=lambda n: (-n.score, n.start))

    # --- the text as letters and grams

    @cached_property
    def _letters(self) -> str:
        return squeezed(self.text)

    @cached_property
    def _codes(self) -> NDArray[np.uint32]:
        return np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), np.uint32)

    @cached_property
    def _at(self) -> Ints:
        """(letters,) the offset of each letter in the text."""
        return np.flatnonzero(~np.isin(self._codes, _BLANKS)).astype(np.int64)

    @cached_property
    def _index(self) -> tuple[NDArray[np.uint64], Ints]:
        """Every gram's hash in ascending order, and where it begins."""
        hashes = _grams(self._codes[self._at])
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order.astype(np.int64)

    def _candidates(self, wanted: str) -> Iterator[tuple[int, int]]:
        """Yield where in the letters the quote may begin and end, the place with the most votes first."""
        hashes, order = self._index
        own = _grams(np.frombuffer(wanted.encode("utf-32-le", "surrogatepass"), np.uint32))
        low, high = np.searchsorted(hashes, own, "left"), np.searchsorted(hashes, own, "right")
        counts = high - low
        use = np.flatnonzero((counts > 0) & (counts <= _MOST_SEEDS))
        if len(use) == 0:
            return
        use = use[np.linspace(0, len(use) - 1, min(len(use), _MOST_GRAMS)).astype(np.int64)]
        offset = np.repeat(use, counts[use])
        within = np.arange(len(offset)) - np.repeat(np.cumsum(counts[use]) - counts[use], counts[use])
        begins = order[np.repeat(low[use], counts[use]) + within] - offset
        by_begin = np.argsort(begins, kind="stable")
        begins, offset = begins[by_begin], offset[by_begin]
        drift = max(16, len(wanted) // 5)  # what was put in or left out shifts the later grams
        most = 0
        for _ in range(_CANDIDATES):
            if len(begins) == 0:
                return
            until = np.searchsorted(begins, begins + drift, "right")
            votes = until - np.arange(len(begins))
            best = int(votes.argmax())
            if 3 * int(votes[best]) < most:
                return
            most = most or int(votes[best])
            members = slice(best, int(until[best]))
            by_offset = begins[members][np.argsort(offset[members], kind="stable")]
            edge = max(1, len(by_offset) // 5)
            start, end = int(np.median(by_offset[:edge])), int(np.median(by_offset[-edge:])) + len(wanted)
            yield start, end
            apart = (begins < start - len(wanted) // 2) | (begins > end - len(wanted) // 2)
            begins, offset = begins[apart], offset[apart]

    # --- edges

    def _fitted(self, wanted: str, start: int, end: int) -> tuple[int, int, float] | None:
        """Return (first letter, last letter + 1, score) near a candidate, at the edges of words that fit best."""
        from rapidfuzz.fuzz import ratio

        letters, total = self._letters, len(self._letters)
        if ratio(wanted, letters[max(0, start) : max(0, end)]) < _HOPELESS:
            return None
        reach = min(max(12, len(wanted) // 8), 200)
        starts = [i for i in range(max(0, start - reach), min(total, start + reach) + 1) if self._is_edge(i)]
        ends = [i for i in range(max(0, end - reach), min(total, end + reach) + 1) if self._is_edge(i)]
        if not starts or not ends:
            return None
        a, b = min(starts, key=lambda i: abs(i - start)), min(ends, key=lambda i: abs(i - end))
        if len(wanted) <= _FITTED_WHOLE:
            for _ in range(3):
                before = a, b
                a = _best({i: ratio(wanted, letters[i:b]) for i in starts if i < b}, start)
                b = _best({i: ratio(wanted, letters[a:i]) for i in ends if i > a}, end)
                if (a, b) == before:
                    break
        else:
            head, tail = wanted[:_END], wanted[-_END:]
            a = _best({i: ratio(head, letters[i : i + _END]) for i in starts}, start)
            b = _best({i: ratio(tail, letters[max(0, i - _END) : i]) for i in ends}, end)
        return (a, b, ratio(wanted, letters[a:b])) if a < b else None

    def _is_edge(self, i: int) -> bool:
        """Return whether a word may begin or end before letter i."""
        at = self._at
        if i in (0, len(at)) or at[i] - at[i - 1] > 1:
            return True
        left, right = self.text[at[i - 1]], self.text[at[i]]
        if unicodedata.category(right)[0] == "M" or "\u200d" in (left, right):
            return False  # within what a reader sees as one character
        return not (left.isalnum() and right.isalnum()) or bool(_NO_SPACES.search(left + right))


def approximate(text: Quotable, quote: str) -> tuple[Near | None, str]:
    """Return the place that is clearly most like the quote, or None and why; at least `APPROXIMATE` alike.

    At least half of the quote's numbers and codes must be there: a table's rows are like each other.
    """
    near = text.nearest(quote)
    named = facts(quote)
    fit = [
        n for n in near if n.score >= APPROXIMATE and 2 * len(named & facts(text.text[n.start : n.end])) >= len(named)
    ]
    if not fit:
        why = "is not like enough" if near and near[0].score < APPROXIMATE else "has other numbers"
        return None, f"; the passage most like it ({near[0].score:.0f} of 100) {why}" if near else ""
    if len(fit) > 1 and fit[0].score < fit[1].score + _CLEAR:
        return None, f"; {sum(n.score > fit[0].score - _CLEAR for n in fit)} places are as much like it"
    return fit[0], ""


def facts(text: str) -> set[str]:
    """Return the numbers, dates and codes in a text: whatever has a digit."""
    return set(_FACT.findall(text))


def squeezed(text: str) -> str:
    """Return the text without its blanks."""
    return "".join(text.split())


def _best(scores: dict[int, float], about: int) -> int:
    """Return the place with the highest score, of equals the one nearest to `about`."""
    return max(scores, key=lambda i: (scores[i], -abs(i - about)), default=about)


def _grams(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return (letters − 5,) the hash of each run of six letters."""
    n = max(0, len(codes) - _GRAM + 1)
    out = np.zeros(n, np.uint64)
    for i in range(_GRAM):
        out = out * np.uint64(0x9E3779B97F4A7C15) + codes[i : i + n]
    return out


def _occurrences(text: str, part: str) -> Iterator[int]:
    """Yield where the part begins, overlapping places included, up to `MOST_PLACES`."""
    at = text.find(part) if part else -1
    for _ in range(MOST_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(part, at + 1)
