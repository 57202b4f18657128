"""Parameters, the source with its boundaries, the query and its hits: on one screen, live."""

import streamlit as st

from workbench.ui import bench, library, live, sessions
from workbench.ui.shell import guarded, open_page

open_page("Bench")
SOURCE, HITS = 560, 470


@st.fragment
def page() -> None:
    """The whole Bench; it draws the source before it searches, so that boundaries follow the slider at once."""
    with guarded():
        corpus, _ = sessions.corpus()
        bar = st.container()
        left, middle, right = st.columns([1, 2.3, 1.5], gap="medium")
        with left:
            document = bench.document_choice(corpus)
            library.add_documents()
            bench.parameters()
        pipeline = sessions.pipeline()
        if document is None:
            with middle:
                library.empty()
            return

        questions = sessions.questions(corpus)
        pinned = sessions.pinned()
        with right:
            query = bench.query_box(questions)
            question = bench.asked_question(questions, query)
        gold = [r.span for r in question.references] if question else []
        with middle:
            bench.compare_controls(pipeline, pinned)
            if pinned and pinned != pipeline:
                before, now = st.columns(2, gap="small")
                with before:
                    bench.source(document, pinned, gold, key=bench.KEY_A, height=SOURCE)
                with now:
                    bench.source(document, pipeline, gold, height=SOURCE)
            else:
                bench.source(document, pipeline, gold, height=SOURCE)

        with right:
            bench.search_panel(corpus, document, pipeline, pinned, query, question, HITS)
        with bar:
            bench.status(corpus, pipeline, live.known(corpus, pipeline))


page()
