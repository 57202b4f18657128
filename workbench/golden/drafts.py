"""Questions proposed without a language model, from headings, definitions, rules, figures and codes.

Patterns of sentences are English. In German, French, Spanish, Italian, Dutch and Portuguese only headings and codes are
asked about, in a form that needs no grammar. In other languages only headings that are questions themselves are taken.
Of tables, rows are asked about by a code in their first cell.
"""

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, zip_longest
from pathlib import PurePath
from re import Pattern
from typing import TypeVar

from workbench.documents import Corpus, Document
from workbench.golden.lints import same_question
from workbench.memory_cache import cached
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.specs import digest
from workbench.splitters.sentences import sentence_starts

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
    """Yield (kind, question) of each pattern that the sentence fits, blanks in it being single.

    `lowered` are words that are known in lower case: only those lose a capital that they begin with.
    """
    for kind, pattern, form in PATTERNS:
        if match := pattern.fullmatch(sentence):
            found = match.groupdict()
            if (subject := _subject(found["x"], lowered)) is not None:
                yield kind, form.format(**{**found, "x": subject})
                return


def lowered_start(phrase: str, lowered: set[str]) -> str:
    """Lower-case the first word, where it is known so and the phrase is not all capitals."""
    first, _, rest = phrase.partition(" ")
    titled = any(word[:1].isupper() and word[1:].islower() for word in rest.split())
    known = first.lower() in lowered or first.endswith("ing") or first in ("A", "An")
    if titled or not known or not (first[1:].islower() or len(first) == 1):
        return phrase
    return phrase[0].lower() + phrase[1:]


def _subject(phrase: str, lowered: set[str]) -> str | None:
    """Return the subject as it reads inside a question; None where it is not a plain noun phrase."""
    words = phrase.lower().split()
    if not 1 <= len(words) <= _LONGEST_SUBJECT or _SIGNS.search(phrase) or not phrase[0].isupper():
        return None
    if words[0] in _NOT_AT_THE_START or words[-1] in _VAGUE or "ly" in (words[0][-2:], words[-1][-2:]):
        return None
    if _NOT_INSIDE & set(words) or re.search(r"n['’]t\b|[.!?]", phrase):
        return None
    return lowered_start(phrase, lowered)


DRAFTED = "drafted"
"""Tag of a question that a rule or a model proposed; it stays when a person accepts it."""

LONGEST_PASSAGE = 700
"""Characters of a section that a draft takes as its passage; of a longer one its first sentences."""

ABOUT = {
    "en": "What does “{document}” say about {topic}?",
    "de": "Was steht in „{document}“ zu „{topic}“?",
    "fr": "Que dit « {document} » sur « {topic} » ?",
    "es": "¿Qué dice «{document}» sobre «{topic}»?",
    "it": "Che cosa dice «{document}» su «{topic}»?",
    "nl": "Wat zegt „{document}” over „{topic}”?",
    "pt": "O que diz «{document}» sobre «{topic}»?",
}
"""The question about a topic, by language."""

_LEAST_SECTION, _LONGEST_TOPIC = 60, 80
_SHORTEST, _LONGEST = 35, 400  # characters of a sentence
_GENERIC = frozenset(
    "introduction overview contents content summary appendix annex general notes note preface foreword index "
    "references glossary conclusion background scope purpose inhalt einleitung übersicht zusammenfassung anhang "
    "allgemeines sommaire résumé annexe introducción resumen índice inleiding inhoud samenvatting".split()
)
_NUMBERING = re.compile(r"(?:§|chapter|section|part|article|annex)?\s*(?:\d+(?:\.\d+)*|[A-Z]|[IVX]+)[.):]*\s+", re.I)
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = re.compile(rf"\b(?:\d{{1,2}} {_MONTH}(?: \d{{4}})?|{_MONTH} \d{{1,2}}(?:, \d{{4}})?|{_MONTH} \d{{4}})\b")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: (?:of |the )*[A-Z][a-z]+)+(?= [a-z])")
_CODE = re.compile(r"\b(?:[A-Z]{1,5}-\d{2,}|\d{2,}-\d{2,}-[A-Z0-9]+|[A-Z]{1,4}\d{3,})\b")
_PROSE = frozenset({"heading", "list", "quote", "slide", "sheet"})
_BULLET = re.compile(r"(?:[-*+•‣◦–]|\(?\w{1,2}[.)])\s+")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Candidate:
    kind: str
    text: str
    document: Document
    section: int
    start: int
    end: int


def draft(corpus: Corpus, count: int, seed: int = 0, avoid: Iterable[Question] = ()) -> tuple[Question, ...]:
    """Return up to `count` proposed questions, each with the passage it was made from; the same ones for the same seed.

    They are spread over documents, kinds and sections. None repeats a question of `avoid` or asks about its passages.
    """
    english = [document.text for document in corpus if document.language == "en"]
    lowered = {word for text in english for word in re.findall(r"\b[a-z]+\b", text)}
    found = [c for document in corpus for c in _candidates(document, lowered)]
    known, chosen = Known(avoid), list[Question]()
    for c in spread(found, [(c.document.id, c.kind, c.section) for c in found], seed):
        if len(chosen) >= count:
            break
        question = drafted(f"d{len(chosen) + 1}", c.text, c.document, c.start, c.end)
        if known.takes(question):
            chosen.append(question)
    return tuple(chosen)


def drafted(id: str, text: str, document: Document, start: int, end: int) -> Question:
    """Return a draft about one passage."""
    span = Span(document.id, start, end)
    return Question(id, text, (Reference(span, document[span]),), (DRAFTED,))


class Known:
    """Questions and passages that a new draft must not repeat."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._texts: list[str] = []
        self._spans: list[Span] = []
        for question in questions:
            self._add(question)

    def takes(self, question: Question) -> bool:
        """Return whether the question is new; if so, it is known from now on."""
        if any(self.holds(r.span) for r in question.references):
            return False
        if any(same_question(question.text, text) for text in self._texts):
            return False
        self._add(question)
        return True

    def holds(self, span: Span) -> bool:
        """Return whether half of this passage, or of one that is asked about, lies in the other."""
        return any(2 * span.overlap(other) >= min(len(span), len(other)) for other in self._spans)

    def _add(self, question: Question) -> None:
        self._texts.append(question.text)
        self._spans += [r.span for r in question.references if len(r.span)]


def spread(items: Sequence[T], keys: Sequence[tuple[Hashable, ...]], seed: int) -> list[T]:
    """Order items so that groups of the first key take turns, and within each those of the next key."""
    draws = [digest(f"{seed} {i} {key}".encode("utf-8", "surrogatepass")) for i, key in enumerate(keys)]
    shuffled = sorted(range(len(items)), key=lambda i: draws[i])
    return [items[i] for i in _woven(shuffled, keys, 0)]


def _woven(order: list[int], keys: Sequence[tuple[Hashable, ...]], depth: int) -> list[int]:
    if not order or depth == len(keys[order[0]]):
        return order
    groups: dict[Hashable, list[int]] = {}
    for i in order:
        groups.setdefault(keys[i][depth], []).append(i)
    turns = zip_longest(*(_woven(group, keys, depth + 1) for group in groups.values()))
    return [i for i in chain.from_iterable(turns) if i is not None]


def label_of(document: Document) -> str:
    """Return the document's name as a question may say it."""
    return re.sub(r"[-_\s]+", " ", PurePath(document.name).stem).strip() or document.name


def prose(document: Document) -> Iterator[tuple[int, int, int]]:
    """Yield (section, start, end) of each sentence and table row in order; section 0 precedes the first."""
    for start, end, _ in _pieces(document):
        yield _section(document, start), start, end


def _candidates(document: Document, lowered: set[str]) -> Iterator[_Candidate]:
    yield from _headings(document, lowered)
    about, english = ABOUT.get(document.language), document.language == "en"
    for start, end, prose in _pieces(document):
        section, piece = _section(document, start), document.text[start:end]
        sentence = " ".join(piece.split())
        if prose and not (_SHORTEST <= end - start <= _LONGEST and sentence.endswith((".", "!", "。"))):
            continue
        if about is not None:
            topics = [("code", _CODE, sentence if prose else _first_cell(piece))]
            topics += [("date", _DATE, sentence), ("name", _NAME, sentence)] if prose and english else []
            for kind, pattern, part in topics:
                if topic := _only(pattern, part, document.text):
                    text = about.format(document=label_of(document), topic=topic)
                    yield _Candidate(kind, text, document, section, start, end)
                    break
        if prose and english:
            for kind, text in questions(sentence[:-1], lowered):
                yield _Candidate(kind, text, document, section, start, end)


def _headings(document: Document, lowered: set[str]) -> Iterator[_Candidate]:
    """Yield a question for each heading with text of its own under it."""
    headings = document.headings
    for i, heading in enumerate(headings):
        until = headings[i + 1].span.start if i + 1 < len(headings) else len(document.text)
        title = " ".join(heading.title.split())
        passage = _passage(document, heading.span.end, until)
        if passage is None:
            continue
        topic = _NUMBERING.sub("", title, count=1).rstrip(" :.") if _NUMBERING.match(title) else title.rstrip(" :.")
        about = ABOUT.get(document.language)
        if title.endswith("?"):
            text = _NUMBERING.sub("", title, count=1) if title[0].isdigit() else title
        elif about is None or not 3 <= len(topic) <= _LONGEST_TOPIC or topic.casefold() in _GENERIC:
            continue
        elif set(label_of(document).casefold().split()) <= set(topic.casefold().split()):
            continue  # the document's own title
        else:
            topic = lowered_start(topic, lowered) if document.language == "en" else topic
            text = about.format(document=label_of(document), topic=topic)
        yield _Candidate("heading", text, document, i + 1, *passage)


def _passage(document: Document, start: int, end: int) -> tuple[int, int] | None:
    """Return a section's first sentences up to `LONGEST_PASSAGE`; None where it begins with too little prose."""
    first = last = None
    for a, b, prose in _pieces(document):
        if a < start:
            continue
        if b > end or not prose or b - (a if first is None else first) > LONGEST_PASSAGE:
            break
        first, last = a if first is None else first, b
    return (first, last) if first is not None and last is not None and last - first >= _LEAST_SECTION else None


@cached(32 << 20, lambda pieces: 150 * len(pieces))
def _pieces(document: Document) -> tuple[tuple[int, int, bool], ...]:
    """Return (start, end, whether it is prose) of each sentence and table row, no blanks or bullets around it."""
    return tuple(sorted(_cut(document)))


def _cut(document: Document) -> Iterator[tuple[int, int, bool]]:
    text = document.text
    other = sorted((s.span.start, s.span.end, s.kind) for s in document.sections if s.kind not in _PROSE)
    solid = [(a, b) for a, b, kind in other if kind != "row"]
    for a, b, kind in other:
        if kind == "row":
            yield a, b, False
    apart = [s.span for s in document.sections if s.kind == "heading" or s.kind not in _PROSE]
    edges = {0, len(text), *sentence_starts(text), *(e for span in apart for e in (span.start, span.end))}
    headings = {h.span.start for h in document.headings}
    for a, b in pairwise(sorted(edges)):
        if a in headings or any(x <= a < y for x, y in solid):
            continue
        piece = text[a:b]
        start = a + len(piece) - len(piece.lstrip())
        bullet = _BULLET.match(text, start, b)
        start = bullet.end() if bullet else start
        end = a + len(piece.rstrip())
        if start < end:
            yield start, end, True


def _section(document: Document, offset: int) -> int:
    """Return which heading the offset follows, from 1; 0 before the first."""
    return bisect_right(document.headings, offset, key=lambda h: h.span.start)


def _first_cell(row: str) -> str:
    return re.split(r"[\t|,;]", row.strip("| "), maxsplit=1)[0]


def _only(pattern: re.Pattern[str], part: str, text: str) -> str:
    """Return what the pattern finds once in this part and nowhere else in the text, else ""."""
    found = set(pattern.findall(part))
    return found.pop() if len(found) == 1 and text.count(next(iter(found))) == 1 else ""
