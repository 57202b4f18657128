"""The terms of a text, as BM25 counts them. Documents and queries go through the same rules.

1. A run of letters and digits is one term, in lower case (casefold) and Unicode form NFKC: `Straße` is `strasse`, a
   full-width or ligature form is its plain one. Soft hyphens and zero-width joiners vanish; accents stay. Stop words
   and stems, where they are chosen, come after (`Words`). An apostrophe separates (`company's`: `company`, `s`).
2. Runs joined without a space by `. _ @ &`, or by `- /` or brackets `(…)` where a digit takes part, are a code: an
   error number, section, version, date, file name, address, identifier. A code is one term as a whole, and again in
   parts, so that it is found by either: each piece; each beginning that ends at a piece (`12.3(b)` is also `12.3` and
   `12`, as a paragraph lies in its section); and what stands between `/` and `@`, weaker joints, is a code of its own
   (`src/app.py` is also `app.py`).
3. A run that mixes letters and digits, in at most four turns, is a term and its turns are too: `E4417` is also `e` and
   `4417`, and so meets `E-4417`; `32GB` meets `32 GB`.
4. Words joined only by hyphens, slashes or brackets, with no digit (`well-known`, `and/or`, `person(s)`), are just
   words: the joined form would add to a chunk's length and weigh twice what the words already say.
5. Scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer) give each pair of neighbouring
   characters, marks kept with their base; a character that stands alone is a term.

So an ordinary word is exactly one term: whole and parts are counted only for codes, which are rare and wanted.

    E-4417     e-4417  e  4417                       1.2.3         1.2.3  1.2  1  2  3
    88-1032-B  88-1032-b  88-1032  88  1032  b       max_tokens    max_tokens  max  tokens
    12.3(b)    12.3(b)  12.3  12  3  b               東京都         東京  京都

Stop words and stemming look at single terms, and only at those made of letters alone. A code as a whole (`E-4417`,
`max_tokens`, `12.3(b)`) and its numbers stay as they are, so exact codes are found with any setting.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

VERSION = 1
"""Raised with each change of the terms of some text; a part of BM25's identity."""

_NO_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u303c"
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f"
    "\U00020000-\U0003fffd"
)
_IGNORED = "\u00ad\u034f\u200c\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"
_WEAK = "/@\uff0f\uff20"
_CODE_JOINTS = frozenset("._@&\uff0e\uff3f\uff20\uff06")
_MAX_BEGINNINGS = 8  # a code of more pieces (a path, a hash with dashes) gives its whole and its pieces only
_MAX_TURNS = 4
_MEMO_LENGTH = 64
_MEMO_ENTRIES = 200_000


class Term(NamedTuple):
    """A term and the characters that it came from."""

    text: str
    start: int
    end: int


def terms(text: str) -> list[str]:
    """Return the terms of a text, in order, with repetitions."""
    if len(_memo) > _MEMO_ENTRIES:
        _memo.clear()
    return list(chain.from_iterable([_memo[raw][0] for raw in pattern(text).findall(text)]))


def located(text: str) -> list[Term]:
    """Return the terms of a text as in `terms`, each with its place."""
    out = []
    for match in pattern(text).finditer(text):
        at = match.start()
        words, places = _memo[match.group()]
        out += [Term(word, at + start, at + end) for word, (start, end) in zip(words, places, strict=True)]
    return out


def matches(query: str, text: str) -> list[tuple[int, int]]:
    """Return the places in `text` that share a term with `query`, disjoint and in order, to mark them in a hit."""
    wanted = set(terms(query))
    out: list[tuple[int, int]] = []
    for start, end in sorted((t.start, t.end) for t in located(text) if t.text in wanted):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def word_terms(raw: str) -> tuple[str, ...]:
    """Return the terms of one match of `pattern`."""
    return _memo[raw][0]


def pattern(text: str) -> "re.Pattern[str]":
    """Return the expression whose matches in `text` are its words, codes and runs of scripts without spaces.

    It looks at nothing outside a match, so a part of the text has the same matches as the whole, except for those that
    its edges cut; `Analysed` relies on this. Possessive quantifiers keep it linear on any input.
    """
    return _ascii() if text.isascii() else _unicode()


@cache
def _ascii() -> "re.Pattern[str]":
    return re.compile(r"[A-Za-z0-9]++(?:(?:_++[-.@/&]?+|[-.@/&])_*+[A-Za-z0-9]++|\([A-Za-z0-9]{1,4}\))*+")


@cache
def _unicode() -> "re.Pattern[str]":
    letter = f"[{_letters()}]"
    inner = rf"[{_marks()}{_IGNORED}]"
    word = rf"{letter}++(?:{inner}++{letter}*+)*+"
    joint = rf"(?:[_\uff3f]++[{_HYPHENS}.&\uff0e\uff06{_WEAK}]?+|[{_HYPHENS}.&\uff0e\uff06{_WEAK}])[_\uff3f]*+"
    bracket = rf"[(\uff08]{letter}{{1,4}}[)\uff09]"
    run = rf"[{_NO_SPACES}][{_NO_SPACES}{_marks()}{_IGNORED}]*+"
    return re.compile(rf"{word}(?:{joint}{word}|{bracket})*+|{run}")


@cache
def _pieces() -> "re.Pattern[str]":
    return re.compile(rf"[^\W_](?:[^\W_]++|[{_marks()}{_IGNORED}]++)*+")


@cache
def _characters() -> "re.Pattern[str]":
    """Match one character as a reader sees it: a base, or the jamo of a Korean syllable, with its marks."""
    return re.compile(
        rf"(?:[\u1100-\u115f][\u1160-\u11a7]*[\u11a8-\u11ff]*|.)[{_marks()}{_IGNORED}\uff9e\uff9f]*", re.DOTALL
    )


@cache
def _marks() -> str:
    """Return every combining mark, as the inside of a character class: `re` has no name for them."""
    return _class(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M")


@cache
def _letters() -> str:
    """Return every letter and digit of the scripts with spaces, spelt out: `re` looks up such a set in one step.

    It does so only for the first 65,536 characters; beyond, it tries range after range, so there the scripts (with
    their marks and punctuation) and the mathematical letters are taken as whole blocks.
    """
    joined = re.compile(f"[{_NO_SPACES}]")
    plain = _class(c for c in map(chr, range(0x10000)) if c.isalnum() and not joined.match(c))
    return plain + "\U00010000-\U0001afff\U0001b170-\U0001bbff\U0001d400-\U0001d7ff\U0001e000-\U0001eeff"


def _class(characters: Iterable[str]) -> str:
    """Return the inside of a character class that holds these characters, given in order."""
    out: list[list[int]] = []
    for code in map(ord, characters):
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return "".join(re.escape(chr(a)) + "-" + re.escape(chr(b)) for a, b in out)


_TURNS = re.compile(r"\d+|\D+")
_DIGIT = re.compile(r"\d")
_HYPHEN_VARIANTS = re.compile(f"[{_HYPHENS}]")
_IGNORED_CHARACTERS = re.compile(f"[{_IGNORED}]+")

_Analysis = tuple[tuple[str, ...], tuple[tuple[int, int], ...]]


class _Memo(dict[str, _Analysis]):
    """Raw word → its terms and their places. Words are few and repeat; long ones are not kept."""

    def __missing__(self, raw: str) -> _Analysis:
        places: dict[tuple[int, int], str] = {}  # by place, so that no stretch of text is counted twice
        for place in _places(raw):
            places[place] = normal(raw[place[0] : place[1]])
        kept = [(term, place) for place, term in places.items() if term]
        analysis = (tuple(term for term, _ in kept), tuple(place for _, place in kept))
        if len(raw) <= _MEMO_LENGTH:
            self[raw] = analysis
        return analysis


_memo = _Memo()


def normal(raw: str) -> str:
    """Return the one form of all spellings of a term."""
    if raw.isascii():
        return raw.lower()
    raw = _HYPHEN_VARIANTS.sub("-", _IGNORED_CHARACTERS.sub("", raw))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw).casefold())


def _places(raw: str) -> list[tuple[int, int]]:
    """Return where the terms of one match are in it, the whole first."""
    if raw.isalpha() and raw.isascii():
        return [(0, len(raw))]
    if _no_spaces().match(raw):
        characters = [m.span() for m in _characters().finditer(raw)]
        if len(characters) == 1:
            return characters
        return [(a, b) for (a, _), (_, b) in pairwise(characters)]
    pieces = [m.span() for m in _pieces().finditer(raw)]
    if len(pieces) == 1:
        return _piece(raw, *pieces[0])
    out = []
    joints = {c for (_, a), (b, _) in pairwise(pieces) for c in raw[a:b]}
    if _DIGIT.search(raw) or joints & _CODE_JOINTS:
        out.append((0, len(raw)))
        out += [place for segment in _segments(raw, pieces) for place in _beginnings(raw, segment)]
    for start, end in pieces:
        out += _piece(raw, start, end)
    return out


@cache
def _no_spaces() -> "re.Pattern[str]":
    return re.compile(f"[{_NO_SPACES}]")


def _segments(raw: str, pieces: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Return the pieces, divided at the weak joints."""
    out = [[pieces[0]]]
    for before, piece in pairwise(pieces):
        if any(c in _WEAK for c in raw[before[1] : piece[0]]):
            out.append([])
        out[-1].append(piece)
    return out


def _beginnings(raw: str, segment: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the segment, and each beginning of it that ends at a piece (and its closing bracket), longest first."""
    ends = [end + (raw[end : end + 1] in (")", "\uff09")) for _, end in segment]
    if len(segment) > _MAX_BEGINNINGS:
        ends = ends[-1:]
    return [(segment[0][0], end) for end in reversed(ends[1:])] if len(segment) > 1 else []


def _piece(raw: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return a run of letters and digits, and its turns from one to the other where it has few."""
    turns = [m.span() for m in _TURNS.finditer(raw, start, end)]
    return [(start, end), *(turns if 1 < len(turns) <= _MAX_TURNS else [])]


STEMMERS = (
    "none", "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "danish", "swedish",
    "norwegian", "finnish", "russian", "turkish", "polish", "czech", "romanian", "hungarian", "greek", "arabic",
)  # fmt: skip
"""Snowball's algorithms, by its own names."""

STOP_WORDS = ("none", "en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "no", "ru", "tr")
"""The lists of stop_words.txt; of English the long one."""


@dataclass(frozen=True, slots=True)
class Words:
    """A stemmer and a list of stop words, each by name, or none."""

    stemmer: str = "none"
    stop_words: str = "none"

    def __call__(self, terms: Sequence[str]) -> list[str | None]:
        """Return what each term is counted as; None for a stop word."""
        if self == PLAIN:
            return list(terms)
        stop = _stop_words(self.stop_words)
        kept = [None if term in stop else term for term in terms]
        if self.stemmer == "none":
            return kept
        stem = _stemmer(self.stemmer).stemWord
        return [stem(term) if term is not None and term.isalpha() else term for term in kept]


PLAIN = Words()
"""Words as they stand."""


@cache
def _stop_words(name: str) -> frozenset[str]:
    lines = Path(__file__).with_name("stop_words.txt").read_text("utf-8").splitlines()
    lists = {language: words for language, *words in map(str.split, lines)}
    return frozenset(map(normal, lists.get(name, ())))


@cache
def _stemmer(name: str) -> Any:
    """Return Snowball's stemmer: a word's stem depends on the word alone. Source: Porter 2001, "Snowball"."""
    return import_module("Stemmer").Stemmer(name, 0)  # no cache of its own: it would not be safe between threads
