"""What follows from a result: two weeks to prove it, what must not be trained on, and the mistakes that are near."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.decisions.audit import TRAINABLE, Result, looks_up
from workbench.decisions.facts import Facts
from workbench.decisions.questions import QUESTIONS

_FIRST: tuple[tuple[str, str], ...] = (
    ("1", "Agree on one measure, one margin that does not matter, and what would make you stop. Write them down."),
    ("2", "{collect}"),
    ("3", "{baseline}"),
)

_MIDDLE: dict[str, tuple[tuple[str, str], ...]] = {
    "rag": (
        ("4–5", "{sweep}"),
        ("6", "Read the worst questions. Repair what loses most: {losses}."),
        ("7", "Put the answering model behind it, with citations and an answer for “not in the documents”."),
        ("8", "Let three people who know the documents judge 50 answers blind: right, wrong, or not supported."),
    ),
    "fine-tuning": (
        ("4–5", "Clean the examples, hold a fifth out by source, and train the smallest model that might do."),
        (
            "6",
            "Compare with the best prompt on the held-out examples, with intervals; keep the prompt if they overlap.",
        ),
        ("7", "Test what must not get worse: general tasks, refusals, safety, other formats."),
        ("8", "Let three people judge 50 answers of each blind."),
    ),
    "hybrid": (
        ("4", "{sweep}"),
        (
            "5",
            "Put a plain prompt behind the retrieval, and count what it gets wrong with the right passage before it.",
        ),
        ("6–7", "Train on exactly these cases, passages included, with a fifth held out by document."),
        ("8", "Compare four ways on held-out questions: neither, RAG, training, both."),
    ),
    "prompt": (
        ("4–5", "Write the prompt with its rules and its refusals, and run all questions through it."),
        ("6", "Read the worst answers: is knowledge missing, or form? Either would change this result."),
        ("7", "Try the cheapest model that still gets it right; fix its version."),
        ("8", "Let three people judge 50 answers blind: right, wrong, or not asked for."),
    ),
    "few-shot": (
        ("4", "Choose 5 to 20 of the best examples, unlike each other, and put them into the prompt."),
        ("5", "Compare 0, 5 and 20 of them on questions that are not among them, with intervals."),
        ("6–7", "Choose the examples for each query by likeness; keep that only if it wins on the same questions."),
        ("8", "Count what is still wrong. Corrected answers are the examples that training would need, from 200 on."),
    ),
}

_LAST: tuple[tuple[str, str], ...] = (
    ("9", "Work out twelve months' cost with your own prices and volume, and what a change of documents costs."),
    ("10", "Decide with the review report on the table: choose, record why, and name what would change it."),
)


def proof_plan(result: Result, facts: Facts) -> list[tuple[str, str]]:
    """(working days, what is done), ten days in all."""
    lacking = 100 - facts.questions
    words = {
        "collect": (
            f"Collect {lacking} more real questions with their passages: {facts.questions} stand in the golden set."
            if lacking > 0
            else f"Go through the {facts.questions} questions of the golden set; add what users asked last month."
        ),
        "baseline": (
            f"Keep today's figures as the baseline: {facts.metric} {facts.recall:.2f} with {facts.label}."
            if facts.recall is not None
            else "Measure a baseline: BM25 alone, and a prompt without retrieval."
        ),
        "sweep": (
            f"Sweep sizes, overlaps and rankings further; {facts.configurations} configurations are measured."
            if facts.configurations
            else "Sweep sizes, overlaps and rankings over the golden set."
        ),
        "losses": facts.losses or "measure where answers are lost first",
    }
    days = (*_FIRST, *_MIDDLE[result], *_LAST)
    return [(day, text.format(**words)) for day, text in days]


EXCLUSIONS: tuple[tuple[str, str], ...] = (
    ("Facts that change", "Prices, dates, people, limits: the model will state last year's. Look them up."),
    ("Personal data and secrets", "What was trained on can be drawn out again, and cannot be deleted from a model."),
    ("The questions you test by", "Nor others about the same passages: the score would be memory."),
    ("Answers nobody checked", "A model copies mistakes in the same sure voice as the rest."),
    ("Answers whose source is not in the prompt", "They teach the model to answer without looking: to invent."),
    ("Contradicting versions", "Two policies of different years teach neither."),
    ("Another model's output, unless its terms allow it", "And unless people have read it."),
    ("Near-copies", "A thousand variants of one answer are one example that shouts."),
)
"""(what, why): what must not stand in training data."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A known mistake, why this project is near it, and what to do instead."""

    name: str
    near: str
    instead: str


def mistakes(answers: Mapping[str, str], facts: Facts, result: Result) -> list[Mistake]:
    """The known mistakes whose signs these answers or measurements show, the most expensive first."""
    lost = 1 - facts.recall if facts.recall is not None else None
    needed, trainable = looks_up(answers), answers["examples"] in TRAINABLE
    found: list[tuple[bool, Mistake]] = [
        (
            needed and (trainable or answers.get("behaviour") == "much"),
            Mistake(
                "Fine-tuning for knowledge",
                "knowledge has to be looked up, and there is reason enough to train; it is the most expensive mistake, "
                "for a model trained on facts sounds right while it invents",
                "leave facts to retrieval; train, if at all, on form, with the passages in the prompt",
            ),
        ),
        (
            answers.get("behaviour") != "no" and result == "rag",
            Mistake(
                "RAG for consistent style",
                "the form of answers is to change, and retrieval does not change it",
                "put rules and a few examples of the form into the prompt, and count what it still gets wrong",
            ),
        ),
        (
            answers.get("behaviour") != "no" and not trainable,
            Mistake(
                f"Fine-tuning on {_within(QUESTIONS['examples'].answers[answers['examples']].text)} examples",
                "behaviour is to change, and fewer than 200 examples give no reliable gain",
                "use the best of them as few-shot examples in the prompt, and collect corrections in use",
            ),
        ),
        (
            facts.questions == 0,
            Mistake(
                "No evaluation before deployment",
                "there is no golden set here",
                "mark the passages of a dozen real questions first, and run them on every version",
            ),
        ),
        (
            0 < facts.questions < 60,
            Mistake(
                "Deciding on a handful of questions",
                f"{facts.questions} questions with answers: intervals are wide",
                "add questions until the verdict is settled",
            ),
        ),
        (
            facts.recall is None,
            Mistake(
                "Changing the model before measuring the search",
                "nobody has measured retrieval here",
                "measure recall first: no answering model can use a passage that it was not given",
            ),
        ),
        (
            lost is not None and lost > 0.2 and result in ("hybrid", "fine-tuning"),
            Mistake(
                "Training around a bad search",
                f"{lost or 0:.0%} of the gold text is not found",
                "repair retrieval first; its losses stay, whatever is trained",
            ),
        ),
        (
            facts.unanswerable == 0,
            Mistake(
                "Never asking what has no answer",
                "the golden set has no such question",
                "add ten that the documents do not answer, and see what comes back",
            ),
        ),
        (
            facts.configurations <= 1 and result in ("rag", "hybrid"),
            Mistake(
                "No chunking strategy",
                "one configuration is measured" if facts.configurations else "no configuration is measured",
                "sweep size, overlap and ranking once; it takes minutes",
            ),
        ),
        (
            answers.get("citations") == "must" and answers.get("behaviour") == "much",
            Mistake(
                "Citations from memory",
                "citations are a must, and behaviour is to be trained",
                "keep passages in the prompt and check each citation against them",
            ),
        ),
        (
            answers.get("skill") == "no" and result in ("hybrid", "fine-tuning"),
            Mistake(
                "A model that nobody can retrain",
                "the team does not train models",
                "name who retrains, tests and rolls back before the first training",
            ),
        ),
        (
            answers.get("volume") == "high" and (facts.tokens_per_query or 0) > 1500,
            Mistake(
                "Paying for context that nobody needs",
                f"{facts.tokens_per_query or 0:,.0f} tokens a query at high volume",
                "compare smaller chunks and a smaller k at equal recall",
            ),
        ),
    ]
    return [mistake for near, mistake in found if near]


def _within(text: str) -> str:
    """The text as it reads within a sentence."""
    return text[:1].lower() + text[1:]
