"""RAG, fine-tuning or neither: eight questions, what follows from the answers, evidence, and prompts."""

from collections.abc import Callable, Mapping
from dataclasses import fields

import streamlit as st

from workbench.adaptation import Curve, Point, learning_curve, material
from workbench.decisions import (
    EXCLUSIONS,
    PROMPTS,
    QUESTIONS,
    RULES,
    WORDS,
    Asked,
    Carrier,
    Context,
    CostInputs,
    Driver,
    Facts,
    Flip,
    Verdict,
    audit,
    beside,
    carriers,
    cheaper,
    contradictions,
    dimensions,
    drivers,
    filled,
    flips,
    mistakes,
    proof_plan,
    yearly,
)
from workbench.documents import Corpus
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.ui import jobs, live, sessions
from workbench.ui.decision import waiting
from workbench.ui.shell import panels, plain

USUAL = {
    "documents": "own", "behaviour": "no", "change": "yearly", "examples": "none", "citations": "useful",
    "volume": "low", "skill": "some", "both": "no",
}  # fmt: skip
"""What is assumed of a question that nobody has answered; nothing that decides, but for the first two."""

MOST = 6
"""Flips that are shown; the smallest first."""


def given() -> dict[str, str]:
    """Return the answers that were given by hand, question → name."""
    state = {name: st.session_state.get(f"audit-{name}") for name in QUESTIONS}
    return {name: str(one) for name, one in state.items() if one in QUESTIONS[name].answers}


def context(facts: Facts, pipeline: str) -> Context:
    """Return what prompts are filled with; the audit only where somebody has answered some of it."""
    own = given()
    if not own:
        return Context(facts, pipeline)
    answers = USUAL | own
    return Context(facts, pipeline, answers, audit(answers), tuple(name for name in QUESTIONS if name not in own))


def panel(facts: Facts, evidence: Callable[[], None]) -> None:
    """Draw the whole audit. `evidence` draws what training gained on this golden set."""
    left, right = panels(1, 1.5)
    with left:
        _questions(facts)
    own = given()
    answers = USUAL | own
    verdict = audit(answers)
    with right:
        st.markdown(f"**{plain(verdict.sentence[:1].upper() + verdict.sentence[1:])}.**")
        if assumed := len(QUESTIONS) - len(own):
            st.caption(
                f"{assumed} of {len(QUESTIONS)} answers are assumed: answer the questions, and the result is yours."
            )
        _contradicted(own)
        _carried(answers, own)
        _turns(answers)
        near = mistakes(answers, facts, verdict.result)
        if near:
            st.markdown("**Known mistakes that are near**")
            for one in near:
                st.markdown(f"- **{plain(one.name)}**: {plain(one.near)}. Instead: {plain(one.instead)}.")
        view = st.segmented_control(
            "Detail", _DETAILS, default="Compared", key="audit-detail", label_visibility="collapsed", required=True,
            persist_state="session",
        )  # fmt: skip
        if view == "Compared":
            _compared(answers, facts)
        elif view == "Rules":
            _rules(verdict)
        elif view == "Twelve months' cost":
            _costs(facts)
        elif view == "Two weeks' proof":
            rows = [{"Days": day, "What is done": text} for day, text in proof_plan(verdict.result, facts)]
            st.table(rows)
        elif view == "By evidence":
            evidence()
        else:
            st.table([{"Never train on": what, "Why": why} for what, why in EXCLUSIONS])


_DETAILS = ("Compared", "Rules", "Twelve months' cost", "Two weeks' proof", "Training data", "By evidence")


def _questions(facts: Facts) -> None:
    hints = beside(facts)
    for name, asked in QUESTIONS.items():
        st.selectbox(
            asked.text,
            list(asked.answers),
            index=None,
            placeholder=f"Not answered; assumed: {asked.answers[USUAL[name]].text}",
            format_func=_words(asked),
            key=f"audit-{name}",
            persist_state="session",
        )
        if name in hints:
            st.caption(f"To help: {plain(hints[name])}.")


def _contradicted(answers: Mapping[str, str]) -> None:
    """Draw the answers that cannot all hold, each with the question that settles it."""
    found = contradictions(answers)
    if found:
        lines = [f"- {plain(one.sentence)}" for one in found]
        st.warning("\n".join(["**These answers contradict each other.** Change one of them:", "", *lines]))


def _carried(answers: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Draw the two answers that carry the result."""
    st.markdown("**The two answers that carry it**")
    for one in carriers(answers):
        st.markdown(f"- {plain(carried(one, one.question in own))}")


def carried(one: Carrier, answered: bool) -> str:
    """Return a sentence on one answer: how far it carries the result."""
    asked = QUESTIONS[one.question]
    how = "" if answered else " (assumed)"
    others = len(asked.answers) - 1
    changing = round(one.alone * others)
    if one.flip is None:
        weight = "no other answer changes the result."
    elif not changing:
        weight = f"it changes the result only together with another. {one.flip.sentence}"
    elif others == 1:
        weight = f"the other answer changes the result. {one.flip.sentence}"
    else:
        verb = "changes" if changing == 1 else "change"
        weight = f"{changing} of its {others} other answers {verb} the result alone. {one.flip.sentence}"
    return f"“{asked.text}” {asked.answers[one.answer].text}{how}: {weight}"


def _words(asked: Asked) -> Callable[[str], str]:
    return lambda name: asked.answers[name].text


def _turns(answers: Mapping[str, str]) -> None:
    """Draw the smallest changes of answers that change the result."""
    found = flips(answers)
    if not found:
        return
    with st.expander("What else would change it", icon=":material/alt_route:"):
        _listed(found)


def _listed(found: list[Flip]) -> None:
    smallest = len(found[0].changes) if found else 0
    some = [flip for flip in found if len(flip.changes) == smallest]
    for flip in some[:MOST]:
        st.markdown(f"- {plain(flip.sentence)}")
    if len(some) > MOST:
        st.caption(f"{MOST} of {len(some)}.")


def _compared(answers: Mapping[str, str], facts: Facts) -> None:
    rows = [
        {"": one.name, "RAG": one.rag, "Fine-tuning": one.tuning, "Both": one.hybrid, "Ahead": one.better}
        for one in dimensions(answers, facts)
    ]
    st.table(rows)


def _rules(verdict: Verdict) -> None:
    """Draw what each answer speaks for, and the rules in order with the one that holds marked."""
    st.table(
        [
            {"Question": asked, "Answer": answer, "Speaks for": speaks or "–", "Why": why}
            for asked, answer, speaks, why in verdict.reasons
        ]
    )
    st.caption(
        "The first of these rules that holds gives the result. They are our judgement, to talk by; what was measured "
        "stands beside the questions."
    )
    st.table(
        [
            {
                "": "▸" if rule is verdict.rule else "",
                "Where": rule.conditions,
                "Result": WORDS[rule.result],
                "Why": rule.why,
            }
            for rule in RULES
        ]
    )


def _costs(facts: Facts) -> None:
    """Draw twelve months of each approach, its inputs in a table to edit."""
    usual = CostInputs()
    start = {f.name: float(getattr(usual, f.name)) for f in fields(CostInputs)}
    if facts.tokens_per_query is not None:
        start["context_tokens"] = float(round(facts.tokens_per_query))
    if facts.characters:
        start["document_tokens"] = float(round(facts.characters / 4))
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        rows = [
            {"Input": f.metadata["help"], "Value": start[f.name], "From": _origin(f.name, facts)}
            for f in fields(CostInputs)
        ]
        edited = st.data_editor(
            rows,
            key=f"audit-costs-{start['context_tokens']:.0f}-{start['document_tokens']:.0f}",
            hide_index=True,
            disabled=["Input", "From"],
            height=420,
            column_config={
                "Input": st.column_config.TextColumn(width=280),
                "Value": st.column_config.NumberColumn(min_value=0.0, format="%g", required=True, width=80),
            },
            alt="Inputs of the costs",
        )
        given = CostInputs(
            **{f.name: float(row["Value"] or 0) for f, row in zip(fields(CostInputs), edited, strict=True)}
        )
    with right:
        costs = yearly(given)
        names = list(dict.fromkeys(line for cost in costs for line, _ in cost.lines))
        amounts = [dict(cost.lines) for cost in costs]
        table = [
            {"$ in twelve months": name}
            | {c.approach: f"{a[name]:,.0f}" if name in a else "–" for c, a in zip(costs, amounts, strict=True)}
            for name in names
        ]
        st.table([*table, {"$ in twelve months": "Sum"} | {cost.approach: f"{cost.total:,.0f}" for cost in costs}])
        st.markdown(f"**{plain(cheaper(given))}**")
        known = [f.name for f in fields(CostInputs) if _origin(f.name, facts) != "assumed"]
        st.markdown("The two assumptions that carry it:")
        for one in drivers(given, known):
            st.markdown(f"- {plain(driven(one, given))}")
    st.caption(
        "Inputs marked “assumed” are places to write your own figures, not prices that anybody offered; “counted” "
        "takes 4 characters a token."
    )


def driven(one: Driver, given: CostInputs) -> str:
    """Return a sentence on one assumption: how far it carries the comparison of costs."""
    help = next(f.metadata["help"] for f in fields(CostInputs) if f.name == one.name)
    ends = "; ".join(
        f"at {value:,g} fine-tuning costs ${abs(gap):,.0f} {'more' if gap > 0 else 'less'} than RAG"
        for value, gap in ((one.low, one.at_low), (one.high, one.at_high))
    )
    flips = ", which changes the cheaper one" if one.flips else ""
    return f"{help}, {getattr(given, one.name):,g}: {ends}{flips}."


def _origin(name: str, facts: Facts) -> str:
    if name == "context_tokens" and facts.tokens_per_query is not None:
        return "measured"
    return "counted" if name == "document_tokens" and facts.characters else "assumed"


def evidence(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline) -> None:
    """Draw the learning curve of the current configuration; nothing is learned before it is asked for."""
    if not pipeline.retriever.needs_vectors:
        st.caption("The current configuration uses no vectors, which are what an adapter turns. Take dense or hybrid.")
        return
    found = live.known(corpus, pipeline)
    if found is None or found.result is None:
        st.caption("The current configuration is not embedded yet: open it on the Bench first.")
        return
    st.caption(
        f"Would training pay with {plain(pipeline.label)}? A matrix for the vectors of queries is learned from part of "
        "the golden set and judged on other passages, neighbours kept apart; random folds, which leak, stand beside."
    )
    key = ("adapter", corpus, questions, pipeline)
    job = waiting.job(key)
    if job is None or job.failed:
        st.button(
            "Measure the learning curve",
            key="adapter-measure",
            icon=":material/school:",
            on_click=waiting.begin,
            args=(key, _measuring(corpus, questions, pipeline)),
            help="A minute or so for 300 questions; passages are not embedded again",
        )
    curve = waiting.result(job, "Learning", "adapter-measure")
    if curve is not None:
        _shown(curve)


def _measuring(
    corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline
) -> Callable[[jobs.Report, Callable[[], bool]], Curve]:
    store = sessions.store()

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Curve:
        of = material(corpus, questions, pipeline, store=store, cancelled=cancelled)
        return learning_curve(of, progress=report, cancelled=cancelled)

    return work


def _shown(curve: Curve) -> None:
    st.markdown(f"**{plain(curve.sentence[:1].upper() + curve.sentence[1:])}**")
    naive = {point.examples: point for point in curve.random}
    st.table(
        [
            {
                "Examples": f"{point.examples:,}",
                f"{curve.metric} before": f"{point.base:.3f}",
                "after": f"{point.adapted:.3f}",
                "Gain, other passages": _gain(point),
                "Random folds (leak)": _gain(naive[point.examples]) if point.examples in naive else "",
            }
            for point in curve.grouped
        ]
    )
    if curve.pays:
        st.caption("It pays. `python -m workbench adapt` writes the adapter and the pipeline that uses it.")


def _gain(point: Point) -> str:
    interval = f" [{point.low:+.3f}, {point.high:+.3f}]" if point.low == point.low else ""
    return f"{point.difference:+.3f}{interval}".replace("-", "−")


def prompts(context: Context) -> None:
    """Draw one of the prompts, as it will be pasted."""
    left, right = st.columns([1, 3], gap="medium")
    with left:
        name = str(
            st.radio(
                "Prompt", list(PROMPTS), format_func=lambda n: PROMPTS[n].title, key="prompt", persist_state="session"
            )
        )
        st.caption(
            "Filled from this workspace: documents, golden set, the configuration that is looked at, its figures. No "
            "text of a document goes into a prompt, and nothing is sent anywhere."
        )
    text = filled(name, context)
    with right:
        st.code(text, language=None, wrap_lines=True)
        st.download_button("prompt.txt", text, f"prompt-{name}.txt", key="prompt-file", icon=":material/download:")
