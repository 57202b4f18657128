"""Which part of the corpus the Bench searches: documents, tags, a section."""

from collections.abc import Mapping
from functools import lru_cache

import streamlit as st

from workbench.documents import Corpus
from workbench.retrievers import Where
from workbench.ui import offering, sessions

MOST_READ = 200
"""Documents whose headings are listed: each has to be read for it."""


def filters(corpus: Corpus) -> Where | None:
    """Which part of the corpus is searched; None for all of it."""
    tags: Mapping[str, list[str]] = sessions.workspace().settings.get("tags", {})
    where = _where(corpus, tags)
    with st.popover("Filter" if where is None else "Filter is on", icon=":material/filter_alt:"):
        chosen = st.session_state.get("filter-documents") or []
        st.multiselect(
            "Documents",
            offering.offered(corpus, "filter-find", chosen),
            key="filter-documents",
            format_func=lambda id: corpus.document(id).name if id in corpus else "removed",
            persist_state="session",
        )
        if known := _tags(corpus, tags):
            st.multiselect("Tags", known, key="filter-tags", persist_state="session")
        chosen = st.session_state.get("filter-documents") or []
        within = tuple(id for id in chosen if id in corpus)
        if not within and len(corpus) > MOST_READ:
            st.caption("Choose documents, and the search can be kept to one of their sections.")
        st.selectbox(
            "Section",
            [(), *_sections(corpus, within[:MOST_READ])],
            key="filter-section",
            format_func=lambda path: " › ".join(path) or "any",
            persist_state="session",
        )
    return _where(corpus, tags)


def _tags(corpus: Corpus, tags: Mapping[str, list[str]]) -> list[str]:
    """The tags of the documents that are here."""
    if not any(tags.values()):
        return []
    return sorted({tag for d in corpus for tag in tags.get(d.source, [])})


@lru_cache(maxsize=16)
def _sections(corpus: Corpus, documents: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The paths of the upper headings of these documents, or of all where there are few."""
    if not documents and len(corpus) > MOST_READ:
        return []
    within = [corpus.document(id) for id in documents] or corpus.documents
    return sorted({d.heading_path(h.span.start) for d in within for h in d.headings if h.level <= 2})


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
