"""The current pipeline on the golden set: how good, where answers are lost, and one lost answer in the document."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from workbench import pipelines
from workbench.anatomy import CAUSES, STEPS
from workbench.documents import Corpus
from workbench.evaluations import Evaluation
from workbench.explanations import Explained, Remedy, findings, picture_of
from workbench.metrics import DEFINITIONS, metric
from workbench.metrics import budget as named
from workbench.pipelines import Pipeline
from workbench.records import Hit
from workbench.spans import Span, ranges
from workbench.statistics import Interval
from workbench.ui import headline, population, sessions
from workbench.ui.controls import control
from workbench.ui.experiments import charts, plan
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.headline import KS, TOKENS
from workbench.ui.reader import reader, scroll_to
from workbench.ui.shell import plain, size_label, training_note

KEY = "anatomy-reader"
LOOK = "experiments-question"
"""Session state: the id of the question whose anatomy is shown."""
STEP = "experiments-step"
"""Session state: the step whose losses are listed; "" for all."""
ROWS, FEW = 420, 12
"""Pixels of a long table, whose rows scroll; up to so many rows a table is as high as they are."""


def budget_choice(k: int) -> str:
    """Return the budget within which answers count as found: at first that of the measure of all pages."""
    own = metric(headline.measure()).budget
    start = str(own) if own else str(k)
    options = list(dict.fromkeys([*(str(n) for n in sorted({k, *KS})), *(f"{n}tok" for n in TOKENS), start]))
    return str(
        st.selectbox(
            "Measured at",
            options,
            index=options.index(start),
            key=f"experiments-budget-{k}-{start}",
            format_func=_budget,
            persist_state="session",
            help="k hits, or tokens of context (cl100k), in which larger and smaller chunks compare. It begins with "
            "where the measure of all pages looks.",
        )
    )


def _budget(text: str) -> str:
    return named(text).place.removeprefix("measured at ")


def verdict(found: Measured) -> None:
    """Draw the measure of all pages, then where recall is lost, in words."""
    anatomy, evaluation = found.anatomy, found.evaluation
    name, why = headline.shown(headline.measure(), evaluation.metrics)
    one = evaluation.intervals(population.unit())[name]
    span = f" [{one.low:.3f}, {one.high:.3f}]" if one.low == one.low else ""
    st.markdown(
        f"{plain(name)} **{plain(f'{one.mean:.3f}{span}')}** · **{plain(_sentence(anatomy.sentence()))}**",
        help=headline.definition(name),
    )
    measured, looked = metric(name).budget, anatomy.budget
    if measured != looked:
        apart = headline.differ([name, f"recall@{looked}"])
        why = f"{why} {apart} Where answers are lost refers to recall@{looked}."
    if one.low == one.low:
        why = f"{why} Brackets are a 95 % CI. {population.said(evaluation.population(population.unit()))}"
    if why:
        st.caption(plain(why.strip()))
    training_note(evaluation.judging.note)


SHOWN = 3
"""Causes that are shown with their next step beside the verdict."""


def next_steps(found: Measured) -> None:
    """Draw the causes that lose most, each with the button of what to try next."""
    pipeline = found.evaluation.pipeline
    some = findings(found.anatomy.causes(), pipeline, str(found.anatomy.budget))[:SHOWN]
    if not some:
        return
    with st.container(key="findings", gap="xsmall"):
        for one in some:
            left, right, _ = st.columns([3.2, 1.4, 1.4], gap="small", vertical_alignment="center")
            asked = size_label(one.questions, "questions")
            left.markdown(f"**{one.loss:.2f}** {plain(one.words)} · {asked}")
            if one.remedy is not None:
                right.button(
                    one.remedy.label,
                    key=f"next-{one.cause}",
                    on_click=take_step,
                    args=(one.remedy, pipeline),
                    icon=":material/tune:" if one.remedy.kind == "change" else ":material/stacked_bar_chart:",
                    help=one.remedy.line,
                    width="stretch",
                )
    if n := found.anatomy.embedded:
        st.caption(f"{n:,} texts were embedded to try lost chunks with the text around them.")


def take_step(step: Remedy, pipeline: Pipeline) -> None:
    """Make a change the current configuration, or open the sweep that is planned."""
    if step.kind == "change":
        sessions.attempt(lambda: sessions.take(step.applied(pipeline)))
        return
    plan.propose(step.change)
    st.session_state["experiments-view-next"] = "Sweep"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


_NAMES = {
    "recall": "Recall",
    "passage_recall": "Passage recall",
    "all_passages": "All passages found",
    "precision": "Precision",
    "iou": "IoU",
    "ndcg": "nDCG",
    "average_precision": "Average precision",
    "mrr": "MRR",
    "hit_rate": "Hit rate",
    "tokens": "Context tokens",
    "precision_omega": "Precision Ω",
}


def table(evaluation: Evaluation, budget: str) -> None:
    """Draw the measures within the budget, and at equal context, each with its interval."""
    found, who = evaluation.intervals(population.unit()), evaluation.population(population.unit())
    k = evaluation.pipeline.k
    wanted = [
        headline.measure(),
        f"recall@{budget}",
        f"ndcg@{budget}",
        *(f"{m}@{k}" for m in _NAMES if m != "precision_omega"),
    ]
    wanted += [f"recall@{n}tok" for n in TOKENS] + ["precision_omega"]
    rows = [_row(name, found[name]) for name in dict.fromkeys(wanted) if name in found]
    st.dataframe(
        rows,
        hide_index=True,
        key="measures",
        height=ROWS if len(rows) > FEW else "content",
        column_config={
            "Definition": st.column_config.TextColumn(width="large"),
            "95 % CI": st.column_config.TextColumn(
                help=f"The mean lies here with 95 % confidence. {population.said(who)}"
            ),
            "Spread": st.column_config.NumberColumn(help="Standard deviation over questions", format="%.2f"),
        },
        alt="Measures of the current configuration",
    )
    st.caption(
        f"{size_label(len(evaluation.judged.questions), 'questions')}, {size_label(evaluation.chunks, 'chunks')}"
        + (f"; {evaluation.unanswerable} unanswerable counted apart" if evaluation.unanswerable else "")
        + f". The CIs hold for {who.words}."
    )
    abstention = evaluation.abstention
    if abstention is not None:
        threshold = f"{abstention.threshold:.3g}" if abstention.threshold is not None else "none"
        st.caption(
            f"Could the best hit's score tell what has no answer? AUROC {abstention.auroc:.2f} (0.5 is a coin). At the "
            f"threshold that separates best on these very questions, {threshold}: {abstention.false_answers} of "
            f"{abstention.unanswerable} unanswerable ones answered, {abstention.false_abstentions} of "
            f"{abstention.answerable} answerable ones refused. {plain(abstention.caution)}"
        )


def _row(name: str, one: Interval) -> dict[str, Any]:
    measure, _, budget = name.partition("@")
    whole = measure == "tokens"
    figure = f"{one.mean:,.0f}" if whole else f"{one.mean:.3f}"
    low, high = (f"{v:,.0f}" if whole else f"{v:.3f}" for v in (one.low, one.high))
    return {
        "Measure": _NAMES[measure],
        "Measured at": _budget(budget) if budget else "all chunks",
        "Mean": figure,
        "95 % CI": f"{low} to {high}" if one.low == one.low else "unknown: one passage alone",
        "Spread": None if whole else one.sd,
        "Definition": DEFINITIONS[measure],
    }


def waterfall(found: Measured) -> None:
    """Draw recall from 1 down to what was measured; a click on a bar lists its questions."""
    bars = found.anatomy.waterfall()
    event = st.plotly_chart(
        charts.waterfall(bars, found.anatomy.recall),
        key=f"waterfall-{found.anatomy.pipeline}-{found.anatomy.budget}",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Recall lost at each step",
    )
    points = event.selection.points
    clicked = next((bars[p["point_index"]]["step"] for p in points if p.get("curve_number") == 0), None)
    if points and clicked != st.session_state.get("waterfall-clicked"):
        st.session_state[STEP] = clicked or ""
    st.session_state["waterfall-clicked"] = clicked


def questions(found: Measured) -> Explained | None:
    """Draw the questions that lose at a step, the worst first; return the selected one."""
    anatomy = found.anatomy
    losing = {step: anatomy.worst(step) for step in STEPS}
    some = [step for step in STEPS if losing[step]]
    lost = sorted(
        (q for q in anatomy.questions if q.ladder.recalls[-1] < 1), key=lambda q: (q.ladder.recalls[-1], q.question.id)
    )
    by_id = {q.question.id: q for q in anatomy.questions}
    options = ["", *some, "all"]
    step = st.session_state.get(STEP, "")
    counts = {"": len(lost), "all": len(anatomy.questions)} | {s: len(losing[s]) for s in some}
    words = {"": "Any loss", "all": "All questions"} | {s: STEPS[s].capitalize() for s in STEPS}
    control(
        st.segmented_control,
        "Lost at",
        "experiments-step-choice",
        step if step in options else "",
        lambda chosen: st.session_state.update({STEP: chosen or ""}),
        options=options,
        format_func=lambda s: f"{words[s]} {counts[s]}",
        label_visibility="collapsed",
    )
    step = st.session_state.get(STEP, "")
    shown = losing.get(step) or (list(anatomy.questions) if step == "all" else lost)
    if not shown:
        st.caption("Every answer was found whole.")
        return by_id.get(st.session_state.get(LOOK, ""))
    rows = [_question(q) for q in shown]
    event = st.container(key="lost-questions").dataframe(
        rows,
        key=f"lost-{anatomy.pipeline}-{anatomy.budget}-{step}-{len(rows)}",
        hide_index=True,
        height=ROWS if len(rows) > FEW else "content",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Recall": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f", width=110),
            **{STEPS[s].capitalize(): st.column_config.NumberColumn(format="%.2f", width=80) for s in STEPS},
        },
        alt="Questions with their losses",
    )
    if event.selection.rows and event.selection.rows[0] < len(shown):
        st.session_state[LOOK] = shown[event.selection.rows[0]].question.id
    return by_id.get(st.session_state.get(LOOK, "")) or shown[0]


def _question(one: Explained) -> dict[str, Any]:
    losses = {STEPS[s].capitalize(): loss or None for s, loss in one.ladder.losses.items()}
    return {
        "Question": one.question.text,
        "Recall": one.ladder.recalls[-1],
        "Why": "; ".join(CAUSES[cause] for cause in one.causes),
        **losses,
        "Tags": ", ".join(one.question.tags),
    }


def _scroll(one: Explained, budget: str) -> None:
    """Scroll to the question's first passage, once for each question that is selected."""
    looked = [one.question.id, budget]
    if one.question.references and st.session_state.get("anatomy-shown") != looked:
        st.session_state["anatomy-shown"] = looked
        scroll_to(KEY, one.question.references[0].span)


def anatomy(found: Measured, one: Explained, corpus: Corpus, pipeline: Pipeline, height: int) -> None:
    """Draw one question in its document: passages, boundaries, hits by rank, and truncated text."""
    st.container(key="anatomy-question").markdown(f"**{plain(one.question.text)}**")
    st.html(charts.rungs(one.ladder.recalls))
    i = next(i for i, q in enumerate(found.anatomy.questions) if q is one)
    picture = picture_of(found.evaluation, found.anatomy, i)
    for line in _told(one, picture):
        st.caption(plain(line))
    places = [r.span.document for r in one.question.references] + [hit.document for hit in one.hits]
    documents = [d for d in dict.fromkeys(places) if d in corpus]
    if not documents:
        st.caption("No passage of this question has a place in these documents, and nothing was found.")
        return
    names = {d: corpus.document(d).name for d in documents}
    shown = documents[0]
    if len(documents) > 1:
        shown = str(
            st.segmented_control(
                "Document", documents, default=documents[0], key=f"anatomy-document-{one.question.id}",
                format_func=lambda d: names.get(d, d), label_visibility="collapsed", required=True,
            )
        )  # fmt: skip
    document = corpus.document(shown)
    _scroll(one, str(found.anatomy.budget))
    hits = [Hit(span, 0.0, rank, -1) for rank, span in enumerate(one.hits, 1)]
    blind = ranges((s["start"], s["end"]) for s in picture["unseen"] if s["document"] == shown)
    reader(
        document,
        key=KEY,
        chunks=pipelines.split(document, pipeline.splitter).spans,
        hits=hits,
        gold=[Span(g["document"], g["start"], g["end"]) for g in picture["gold"]],
        unseen=blind,
        version=f"{pipeline.fingerprint}-{one.question.id}",
        height=height,
        selectable=False,
    )


def _told(one: Explained, picture: Mapping[str, Any]) -> Sequence[str]:
    """Say what became of each passage, and why what is lost was lost."""
    out = [f"{one.why[:1].upper()}{one.why[1:]}."] if one.why else []
    states = [g["state"] for g in picture["gold"]]
    holders = len(picture["units"])
    if states:
        told = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))
        out.append(f"Passages: {told}. {holders} chunk{'s hold' if holders != 1 else ' holds'} some of it.")
    out += [f"{lost.document}: {lost.reason}" for lost in one.question.lost]
    return out
