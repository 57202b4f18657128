"""Which model embeds, which index searches, which retriever ranks: at what cost, and what does the space look like?"""

import streamlit as st

from workbench.documents import Corpus
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.ui import (
    bench,
    compute,
    corpus_stats,
    documents,
    indexes,
    map,
    model_comparison,
    models,
    retriever_comparison,
    state,
)
from workbench.ui.layout import body, open_page

open_page("Models")
VIEWS = ("Side by side", "Index", "Retrievers", "Map", "Cache")


def beside(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """The models that there are, and those that were chosen beside each other."""
    models.table(corpus)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        models.add_model()
        models.settings(corpus)
    pipeline = state.pipeline()
    if corpus_stats.totals(corpus, pipeline).chunks:
        model_comparison.view(corpus, pipeline, questions)
        models.sizes(corpus)


@st.fragment
def page() -> None:
    """One view at a time: what costs is computed when it is opened."""
    with body():
        corpus, _ = state.corpus()
        pipeline = state.pipeline()
        questions = state.workspace().golden.read(corpus).questions
        bench.status(corpus, pipeline, compute.look(corpus, pipeline))
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], key="models-view", label_visibility="collapsed", required=True,
            persist_state="session",
        )  # fmt: skip
        if view != "Cache" and compute.cut_first(corpus, pipeline, state.store()):
            return
        if view == "Side by side":
            beside(corpus, pipeline, questions)
        elif view == "Cache":
            models.cache()
        elif not corpus_stats.totals(corpus, pipeline).chunks:
            if len(corpus):
                st.caption("There is no text that could be cut, so there is nothing to search and nothing to map.")
            else:
                documents.empty()
        else:
            {"Index": indexes.view, "Retrievers": retriever_comparison.view, "Map": map.view}[view](
                corpus, pipeline, questions
            )


page()
