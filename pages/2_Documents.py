"""What is indexed, and what the parser made of it."""

import streamlit as st

from workbench.ui import library, sessions
from workbench.ui.shell import body, open_page, panels

open_page("Documents")


@st.fragment
def page() -> None:
    """The list on the left, one document with its structure on the right."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, refusals = sessions.corpus()
        bar = st.container()
        left, right = panels(1.1, 1)
        with left:
            library.toolbar()
            shown = library.table(corpus, refusals)
            library.actions(shown)
        with right:
            if shown:
                library.document(shown)
            else:
                library.empty()
        with bar:
            library.status(corpus, refusals)


page()
