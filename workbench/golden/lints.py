"""What is doubtful in a golden set."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.documents import Corpus
from workbench.golden.reports import Anchor
from workbench.records import Question


@dataclass(frozen=True, slots=True)
class Finding:
    """A doubt about a question: `kind` is a key of `KINDS`, `severity` "error", "warning" or "note"."""

    kind: str
    question: str
    message: str
    severity: str = "warning"


def lint(
    questions: Sequence[Question],
    corpus: Corpus,
    longest_chunk_characters: int | None = None,
    anchors: Sequence[Anchor] = (),
) -> tuple[Finding, ...]:
    """What is doubtful, in the order of the questions, the worst first within each."""
    return ()
