"""Ten prompts for any assistant, filled with what was measured here, so that it argues about this project's figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workbench.decisions.audit import Verdict, contradictions
from workbench.decisions.facts import Facts
from workbench.decisions.questions import QUESTIONS

RULES = (
    "Rules: use only the facts above and say where a fact is missing. Give numbers with their uncertainty. Mark every "
    "assumption as one. Prefer the cheaper option where the figures do not decide."
)


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
    """The measured facts as lines of plain text; what nobody measured is said to be so."""
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
    """A template: what it is for, and the task that stands between the facts and the rules."""

    title: str
    task: str
    more: Callable[[Context], str] = lambda context: ""


def _pipeline(context: Context) -> str:
    return f"The pipeline file:\n{context.pipeline.rstrip()}" if context.pipeline else "No pipeline file was given."


PROMPTS: dict[str, Prompt] = {
    "pipeline": Prompt(
        "Pipeline specification",
        "Write the specification of this retrieval pipeline for the engineers who will run it: each step with its "
        "parameters, its input and output, its limits, how it fails and how that is noticed, and a test for each "
        "step that would fail if it were built differently.",
        _pipeline,
    ),
    "chunking": Prompt(
        "Chunking design",
        "Review how the documents are cut. From the losses by step, say whether boundaries, size, overlap or something "
        "else limits recall, and propose at most three experiments, each with the figure that would confirm or end it.",
        _pipeline,
    ),
    "training-data": Prompt(
        "Fine-tuning data",
        "Design the training data for the behaviour that a prompt does not reach: the form of an example, how many "
        "of each kind, who reviews them, how they are split by document so that nothing leaks, and what must stay "
        "out (changing facts, personal data, test questions, unchecked answers). Begin with ten examples' worth of "
        "instructions.",
    ),
    "audit": Prompt(
        "Decision audit",
        "Argue against the result below as well as you can: which answer is most likely wrong, what would it change, "
        "and which measurement of one day would settle it? Then say whether you would still decide the same.",
        _audited,
    ),
    "hybrid": Prompt(
        "Hybrid architecture",
        "Sketch a system in which knowledge is retrieved and behaviour is trained: what is trained with which "
        "passages in the prompt, how documents are updated without training, how each half is tested alone, and when "
        "to leave the trained half out.",
        _audited,
    ),
    "model": Prompt(
        "Embedding model selection",
        "List what an embedding model must do for these documents and questions (languages, lengths, vocabulary, "
        "licence, memory, speed), which properties the figures show to matter, and a comparison of at most four "
        "kinds of model that this golden set could decide, with how many more questions that needs.",
    ),
    "evaluation": Prompt(
        "Evaluation framework",
        "Design the evaluation from here to production: what retrieval is judged by and at which budget, how answers "
        "are judged and by whom, how many questions a difference of the margin needs, what is checked at every "
        "change, and which figure stops a release.",
    ),
    "training": Prompt(
        "Training strategy",
        "Say whether training pays here at all. If so: what is trained (a query adapter, the embedder, the answering "
        "model), in which order, with folds that keep passages apart, which learning curve is expected, and at which "
        "point to stop.",
        _audited,
    ),
    "production": Prompt(
        "Production optimisation",
        "From these measurements find what to make cheaper or faster first: context tokens, index size, retrieval "
        "time, embedding. For each proposal give the saving, the recall it may cost, and how to measure that.",
        _pipeline,
    ),
    "blueprint": Prompt(
        "Full blueprint",
        "Write the blueprint for a design review in two pages: the problem, the decision and its evidence, the "
        "architecture with the pipeline below, what was not tested, risks with their signs, costs with inputs named, a "
        "two-week plan, and what would make you decide otherwise.",
        lambda context: f"{_pipeline(context)}\n\nThe audit:\n{_audited(context)}",
    ),
}
"""The ten templates, by name."""


def filled(name: str, context: Context) -> str:
    """The prompt as plain text."""
    prompt = PROMPTS[name]
    parts = ["You are helping a team with retrieval over its own documents.", f"Task: {prompt.task}"]
    parts += ["What was measured, by the workbench, on the team's own documents:", described(context)]
    if more := prompt.more(context):
        parts.append(more)
    return "\n\n".join([*parts, RULES]) + "\n"
