"""Question by question and document by document: hard questions over all configurations, and boundary strips."""

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.evaluations import Evaluation, evaluate
from workbench.explanations import boundary_strips
from workbench.pipelines import Pipeline, from_mapping
from workbench.records import Question, Run
from workbench.store import Store
from workbench.sweeps import Leaderboard, matrix
from workbench.ui import state
from workbench.ui.experiments import figures
from workbench.ui.experiments.losses import LOOK
from workbench.ui.experiments.results import ROWS, take

MOST_STRIPS = 8
"""Configurations whose boundaries are drawn."""


def hard(runs: Sequence[Run], board: Leaderboard, questions: Sequence[Question]) -> None:
    """Questions by configurations: the rank of the first relevant hit, or miss; a click looks at the question."""
    order = [row.run for row in board.rows]
    found = matrix(order)
    texts = {q.id: q.text for q in questions}
    names = {row.run.fingerprint: row.name for row in board.rows}
    rows = [
        {"Question": texts.get(id, id)}
        | {names[f]: "miss" if r is None else str(r) for f, r in zip(found.runs, ranks, strict=True)}
        for id, ranks in zip(found.questions, found.ranks, strict=True)
    ]
    event = st.dataframe(
        rows,
        key=f"matrix-{len(rows)}-{len(order)}",
        hide_index=True,
        height=ROWS,
        on_select="rerun",
        selection_mode="single-cell",
        column_config={"Question": st.column_config.TextColumn(pinned=True, width="large")},
        alt="Rank of the first relevant hit, question by configuration",
    )
    st.caption("The hardest first. A cell is the rank of the first relevant hit, or the word miss; a click shows why.")
    cell = next(iter(event.selection.cells), None)
    before, st.session_state["matrix-clicked"] = st.session_state.get("matrix-clicked"), cell
    if cell is not None and cell != before:
        place, column = cell
        st.session_state[LOOK] = found.questions[place]
        run = next((r for r in order if names[r.fingerprint] == column), None)
        if run is not None:
            take(run)
        st.session_state["experiments-view-next"] = "Where answers are lost"
        st.rerun()


def strips(
    corpus: Corpus, questions: tuple[Question, ...], document: Document | None, board: Leaderboard, store: Store
) -> None:
    """One boundary strip a configuration on a common axis, with gold ticks."""
    if document is None:
        return
    pipelines: list[Pipeline] = []
    for row in board.rows:
        pipeline = from_mapping(row.run.pipeline)
        if len(pipelines) < MOST_STRIPS and all(pipeline.splitter != p.splitter for p in pipelines):
            pipelines.append(pipeline)
    own = state.pipeline().parser
    with st.spinner("Cutting and searching"):
        found = [_evaluated(corpus, questions, p, store) for p in pipelines if p.parser == own]
    if not found:
        st.caption(
            "These runs read the documents by another parser than the current configuration: their text is another."
        )
        return
    st.html(figures.strips(boundary_strips(found, document.id)))
    st.caption(f"The best run of each splitter setting, at most {MOST_STRIPS}, each at its own k.")


@lru_cache(maxsize=32)
def _evaluated(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, store: Store) -> Evaluation:
    """The hits at its own k, which is all that a strip shows."""
    return evaluate(corpus, questions, pipeline, [f"recall@{pipeline.k}"], store=store)
