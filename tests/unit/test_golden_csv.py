"""Golden sets of the chunking_evaluation form: CSV with question, references and corpus_id."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden import read_golden
from workbench.specs import digest

PUMPS = 'The pump hums, "loudly".\nClose the valve.\nThe pump stops. 🙂 Close the valve.'


def document(name: str, text: str = PUMPS) -> Document:
    return Document(digest(text.encode()), digest(f"{name}{text}".encode()), name, text)


CORPUS = Corpus((document("pumps.md"), document("twin.md"), document("twin.txt", "Other.")))


def reference(quote: str, start: int | None = None, **changes: Any) -> dict[str, Any]:
    at = PUMPS.index(quote) if start is None else start
    return {"content": quote, "start_index": at, "end_index": at + len(quote)} | changes


def table(*rows: tuple[Any, ...], header: tuple[str, ...] = ("question", "references", "corpus_id")) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(
        [header, *([cell if isinstance(cell, str) else json.dumps(cell) for cell in row] for row in rows)]
    )
    return out.getvalue().encode()


def only_problem(data: bytes, line: int = 2) -> str:
    """The message of the single problem."""
    _, problems = read_golden(data, CORPUS)
    (problem,) = problems
    assert problem.line == line
    assert "\n" not in str(problem)
    return str(problem)


def test_questions_with_their_passages() -> None:
    data = table(
        ('What hums, and\n"loudly"?', [reference('The pump hums, "loudly".'), reference("pump stops")], "pumps"),
        ("And then?", [reference("🙂 Close")], "pumps.md"),
    )
    questions, problems = read_golden(b"\xef\xbb\xbf" + data, CORPUS)
    assert problems == ()
    assert [(q.id, q.text) for q in questions] == [("q1", 'What hums, and\n"loudly"?'), ("q2", "And then?")]
    for question in questions:
        assert all(CORPUS[r.span] == r.quote for r in question.references)
    assert [r.quote for r in questions[0].references] == ['The pump hums, "loudly".', "pump stops"]


def test_a_repeated_quote_stands_where_its_offsets_say_and_a_moved_one_is_found() -> None:
    second = PUMPS.rindex("Close the valve.")
    moved = reference("pump stops", 3)
    questions, problems = read_golden(
        table(("A?", [reference("Close the valve.", second)], "pumps"), ("B?", [moved], "pumps")), CORPUS
    )
    assert problems == ()
    assert [q.references[0].span.start for q in questions] == [second, PUMPS.index("pump stops")]


def test_every_row_that_is_not_taken_is_named_and_the_others_go_on() -> None:
    good = ("Good?", [reference("pump stops")], "pumps")
    data = table(good, ("two\nlines?", [reference("Close the valve.", 1)], "pumps"), good, ("?", "[", "pumps"), good)
    questions, problems = read_golden(data, CORPUS)
    assert [q.id for q in questions] == ["q1", "q3", "q5"]
    assert [p.line for p in problems] == [3, 6]


@pytest.mark.parametrize(
    "row,message",
    [
        (("?", "[{]", "pumps"), "references is not JSON"),
        (("?", "[" * 20_000, "pumps"), "references is not JSON"),
        (("?", {}, "pumps"), "references must be a list of"),
        (("?", [1], "pumps"), "references must be a list of"),
        (("?", [], "pumps"), "has no references"),
        (("", [reference("pump stops")], "pumps"), "question must be text"),
        (("?", [reference("pump stops")], "nowhere"), 'document "nowhere" is not in the corpus'),
        (("?", [reference("pump stops")], "twin"), "corpus_id 'twin' is the name of 2 documents: twin.md, twin.txt"),
        (("?", [reference("pump stops", end_index=None)], "pumps"), "start and end must be whole numbers"),
        (("?", [reference("pump", content=None, start_index=9, end_index=5)], "pumps"), "span 9..5 is not valid"),
        (("?", [reference("pump", content="no such text")], "pumps"), "is not in"),
        (("?", [reference("pump stops")]), "the row has 2 cells and the header 3"),
        (("?", [reference("pump stops")], "pumps", "more"), "the row has 4 cells and the header 3"),
        (("x" * 200_000, [reference("pump stops")], "pumps"), "not a row of CSV: field larger"),
    ],
)
def test_what_cannot_be_taken(row: tuple[Any, ...], message: str) -> None:
    assert message in only_problem(table(row))


def test_columns_stand_in_any_order_and_others_are_left_alone() -> None:
    data = table(("pumps", "x", [reference("pump stops")], "?"), header=("corpus_id", "note", "references", "question"))
    assert len(read_golden(data, CORPUS)[0]) == 1


def test_another_encoding_is_refused_as_a_whole() -> None:
    data = table(("Größe?", [reference("pump stops")], "pumps")).decode().encode("latin-1")
    with pytest.raises(GoldenError, match="not UTF-8"):
        read_golden(data, CORPUS)


def test_the_data_set_is_taken_whole(shared: Path) -> None:
    from workbench.parsers import read

    folder = shared / "reference/chunking_evaluation"
    questions, problems = read_golden(folder / "questions.csv", read(folder / "corpora"))
    assert problems == ()
    assert len(questions) == 276
    with (folder / "questions.csv").open(encoding="utf-8", newline="") as file:
        rows = [json.loads(row["references"]) for row in csv.DictReader(file)]
    for question, row in zip(questions, rows, strict=True):
        spans = [(r.span.start, r.span.end, r.quote) for r in question.references]
        assert spans == [(r["start_index"], r["end_index"], r["content"]) for r in row]


def test_offsets_of_a_text_read_without_its_returns_tell_repeated_quotes_apart() -> None:
    text = "One line.\r\nThe same.\r\n\r\nThe same.\r\nLast."
    read_by_python = text.replace("\r\n", "\n")
    over = Corpus((Document(digest(text.encode()), digest(b"crlf"), "crlf.md", text),))
    for quote, which in (("The same.", 1), ("The same.", 0), ("The same.\nLast.", 0)):
        at = [m.start() for m in re.finditer(re.escape(quote), read_by_python)][which]
        references = json.dumps([{"content": quote, "start_index": at, "end_index": at + len(quote)}])
        file = io.StringIO(newline="")
        csv.writer(file).writerows([("question", "references", "corpus_id"), ("What?", references, "crlf")])
        (question,), problems = read_golden(file.getvalue().encode(), over)
        span, own = question.references[0].span, quote.replace("\n", "\r\n")
        assert (problems, over[span]) == ((), own)
        assert span.start == [m.start() for m in re.finditer(re.escape(own), text)][which]
