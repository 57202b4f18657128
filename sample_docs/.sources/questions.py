"""The golden set of the sample corpus: each quote of questions.yaml found in its parsed document."""

from pathlib import Path
from typing import Any

import yaml

from workbench.documents import Corpus, Document
from workbench.golden import find_quote, write_golden
from workbench.parsers import read
from workbench.records import Question, Reference
from workbench.spans import Span

LONGEST_ANSWER = 3000
"""Characters that an ellipsis may stand for: more is a mistake in the quote."""


def golden(folder: Path) -> str:
    """The JSON lines of the questions beside this file, over the documents in the folder.

    Raises:
        SystemExit: quotes that are missing or ambiguous, every one with its question.
    """
    corpus = read(folder)
    named = {document.name: document for document in corpus}
    rows = yaml.safe_load((Path(__file__).parent / "questions.yaml").read_text(encoding="utf-8"))
    wrong: list[str] = []
    questions = [_question(row, named, wrong) for row in rows]
    if wrong:
        raise SystemExit("\n".join(wrong))
    return write_golden(questions, Corpus(corpus.documents))


def _question(row: dict[str, Any], named: dict[str, Document], wrong: list[str]) -> Question:
    references = []
    for reference in row.get("references", []):
        ((name, quote),) = reference.items()
        try:
            references.append(_found(named[name], quote))
        except LookupError as error:
            wrong.append(f"{row['id']}: {name}: {error}")
    return Question(row["id"], row["question"], tuple(references), tuple(row["tags"]), bool(row.get("references")))


def _found(document: Document, quote: str) -> Reference:
    first, _, last = quote.partition(" … ")
    starts = find_quote(document.text, first)
    if len(starts) != 1:
        raise LookupError(f"{len(starts)} places for {first!r}")
    start, end = starts[0]
    if last:
        ends = find_quote(document.text[start : start + LONGEST_ANSWER], last)
        if len(ends) != 1:
            raise LookupError(f"{len(ends)} places after it for {last!r}")
        end = start + ends[0][1]
    return Reference(Span(document.id, start, end), document.text[start:end])
