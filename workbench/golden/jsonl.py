"""Golden sets as JSON lines: the rows that lines hold, and the lines that questions are written as.

    {"id": "q1", "question": "…", "tags": [],
     "references": [{"document": "handbook.pdf", "start": 120, "end": 310, "quote": "…"}]}    (on one line)

A question that the corpus cannot answer says `"answerable": false` and has no references; every other one has some.
A reference whose quote stands more than once in its document also has the words around it, `prefix` and `suffix`.
"""

import json
from collections.abc import Iterable, Iterator

from workbench.documents import Corpus
from workbench.errors import GoldenError
from workbench.golden.rows import Row, question_row
from workbench.golden.shelves import Shelf
from workbench.golden.values import kind, short
from workbench.records import Question

LONGEST_LINE = 1_000_000
"""Bytes that one question may take."""


def lines(data: bytes) -> Iterator[tuple[int, Row | GoldenError]]:
    """(line, its object or why there is none) of JSON lines; empty lines are left out."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, line_row(line)
            except GoldenError as error:
                yield number, error


def write_golden(questions: Iterable[Question], corpus: Corpus) -> str:
    """The questions as JSON lines, each quote taken from the corpus; `read_golden` gives the same questions back.

    Passages that are lost are written as they were, and so found again once their document is back.

    Raises:
        GoldenError: a reference lies outside its document or the corpus, two questions have the same id, or a question
            has no references and is not marked unanswerable, or would be longer than a line that is read.
    """
    shelf, seen, out = Shelf(corpus), set[str](), []
    for question in questions:
        if question.id in seen:
            raise GoldenError(f"two questions have the id {short(question.id)}; give each its own")
        seen.add(question.id)
        out.append(row_line(question_row(question, shelf, corpus)))
    return "".join(out)


def row_line(row: Row) -> str:
    """The row as a line of JSON.

    Raises:
        GoldenError: it would be longer than a line that is read.
    """
    line = json.dumps(row, ensure_ascii=False)
    if (size := len(line.encode("utf-8", "surrogatepass"))) > LONGEST_LINE:
        raise GoldenError(
            f"{short(row['id'])} with its passages has {size:,} bytes, more than {LONGEST_LINE:,}: mark less text"
        )
    return f"{line}\n"


def line_row(line: bytes, longest: int = LONGEST_LINE) -> Row:
    """The object on a line of JSON.

    Raises:
        GoldenError: the line is too long, not UTF-8, not JSON or not an object.
    """
    if len(line) > longest:
        raise GoldenError(f"the line has {len(line):,} bytes; at most {longest:,} are read")
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise GoldenError(f"not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise GoldenError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets as deep
        raise GoldenError("not JSON that can be read: a number is too long or the nesting too deep") from None
    if not isinstance(row, dict):
        raise GoldenError(f'holds {kind(row)} where a question such as {{"id": …, "question": …}} is expected')
    return row
