"""What follows from a result: approaches side by side, a two-week plan, mistakes that are near, prompts."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.decisions.audit import QUESTIONS, TRAINABLE, Result, Verdict, contradictions, looks_up
from workbench.decisions.content import CONTENT, holds
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
    """Compare RAG, fine-tuning and both on twelve dimensions, with measurements where there are some."""
    found, context, speed = facts.recall, facts.tokens_per_query, facts.seconds_per_query
    words = {
        "recall": "not measured" if found is None else f"the passage is found in {found:.0%} ({facts.metric})",
        "context": "long prompts" if context is None else f"{context:,.0f} tokens of context",
        "wait": f"{'' if speed is None else f'{1000 * speed:.1f} ms of '}retrieval, then a long prompt",
        "questions": facts.questions,
        "chunks": facts.chunks,
    }
    return [
        Dimension(
            name=one["name"],
            better=one.get("better", "") if holds(one.get("where", {}), answers) else "",
            **{approach: one[approach].format(**words) for approach in ("rag", "tuning", "hybrid")},
        )
        for one in CONTENT["dimensions"]
    ]


def proof_plan(result: Result, facts: Facts) -> list[tuple[str, str]]:
    """Return (working days, what is done), ten days in all."""
    lacking = 100 - facts.questions
    words = {
        "collect": (
            f"Collect {lacking} more real questions with their passages: {facts.questions} are in the golden set."
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
    plan = CONTENT["plan"]
    days = (*plan["first"], *plan["middle"][result], *plan["last"])
    return [(one["day"], one["do"].format(**words)) for one in days]


EXCLUSIONS: tuple[tuple[str, str], ...] = tuple((one["what"], one["why"]) for one in CONTENT["exclusions"])
"""(what, why): what must not be in training data."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A known mistake, why this project is near it, and what to do instead."""

    name: str
    near: str
    instead: str


def mistakes(answers: Mapping[str, str], facts: Facts, result: Result) -> list[Mistake]:
    """Return the known mistakes whose signs these answers or measurements show, the most expensive first."""
    needed, trainable, changes = looks_up(answers), answers["examples"] in TRAINABLE, answers.get("behaviour") != "no"
    much, tokens = answers.get("behaviour") == "much", facts.tokens_per_query or 0
    lost = None if facts.recall is None else 1 - facts.recall
    trained = result in ("hybrid", "fine-tuning")
    near = {
        "knowledge": needed and (trainable or much),
        "style": changes and result == "rag",
        "few examples": changes and not trainable,
        "no evaluation": facts.questions == 0,
        "few questions": 0 < facts.questions < 60,
        "no measurement": lost is None,
        "bad search": lost is not None and lost > 0.2 and trained,
        "no unanswerable": facts.unanswerable == 0,
        "no strategy": facts.configurations <= 1 and result in ("rag", "hybrid"),
        "citations": answers.get("citations") == "must" and much,
        "no trainer": answers.get("skill") == "no" and trained,
        "context": answers.get("volume") == "high" and tokens > 1500,
    }
    few = QUESTIONS["examples"].answers[answers["examples"]].text
    words = {
        "examples": few[:1].lower() + few[1:],
        "questions": facts.questions,
        "lost": lost or 0,
        "measured": "one configuration is" if facts.configurations else "no configuration is",
        "tokens": tokens,
    }
    return [
        Mistake(*(one[part].format(**words) for part in ("name", "near", "instead")))
        for key, one in CONTENT["mistakes"].items()
        if near[key]
    ]


@dataclass(frozen=True, slots=True)
class Context:
    """What prompts are filled with: facts, the pipeline file, the answers and result of the audit if there are some.

    `assumed` are the questions that nobody has answered.
    """

    facts: Facts
    pipeline: str = ""
    answers: Mapping[str, str] | None = None
    verdict: Verdict | None = None
    assumed: tuple[str, ...] = ()


def described(context: Context) -> str:
    """Return the measured facts as lines of plain text; what nobody measured is named as such."""
    f = context.facts
    size = f"{f.documents:,} ({f.characters:,} characters; {', '.join(f.formats) or 'formats unknown'})"
    recall = "not measured"
    if f.recall is not None:
        interval = f", 95 % interval {f.low:.3f} to {f.high:.3f}" if f.low is not None and f.high is not None else ""
        recall = f"{f.metric} = {f.recall:.3f}{interval}"
    lines = [
        f"Documents: {size if f.documents else 'none yet'}",
        f"Languages: {', '.join(f.languages) or 'not known'}",
        f"Golden set: {f.questions:,} questions with answers, {f.unanswerable:,} without",
        f"Configuration: {f'{f.label}; {f.chunks:,} chunks, k = {f.k}' if f.label else 'not chosen'}",
        f"Embedding model: {f.model or 'none'}" + (f", reads at most {f.max_tokens} tokens" if f.max_tokens else ""),
        f"Retrieval: {recall}",
        f"Best that any ranking of these chunks could reach: {_or(f.ceiling, '{:.3f}')}",
        f"Where answers are lost: {f.losses or 'not measured'}",
        f"Context: {_or(f.tokens_per_query, '{:,.0f} tokens a query')}",
        f"Retrieval time: {_or(f.seconds_per_query, '{:.4f} s a query on this machine')}",
        f"Index: {f'{f.index_bytes / 1e6:,.1f} MB' if f.label else 'not measured'}",
        f"Compared: {f.configurations:,} configurations. {f.verdict}".rstrip(),
    ]
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)


def _or(value: float | None, form: str) -> str:
    return form.format(value) if value is not None else "not measured"


def _audited(context: Context) -> str:
    if context.answers is None or context.verdict is None:
        return "The audit has not been answered yet; ask its questions first:\n" + "\n".join(
            f"- {asked.text} ({' / '.join(a.text for a in asked.answers.values())})" for asked in QUESTIONS.values()
        )
    lines = [
        f"- {QUESTIONS[q].text} {QUESTIONS[q].answers[a].text}{' (assumed)' if q in context.assumed else ''}"
        for q, a in context.answers.items()
    ]
    lines += [f"- Contradictory: {one.sentence}" for one in contradictions(context.answers)]
    return "\n".join([*lines, f"Result by the stated rules: {context.verdict.sentence}"])


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template: what it is for, its task, and which of "pipeline" and "audit" follow the measured facts."""

    title: str
    task: str
    more: tuple[str, ...] = ()


PROMPTS: dict[str, Prompt] = {name: Prompt(**one) for name, one in CONTENT["prompts"].items()}
"""The ten templates, by name."""


def filled(name: str, context: Context) -> str:
    """Return the prompt as plain text, with the measured facts in it."""
    prompt = PROMPTS[name]
    parts = ["You are helping a team with retrieval over its own documents.", f"Task: {prompt.task}"]
    parts += ["What was measured, by the workbench, on the team's own documents:", described(context)]
    for part in prompt.more:
        if part == "audit":
            parts.append(f"The audit:\n{_audited(context)}" if len(prompt.more) > 1 else _audited(context))
        elif context.pipeline:
            parts.append(f"The pipeline file:\n{context.pipeline.rstrip()}")
        else:
            parts.append("No pipeline file was given.")
    return "\n\n".join([*parts, CONTENT["prompt_rules"]]) + "\n"
