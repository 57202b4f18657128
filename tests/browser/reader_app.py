"""A small app around the reader for test_reader_browser.py: `?doc=` names the text, `out` says what came back."""

import json

import numpy as np
import streamlit as st

from workbench.documents import Document, Section
from workbench.records import Hit
from workbench.spans import Span
from workbench.ui.components.reader import overlay, reader, scroll_to

ODD = (
    "Plain first line.\r\nSmile \U0001f600\U0001f9ea and family \U0001f468\u200d\U0001f469\u200d\U0001f467 end.\r\n"
    "Combining: e\u0301a\u0308o\u0302 Z\u0351\u036b done.\r\n"
    "中文文本和日本語テキスト。終わり here.\r\n"
    "مرحبا بالعالم and left again.\r\n"
    "<script>window.injected = 1</script><img src=x onerror='window.injected = 2'> & &amp; "
    "**not bold**\r\n"
    "Mathematical \U0001d4d0\U0001d4d1 then TARGET after all of it.\r\n"
)
WORDS = (
    "retrieval augmented generation fails quietly where documents are cut and where passages are ranked by habit"
).split()


def prose(characters: int) -> str:
    """Sentences of numbered words with a mark every paragraph, reproducible and searchable."""
    lines, size, n = [], 0, 0
    while size < characters:
        rotated = WORDS[n % len(WORDS) :] + WORDS[: n % len(WORDS)]
        line = f"Paragraph {n}: " + " ".join(rotated * (3 + n % 4)) + f". mark-{n}\n" + ("\n" if n % 5 == 4 else "")
        lines.append(line)
        size += len(line)
        n += 1
    return "".join(lines)[:characters]


@st.cache_resource
def document(name: str) -> Document:
    """The document of this name: a number is a size of prose."""
    if name == "odd":
        text = ODD
    elif name == "oddlong":
        text = ODD * 400
    elif name == "oneline":
        text = prose(300_000).replace("\n", " ")
    elif name == "empty":
        text = ""
    elif name == "structure":
        text = "Handbook\n\nWhat we do.\n\nLeave\n\nTake 30 days.\n\nname | days\nAnn | 30\nBob | 28\n\nprint(30)\n"
        text = (text + "\n- one\n- two\n") * 30
    else:
        text = prose(int(name))
    sections, pages = [], []
    if name == "structure":
        for i in range(30):
            base = i * (len(text) // 30)
            piece = text[base : base + len(text) // 30]

            def at(words: str, kind: str, level: int, base: int = base, piece: str = piece) -> Section:
                start = base + piece.index(words)
                return Section(kind, level, Span("structure", start, start + len(words)), words)

            sections += [at("Handbook", "heading", 1), at("Leave", "heading", 2)]
            sections += [
                at("name | days\nAnn | 30\nBob | 28", "table", 1),
                at("print(30)", "code", 1),
                at("- one\n- two", "list", 1),
            ]
            pages.append((i + 1, Span("structure", base, base + len(piece))))
    return Document(f"source-{name}", name, f"{name}.txt", text, tuple(sections), tuple(pages))


@st.fragment
def bench() -> None:
    """One reader with its overlay."""
    st.session_state.setdefault("name", st.session_state.get("kept") or st.query_params.get("doc", "odd"))
    st.session_state["kept"] = name = st.text_input("Name", key="name")
    doc = document(name)
    left, right = st.columns(2)
    size = left.slider("Size", 10, 2000, int(st.query_params.get("size", "400")), step=10)
    overlap = right.slider("Overlap", 0, 1000, int(st.query_params.get("overlap", "0")), step=5)
    with st.container(horizontal=True):
        hits_on = st.toggle("Hits")
        old = st.toggle("Old hits")
        unseen_on = st.toggle("Unseen")
        if st.button("Go far"):
            scroll_to("rd", Span(doc.id, int(len(doc.text) * 0.8), int(len(doc.text) * 0.8) + 40))
    step = max(1, size - overlap)
    starts = np.arange(0, len(doc.text), step)
    chunks = np.column_stack([starts, np.minimum(starts + size, len(doc.text))]) if doc.text else None
    events = reader(
        doc, key="rd", chunks=None if doc.id == "structure" else chunks, structure=True, version=f"{size}", height=520
    )
    hits = (
        [
            Hit(Span(doc.id, *chunks[c].tolist()), 0.9 - 0.1 * r, r + 1, c)
            for r, c in enumerate((3, 4, 9))
            if c < len(chunks)
        ]
        if hits_on
        else []
    )
    gold = [Span(doc.id, 30, 60)] if hits_on and len(doc.text) > 60 else []
    unseen = (
        np.array([[s + size * 2 // 3, s + size] for s in starts[2:5].tolist() if s + size <= len(doc.text)])
        if unseen_on
        else None
    )
    overlay(doc, key="rd", hits=hits, gold=gold, unseen=unseen, version="old" if old else f"{size}")
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    selected = events.selection
    clicked = events.clicked
    if clicked:
        st.session_state["last"] = [clicked.layer, clicked.id, clicked.offset]
    out = {
        "selection": [selected.start, selected.end] if selected else None,
        "text": doc[selected] if selected else None,
        "clicked": st.session_state.get("last"),
        "runs": st.session_state["runs"],
        "size": size,
    }
    st.html(f'<pre id="out">{json.dumps(out).replace("<", "&lt;")}</pre>')


def other() -> None:
    """Another page, to leave for and come back from."""
    st.write("Nothing here.")


st.set_page_config(layout="wide")
st.navigation([st.Page(bench, title="Bench"), st.Page(other, title="Other")], position="top").run()
