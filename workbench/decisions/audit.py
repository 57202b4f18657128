"""Eight questions about what a system has to do, and what follows from the answers. The rules are data, to be read.

Two needs decide: knowledge that has to be looked up, and behaviour that no prompt reaches. The other questions say what
is possible, and decide only where these two do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.decisions.questions import QUESTIONS
from workbench.errors import SpecError

Result = Literal["rag", "fine-tuning", "hybrid", "prompt", "few-shot"]

WORDS: dict[str, str] = {
    "rag": "RAG",
    "fine-tuning": "fine-tuning",
    "hybrid": "RAG and fine-tuning together",
    "prompt": "neither: the prompt does it",
    "few-shot": "few-shot prompting first",
}


KNOWLEDGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("documents", ("own", "partly")),
    ("change", ("daily", "monthly")),
    ("citations", ("must",)),
    ("both", ("yes",)),
)
"""(question, answers): any of these says that knowledge has to be looked up."""

TRAINABLE = ("hundreds", "thousands")
"""Answers to `examples` that are enough to train on."""


def looks_up(answers: Mapping[str, str]) -> bool:
    """Return whether any answer says that knowledge has to be looked up."""
    return any(answers.get(question) in some for question, some in KNOWLEDGE)


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows where `knowledge` has to be looked up or not, and the answers are among those of `where`."""

    knowledge: bool
    where: Mapping[str, tuple[str, ...]]
    result: Result
    why: str

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Return whether the rule applies to these answers."""
        return looks_up(answers) == self.knowledge and all(answers[q] in some for q, some in self.where.items())

    @property
    def conditions(self) -> str:
        """The answers that it speaks of, in words."""
        need = "knowledge has to be looked up" if self.knowledge else "nothing has to be looked up"
        some = [f"{q}: {' or '.join(QUESTIONS[q].answers[a].text for a in names)}" for q, names in self.where.items()]
        return "; ".join([need, *some])


_PRESSED = {"examples": TRAINABLE, "volume": ("high",), "skill": ("some", "yes")}

RULES: tuple[Rule, ...] = (
    Rule(
        True,
        {"behaviour": ("much",), "examples": TRAINABLE},
        "hybrid",
        "knowledge is looked up, and the behaviour that no prompt reaches is trained, with the passages in the prompt",
    ),
    Rule(
        True,
        {"behaviour": ("some",), "both": ("yes",), "examples": TRAINABLE},
        "hybrid",
        "knowledge is looked up, and the behaviour that a prompt reaches only mostly is trained",
    ),
    Rule(
        True,
        {"behaviour": ("no",)},
        "rag",
        "knowledge has to be looked up, and a prompt does the rest: there is nothing to train",
    ),
    Rule(
        True,
        {},
        "rag",
        "knowledge has to be looked up; the form comes from few-shot examples in the prompt until training is due",
    ),
    Rule(
        False,
        {"behaviour": ("much",), "examples": TRAINABLE},
        "fine-tuning",
        "behaviour is what training changes, and nothing has to be looked up",
    ),
    Rule(
        False,
        {"behaviour": ("no", "some"), **_PRESSED},
        "fine-tuning",
        "nothing has to be looked up, and at this volume or speed a trained model saves a long prompt",
    ),
    Rule(False, {"behaviour": ("no",)}, "prompt", "nothing has to be looked up, and a prompt gets it right"),
    Rule(
        False,
        {"behaviour": ("some",)},
        "few-shot",
        "a prompt gets it right mostly: examples in it are the cheapest next step",
    ),
    Rule(
        False,
        {},
        "few-shot",
        "fewer than 200 examples give no reliable gain in training: put the best into the prompt and collect more",
    ),
)
"""In order; the first that holds gives the result, and there is one for every set of answers."""


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
    """What follows from the answers, question → name of its answer.

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


_CONTRADICTIONS: tuple[tuple[Mapping[str, tuple[str, ...]], str], ...] = (
    (
        {"documents": ("general",), "citations": ("must",)},
        "What is to be cited, if not documents of your own?",
    ),
    (
        {"documents": ("general",), "change": ("daily", "monthly")},
        "From which documents do answers learn of these changes, if not from your own?",
    ),
    (
        {"documents": ("general",), "both": ("yes",)},
        "Which knowledge of your own is it that answers need?",
    ),
    (
        {"behaviour": ("no",), "both": ("yes",)},
        "Which behaviour must change, if a prompt gets it right?",
    ),
    (
        {"documents": ("own", "partly"), "behaviour": ("much",), "both": ("no",)},
        "Both are needed by the first two answers: which of them can be left out?",
    ),
)
"""(question → answers that do not go together, what to ask)."""


def contradictions(answers: Mapping[str, str]) -> list[Contradiction]:
    """The answers that contradict each other, each with the question that would settle it."""
    return [
        Contradiction(tuple((q, answers[q]) for q in where), ask)
        for where, ask in _CONTRADICTIONS
        if all(answers.get(q) in some for q, some in where.items())
    ]
