"""Golden sets as JSON lines: the rows, the questions they hold, and the lines that questions are written as.

    {"id": "q1", "question": "…", "tags": [],
     "references": [{"document": "handbook.pdf", "start": 120, "end": 310, "quote": "…"}]}    (on one line)

A question that the corpus cannot answer says `"answerable": false` and has no references; every other one has some.
A row is taken whole or not at all: half of a question's passages would change what recall means.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.records import Question, Reference
from workbench.spans import Span

LONGEST_LINE = 1_000_000
"""Bytes that one question may take."""

MOST_PLACES = 100
"""Places of a quote that are looked for; more than one is too many anyway."""

SHA256_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line of a golden set was not taken. `id` is "" where the line does not tell it; lines count from 1."""

    line: int
    id: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}{f' ({self.id})' if self.id else ''}: {self.message}"


def read_rows(
    rows: Iterable[tuple[int, dict[str, Any] | GoldenError]], corpus: Corpus
) -> tuple[tuple[Question, ...], tuple[Problem, ...]]:
    """The questions of (line, row or why there is none), and what could not be taken."""
    shelf = _Shelf(corpus)
    questions: dict[str, tuple[Question, int]] = {}
    problems: list[Problem] = []
    for number, row in rows:
        if isinstance(row, GoldenError):
            problems.append(Problem(number, "", str(row)))
            continue
        id = row["id"] if _is_text(row.get("id")) else ""
        try:
            question = _question(row, shelf)
            if id in questions:
                raise GoldenError(f"the id is already taken by line {questions[id][1]}; give each question its own")
            questions[id] = question, number
        except GoldenError as error:
            problems.append(Problem(number, _short(id, bare=True), str(error)))
    return tuple(question for question, _ in questions.values()), tuple(problems)


def lines(data: bytes) -> Iterator[tuple[int, dict[str, Any] | GoldenError]]:
    """(line, its object or why there is none) of JSON lines; empty lines are left out."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, _row(line)
            except GoldenError as error:
                yield number, error


def write_golden(questions: Iterable[Question], corpus: Corpus) -> str:
    """The questions as JSON lines, each quote taken from the corpus; `read_golden` gives the same questions back.

    Raises:
        GoldenError: a reference lies outside its document or the corpus, two questions have the same id, or a question
            has no references and is not marked unanswerable.
    """
    seen: set[str] = set()
    lines = []
    for question in questions:
        if question.id in seen:
            raise GoldenError(f"two questions have the id {_short(question.id)}; give each its own")
        seen.add(question.id)
        _check_answerable(question)
        row: dict[str, Any] = {"id": question.id, "question": question.text}
        row["references"] = [_reference_row(question, reference, corpus) for reference in question.references]
        row["tags"] = list(question.tags)
        if not question.answerable:
            row["answerable"] = False
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def find_quote(text: str, quote: str) -> list[tuple[int, int]]:
    """Where the quote stands letter by letter, else without regard to blanks; at most `MOST_PLACES` places."""
    return _Folded(text).find(quote)


def _reference_row(question: Question, reference: Reference, corpus: Corpus) -> dict[str, Any]:
    span = reference.span
    if span.document not in corpus:
        raise GoldenError(f"{_short(question.id)} refers to document {span.document[:8]}, which is not in the corpus")
    document = corpus.document(span.document)
    if not span.start < span.end <= len(document.text):
        _refuse_span(span.start, span.end, document)
    quote = document.text[span.start : span.end]
    return {"document": document.name, "start": span.start, "end": span.end, "quote": quote, "source": document.source}


def _row(line: bytes) -> dict[str, Any]:
    """The object on a line."""
    if len(line) > LONGEST_LINE:
        raise GoldenError(f"the line has {len(line):,} bytes; at most {LONGEST_LINE:,} are read")
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise GoldenError(f"not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise GoldenError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets as deep
        raise GoldenError("not JSON that can be read: a number is too long or the nesting too deep") from None
    if not isinstance(row, dict):
        raise GoldenError(f'holds {_kind(row)} where a question such as {{"id": …, "question": …}} is expected')
    return row


def _question(row: dict[str, Any], shelf: "_Shelf") -> Question:
    for key in ("id", "question"):
        if not _is_text(row.get(key)):
            raise GoldenError(f"{key} {'is missing' if key not in row else f'must be text, not {_short(row[key])}'}")
    references, tags, answerable = row.get("references", []), row.get("tags", []), row.get("answerable", True)
    if not isinstance(references, list):
        raise GoldenError(f"references must be a list, not {_kind(references)}")
    if not isinstance(tags, list) or not all(_is_text(tag) for tag in tags):
        raise GoldenError(f"tags must be a list of texts, not {_short(tags)}")
    if not isinstance(answerable, bool):
        raise GoldenError(f"answerable must be true or false, not {_short(answerable)}")
    found, lost = [], []
    for number, reference in enumerate(references, 1):
        try:
            found.append(_reference(reference, shelf))
        except GoldenError as error:
            lost.append(f"reference {number}: {error}" if len(references) > 1 else str(error))
    if lost:
        raise GoldenError("; ".join(lost))
    question = Question(row["id"], row["question"], tuple(found), tuple(tags), answerable)
    _check_answerable(question)
    return question


def _check_answerable(question: Question) -> None:
    if question.answerable and not question.references:
        raise GoldenError(f'{_short(question.id)} has no references; add one, or mark it "answerable": false')
    if question.references and not question.answerable:
        raise GoldenError(f"{_short(question.id)} has references and is marked unanswerable; drop one or the other")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _reference(row: Any, shelf: "_Shelf") -> Reference:
    if not isinstance(row, dict):
        raise GoldenError(f'holds {_kind(row)} where {{"document": …, "start": …, "end": …}} is expected')
    source: Any = row.get("source")
    quote: Any = row.get("quote")
    start: Any = row.get("start")
    end: Any = row.get("end")
    document = shelf.document(row.get("document"), source)
    if quote is not None and (not isinstance(quote, str) or not quote.strip()):
        raise GoldenError(f"quote must be text, not {_short(quote)}")
    if start is None and end is None:
        if quote is None:
            raise GoldenError("has neither start and end nor a quote")
        return shelf.anchored(document, quote, "has no offsets, and its quote")
    if not _is_whole(start) or not _is_whole(end):
        raise GoldenError(f"start and end must be whole numbers, not {_short(start)} and {_short(end)}")
    if not 0 <= start < end:
        _refuse_span(start, end, document)
    inside = end <= len(document.text)
    stands = document.text[start:end] if inside else ""
    if quote is None:
        if not inside:
            _refuse_span(start, end, document)
        if source is not None and source != document.source:
            raise GoldenError(f"{_short(document.name)} is not the file that the span was made for; a quote is needed")
        return Reference(Span(document.id, start, end), stands)
    # Equal but for blanks is in its place: a parser that breaks lines elsewhere makes no repeated passage ambiguous.
    if inside and "".join(stands.split()) == "".join(quote.split()):
        return Reference(Span(document.id, start, end), stands)
    where = "does not hold its quote" if inside else f"is outside the {len(document.text):,} characters"
    return shelf.anchored(document, quote, f"{_short(start)}..{_short(end)} {where}, and the quote")


def _refuse_span(start: int, end: int, document: Document) -> NoReturn:
    size = f"{_short(document.name)} has {len(document.text):,} characters"
    raise GoldenError(f"span {_short(start)}..{_short(end)} is not valid: 0 <= start < end must hold, and {size}")


class _Shelf:
    """The corpus by label and by content, and each document's text without blanks, made once and only when needed."""

    def __init__(self, corpus: Corpus) -> None:
        self._documents = corpus.documents
        self._folded: dict[str, _Folded] = {}

    def document(self, name: Any, source: Any) -> Document:
        """The one document that the label means; the file's sha256 settles it where the label does not."""
        if not _is_text(name):
            raise GoldenError(f"document must be a name, not {_short(name)}")
        if source is not None and not (isinstance(source, str) and len(source) == SHA256_DIGITS):
            raise GoldenError(f"source must be a sha256 of {SHA256_DIGITS} hex digits, not {_short(source)}")
        named = [d for d in self._documents if d.name == name]
        if len(named) == 1:
            return named[0]
        same = [d for d in named or self._documents if source is not None and d.source == source]
        if len(same) == 1:
            return same[0]  # with no document of this name: the file was renamed
        if not named and not same:
            raise GoldenError(f"document {_short(name)} is not in the corpus of {len(self._documents)} documents")
        if same:
            raise GoldenError(f"document {_short(name)} stands in the corpus {len(same)} times; remove all but one")
        remedy = "their source (sha256) is another" if source else "give its source, the file's sha256"
        raise GoldenError(f"document {_short(name)} is the name of {len(named)} documents; {remedy}")

    def anchored(self, document: Document, quote: str, what: str) -> Reference:
        """The reference where the quote stands in the document now."""
        folded = self._folded.setdefault(document.id, _Folded(document.text))
        places = folded.find(quote)
        if len(places) != 1:
            times = f"{len(places)} times" if len(places) < MOST_PLACES else f"{MOST_PLACES} times or more"
            stands = f"stands {times} in" if places else "is not in"
            raise GoldenError(f"{what} {_short(quote)} {stands} {_short(document.name)}")
        start, end = places[0]
        return Reference(Span(document.id, start, end), document.text[start:end])


class _Folded:
    """A text that can be searched without regard to its blanks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._letters: str | None = None
        self._positions: NDArray[np.int64] = np.empty(0, np.int64)

    def find(self, quote: str) -> list[tuple[int, int]]:
        """(start, end) of each place; see `find_quote`."""
        if exact := [(at, at + len(quote)) for at in _occurrences(self._text, quote)]:
            return exact
        if self._letters is None:
            self._letters = "".join(self._text.split())
            solid = np.fromiter((not character.isspace() for character in self._text), bool, len(self._text))
            self._positions = np.flatnonzero(solid).astype(np.int64)
        letters = "".join(quote.split())
        at = self._positions
        return [(int(at[i]), int(at[i + len(letters) - 1]) + 1) for i in _occurrences(self._letters, letters)]


def _occurrences(text: str, part: str) -> Iterator[int]:
    """Where the part begins, overlapping places included, up to `MOST_PLACES`."""
    at = text.find(part) if part else -1
    for _ in range(MOST_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(part, at + 1)


def _is_text(value: Any) -> bool:
    """Whether it is text that can be written down again: not empty, no half of a surrogate pair."""
    return isinstance(value, str) and bool(value.strip()) and not any("\ud800" <= c <= "\udfff" for c in value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _short(value: Any, bare: bool = False) -> str:
    """A value of any size for a message of one line; text in quotation marks unless bare."""
    if isinstance(value, list | dict):
        return _kind(value)
    text = " ".join(value.split()) if bare else json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 60 else f"{text[:57]}…"
