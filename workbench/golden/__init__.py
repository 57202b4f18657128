"""Golden sets: questions with the passages that answer them, read from JSON lines or CSV, written as JSON lines.

A row is taken whole or not at all, and every row that is not taken is named with the reason.
"""

from pathlib import Path

from workbench.documents import Corpus
from workbench.errors import GoldenError
from workbench.golden.csvs import is_csv, records
from workbench.golden.jsonl import LONGEST_LINE, MOST_PLACES, Problem, find_quote, lines, read_rows, write_golden
from workbench.records import Question

__all__ = ["LONGEST_LINE", "MOST_PLACES", "Problem", "find_quote", "read_golden", "write_golden"]


def read_golden(data: bytes | Path, corpus: Corpus) -> tuple[tuple[Question, ...], tuple[Problem, ...]]:
    """The questions of a golden set with spans in this corpus, and what could not be taken.

    The file is JSON lines, or CSV with the columns question, references and corpus_id. Every reference that is
    returned holds `quote == corpus[span]`. A quote that no longer stands at its offsets is looked for in its document,
    letter by letter and then without regard to blanks; it must be there exactly once.

    Raises:
        GoldenError: the file cannot be read at all.
    """
    if isinstance(data, Path):
        path = data
        try:
            data = path.read_bytes()
        except OSError as error:
            raise GoldenError(f"{path.name} cannot be read: {error.strerror or error}") from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    return read_rows(records(data, corpus) if is_csv(data) else lines(data), corpus)
