"""Eight questions about what a system has to do, and what each answer speaks for. The scoring is data, to be read.

Every answer gives points to retrieval and to fine-tuning; some answers forbid a result outright. Which answers decide,
and what would turn the result, is found by changing them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from workbench.errors import SpecError

Result = Literal["rag", "fine-tuning", "hybrid"]

WORDS: dict[str, str] = {"rag": "RAG", "fine-tuning": "fine-tuning", "hybrid": "RAG and fine-tuning together"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible answer: its words, the points it gives to retrieval and to fine-tuning, and why it does."""

    text: str
    rag: int
    tuning: int
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the audit, with its answers by name."""

    text: str
    answers: Mapping[str, Answer]


QUESTIONS: dict[str, Asked] = {
    "documents": Asked(
        "Must answers come from documents of your own?",
        {
            "own": Answer("Yes, only from them", 3, 0, "what only your documents say has to be looked up"),
            "partly": Answer("In part", 2, 1, "some of it has to be looked up, some can be learned"),
            "general": Answer("No, general knowledge will do", 0, 1, "there is little to look up"),
        },
    ),
    "behaviour": Asked(
        "Is it the behaviour or the form of answers that must change?",
        {
            "no": Answer("No, a prompt gets it right", 1, 0, "a prompt does it, so there is nothing to train"),
            "some": Answer("A prompt gets it right mostly", 0, 2, "examples teach form more steadily than a prompt"),
            "much": Answer(
                "Yes, and no prompt does it", 0, 4, "behaviour is what training changes and retrieval cannot"
            ),
        },
    ),
    "change": Asked(
        "How often does the knowledge change?",
        {
            "daily": Answer("Daily or weekly", 3, 0, "a document is indexed anew in seconds, a model is not"),
            "monthly": Answer("About monthly", 2, 0, "twelve trainings a year cost more than twelve re-indexings"),
            "yearly": Answer("About yearly", 1, 1, "either can keep up"),
            "never": Answer("Hardly ever", 0, 2, "what was learned stays true"),
        },
    ),
    "examples": Asked(
        "How many labelled examples do you have?",
        {
            "none": Answer("Fewer than 50", 1, 0, "there is nothing to train on, and hardly anything to test by"),
            "some": Answer("50 to 199", 1, 0, "enough to measure retrieval, too few to train answers safely"),
            "hundreds": Answer("200 to 999", 0, 1, "enough to try a small adaptation"),
            "thousands": Answer("1,000 or more", 0, 3, "enough to train and still to hold out a fair test"),
        },
    ),
    "citations": Asked(
        "Must answers cite where they come from?",
        {
            "must": Answer("Yes, every one", 3, 0, "only what was retrieved can be cited truthfully"),
            "useful": Answer("It would help", 1, 0, "sources come with retrieval at no cost"),
            "no": Answer("No", 0, 1, "sources need not be kept"),
        },
    ),
    "volume": Asked(
        "How many queries, and how fast?",
        {
            "low": Answer("Below 10,000 a month", 1, 0, "longer prompts cost little at this volume"),
            "medium": Answer("10,000 to 1,000,000 a month", 0, 0, "both can be afforded: see the costs"),
            "high": Answer("More, or within some 300 ms", 0, 2, "every token of context is paid for, and waited for"),
        },
    ),
    "skill": Asked(
        "Can your team train, test and run models?",
        {
            "no": Answer("No", 2, 0, "a model that nobody can retrain goes stale"),
            "some": Answer("With help", 0, 0, "it can be learned; plan time for it"),
            "yes": Answer("Yes", 0, 1, "training is within reach"),
        },
    ),
    "both": Asked(
        "Do you need own knowledge and another behaviour at once?",
        {
            "no": Answer("No", 0, 0, "one approach can do it"),
            "yes": Answer("Yes", 2, 2, "knowledge is looked up, behaviour is learned"),
        },
    ),
}

ENOUGH = 5
"""Points from which an approach has a case of its own; where both do, and neither is twice as strong, both are due."""

FORBIDDEN: tuple[tuple[str, str, Result, Result, str], ...] = (
    ("both", "yes", "rag", "hybrid", "own knowledge and another behaviour at once take both halves"),
    ("both", "yes", "fine-tuning", "hybrid", "own knowledge and another behaviour at once take both halves"),
    ("examples", "none", "fine-tuning", "rag", "fewer than 50 examples cannot be trained on"),
    ("examples", "none", "hybrid", "rag", "fewer than 50 examples cannot be trained on: begin with retrieval"),
    ("citations", "must", "fine-tuning", "hybrid", "a trained model cannot cite truthfully what it was not shown"),
    ("change", "daily", "fine-tuning", "hybrid", "no training keeps up with daily changes"),
)
"""(question, answer, result that it forbids, what takes its place, why), in the order in which they apply."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, the points, and the reasons: (question, answer, points for RAG, for fine-tuning, why) and rules."""

    result: Result
    rag: int
    tuning: int
    reasons: tuple[tuple[str, str, int, int, str], ...]
    rules: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The result in words, with the points and what overruled them."""
        rules = f"; {'; '.join(self.rules)}" if self.rules else ""
        return f"{WORDS[self.result]}: {self.rag} points for retrieval, {self.tuning} for fine-tuning{rules}"


def audit(answers: Mapping[str, str]) -> Verdict:
    """What the answers, question → name of its answer, speak for. A tie goes to RAG, which is easier to undo.

    Raises:
        SpecError: a question is not answered, or not by one of its answers.
    """
    reasons = []
    for name, asked in QUESTIONS.items():
        given = answers.get(name, "")
        if given not in asked.answers:
            raise SpecError(f"{asked.text} ({given!r}) must be answered by one of {', '.join(asked.answers)}")
        one = asked.answers[given]
        reasons.append((asked.text, one.text, one.rag, one.tuning, one.why))
    rag, tuning = sum(r[2] for r in reasons), sum(r[3] for r in reasons)
    result: Result = "rag" if rag >= tuning else "fine-tuning"
    if min(rag, tuning) >= ENOUGH and 2 * min(rag, tuning) >= max(rag, tuning):
        result = "hybrid"
    rules = []
    for name, given, forbidden, instead, why in FORBIDDEN:
        if answers[name] == given and result == forbidden:
            result = instead
            rules.append(why)
    return Verdict(result, rag, tuning, tuple(reasons), tuple(rules))


@dataclass(frozen=True, slots=True)
class Flip:
    """Changed answers, question → name, and the result that they lead to; `sentence` says it."""

    changes: tuple[tuple[str, str], ...]
    result: Result

    @property
    def sentence(self) -> str:
        """`If “How often does the knowledge change?” were answered “Hardly ever”, the result would be fine-tuning.`"""
        parts = [f"“{QUESTIONS[q].text}” were answered “{QUESTIONS[q].answers[a].text}”" for q, a in self.changes]
        return f"If {' and '.join(parts)}, the result would be {WORDS[self.result]}."


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
