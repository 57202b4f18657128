"""Which passages should come back? Questions with their passages, grown with the mouse and checked."""

import streamlit as st

from workbench.ui import bench, documents, draft_review, golden_editor, golden_io, headline, state
from workbench.ui.layout import body, open_page, panels, status_bar

open_page("Golden set")
SOURCE = 600  # pixels


@st.fragment
def page() -> None:
    """The source with its passages on the left, the questions on the right."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, _ = state.corpus()
        if not len(corpus):
            documents.empty()
            return
        found = state.workspace().golden.read(corpus)
        drafts = state.workspace().golden.drafts(corpus)
        top, tools = st.columns([3, 2], gap="small", vertical_alignment="center")
        with top:
            status_bar(*golden_editor.facts(found))
            headline.power_note(found.questions)
        with tools, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            golden_io.history(corpus)
            golden_editor.unanswerable(corpus)
            golden_io.exchange(corpus, found.questions)
        golden_io.report()
        golden_editor.anchoring(found, corpus)
        left, right = panels(1, 1.25)
        if st.session_state.get("golden-view") == "Review drafts":
            draft_review.attend(drafts)
        with left:
            document = bench.document_choice(corpus)
            selection = golden_editor.source(document, [*found.questions, *drafts], SOURCE) if document else None
        with right:
            views = {"Questions": len(found.questions), "Review drafts": len(drafts)}
            view = st.segmented_control(
                "View",
                list(views),
                default="Questions",
                key="golden-view",
                format_func=lambda name: f"{name} {views[name]:,}",
                label_visibility="collapsed",
                required=True,
                persist_state="session",
            )
            if view == "Review drafts":
                draft_review.moved(corpus, drafts, selection)
                draft_review.queue(corpus, found.questions, drafts)
            else:
                golden_editor.form(corpus, found.questions, selection)
                findings = golden_editor.checks(corpus, found)
                golden_editor.table(corpus, found.questions, findings)
                golden_editor.linted(findings, corpus)
                if found.questions:
                    st.page_link(
                        "pages/5_Experiments.py", label="Measure the pipeline on them", icon=":material/science:"
                    )


page()
