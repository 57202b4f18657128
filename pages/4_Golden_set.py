"""Which passages should come back? Questions with their passages, grown with the mouse and checked."""

import streamlit as st

from workbench.ui import bench, exchanging, labelling, library, powers, questions, reviewing, sessions
from workbench.ui.shell import body, open_page, panels, status_bar

open_page("Golden set")
SOURCE = 600  # pixels


@st.fragment
def page() -> None:
    """The source with its passages on the left, the questions on the right."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, _ = sessions.corpus()
        if not len(corpus):
            library.empty()
            return
        found = sessions.workspace().golden.read(corpus)
        drafts = sessions.workspace().golden.drafts(corpus)
        top, tools = st.columns([3, 2], gap="small", vertical_alignment="center")
        with top:
            status_bar(*questions.facts(found))
            powers.statement(found.questions)
        with tools, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            exchanging.history(corpus)
            labelling.unanswerable(corpus)
            exchanging.exchange(corpus, found.questions)
        exchanging.report()
        questions.anchoring(found, corpus)
        left, right = panels(1, 1.25)
        if st.session_state.get("golden-view") == "Review drafts":
            reviewing.attend(drafts)
        with left:
            document = bench.document_choice(corpus)
            selection = labelling.source(document, [*found.questions, *drafts], SOURCE) if document else None
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
                reviewing.moved(corpus, drafts, selection)
                reviewing.queue(corpus, found.questions, drafts)
            else:
                labelling.form(corpus, found.questions, selection)
                findings = questions.checks(corpus, found)
                questions.table(corpus, found.questions, findings)
                questions.linted(findings, corpus)
                if found.questions:
                    st.page_link(
                        "pages/5_Experiments.py", label="Measure the pipeline on them", icon=":material/science:"
                    )


page()
