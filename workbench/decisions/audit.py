"""Eight questions about what a system has to do, and what follows from the answers. The rules are data, to be read.

Two needs decide: knowledge that has to be looked up, and behaviour that no prompt reaches. The other questions say what
is possible, and decide only where these two do not. Which answers carry the result is found by changing them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from workbench.errors import SpecError

Result = Literal["rag", "fine-tuning", "hybrid", "prompt", "few-shot"]

WORDS: dict[str, str] = {
    "rag": "RAG",
    "fine-tuning": "fine-tuning",
    "hybrid": "RAG and fine-tuning together",
    "prompt": "neither: the prompt does it",
    "few-shot": "few-shot prompting first",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A possible answer: its words, what it speaks for ("" where it is open), and why it does."""

    text: str
    speaks_for: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the audit, with its answers by name."""

    text: str
    answers: Mapping[str, Answer]


_RAG, _TUNING, _PROMPT, _BOTH = "RAG", "fine-tuning", "a prompt", "both"

QUESTIONS: dict[str, Asked] = {
    "documents": Asked(
        "Must answers come from documents of your own?",
        {
            "own": Answer("Yes, only from them", _RAG, "what only your documents say has to be looked up"),
            "partly": Answer("In part", _RAG, "that part has to be looked up"),
            "general": Answer("No, general knowledge will do", "", "there is nothing to look up"),
        },
    ),
    "behaviour": Asked(
        "Is it the behaviour or the form of answers that must change?",
        {
            "no": Answer("No, a prompt gets it right", _PROMPT, "there is nothing to train"),
            "some": Answer("A prompt gets it right mostly", _PROMPT, "examples in the prompt come first"),
            "much": Answer("Yes, and no prompt does it", _TUNING, "behaviour is what training changes"),
        },
    ),
    "change": Asked(
        "How often does the knowledge change?",
        {
            "daily": Answer("Daily or weekly", _RAG, "a document is indexed again in seconds, a model is not"),
            "monthly": Answer("About monthly", _RAG, "twelve trainings a year cost more than twelve re-indexings"),
            "yearly": Answer("About yearly", "", "either can keep up"),
            "never": Answer("Hardly ever", "", "what was learned stays true, if there is something to train"),
        },
    ),
    "examples": Asked(
        "How many labelled examples do you have?",
        {
            "none": Answer("Fewer than 50", _PROMPT, "a handful fits into the prompt"),
            "some": Answer("50 to 199", _PROMPT, "fewer than 200 give no reliable gain: put the best into the prompt"),
            "hundreds": Answer("200 to 999", "", "enough for a small model and a narrow task"),
            "thousands": Answer("1,000 or more", "", "enough for broader behaviour, and for a fair test"),
        },
    ),
    "citations": Asked(
        "Must answers cite where they come from?",
        {
            "must": Answer("Yes, every one", _RAG, "only what was retrieved can be cited truthfully"),
            "useful": Answer("It would help", "", "sources come with retrieval at no cost"),
            "no": Answer("No", "", "sources need not be kept"),
        },
    ),
    "volume": Asked(
        "How many queries, and how fast?",
        {
            "low": Answer("Below 10,000 a month", "", "a retrieval step and longer prompts cost little"),
            "medium": Answer("10,000 to 1,000,000 a month", "", "both can be afforded: see the costs"),
            "high": Answer("More, or within some 300 ms", _TUNING, "each token of context is paid for, and waited for"),
        },
    ),
    "skill": Asked(
        "Can your team train, test and run models?",
        {
            "no": Answer("No", "", "a model that nobody can retrain goes stale"),
            "some": Answer("With help", "", "it can be learned; plan time for it"),
            "yes": Answer("Yes", "", "training is within reach"),
        },
    ),
    "both": Asked(
        "Do you need own knowledge and another behaviour at once?",
        {
            "no": Answer("No", "", "one approach can do it"),
            "yes": Answer("Yes", _BOTH, "knowledge is looked up, behaviour is learned"),
        },
    ),
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
    """Whether any answer says that knowledge has to be looked up."""
    return any(answers.get(question) in some for question, some in KNOWLEDGE)


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows where `knowledge` has to be looked up or not, and the answers are among those of `where`."""

    knowledge: bool
    where: Mapping[str, tuple[str, ...]]
    result: Result
    why: str

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Whether the rule speaks of these answers."""
        return looks_up(answers) == self.knowledge and all(answers[q] in some for q, some in self.where.items())

    @property
    def conditions(self) -> str:
        """The answers that it speaks of, in words."""
        need = "knowledge has to be looked up" if self.knowledge else "nothing has to be looked up"
        some = [f"“{' or '.join(QUESTIONS[q].answers[a].text for a in names)}”" for q, names in self.where.items()]
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
