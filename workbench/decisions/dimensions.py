"""RAG, fine-tuning and both, held beside each other on twelve dimensions, with what was measured here."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.decisions.facts import Facts


@dataclass(frozen=True, slots=True)
class Dimension:
    """What each approach means for one thing that matters; `better` names the approach that is ahead, "" where none."""

    name: str
    rag: str
    tuning: str
    hybrid: str
    better: str


def dimensions(answers: Mapping[str, str], facts: Facts) -> list[Dimension]:
    """The twelve, filled with measurements where there are some."""
    recall = (
        f"the passage is found in {facts.recall:.0%} ({facts.metric})" if facts.recall is not None else "not measured"
    )
    context = (
        f"{facts.tokens_per_query:,.0f} tokens of context" if facts.tokens_per_query is not None else "long prompts"
    )
    speed = facts.seconds_per_query
    wait = (
        f"{1000 * speed:.1f} ms of retrieval, then a long prompt"
        if speed is not None
        else "retrieval, then a long prompt"
    )
    few = answers.get("examples") in ("none", "some")
    fast = answers.get("change") in ("daily", "monthly")
    return [
        Dimension(
            "Time to first version", "days: index, prompt, measure", "weeks: data, training, tests", "weeks", "RAG"
        ),
        Dimension(
            "Data needed",
            f"documents, and questions to measure by ({facts.questions:,} here)",
            "hundreds to thousands of reviewed examples",
            "both",
            "RAG" if few else "",
        ),
        Dimension(
            "Cost of an update",
            "index the changed document, seconds",
            "collect, train, test and release again",
            "documents at once, behaviour by training",
            "RAG" if fast else "",
        ),
        Dimension("Latency", wait, "a short prompt", wait, "fine-tuning"),
        Dimension(
            "Cost at scale",
            f"every query pays for {context}",
            "short prompts; training and often hosting are paid beside",
            "context and training",
            "fine-tuning" if answers.get("volume") == "high" else "",
        ),
        Dimension(
            "Factual accuracy",
            f"as good as retrieval: {recall}",
            "facts are blended from training; gaps are filled by invention",
            f"facts from passages: {recall}",
            "RAG",
        ),
        Dimension(
            "Steady format", "by prompt, drifts with its length", "learned, steady", "learned, steady", "fine-tuning"
        ),
        Dimension(
            "Depth of reasoning",
            "the base model's, over what was found",
            "better on tasks like the examples, at times worse elsewhere",
            "trained steps over found facts",
            "both",
        ),
        Dimension(
            "Citations", "every passage has its place", "none that can be trusted", "every passage has its place", "RAG"
        ),
        Dimension(
            "Questions outside the knowledge",
            "can be told by scores and refused: measure it with unanswerable questions",
            "answered all the same, in a sure voice",
            "as RAG, if refusals are among the examples",
            "RAG",
        ),
        Dimension(
            "Infrastructure",
            f"parser, embedder, index ({facts.chunks:,} chunks here)",
            "training runs, model versions, often a host of one's own",
            "all of it",
            "",
        ),
        Dimension(
            "How bad failures are",
            "the wrong passage, which a reader can see and a test can count",
            "a wrong fact without a trace; old skills lost",
            "both kinds, to be told apart",
            "RAG",
        ),
    ]
