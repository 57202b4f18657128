"""Hubs, orphans, near-duplicates and outliers as lists, each a click from its place, and whether hubs cause misses."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from workbench.diagnostics import Neighbourhoods, hubs_among_misses
from workbench.documents import Corpus
from workbench.pipelines import Pipeline
from workbench.projection import Rows
from workbench.records import Question
from workbench.retrievers import Collection
from workbench.ui.experiments import evaluation
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.modelling import rivals
from workbench.ui.shell import plain

LISTED = 200
TEXT = 160

Look = Callable[[Collection, Sequence[int]], None]

WHY = {
    "Hubs": "Chunks that stand among the nearest of far more others than usual: they answer everything, and crowd out "
    "what answers. Look for tables of contents, boilerplate and text without a subject.",
    "Orphans": "Chunks among the nearest of no other. Alone that is no fault; where many are, little of the space is "
    "shared.",
    "Near-duplicates": "Pairs whose cosine is 0.97 or more: to this model they say the same, and take two places among "
    "the hits.",
    "Outliers": "Chunks far from even their nearest others: another language, broken text, codes.",
}


def view(
    corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], rows: Collection, near: Neighbourhoods,
    drawn: Rows, look: Look,
) -> None:  # fmt: skip
    """One list at a time, with counts on its chips; a click shows the chunk on the map and in its document."""
    found: dict[str, list[list[int]]] = {
        "Hubs": [[r] for r in near.hubs.tolist()],
        "Orphans": [[r] for r in near.orphans.tolist()],
        "Near-duplicates": near.near_duplicates.tolist(),
        "Outliers": [[r] for r in near.outliers.tolist()],
    }
    st.subheader("Found without labels")
    kind = str(
        st.segmented_control(
            "Kind", list(found), default="Hubs", key="map-kind", required=True, label_visibility="collapsed",
            format_func=lambda k: f"{k} {len(found[k]):,}", persist_state="session",
        )
    )  # fmt: skip
    if near.k == 0:
        st.caption("One chunk alone has no neighbours.")
        return
    st.caption(
        f"{WHY[kind]} By the {near.k} nearest of each of {len(drawn):,} chunks; skew of their occurrence "
        f"{near.skew:.1f} (0: all are found alike; above 1: a few crowd out the others)."
    )
    items = [[int(drawn[i]) for i in item] for item in found[kind]]
    if kind == "Hubs":
        _causes(corpus, pipeline, questions, near, drawn)
    if not items:
        st.caption("None here.")
        return
    key = f"list-{kind}-{len(items)}"

    def picked() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen and chosen[0] < len(items):
            look(rows, items[chosen[0]])

    st.dataframe(
        [_row(corpus, rows, near, kind, item, at) for item, at in zip(items, found[kind], strict=True)][:LISTED],
        hide_index=True,
        height=300 if len(items) > 8 else "content",
        key=key,
        on_select=picked,
        selection_mode="single-row",
        column_config={"Text": st.column_config.TextColumn(width="large")},
        alt=kind,
    )
    if len(items) > LISTED:
        st.caption(f"The first {LISTED} of {len(items):,}.")


def _row(
    corpus: Corpus, rows: Collection, near: Neighbourhoods, kind: str, item: Sequence[int], at: Sequence[int]
) -> dict[str, Any]:
    spans = [rows.span(r) for r in item]
    out: dict[str, Any] = {"Document": corpus.document(spans[0].document).name, "Text": _said(corpus[spans[0]])}
    if kind == "Hubs":
        out[f"Among the {near.k} nearest of"] = int(near.occurrence[at[0]])
    if kind == "Near-duplicates":
        place = near.neighbours[at[0]].tolist()
        a, b = (at[0], at[1]) if at[1] in place else (at[1], at[0])
        out["Cosine"] = round(float(near.cosines[a][near.neighbours[a].tolist().index(b)]), 3)
        out |= {"Document of the other": corpus.document(spans[1].document).name, "Other": _said(corpus[spans[1]])}
    if kind == "Outliers":
        out["Cosine to its nearest"] = round(float(near.cosines[at[0]][0]), 3)
    return out


def _said(text: str) -> str:
    text = " ".join(text.split())
    return text[:TEXT] + (" …" if len(text) > TEXT else "")


def _causes(
    corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], near: Neighbourhoods, drawn: Rows
) -> None:
    """Whether hubs stand among the hits of missed questions more often than of answered ones."""
    if not any(q.answerable for q in questions):
        st.caption("With a golden set it is tested whether hubs cause misses.")
        return
    rival = rivals.Rival("", pipeline)
    if rivals.questions_to_send(rival, questions):
        return  # a remote model has not seen the questions, and nothing is sent from here
    job = evaluation.measured(corpus, questions, pipeline, str(pipeline.k))
    job.finished.wait(evaluation.QUICK)
    if not isinstance(job.result, Measured):
        return
    found = job.result.evaluation
    missed = [rank is None or rank > pipeline.k for rank in found.ranks]
    one = hubs_among_misses(drawn[near.hubs], [[h.chunk for h in hits] for hits in found.hits], missed)
    st.markdown(plain(told(one.missed, one.answered, one.questions_missed, one.questions_answered, one.p)))


def told(missed: float, answered: float, n_missed: int, n_answered: int, p: float) -> str:
    """The test in a sentence."""
    if not n_missed:
        return f"Do hubs cause misses? No question of {n_answered:,} is missed, so there is nothing to explain."
    if not n_answered:
        return f"Do hubs cause misses? All {n_missed:,} questions are missed, so there is nothing to compare with."
    tested = f" (permutation p {p:.2f})" if not math.isnan(p) else ""
    settled = "" if p < 0.05 else ": inconclusive"
    verb = "more" if missed > answered else "less" if missed < answered else "as much"
    return (
        f"Do hubs cause misses? They are {missed:.1%} of the hits of the {n_missed:,} questions that are missed and "
        f"{answered:.1%} of the {n_answered:,} that are answered, {verb} among misses{tested}{settled}."
    )
