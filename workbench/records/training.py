"""The questions that parts of a pipeline were trained on, and which questions may therefore judge it.

Questions seen in training do not judge where at least `LEAST_UNSEEN` others are left.
Otherwise all questions judge, and whatever shows the figure marks it as seen in training.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workbench.records.questions import Question
from workbench.specs import fingerprint

LEAST_UNSEEN = 2
"""Unseen questions from which they judge alone: a mean has an interval from two values on."""

_TELLING = 24
"""Letters and digits from which an equal quote is the same passage; a shorter one may be in many documents."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The questions that something was trained on. It names them, and holds hashes by which copies are recognised.

    `ids` are for people. `texts` are hashes of the questions' words, `quotes` of their passages' words; `places` are
    (start of the document's id, start, end) of the passages. So a renamed or copied question is recognised, and one
    about the same or an overlapping passage; nothing of the text itself can be read from it.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    quotes: tuple[str, ...] = ()
    places: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, questions: Sequence[Question]) -> "TrainingSet":
        """Return the record of these questions; equal whatever their order."""
        quotes = {_words(quote) for question in questions for quote in _quotes(question)}
        places = {(r.span.document[:16], r.span.start, r.span.end) for q in questions for r in q.references}
        return cls(
            tuple(sorted({q.id for q in questions})),
            tuple(sorted({fingerprint(_words(q.text)) for q in questions})),
            tuple(sorted(fingerprint(words) for words in quotes if len(words) >= _TELLING)),
            tuple(sorted(places)),
        )

    def has_seen(self, question: Question) -> bool:
        """Return whether the question was trained on: its words, or one of its passages."""
        if fingerprint(_words(question.text)) in self.texts:
            return True
        if any(fingerprint(_words(quote)) in self.quotes for quote in _quotes(question)):
            return True
        spans = [(r.span.document[:16], r.span.start, r.span.end) for r in question.references]
        return any(d == own and s < end and start < e for d, s, e in spans for own, start, end in self.places)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, row: Any) -> "TrainingSet":
        """Return the record that plain values hold.

        Raises:
            ValueError: they are not such a record.
        """
        if not isinstance(row, Mapping) or set(row) != {"ids", "texts", "quotes", "places"}:
            raise ValueError("the record of training must have the keys ids, texts, quotes and places")
        ids, texts, quotes = (tuple(row[key]) for key in ("ids", "texts", "quotes"))
        places = [tuple(place) for place in row["places"]]
        if not all(isinstance(one, str) for one in (*ids, *texts, *quotes)):
            raise ValueError("ids, texts and quotes of the record of training must be texts")
        if not all(len(p) == 3 and isinstance(p[0], str) and all(type(n) is int for n in p[1:]) for p in places):
            raise ValueError("places of the record of training must be [document, start, end]")
        return cls(ids, texts, quotes, tuple(places))


def _quotes(question: Question) -> list[str]:
    return [r.quote for r in question.references] + [lost.quote for lost in question.lost]


def _words(text: str) -> str:
    """Return the text without what copying changes: case, forms of one letter, punctuation, white space."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", plain)) or plain.strip()


@dataclass(frozen=True, slots=True)
class Training:
    """What a pipeline's parts were trained on: `sets`, and whether that is all. Empty and known: on nothing."""

    sets: tuple[TrainingSet, ...] = ()
    known: bool = True

    def seen(self, questions: Sequence[Question]) -> list[bool]:
        """Return for each question whether a part of the pipeline was trained on it."""
        return [any(one.has_seen(question) for one in self.sets) for question in questions]

    def __or__(self, other: "Training") -> "Training":
        return Training(tuple(dict.fromkeys((*self.sets, *other.sets))), self.known and other.known)


@dataclass(frozen=True, slots=True)
class Judging:
    """Which of some questions judge, by the rule above.

    `judges` says so for each; `left_out` counts those seen in training that do not, `seen` those that do all the same.
    `known` is False where a part of the pipeline was trained on questions that nobody wrote down.
    """

    judges: tuple[bool, ...]
    left_out: int = 0
    seen: int = 0
    known: bool = True

    @property
    def marked(self) -> bool:
        """Return whether the figures are, or may be, those of questions seen in training."""
        return bool(self.seen) or not self.known

    @property
    def note(self) -> str:
        """The remark to show beside every figure and verdict, or ""."""
        parts = []
        if self.left_out:
            parts.append(f"{_questions(self.left_out)} seen in training {_be(self.left_out)} left out")
        if self.seen:
            of = _questions(len(self.judges))
            parts.append(f"seen in training: the pipeline learned from {self.seen:,} of these {of}, which flatter it")
        if not self.known:
            parts.append("perhaps seen in training: the questions that the adapter was trained on are not known")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any] | None:
        """Return {left_out, seen, known, note} for JSON; None without a note."""
        if not self.note:
            return None
        return {"left_out": self.left_out, "seen": self.seen, "known": self.known, "note": self.note}


def judging(seen: Sequence[bool], known: bool = True) -> Judging:
    """Apply the rule to questions of which it is known whether they were seen in training."""
    n = sum(seen)
    if n and len(seen) - n >= LEAST_UNSEEN:
        return Judging(tuple(not one for one in seen), n, 0, known)
    return Judging((True,) * len(seen), 0, n, known)


def _questions(n: int) -> str:
    return f"{n:,} question{'s' * (n != 1)}"


def _be(n: int) -> str:
    return "is" if n == 1 else "are"
