"""A document's text as the parser made it, with its structure and what the parser has to say."""

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.parsers import Auto
from workbench.ui import sessions
from workbench.ui.controls import control
from workbench.ui.library.adding import show, tried
from workbench.ui.reader import reader
from workbench.ui.shell import plain, size_label, status_bar

TEXT, PAGES, PARSERS = "Text", "Text and page", "Compare parsers"
PDF = "application/pdf"


def view(corpus: Corpus) -> str:
    """The view that will be shown, known before the list is drawn: it decides how wide that is."""
    chosen: str = st.session_state.get("document-view", TEXT)
    id = st.session_state.get("document", "")
    shown = corpus.document(id) if id in corpus else next(iter(corpus), None)
    return chosen if shown is not None and chosen in _offered(shown) else TEXT


def _offered(shown: Document) -> list[str]:
    return [TEXT, *([PAGES] if shown.media_type == PDF else []), PARSERS]


def view_choice(shown: Document) -> str:
    """Which view of the document is chosen. Pages are offered where the file has them as on paper."""
    offered = _offered(shown)
    wanted = st.session_state.get("document-view", TEXT)
    current: str = wanted if wanted in offered else TEXT

    def chosen(view: str) -> None:
        st.session_state["document-view"] = view

    control(
        st.segmented_control, "View", "document-view-choice", current, chosen, options=offered,
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    return current


def facts(shown: Document) -> None:
    """What the document holds, and the warnings of its parser."""
    kinds: dict[str, int] = {}
    for section in shown.sections:
        kinds[section.kind] = kinds.get(section.kind, 0) + 1
    told = [f"{n} {kind}{'s' if n != 1 and not kind.endswith('s') else ''}" for kind, n in sorted(kinds.items())]
    pages = size_label(len(shown.pages), "pages") if shown.pages else ""
    status_bar(shown.name, f"read by {shown.parser}", pages, *told)
    for warning in shown.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def document(shown: Document) -> None:
    """The text with its structure."""
    facts(shown)
    if any("encoding" in warning.lower() for warning in shown.warnings) and sessions.workspace().writable:
        _encoding(shown)
    reader(shown, key="document-reader", structure=True, height=640, selectable=False)


def _encoding(shown: Document) -> None:
    def chosen() -> None:
        name = st.session_state["encoding"].strip()
        tried(lambda: sessions.workspace().choose_parser(shown.source, Auto(encoding=name)))
        show(shown.source)

    st.text_input(
        "Read it in another encoding",
        key="encoding",
        on_change=chosen,
        placeholder="cp1252, shift_jis, utf-16 …",
        width=260,
    )
