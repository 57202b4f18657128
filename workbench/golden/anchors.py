"""Golden sets read, anchored in a corpus and written: every quote is found again, or listed with the reason.

A row is taken whole or not at all: half of a question's passages would change what recall means.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden.corpus_lookup import CorpusLookup, Unanchored, is_text, is_whole, kind, short
from workbench.golden.formats import Row, beir_rows, csv_rows, is_beir, is_csv, json_rows, row_line
from workbench.records import Lost, Question, Reference
from workbench.spans import Span

HOW = {
    "kept": "are where they were",
    "moved": "moved",
    "respaced": "are there with other blanks",
    "approximate": "were found approximately",
    "ambiguous": "fit several places",
    "lost": "were not found",
    "gone": "wait for a document that is not here",
}
"""What can become of a reference, from the best to the worst, in words that follow a number."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line of a golden set was not taken. `id` is "" where the line does not tell it; lines count from 1."""

    line: int
    id: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}{f' ({self.id})' if self.id else ''}: {self.message}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What became of one reference of a question: `how` is a key of `HOW`, `score` its likeness, up to 100.

    `document` is the label that the reference gave, `quote` its words as they were. `span` is where it is now, None
    where it has no place and `reason` says why.
    """

    question: str
    document: str
    quote: str
    how: str
    score: float = 100.0
    span: Span | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Questions with their passages found in a corpus, what became of each, and rows that were not taken.

    Passages without a place are in `Question.lost`: no question and no reference is dropped.
    """

    questions: tuple[Question, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def changed(self) -> tuple[Anchor, ...]:
        """References that are not where they were, the worst first."""
        worst = list(HOW)[::-1]
        return tuple(sorted((a for a in self.anchors if a.how != "kept"), key=lambda a: worst.index(a.how)))

    @property
    def counts(self) -> dict[str, int]:
        """How many references went which way; only what occurs, in the order of `HOW`."""
        number = Counter(a.how for a in self.anchors)
        return {how: number[how] for how in HOW if number[how]}

    @property
    def summary(self) -> str:
        """One line for people: "2 moved, 1 were not found"; "" where all are where they were."""
        return ", ".join(f"{n:,} {HOW[how]}" for how, n in self.counts.items() if how != "kept")


def read_rows(
    rows: Iterable[tuple[int, Row | GoldenError]],
    corpus: Corpus,
    keep_lost: bool = False,
    successors: Mapping[str, str] | None = None,
) -> Anchoring:
    """Return the questions of (line, row or why there is none), and what could not be taken.

    With `keep_lost` a quote is also looked for approximately, and one without a place goes to `Question.lost` instead
    of keeping its question out. `successors` maps a file's sha256 to that of the file that replaced it.
    """
    lookup = CorpusLookup(corpus, successors)
    questions: dict[str, tuple[Question, int]] = {}
    anchors: list[Anchor] = []
    problems: list[Problem] = []
    for number, row in rows:
        if isinstance(row, GoldenError):
            problems.append(Problem(number, "", str(row)))
            continue
        id = row["id"] if is_text(row.get("id")) else ""
        try:
            question, found = _question(row, lookup, keep_lost)
            if id in questions:
                raise GoldenError(f"the id is already taken by line {questions[id][1]}; give each question its own")
            questions[id] = question, number
            anchors += found
        except GoldenError as error:
            problems.append(Problem(number, short(id, bare=True), str(error)))
    return Anchoring(tuple(question for question, _ in questions.values()), tuple(anchors), tuple(problems))


def question_row(question: Question, lookup: CorpusLookup, corpus: Corpus, context: bool = False) -> Row:
    """Return the question as a row, each quote taken from the corpus, lost ones as they were.

    The words around a quote are added if it is found more than once, so that its place can be found again; with
    `context`, always.

    Raises:
        GoldenError: a reference lies outside its document or the corpus, or the question has none and is not marked.
    """
    check_answerable(question)
    row: Row = {"id": question.id, "question": question.text}
    row["references"] = [_reference_row(question, r.span, lookup, corpus, context) for r in question.references]
    row["references"] += [_lost_row(lost) for lost in question.lost]
    row["tags"] = list(question.tags)
    if not question.answerable:
        row["answerable"] = False
    return row


def check_answerable(question: Question) -> None:
    """Raise GoldenError where a question has no passages and is not marked unanswerable, or has some and is."""
    passages = question.references or question.lost
    if question.answerable and not passages:
        raise GoldenError(f'{short(question.id)} has no references; add one, or mark it "answerable": false')
    if passages and not question.answerable:
        raise GoldenError(f"{short(question.id)} has references and is marked unanswerable; drop one or the other")


def _reference_row(question: Question, span: Span, lookup: CorpusLookup, corpus: Corpus, context: bool) -> Row:
    if span.document not in corpus:
        raise GoldenError(f"{short(question.id)} refers to document {span.document[:8]}, which is not in the corpus")
    document = corpus.document(span.document)
    if not span.start < span.end <= len(document.text):
        _refuse_span(span.start, span.end, document)
    quote = document.text[span.start : span.end]
    row = {"document": document.name, "start": span.start, "end": span.end, "quote": quote, "source": document.source}
    text = lookup.text(document)
    if context or text.repeats(quote):
        row["prefix"], row["suffix"] = text.context(span.start, span.end)
    return row


def _lost_row(lost: Lost) -> Row:
    row: Row = {"document": lost.document}
    if lost.start is not None and lost.end is not None:
        row |= {"start": lost.start, "end": lost.end}
    row["quote"] = lost.quote
    if lost.source:
        row["source"] = lost.source
    return row


def _question(row: Row, lookup: CorpusLookup, keep_lost: bool) -> tuple[Question, list[Anchor]]:
    for key in ("id", "question"):
        if not is_text(row.get(key)):
            raise GoldenError(f"{key} {'is missing' if key not in row else f'must be text, not {short(row[key])}'}")
    references, tags, answerable = row.get("references", []), row.get("tags", []), row.get("answerable", True)
    if not isinstance(references, list):
        raise GoldenError(f"references must be a list, not {kind(references)}")
    if not isinstance(tags, list) or not all(is_text(tag) for tag in tags):
        raise GoldenError(f"tags must be a list of texts, not {short(tags)}")
    if not isinstance(answerable, bool):
        raise GoldenError(f"answerable must be true or false, not {short(answerable)}")
    found: list[Reference] = []
    lost: list[Lost] = []
    anchors: list[Anchor] = []
    refused = []
    for number, reference in enumerate(references, 1):
        try:
            one, anchor = _reference(reference, lookup, keep_lost, row["id"])
            found.append(one)
            anchors.append(anchor)
        except GoldenError as error:
            if keep_lost and isinstance(error, Unanchored) and is_text(reference.get("quote")):
                lost.append(gone := _lost(reference, error))
                anchors.append(Anchor(row["id"], gone.document, gone.quote, gone.kind, 0.0, None, gone.reason))
            else:
                refused.append(f"reference {number}: {error}" if len(references) > 1 else str(error))
    if refused:
        raise GoldenError("; ".join(refused))
    question = Question(row["id"], row["question"], tuple(found), tuple(tags), answerable, tuple(lost))
    check_answerable(question)
    return question, anchors


def _lost(row: Row, error: Unanchored) -> Lost:
    at = (row.get("start"), row.get("end"))
    start, end = at if all(is_whole(value) for value in at) else (None, None)
    return Lost(row["document"], row["quote"], str(error), row.get("source") or "", error.kind, start, end)


def _reference(row: Any, lookup: CorpusLookup, nearly: bool, question: str) -> tuple[Reference, Anchor]:
    if not isinstance(row, dict):
        raise GoldenError(f'holds {kind(row)} where {{"document": …, "start": …, "end": …}} is expected')
    values: list[Any] = [row.get(key) for key in ("source", "quote", "start", "end")]
    source, quote, start, end = values
    document = lookup.document(row.get("document"), source)
    if quote is not None and (not isinstance(quote, str) or not quote.strip()):
        raise GoldenError(f"quote must be text, not {short(quote)}")
    at = None
    if start is not None or end is not None:
        if not is_whole(start) or not is_whole(end):
            raise GoldenError(f"start and end must be whole numbers, not {short(start)} and {short(end)}")
        if not 0 <= start < end:
            _refuse_span(start, end, document)
        at = start, end
    if quote is None:
        quote = _quoted(document, at, source)
    around = [row[key] if is_text(row.get(key)) else "" for key in ("prefix", "suffix")]
    place = lookup.place(document, quote, at, (around[0], around[1]), nearly)
    span = Span(document.id, place.start, place.end)
    anchor = Anchor(question, row["document"], quote, place.how, place.score, span)
    return Reference(span, document[span]), anchor


def _quoted(document: Document, at: tuple[int, int] | None, source: Any) -> str:
    """Return the text at the offsets of a reference without a quote."""
    if at is None:
        raise GoldenError("has neither start and end nor a quote")
    if at[1] > len(document.text):
        _refuse_span(*at, document)
    if source is not None and source != document.source:
        raise GoldenError(f"{short(document.name)} is not the file that the span was made for; a quote is needed")
    return document.text[slice(*at)]


def _refuse_span(start: int, end: int, document: Document) -> NoReturn:
    size = f"{short(document.name)} has {len(document.text):,} characters"
    raise GoldenError(f"span {short(start)}..{short(end)} is not valid: 0 <= start < end must hold, and {size}")


def read_golden(data: bytes | Path, corpus: Corpus) -> tuple[tuple[Question, ...], tuple[Problem, ...]]:
    """Return the questions of a golden set with spans in this corpus, and what could not be taken.

    It is JSON lines, CSV with the columns question, references and corpus_id, or a BEIR folder or ZIP. Every reference
    that is returned holds `quote == corpus[span]`. A quote that is no longer at its offsets is looked for in its
    document, letter by letter and then ignoring blanks; it must be there exactly once, or with the words around
    it that the file gives.

    Raises:
        GoldenError: the file cannot be read at all.
    """
    found = read_rows(_rows(data, corpus), corpus)
    return found.questions, found.problems


def reread_golden(data: bytes | Path, corpus: Corpus, successors: Mapping[str, str] | None = None) -> Anchoring:
    """Read as `read_golden`, with quotes found approximately too; those without a place stay in `Question.lost`.

    `successors` maps the sha256 of a file to that of the file that replaced it.

    Raises:
        GoldenError: the file cannot be read at all.
    """
    return read_rows(_rows(data, corpus), corpus, True, successors)


def anchored(
    questions: Iterable[Question], before: Corpus, after: Corpus, successors: Mapping[str, str] | None = None
) -> Anchoring:
    """Return the questions of one corpus with their passages in another, of the same files parsed again.

    Raises:
        GoldenError: a reference lies outside `before`.
    """
    lookup = CorpusLookup(before)
    rows = ((n, question_row(question, lookup, before, context=True)) for n, question in enumerate(questions, 1))
    return read_rows(rows, after, True, successors)


def _rows(data: bytes | Path, corpus: Corpus) -> Iterator[tuple[int, Row | GoldenError]]:
    if is_beir(data):
        return beir_rows(data, corpus)
    if isinstance(data, Path):
        path = data
        try:
            data = path.read_bytes()
        except OSError as error:
            raise GoldenError(f"{path.name} cannot be read: {error.strerror or error}") from None
        if is_beir(data):
            return beir_rows(data, corpus)
    data = data.removeprefix(b"\xef\xbb\xbf")
    return csv_rows(data, corpus) if is_csv(data) else json_rows(data)


def write_golden(questions: Iterable[Question], corpus: Corpus) -> str:
    """Return the questions as JSON lines, quotes taken from the corpus; `read_golden` gives the same questions back.

    Passages that are lost are written as they were, and so found again once their document is back.

    Raises:
        GoldenError: a reference lies outside its document or the corpus, two questions have the same id, or a question
            has no references and is not marked unanswerable, or would be longer than a line that is read.
    """
    lookup, seen, out = CorpusLookup(corpus), set[str](), []
    for question in questions:
        if question.id in seen:
            raise GoldenError(f"two questions have the id {short(question.id)}; give each its own")
        seen.add(question.id)
        out.append(row_line(question_row(question, lookup, corpus)))
    return "".join(out)
