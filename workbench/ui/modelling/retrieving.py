"""Retrievers beside each other on the golden set: each with its interval, and its difference to the one in hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from workbench.documents import Corpus
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.retrievers import BM25, MMR, Dense, Hybrid, Rerank, Retriever
from workbench.specs import to_dict
from workbench.sweeps import METRIC
from workbench.ui import forms, headline, jobs, live, population, progress, sessions
from workbench.ui.differences import changed
from workbench.ui.experiments import evaluation
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.kinds import RETRIEVERS as NAMES
from workbench.ui.kinds import unavailable
from workbench.ui.modelling import waiting
from workbench.ui.modelling.comparing import difference, interval, paired
from workbench.ui.modelling.waiting import Awaited
from workbench.ui.shell import panels, plain, size_label, training_note

ASKED = "rerank-asked"
"""Session state: whether this visit asked for the reranker to be measured, which takes a model's pass a candidate."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A retriever in the comparison; `missing` says why it cannot be measured here."""

    name: str
    pipeline: Pipeline
    missing: str = ""


def contenders(pipeline: Pipeline) -> list[Contender]:
    """The one in hand as it is set, then every other kind: with its defaults, and hybrid in both its ways."""
    own = pipeline.retriever
    others: list[Retriever] = [
        Dense(), BM25(), Hybrid(), Hybrid(fusion="weighted"), MMR(), Rerank(),
    ]  # fmt: skip
    out = [Contender(named(own), pipeline, unavailable(own))]
    for one in others:
        if one != own:
            out.append(Contender(named(one), replace(pipeline, retriever=one), unavailable(one)))
    return out


def named(retriever: Retriever) -> str:
    """The kind in words, with the way of a fusion and the fields that are not at their default."""
    usual = to_dict(type(retriever)())
    fields = {name: value for name, value in to_dict(retriever).items() if usual[name] != value}
    way = f" ({fields.pop('fusion', 'rrf')})" if retriever.kind == "hybrid" else ""
    return ", ".join([f"{NAMES[retriever.kind]}{way}", *(f"{name} {value}" for name, value in fields.items())])


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """The retriever in hand with its fields on the left, all of them measured on the right."""
    left, right = panels(1, 2.8)
    with left:
        forms.kind_choice("retriever", "Current retriever", NAMES)
        changed("retriever")
        if told := unavailable(pipeline.retriever):
            st.warning(plain(f"{told}."), icon=":material/cloud_off:")
        forms.field_controls("retriever")
    found = contenders(pipeline)
    budget = str(pipeline.k)
    keys: set[Any] = {evaluation.key(corpus, questions, c.pipeline, budget) for c in found}
    jobs.attend(live.visit(), keys | {live.key(corpus, pipeline)})
    with right:
        if not any(q.answerable for q in questions):
            st.subheader("No questions yet")
            st.write("Which retriever is better is told by questions with the passages that answer them.")
            st.page_link("pages/4_Golden_set.py", label="Open the golden set", icon=":material/fact_check:")
            st.caption("Without them, the Bench shows dense, hybrid and BM25 side by side for any query you type.")
            return
        _measured(corpus, pipeline, questions, found)


def _measured(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], found: Sequence[Contender]) -> None:
    ready, job = evaluation.ready(corpus, replace(pipeline, retriever=Dense()), sessions.store())
    if not ready:
        progress.progress(corpus, pipeline, job)
    budget = str(pipeline.k)
    results: dict[str, Measured] = {}
    waits: list[Awaited] = []
    for one in found:
        slow = one.pipeline.retriever.kind == "rerank" and not st.session_state.get(ASKED)
        if one.missing or slow or (one.pipeline.retriever.needs_vectors and not ready):
            continue
        work = evaluation.measured(corpus, questions, one.pipeline, budget)
        work.wait()
        if isinstance(work.result, Measured):
            results[one.name] = work.result
        waits.append((one.name, evaluation.key(corpus, questions, one.pipeline, budget), work))
    _table(found, results)
    waiting.bars(waits)
    training_note(*(one.evaluation.judging.note for one in results.values()))
    if results:
        st.markdown(plain(fusion_told(results)))
        first = next(iter(results.values())).evaluation
        who = population.said(first.population(population.unit()))
        st.caption(
            f"{size_label(len(first.questions), 'questions')}, 95 % CIs; differences are paired, question by question. "
            f"{who} Six retrievers on one golden set are five chances to be fooled: confirm a winner on "
            "held-out questions (page Experiments)."
        )
    for one in found:
        if one.missing:
            st.caption(plain(f"{one.name} is not measured: {one.missing}."))
    if any(c.pipeline.retriever.kind == "rerank" and not c.missing for c in found) and not st.session_state.get(ASKED):
        pairs = len(questions) * Rerank().depth
        st.button(
            "Measure reranking too", key="measure-rerank", icon=":material/play_arrow:",
            on_click=lambda: st.session_state.update({ASKED: True}), help=f"{pairs:,} pairs of question and chunk.",
        )  # fmt: skip


def _table(found: Sequence[Contender], results: dict[str, Measured]) -> None:
    own, headed = found[0], _headed(results)
    rows = [_row(one, own, results, headed) for one in found]
    event = st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key=f"retrievers-{len(rows)}-{found[0].pipeline.fingerprint}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Retriever": st.column_config.TextColumn(width=200),
            headed: st.column_config.TextColumn(width=170, help=headline.definition(headed)),
            **{name: st.column_config.TextColumn(help=headline.definition(name)) for name in _others(headed)},
            "Less the current one": st.column_config.TextColumn(width=230, help=f"{headed}, question by question"),
            "ms a query": st.column_config.TextColumn(help="Retrieving only, as deep as all budgets need"),
        },
        alt="Retrievers on the golden set",
    )
    if event.selection.rows and event.selection.rows[0] < len(found):
        one = found[event.selection.rows[0]]
        if one is not own:
            st.button(
                f"Use this retriever: {plain(one.name)}", key="take-retriever", icon=":material/pan_tool:",
                on_click=sessions.put, args=("retriever", to_dict(one.pipeline.retriever)),
            )  # fmt: skip
    else:
        st.caption("Click a row to use its retriever.")


def _headed(results: dict[str, Measured]) -> str:
    """The measure of all pages, or the usual one where that was not measured."""
    some = next(iter(results.values()), None)
    return headline.shown(headline.measure(), some.evaluation.metrics)[0] if some else headline.measure()


def _others(headed: str) -> list[str]:
    """The measures that stand beside it."""
    return [name for name in (METRIC, "ndcg@1000tok") if name != headed]


def _row(one: Contender, own: Contender, results: dict[str, Measured], headed: str) -> dict[str, Any]:
    """A retriever's line: its measures, or why there are none."""
    measured = results.get(one.name)
    row = dict.fromkeys(("Retriever", headed, "Less the current one", *_others(headed)), "")
    row |= {"Retriever": one.name + (", current" if one is own else ""), "ms a query": ""}
    if measured is None:
        return row | {headed: "its model is not here" if one.missing else "not measured yet"}
    intervals = measured.evaluation.intervals(population.unit())
    seconds = measured.evaluation.seconds["search"] / max(1, len(measured.evaluation.questions))
    row |= {
        **{name: interval(intervals[name]) for name in (headed, *_others(headed))},
        "ms a query": f"{1000 * seconds:.1f}",
    }
    if one is not own and own.name in results:
        row["Less the current one"] = difference(paired(measured, results[own.name], headed))
    return row


def fusion_told(results: dict[str, Measured]) -> str:
    """Whether fusing by ranks, untuned, beats the better of its halves here, and whether that is settled; else ""."""
    names = [named(Dense()), named(BM25()), named(Hybrid())]
    if any(name not in results for name in names):
        return ""
    metric = _headed(results)
    means = {name: results[name].evaluation.intervals(population.unit())[metric].mean for name in names}
    better = max(names[:2], key=lambda name: means[name])
    found = paired(results[names[2]], results[better], metric)
    if abs(found.difference) < 5e-4:
        return f"Fusing the ranks of dense and BM25, untuned, is as good as the better half here, {better}."
    verb = "gains on" if found.difference > 0 else "loses to"
    settled = not math.isnan(found.low) and (found.low > 0 or found.high < 0)
    doubt = "" if settled else "; inconclusive"
    return (
        f"Fusing the ranks of dense and BM25, untuned, {verb} its better half here, {better}: {metric} "
        f"{difference(found)}{doubt}."
    )
