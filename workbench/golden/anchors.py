"""Golden sets read and re-anchored: every quote found again in a corpus, and nothing dropped in silence."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from workbench.documents import Corpus
from workbench.errors import GoldenError
from workbench.golden import beir, csvs, jsonl
from workbench.golden.reports import Anchoring, Problem
from workbench.golden.rows import Row, question_row, read_rows
from workbench.golden.shelves import Shelf
from workbench.records import Question


def read_golden(data: bytes | Path, corpus: Corpus) -> tuple[tuple[Question, ...], tuple[Problem, ...]]:
    """The questions of a golden set with spans in this corpus, and what could not be taken.

    It is JSON lines, CSV with the columns question, references and corpus_id, or a BEIR folder or ZIP. Every reference
    that is returned holds `quote == corpus[span]`. A quote that no longer stands at its offsets is looked for in its
    document, letter by letter and then without regard to blanks; it must be there exactly once, or with the words
    around it that the file gives.

    Raises:
        GoldenError: the file cannot be read at all.
    """
    found = read_rows(_rows(data, corpus), corpus)
    return found.questions, found.problems


def reread_golden(data: bytes | Path, corpus: Corpus, successors: Mapping[str, str] | None = None) -> Anchoring:
    """As `read_golden`, but quotes are also found approximately, and those without a place stay in `Question.lost`.

    `successors` maps the sha256 of a file to that of the file that replaced it.

    Raises:
        GoldenError: the file cannot be read at all.
    """
    return read_rows(_rows(data, corpus), corpus, True, successors)


def anchored(
    questions: Iterable[Question], before: Corpus, after: Corpus, successors: Mapping[str, str] | None = None
) -> Anchoring:
    """The questions of one corpus with their passages as they stand in another, of the same files read anew.

    Raises:
        GoldenError: a reference lies outside `before`.
    """
    shelf = Shelf(before)
    rows = ((n, question_row(question, shelf, before, context=True)) for n, question in enumerate(questions, 1))
    return read_rows(rows, after, True, successors)


def _rows(data: bytes | Path, corpus: Corpus) -> Iterator[tuple[int, Row | GoldenError]]:
    if beir.is_beir(data):
        return beir.records(data, corpus)
    if isinstance(data, Path):
        path = data
        try:
            data = path.read_bytes()
        except OSError as error:
            raise GoldenError(f"{path.name} cannot be read: {error.strerror or error}") from None
        if beir.is_beir(data):
            return beir.records(data, corpus)
    data = data.removeprefix(b"\xef\xbb\xbf")
    return csvs.records(data, corpus) if csvs.is_csv(data) else jsonl.lines(data)
