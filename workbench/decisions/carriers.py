"""What carries the result of an audit: found by changing answers, one and two at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product

from workbench.decisions.audit import WORDS, Result, audit
from workbench.decisions.questions import QUESTIONS


@dataclass(frozen=True, slots=True)
class Flip:
    """Changed answers, question → name, and the result that they lead to; `sentence` says it."""

    changes: tuple[tuple[str, str], ...]
    result: Result

    @property
    def sentence(self) -> str:
        """`If “How often does the knowledge change?” were answered “Daily or weekly”, the result would be RAG.`"""
        parts = [f"“{QUESTIONS[q].text}” were answered “{QUESTIONS[q].answers[a].text}”" for q, a in self.changes]
        return f"If {' and '.join(parts)}, the result would be {_words(self.result)}."


def _words(result: Result) -> str:
    """The result within a sentence."""
    return WORDS[result].replace(":", ",")


def sensitivity(answers: Mapping[str, str]) -> dict[str, tuple[Result, ...]]:
    """Question → the other results that another answer to it alone would give; () where it decides nothing."""
    now = audit(answers).result
    out: dict[str, tuple[Result, ...]] = {}
    for name, asked in QUESTIONS.items():
        results = [audit({**answers, name: other}).result for other in asked.answers if other != answers[name]]
        out[name] = tuple(dict.fromkeys(r for r in results if r != now))
    return out


def flips(answers: Mapping[str, str], most: int = 2) -> list[Flip]:
    """The smallest changes of answers that change the result, up to so many at once; none that holds a smaller one."""
    now = audit(answers).result
    found: list[Flip] = []
    for size in range(1, most + 1):
        for names in combinations(QUESTIONS, size):
            others = [[a for a in QUESTIONS[name].answers if a != answers[name]] for name in names]
            for changed in product(*others):
                changes = tuple(zip(names, changed, strict=True))
                if any(set(flip.changes) <= set(changes) for flip in found):
                    continue
                result = audit({**answers, **dict(changes)}).result
                if result != now:
                    found.append(Flip(changes, result))
    return found


@dataclass(frozen=True, slots=True)
class Carrier:
    """An answer that carries the result: `alone` is the share of its other answers that change it, `flip` one of them.

    `flip` is None where no other answer changes the result even together with one to another question.
    """

    question: str
    answer: str
    alone: float
    flip: Flip | None


def carriers(answers: Mapping[str, str], most: int = 2) -> list[Carrier]:
    """The answers that carry the result, the strongest first.

    Ranked by the share of the other answers to a question that change the result alone; equal ones by the number of
    smallest changes in which they take part; then in the order of the questions.
    """
    found = flips(answers)
    out = []
    for name, asked in QUESTIONS.items():
        part = [flip for flip in found if name in dict(flip.changes)]
        alone = sum(len(flip.changes) == 1 for flip in part) / (len(asked.answers) - 1)
        out.append((alone, len(part), Carrier(name, answers[name], alone, part[0] if part else None)))
    out.sort(key=lambda row: (-row[0], -row[1]))
    return [carrier for _, _, carrier in out[:most]]
