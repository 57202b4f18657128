"""Plain values that every layer may pass on: questions with their gold passages, and hits."""

from dataclasses import dataclass

from workbench.spans import Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A gold passage: where it stands, and its text, by which it is found again when a document is parsed anew."""

    span: Span
    quote: str


@dataclass(frozen=True, slots=True)
class Question:
    """A test query with the passages that answer it; `answerable` is False where the corpus holds no answer."""

    id: str
    text: str
    references: tuple[Reference, ...] = ()
    tags: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved span. Ranks count from 1; a higher score is better, always. `chunk` is its row in the index."""

    span: Span
    score: float
    rank: int
    chunk: int
    header: str = ""
