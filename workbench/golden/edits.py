"""Golden sets changed: each function gives a new tuple of questions, so that the one before is there for undo."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.errors import GoldenError
from workbench.golden.anchors import check_answerable
from workbench.golden.corpus_lookup import is_text, short
from workbench.records import Question

Questions = tuple[Question, ...]

_NUMBERED = re.compile(r"q(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Merged:
    """Two golden sets as one. `renamed` maps ids of the imported that were taken to new ones; `same` were here already.

    `added` are the questions that came in, under their new ids.
    """

    questions: Questions
    added: Questions
    renamed: dict[str, str]
    same: Questions


def fresh_id(questions: Iterable[Question]) -> str:
    """Return q and the number after the highest that is used."""
    numbers = [int(m[1]) for q in questions if (m := _NUMBERED.fullmatch(q.id))]
    return f"q{max(numbers, default=0) + 1}"


def added(questions: Sequence[Question], question: Question) -> Questions:
    """Return the questions with one more at the end; it gets a fresh id where its own is "".

    Raises:
        GoldenError: its id is taken, its text is empty, or it has no passages and is not marked unanswerable.
    """
    question = question if question.id else replace(question, id=fresh_id(questions))
    _check(question, questions)
    return (*questions, question)


def replaced(questions: Sequence[Question], id: str, question: Question) -> Questions:
    """Return the questions with this one in the place of the one with that id.

    Raises:
        GoldenError: there is none with that id, the new id is taken, or the question is not valid.
    """
    at = _index(questions, id)
    _check(question, [*questions[:at], *questions[at + 1 :]])
    return (*questions[:at], question, *questions[at + 1 :])


def removed(questions: Sequence[Question], *ids: str) -> Questions:
    """Return the questions without those with these ids.

    Raises:
        GoldenError: there is none with such an id.
    """
    for id in ids:
        _index(questions, id)
    return tuple(q for q in questions if q.id not in ids)


def merge(existing: Sequence[Question], imported: Iterable[Question]) -> Merged:
    """Return the existing questions, then the imported ones that are new; an id that is taken gets a number behind it.

    A question with the same words and the same passages as one that is here is not taken twice.
    """
    questions, taken = list(existing), {q.id for q in existing}
    known = {_content(q) for q in existing}
    new: list[Question] = []
    renamed: dict[str, str] = {}
    same: list[Question] = []
    for question in imported:
        if _content(question) in known:
            same.append(question)
            continue
        id, number = question.id, 2
        while id in taken:
            id, number = f"{question.id}-{number}", number + 1
        if id != question.id:
            renamed[question.id] = id
        taken.add(id)
        known.add(_content(question))
        new.append(replace(question, id=id))
    return Merged((*questions, *new), tuple(new), renamed, tuple(same))


def _content(question: Question) -> tuple[object, ...]:
    spans = frozenset(r.span for r in question.references)
    lost = frozenset((gone.document, gone.quote) for gone in question.lost)
    return " ".join(question.text.split()).casefold(), spans, lost, question.answerable


def _index(questions: Sequence[Question], id: str) -> int:
    for at, question in enumerate(questions):
        if question.id == id:
            return at
    raise GoldenError(f"there is no question {short(id)}; someone may have removed it in another window")


def _check(question: Question, others: Iterable[Question]) -> None:
    if any(q.id == question.id for q in others):
        raise GoldenError(f"there is a question {short(question.id)} already; give this one its own id")
    if not is_text(question.id):
        raise GoldenError(f"a question's id must be text, not {short(question.id)}")
    if not is_text(question.text):
        raise GoldenError("the question is empty; type what is to be asked")
    if not all(is_text(tag) for tag in question.tags):
        raise GoldenError("a tag is empty; remove it")
    check_answerable(question)
