"""Which model embeds, which index searches, what they cost, and what the cache holds."""

import streamlit as st

from workbench.ui import bench, live, modelling, sessions
from workbench.ui.shell import body, open_page, panels

open_page("Models")


@st.fragment
def page() -> None:
    """Models in a table, then the model in use, the index and the cache side by side."""
    with body():
        corpus, _ = sessions.corpus()
        bar = st.container()
        live.attend(corpus, sessions.pipeline(), sessions.pinned())
        modelling.table(corpus)
        model, index, cache = panels(1, 1, 1)
        with model:
            modelling.model(corpus)
        with index:
            modelling.index(corpus)
        with cache:
            modelling.cache()
        if len(corpus):
            modelling.sizes(corpus)
        with bar:
            pipeline = sessions.pipeline()
            bench.status(corpus, pipeline, live.known(corpus, pipeline), live.totals(corpus, pipeline))


page()
