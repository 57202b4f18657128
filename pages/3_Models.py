"""Which model embeds, which index searches, which retriever ranks: at what cost, and what does the space look like?"""

import streamlit as st

from workbench.ui import bench, countings, library, live, mapping, sessions
from workbench.ui.modelling import caching, catalogue, comparing, indexing, retrieving
from workbench.ui.shell import body, open_page

open_page("Models")
VIEWS = ("Side by side", "Index", "Retrievers", "Map", "Cache")


def beside(corpus, pipeline, questions):
    """The models that there are, and those that were chosen beside each other."""
    catalogue.table(corpus)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        catalogue.add_model()
        catalogue.settings(corpus)
    pipeline = sessions.pipeline()
    if countings.totals(corpus, pipeline).chunks:
        comparing.view(corpus, pipeline, questions)
        catalogue.sizes(corpus)


@st.fragment
def page() -> None:
    """One view at a time: what costs is computed when it is opened."""
    with body():
        corpus, _ = sessions.corpus()
        pipeline = sessions.pipeline()
        questions = sessions.workspace().golden.read(corpus).questions
        bench.status(corpus, pipeline, live.known(corpus, pipeline), countings.totals(corpus, pipeline))
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], key="models-view", label_visibility="collapsed", required=True,
            persist_state="session",
        )  # fmt: skip
        if view != "Cache" and countings.cut_first(corpus, pipeline, sessions.store()):
            return
        if view == "Side by side":
            beside(corpus, pipeline, questions)
        elif view == "Cache":
            caching.cache()
        elif not countings.totals(corpus, pipeline).chunks:
            if len(corpus):
                st.caption("There is no text that could be cut, so there is nothing to search and nothing to map.")
            else:
                library.empty()
        else:
            {"Index": indexing.view, "Retrievers": retrieving.view, "Map": mapping.view}[view](
                corpus, pipeline, questions
            )


page()
