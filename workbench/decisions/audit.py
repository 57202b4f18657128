"""Eight questions about what a system has to do, what follows from the answers, and which of them carry the result.

Two needs decide: knowledge that has to be looked up, and behaviour that no prompt reaches. The other questions say what
is possible, and decide only where these two do not. Questions and rules are data, in `content.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from workbench.decisions.content import CONTENT, Where, holds
from workbench.errors import SpecError

Result = Literal["rag", "fine-tuning", "hybrid", "prompt", "few-shot"]

WORDS: dict[str, str] = CONTENT["results"]
"""Result → its words."""

TRAINABLE: tuple[str, ...] = tuple(CONTENT["trainable"])
"""Answers to `examples` that are enough to train on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible answer: its words, why it matters, and what it speaks for; "" where that is open."""

    text: str
    why: str
    speaks_for: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the audit, with its answers by name."""

    text: str
    answers: Mapping[str, Answer]


QUESTIONS: dict[str, Asked] = {
    name: Asked(one["text"], {key: Answer(**answer) for key, answer in one["answers"].items()})
    for name, one in CONTENT["questions"].items()
}


def looks_up(answers: Mapping[str, str]) -> bool:
    """Return whether any answer says that knowledge has to be looked up."""
    return any(answers.get(question) in some for question, some in CONTENT["knowledge"].items())


@dataclass(frozen=True, slots=True)
class Rule:
    """A result that follows where `knowledge` has to be looked up or not, and the answers are among `where`."""

    knowledge: bool
    where: Where
    result: Result
    why: str

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Return whether the rule applies to these answers."""
        return looks_up(answers) == self.knowledge and holds(self.where, answers)

    @property
    def conditions(self) -> str:
        """The rule's conditions in words."""
        need = "knowledge has to be looked up" if self.knowledge else "nothing has to be looked up"
        some = [f"{q}: {' or '.join(QUESTIONS[q].answers[a].text for a in names)}" for q, names in self.where.items()]
        return "; ".join([need, *some])


RULES: tuple[Rule, ...] = tuple(Rule(**rule) for rule in CONTENT["rules"])
"""In order: the first that holds gives the result, and one holds for every set of answers."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, the rule that gave it, and (question, answer, what it speaks for, why) of each answer."""

    result: Result
    rule: Rule
    reasons: tuple[tuple[str, str, str, str], ...]

    @property
    def sentence(self) -> str:
        """The result in words, and why."""
        words = WORDS[self.result]
        return f"{words}{';' if ':' in words else ':'} {self.rule.why}"


def audit(answers: Mapping[str, str]) -> Verdict:
    """Apply the rules to the answers, question → name of its answer.

    Raises:
        SpecError: a question is not answered, or not by one of its answers.
    """
    reasons = []
    for name, asked in QUESTIONS.items():
        given = answers.get(name, "")
        if given not in asked.answers:
            raise SpecError(f"{asked.text} ({given!r}) must be answered by one of {', '.join(asked.answers)}")
        one = asked.answers[given]
        reasons.append((asked.text, one.text, one.speaks_for, one.why))
    rule = next(rule for rule in RULES if rule.holds(answers))
    return Verdict(rule.result, rule, tuple(reasons))


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Answers that cannot all hold, question → name, and what to ask in order to mend one of them."""

    answers: tuple[tuple[str, str], ...]
    ask: str

    @property
    def sentence(self) -> str:
        """`“Must answers come …?” No, general knowledge will do. “Must answers cite …?” Yes, every one. What is …?`"""
        said = [f"“{QUESTIONS[q].text}” {QUESTIONS[q].answers[a].text}." for q, a in self.answers]
        return " ".join([*said, self.ask])


def contradictions(answers: Mapping[str, str]) -> list[Contradiction]:
    """Return the answers that contradict each other, each with the question that would settle it."""
    return [
        Contradiction(tuple((q, answers[q]) for q in one["where"]), one["ask"])
        for one in CONTENT["contradictions"]
        if holds(one["where"], answers)
    ]


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
    return WORDS[result].replace(":", ",")


def sensitivity(answers: Mapping[str, str]) -> dict[str, tuple[Result, ...]]:
    """Map each question to the other results that another answer to it alone would give."""
    now = audit(answers).result
    out: dict[str, tuple[Result, ...]] = {}
    for name, asked in QUESTIONS.items():
        results = [audit({**answers, name: other}).result for other in asked.answers if other != answers[name]]
        out[name] = tuple(dict.fromkeys(r for r in results if r != now))
    return out


def flips(answers: Mapping[str, str], most: int = 2) -> list[Flip]:
    """Return the smallest changes of answers that change the result, up to `most` at once; none contains another."""
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
    """Return the answers that carry the result, the strongest first.

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
