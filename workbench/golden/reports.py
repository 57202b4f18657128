"""What reading and re-anchoring tell: rows that were not taken, and what became of each reference."""

from collections import Counter
from dataclasses import dataclass

from workbench.records import Question
from workbench.spans import Span

HOW = {
    "kept": "stand where they stood",
    "moved": "moved",
    "respaced": "stand there with other blanks",
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

    `document` is the label that the reference gave, `quote` its words as they were. `span` is where it stands now, None
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
    """Questions with their passages as they stand in a corpus, what became of each, and rows that were not taken.

    Passages without a place are in `Question.lost`: no question and no reference is dropped.
    """

    questions: tuple[Question, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def changed(self) -> tuple[Anchor, ...]:
        """What does not stand as it stood, the worst first."""
        worst = list(HOW)[::-1]
        return tuple(sorted((a for a in self.anchors if a.how != "kept"), key=lambda a: worst.index(a.how)))

    @property
    def counts(self) -> dict[str, int]:
        """How many references went which way; only what occurs, in the order of `HOW`."""
        number = Counter(a.how for a in self.anchors)
        return {how: number[how] for how in HOW if number[how]}

    @property
    def summary(self) -> str:
        """One line for people: "2 moved, 1 were not found"; "" where all stand as they stood."""
        return ", ".join(f"{n:,} {HOW[how]}" for how, n in self.counts.items() if how != "kept")
