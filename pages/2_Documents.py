"""What is indexed, and what the parser made of it."""

import streamlit as st

from workbench.ui import library, sessions
from workbench.ui.library.reading import PAGES, PARSERS, TEXT
from workbench.ui.shell import body, open_page, panels

open_page("Documents")
WIDTHS = {TEXT: (1.1, 1), PAGES: (0.62, 1.5), PARSERS: (0.75, 1.3)}


@st.fragment
def page() -> None:
    """The list on the left, one document on the right: its text, its pages, or what two parsers make of it."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, refusals = sessions.corpus()
        bar = st.container()
        view = library.view(corpus)
        left, right = panels(*WIDTHS[view])
        with left:
            library.toolbar(narrow=view != TEXT)
            shown = library.table(corpus, refusals)
            library.actions(shown)
        with right:
            if shown is None:
                library.empty()
            else:
                view = library.view_choice(shown)
                if view == PAGES:
                    library.pages(corpus, shown)
                elif view == PARSERS:
                    library.parsers(corpus, shown)
                else:
                    library.document(shown)
        with bar:
            library.status(corpus, refusals)


page()
