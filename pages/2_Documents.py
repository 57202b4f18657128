"""What is indexed, and what the parser made of it."""

import streamlit as st

from workbench.ui import document_views, documents, parser_comparison, state
from workbench.ui.document_views import PAGES, PARSERS, TEXT
from workbench.ui.layout import body, open_page, panels

open_page("Documents")
WIDTHS = {TEXT: (1.1, 1), PAGES: (0.62, 1.5), PARSERS: (0.75, 1.3)}


@st.fragment
def page() -> None:
    """The list on the left, one document on the right: its text, its pages, or what two parsers make of it."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, refusals = state.corpus()
        bar = st.container()
        view = document_views.view(corpus)
        left, right = panels(*WIDTHS[view])
        with left:
            documents.toolbar(narrow=view != TEXT)
            shown = documents.table(corpus, refusals)
            documents.actions(shown)
        with right:
            if shown is None:
                documents.empty()
            else:
                view = document_views.view_choice(shown)
                if view == PAGES:
                    document_views.pages(corpus, shown)
                elif view == PARSERS:
                    parser_comparison.parsers(corpus, shown)
                else:
                    document_views.document(shown)
        with bar:
            documents.status(corpus, refusals)


page()
