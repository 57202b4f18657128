"""Parameters, the source with its boundaries, the query and its hits: on one screen, live."""

import streamlit as st

from workbench.ui import bench, compute, documents, golden_score, health, search, state
from workbench.ui.layout import body, open_page, panels

open_page("Bench")
SOURCE, HITS = 640, 510  # pixels; with what stands above them, they fill a window of 900


@st.fragment
def page() -> None:
    """The whole Bench. The source is drawn before anything is searched: boundaries follow the slider at once."""
    with body():
        corpus, _ = state.corpus()
        top, tools = st.columns([3, 1], gap="small", vertical_alignment="center")
        bar = top.empty()
        left, middle, right = panels(1, 2.4, 1.6)
        with left:
            document = bench.document_choice(corpus)
            documents.add_documents()
            bench.parameters()
        pipeline, pinned = state.pipeline(), state.pinned()
        questions = state.questions(corpus)
        compute.attend(corpus, pipeline, pinned, also=golden_score.asked_keys(questions, pipeline, pinned))
        with bar:
            bench.status(corpus, pipeline)
        with tools:
            row = bench.actions(pipeline, pinned)
        if document is None:
            with middle:
                documents.empty()
            return

        with right:
            query = search.query_box(questions)
        question = search.golden(questions, query)
        gold = [r.span for r in question.references] if question else []
        with middle:
            if pinned and pinned != pipeline:
                a, b = st.columns(2, gap="small")
                with a:
                    bench.source(document, pinned, gold, f"A, pinned: {pinned.label}", bench.KEY_A, SOURCE)
                with b:
                    bench.source(document, pipeline, gold, f"B, current: {pipeline.label}", bench.KEY, SOURCE)
            else:
                if pinned:
                    st.caption("Pinned as A. Change a setting, and both configurations stand side by side.")
                bench.source(document, pipeline, gold, height=SOURCE)

        with right:
            known = search.panel(corpus, document, pipeline, pinned, query, questions, HITS)
        with row:
            health.panel(known, questions)
        with bar:
            bench.status(corpus, pipeline, known)


page()
