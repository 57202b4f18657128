"""The documents of a workspace as a table, with the parser that reads them all."""

from collections.abc import Sequence

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.parsers import FORMATS
from workbench.tokens import token_offsets
from workbench.ui import forms, sessions
from workbench.ui.cells import cell, cells
from workbench.ui.library.adding import add_documents
from workbench.ui.library.moving import workspace_menu
from workbench.ui.shell import plain, size_label, status_bar
from workbench.workspaces import Refusal, team_mode

MOST_ROWS = 15
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
    """The documents with their figures; the one that is selected."""
    sources = {s.id: s for s in sessions.workspace().sources}
    tags = sessions.workspace().settings.get("tags", {})
    name = sessions.pipeline().embedder.tokenizer
    rows = [
        {
            "Document": d.name,
            "Characters": len(d.text),
            "Tokens": len(token_offsets(d.text, name)),
            "Pages": len(d.pages) or None,
            "Sections": len(d.sections),
            "Language": d.language or "unknown",
            "Format": _FORMATS.get(d.media_type, d.media_type),
            "Size": size_label(sources[d.source].size) if d.source in sources else "",
            "Warnings": len(d.warnings),
            "Tags": [cell(tag) for tag in tags.get(d.source, [])],
        }
        for d in corpus
    ]
    for refusal in refusals:
        st.error(plain(refusal.reason), icon=":material/error:")
    if not rows:
        return None
    order = [d.id for d in corpus]
    current = st.session_state.get("document")
    chosen = order.index(current) if current in order else 0
    event = st.dataframe(
        cells(rows),
        key=f"csv-documents-{corpus.id}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [chosen]}},
        height="content" if len(rows) <= MOST_ROWS else 36 * MOST_ROWS,
        placeholder="",
        column_config={
            "Tokens": st.column_config.NumberColumn(
                help=f"Tokens of {name}, special ones left out", format="localized"
            ),
            "Characters": st.column_config.NumberColumn(format="localized"),
            "Tags": st.column_config.ListColumn(width="small"),
        },
    )
    selected = event.selection.rows
    if selected and selected[0] < len(order):
        st.session_state["document"] = order[selected[0]]
        chosen = selected[0]
    return corpus.documents[chosen]
