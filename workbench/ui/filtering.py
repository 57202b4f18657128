"""Which part of the corpus the Bench searches: documents, tags, a section."""

from collections.abc import Mapping

import streamlit as st

from workbench.documents import Corpus
from workbench.retrievers import Where
from workbench.ui import sessions


def filters(corpus: Corpus) -> Where | None:
    """Which part of the corpus is searched; None for all of it."""
    names = {d.id: d.name for d in corpus}
    tags: Mapping[str, list[str]] = sessions.workspace().settings.get("tags", {})
    where = _where(corpus, tags)
    with st.popover("Filter" if where is None else "Filter is on", icon=":material/filter_alt:"):
        st.multiselect(
            "Documents",
            list(names),
            key="filter-documents",
            format_func=lambda id: names.get(id, "removed"),
            persist_state="session",
        )
        if known := sorted({tag for d in corpus for tag in tags.get(d.source, [])}):
            st.multiselect("Tags", known, key="filter-tags", persist_state="session")
        chosen = st.session_state.get("filter-documents")
        within = [d for d in corpus if not chosen or d.id in chosen]
        sections = {d.heading_path(h.span.start) for d in within for h in d.headings if h.level <= 2}
        st.selectbox(
            "Section",
            [(), *sorted(sections)],
            key="filter-section",
            format_func=lambda path: " › ".join(path) or "any",
            persist_state="session",
        )
    return _where(corpus, tags)


def _where(corpus: Corpus, tags: Mapping[str, list[str]]) -> Where | None:
    state = st.session_state
    documents, wanted, section = (state.get(f"filter-{name}") for name in ("documents", "tags", "section"))
    if not (documents or wanted or section):
        return None
    kept = [
        d.id
        for d in corpus
        if (not documents or d.id in documents) and (not wanted or set(wanted) & set(tags.get(d.source, [])))
    ]
    return Where(tuple(kept), tuple(section or ()))
