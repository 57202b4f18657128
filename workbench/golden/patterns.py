"""English sentences that answer a question, and how the question reads. Data: a pattern a line."""

import re
from collections.abc import Iterator
from re import Pattern

_NUMBER = (
    r"(?:(?:about|around|at least|at most|up to|exactly|only|between|less than|more than|no more than) )?"
    r"(?:[€$£] ?)?\d[\d.,]*"
)
_TIME = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)"
_PARTICIPLE = r"(?:not )?be \w+(?:ed|en|de|ld|pt|nt|ut|wn)"
_MODAL = r"(?:must|shall|may|should|has to|have to|is required to|are required to|is not allowed to|are not allowed to)"
_KIND_OF = r"(?:an? |any |the (?:part|process|time|name|sum|share|number|place|person|one|date|day|amount)\b)"

PATTERNS: tuple[tuple[str, Pattern[str], str], ...] = tuple(
    (kind, re.compile(pattern), form)
    for kind, pattern, form in (
        ("figure", rf"(?P<x>.+?) (?P<v>is|are|was|were) {_NUMBER}\b.*", "What {v} {x}?"),
        ("figure", rf"(?P<x>.+?) costs? {_NUMBER}\b.*", "What is the cost of {x}?"),
        ("figure", rf"(?P<x>.+?) (?:takes?|lasts?) {_NUMBER} {_TIME}\b.*", "What is the duration of {x}?"),
        ("figure", rf"(?P<x>.+?) weighs? {_NUMBER}\b.*", "What is the weight of {x}?"),
        ("definition", rf"(?P<x>.+?) (?P<v>is|are) {_KIND_OF}(?!\w+ing\b)\w.+", "What {v} {x}?"),
        ("definition", r"(?P<x>.+?) (?:means|refers to|stands for|denotes) .+", "What is meant by {x}?"),
        (
            "rule",
            rf"(?P<x>.+?) (?P<v>must|shall|may|should) (?P<p>{_PARTICIPLE}) "
            r"(?:within|before|by|no later than) .*\d.*",
            "By when {v} {x} {p}?",
        ),
        ("rule", rf"(?P<x>.+?) {_MODAL} .+", "What rule applies to {x}?"),
    )
)
"""Kind, what a whole sentence looks like, and the question; `x` is its subject."""

_NOT_AT_THE_START = frozenset(
    "it this that these those they he she we you i there here who what which whose if when where while because "
    "although as in on at for to by with from of and but or so then also however both neither either such one not "
    "no nothing all any each every some many most other others another its their his her our your my after before "
    "until unless since during under over between within without please only even yet still now today thus hence "
    "therefore instead last next nobody everybody everyone anyone someone whoever rather up more less fewer too "
    "very".split()
)
_NOT_INSIDE = frozenset(
    "that which who whom whose is are was were be been am has have had do does did can could may might must shall "
    "should will would if when where because although while it they he she we you i this not also often "
    "usually always never only".split()
)
_VAGUE = frozenset(
    "result results reason reasons problem answer aim goal idea cause causes point rest truth difference case thing "
    "same first second third latter former way".split()
)
_LONGEST_SUBJECT = 8
_SIGNS = re.compile(r"[,;:()\[\]{}“”\"„«»<>|=*_\t]")


def questions(sentence: str, lowered: set[str]) -> Iterator[tuple[str, str]]:
    """(kind, question) of each pattern that the sentence fits, blanks in it being single.

    `lowered` are words that are known in lower case: only those lose a capital that they begin with.
    """
    for kind, pattern, form in PATTERNS:
        if match := pattern.fullmatch(sentence):
            found = match.groupdict()
            if (subject := _subject(found["x"], lowered)) is not None:
                yield kind, form.format(**{**found, "x": subject})
                return


def lowered_start(phrase: str, lowered: set[str]) -> str:
    """The phrase with its first word in lower case, where that word is known so and the phrase is not all capitals."""
    first, _, rest = phrase.partition(" ")
    titled = any(word[:1].isupper() and word[1:].islower() for word in rest.split())
    known = first.lower() in lowered or first.endswith("ing") or first in ("A", "An")
    if titled or not known or not (first[1:].islower() or len(first) == 1):
        return phrase
    return phrase[0].lower() + phrase[1:]


def _subject(phrase: str, lowered: set[str]) -> str | None:
    """The subject as it reads inside a question; None where it is not a plain noun phrase."""
    words = phrase.lower().split()
    if not 1 <= len(words) <= _LONGEST_SUBJECT or _SIGNS.search(phrase) or not phrase[0].isupper():
        return None
    if words[0] in _NOT_AT_THE_START or words[-1] in _VAGUE or "ly" in (words[0][-2:], words[-1][-2:]):
        return None
    if _NOT_INSIDE & set(words) or re.search(r"n['’]t\b|[.!?]", phrase):
        return None
    return lowered_start(phrase, lowered)
