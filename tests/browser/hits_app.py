"""A small app around the hit lists for test_hits.py: `?show=` chooses the lists, `out` says what came back."""

import json

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.records import Hit
from workbench.spans import Span
from workbench.ui.components.hits import Column, column, hit_lists

HOSTILE = (
    "Leave <script>window.injected = 1</script><img src=x onerror='window.injected = 2'> **not bold** & &amp; "
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301 \U0001d4d0 leave."
)
SENTENCE = "Passage {0}. The leave of parents lasts {0} weeks, and the form of chapter {0} asks for it. "
PARTS = [SENTENCE.format(n) * (1 + n % 4) for n in range(60)]
QUERY = "leave weeks"


@st.cache_resource
def corpus() -> Corpus:
    """Sixty passages, and one of hostile text."""
    long = Document("long", "long", "handbook-of-the-whole-company-2026-final-v2.md", "".join(PARTS))
    return Corpus((long, Document("odd", "odd", "<b>odd</b>.html", HOSTILE)))


def span(n: int) -> Span:
    """Passage n; -1 is the hostile one."""
    if n < 0:
        return Span("odd", 0, len(HOSTILE))
    start = sum(map(len, PARTS[:n]))
    return Span("long", start, start + len(PARTS[n]))


def made(title: str, *passages: int, note: str = "", header: str = "", stale: bool = False) -> Column:
    """A column of these passages in this order."""
    hits = [Hit(span(n), 0.9 - 0.01 * i, i + 1, max(n, 0), header) for i, n in enumerate(passages)]
    gold = [Span("long", span(4).start, span(4).end), Span("long", span(7).end - 10, span(7).end + 10)]
    return column(title, hits, corpus(), QUERY, note, gold=gold, tokens=list(range(100, 200)), stale=stale)


LISTS = {
    "three": lambda: [
        made("Dense", 4, 7, 9, 2, 30),
        made("BM25", 7, 4, 12, 30, 5, note="stale: of the previous configuration", stale=True),
        made("Hybrid", 4, 7, 30, 9, 12, header="Leave › Parents"),
    ],
    "two": lambda: [made("A · recursive 200/20", 4, 7, 9, 2, 30), made("B · sentences 5/1", 7, 4, 12, 9)],
    "one": lambda: [made("Dense", 4, 7, 9, -1)],
    "hostile": lambda: [made("<i>Dense</i>", -1, 3, note="<u>note</u>", header="<s>header</s>"), made("BM25", 3, -1)],
    "waiting": lambda: [made("Dense", note="embedding 43 of 187 chunks, 12 s left"), made("BM25", 4, 7, 9)],
    "many": lambda: [made(f"Times {k}", *(n * k % 59 for n in range(50))) for k in (7, 11, 13)],
    "none": list,
}


@st.fragment
def lists() -> None:
    """One component, its events written below it."""
    name = st.session_state.setdefault("show", st.query_params.get("show", "three"))
    if st.button("Other lists"):
        name = st.session_state["show"] = "one" if name == "three" else "three"
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    columns = LISTS[name]()
    if st.toggle("Note"):
        columns[0] = Column(columns[0].title, columns[0].rows, "embedding 44 of 187 chunks")
    with st.container(key="panel"):
        selected = st.session_state.get("hit")
        events = hit_lists(columns, key="hits", selected=selected, movement=name == "two", height=620)
    clicked = events.clicked
    if clicked:
        st.session_state["hit"] = clicked.span
        st.session_state["clicked"] = [clicked.column, clicked.rank, clicked.span.start, clicked.span.end]
    elif events.closed:
        st.session_state["hit"] = None
    out = {
        "clicked": st.session_state.get("clicked"),
        "selected": st.session_state["hit"].start if st.session_state.get("hit") else None,
        "runs": st.session_state["runs"],
    }
    st.html(f'<pre id="out">{json.dumps(out)}</pre>')


st.set_page_config(layout="wide")
if width := st.query_params.get("width"):
    st.html(f"<style>.st-key-panel {{ width: {int(width)}px }}</style>")
lists()
