"""The documents of a workspace as a table, with the parser that reads them all."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.parsers import FORMATS
from workbench.tokens import token_offsets
from workbench.ui import forms, sessions
from workbench.ui.cells import cell, cells
from workbench.ui.controls import control
from workbench.ui.library.adding import add_documents
from workbench.ui.library.moving import workspace_menu
from workbench.ui.shell import plain, size_label, status_bar
from workbench.workspaces import Refusal, team_mode

MOST_ROWS = 15
A_PAGE = 100
"""Documents that are listed at once: more are found by name, or by turning pages."""
MOST_REFUSALS = 20
_FORMATS = {f.media_type: f.label for f in FORMATS.values()}


def status(corpus: Corpus, refusals: Sequence[Refusal]) -> None:
    """The corpus in one line; in team mode with what may still be uploaded."""
    here = sessions.workspace()
    room = f"{size_label(here.used)} of {size_label(here.capacity)}" if team_mode() else size_label(here.used)
    status_bar(
        size_label(len(corpus), "documents"),
        size_label(corpus.characters, "characters"),
        f"{room} uploaded",
        f"{len(refusals)} not readable" if refusals else "",
        "" if here.writable else "read only",
    )


def toolbar(narrow: bool = False) -> None:
    """Adding documents, the parser that reads them all, and the workspace; in two rows where it is narrow."""
    if narrow:
        add_documents()
        middle, right = st.columns(2, gap="small", vertical_alignment="bottom")
    else:
        left, middle, right = st.columns([1.1, 1, 0.9], gap="small", vertical_alignment="bottom")
        with left:
            add_documents()
    with middle:
        forms.kind_choice("parser", "Parser")
    with right:
        workspace_menu()


def table(corpus: Corpus, refusals: Sequence[Refusal]) -> Document | None:
    """The documents with their figures, `A_PAGE` at a time; the one that is selected."""
    _refused(refusals)
    if not len(corpus):
        return None
    current: str = st.session_state.get("document", "")
    listed, turned = _listed(corpus, current)
    order = [d.id for d in listed]
    event = st.dataframe(
        cells(_rows(listed)),
        key=f"csv-documents-{corpus.id}{turned}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [order.index(current)] if current in order else []}},
        height="content" if len(listed) <= MOST_ROWS else 36 * MOST_ROWS,
        placeholder="",
        column_config={
            "Tokens": st.column_config.NumberColumn(
                help=f"Tokens of {sessions.pipeline().embedder.tokenizer}, special ones left out", format="localized"
            ),
            "Characters": st.column_config.NumberColumn(format="localized"),
            "Tags": st.column_config.ListColumn(width="small"),
        },
    )
    selected = event.selection.rows
    if selected and selected[0] < len(order):
        current = st.session_state["document"] = order[selected[0]]
    return corpus.document(current) if current in corpus else next(iter(listed), corpus.documents[0])


def _rows(listed: Sequence[Document]) -> list[dict[str, Any]]:
    """What the table says of these documents; their tokens are counted, so each is read once."""
    here = sessions.workspace()
    sources, tags = {s.id: s for s in here.sources}, here.settings.get("tags", {})
    name = sessions.pipeline().embedder.tokenizer
    return [
        {
            "Document": d.name,
            "Characters": d.figures.characters,
            "Tokens": _tokens(d, name),
            "Pages": d.figures.pages or None,
            "Sections": d.figures.sections,
            "Language": d.language or "unknown",
            "Format": _FORMATS.get(d.media_type, d.media_type),
            "Size": size_label(sources[d.source].size) if d.source in sources else "",
            "Warnings": len(d.warnings),
            "Tags": [cell(tag) for tag in tags.get(d.source, [])],
        }
        for d in listed
    ]


@lru_cache(maxsize=20_000)
def _tokens(document: Document, name: str) -> int:
    return len(token_offsets(document.text, name))


def _listed(corpus: Corpus, current: str) -> tuple[Sequence[Document], str]:
    """The documents of the page that is turned to, among those that were looked for; and which page that is.

    Without a turn it is the page on which the current document stands.
    """
    if len(corpus) <= A_PAGE:
        return corpus.documents, ""
    left, right = st.columns([3, 1], gap="small", vertical_alignment="bottom")
    part = left.text_input(
        "Find a document", key="documents-find", type="search", placeholder=f"part of one of {len(corpus):,} names"
    ).lower()
    found = [d for d in corpus if part in d.name.lower()] if part else corpus.documents
    pages = max(1, -(-len(found) // A_PAGE))
    stood = [part, current]
    if st.session_state.get("documents-stood") != stood:
        at = next((i for i, d in enumerate(found) if d.id == current), 0)
        st.session_state["documents-stood"], st.session_state["documents-page"] = stood, at // A_PAGE + 1

    def turned(page: int) -> None:
        st.session_state["documents-page"] = page

    page = min(int(st.session_state["documents-page"]), pages)
    control(
        right.number_input, f"Page of {pages:,}", "documents-turn", page, turned, min_value=1, max_value=pages
    )  # fmt: skip
    if not found:
        st.caption("No document has a name like that.")
    return found[(page - 1) * A_PAGE : page * A_PAGE], f"-{page}-{part}"


def _refused(refusals: Sequence[Refusal]) -> None:
    """The files that could not be read, the first of them by name."""
    for refusal in refusals[:MOST_REFUSALS]:
        st.error(plain(refusal.reason), icon=":material/error:")
    if len(refusals) > MOST_REFUSALS:
        st.error(f"And {len(refusals) - MOST_REFUSALS:,} more could not be read.", icon=":material/error:")
