"""Chunk health on the Bench: what a chunking cuts, repeats, leaves too small or hides, each a click from its place."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from workbench import pipelines
from workbench.diagnostics import Finding, examine, split_answers
from workbench.documents import Corpus
from workbench.memory_cache import cached
from workbench.records import Question
from workbench.retrievers import BM25, Collection, Rerank, Retriever
from workbench.spans import Span
from workbench.splitters import Splitter
from workbench.ui import corpus_stats
from workbench.ui.bench import KEY, KEY_A
from workbench.ui.components.reader import scroll_to
from workbench.ui.compute import Known
from workbench.ui.layout import plain

WIDTH = 460  # pixels
SHOWN = 6
"""Examples of a finding that stand as buttons."""
TEXT = 52
LOOK = "health-kind"
"""Session state: the kind of finding that is looked at."""
FIELDS = {
    "splitter.kind": "Splitter",
    "splitter.header": "Header",
    "splitter.chunk_size": "Chunk size",
    "splitter.separators": "Separators",
    "parser.kind": "Parser",
    "documents": "Documents",
    "retriever.expand": "Expand",
}

WHERE = {
    "splitter.header": ", under More settings",
    "splitter.separators": ", under More settings",
    "parser.kind": ", on the page Documents",
    "retriever.expand": ", in the settings of the retriever",
}
"""Where a field stands that is not on the Bench itself."""


def panel(known: Known, questions: Sequence[Question]) -> None:
    """Draw a popover with every finding; nothing is examined before it is opened, so that sliders stay quick."""
    opened = st.popover(
        "Chunk health", icon=":material/health_and_safety:", type="tertiary", key="health", on_change="rerun",
        help="Cut sentences, tables and code, tiny, truncated and repeated chunks: found without any labels.",
    )  # fmt: skip
    if not opened.open:
        return
    with opened, st.container(width=WIDTH):
        corpus = known.corpus
        found = findings(known, questions)
        if told := corpus_stats.said(corpus_stats.part(corpus), corpus):
            st.caption(told)
        chosen = _table(found)
        if chosen is not None:
            _details(corpus, chosen)


def findings(known: Known, questions: Sequence[Question]) -> list[Finding]:
    """Return what is wrong, the largest share first, then what is fine."""
    embedder = known.pipeline.embedder
    some = corpus_stats.part(known.corpus)
    found = list(_examined(some, known.pipeline.splitter, embedder.tokenizer, embedder.max_tokens))
    asked = tuple(q.text for q in questions if q.answerable)
    if asked and known.rows is not None and known.has_words(BM25()):
        found.append(_split(known, known.rows, asked))
    return sorted(found, key=lambda finding: (-finding.share, not finding.of))


@cached(16, lambda found: 1)
def _examined(corpus: Corpus, splitter: Splitter, tokenizer: str, limit: int | None) -> tuple[Finding, ...]:
    chunks = {d.id: pipelines.split(d, splitter) for d in corpus}
    return examine(corpus, splitter, chunks, tokenizer, limit)


def _split(known: Known, chunks: Collection, asked: tuple[str, ...]) -> Finding:
    """Return golden questions that find two neighbouring chunks: by the current retriever, else by BM25."""
    pipeline, exact = known.pipeline, known.exact
    usable = exact is not None and pipeline.embedder.kind != "remote" and not isinstance(pipeline.retriever, Rerank)
    if exact is not None and usable:
        pairs = _pairs(exact, pipeline.retriever, asked, pipeline.k)
    else:
        pairs = _pairs(chunks, BM25(), asked, pipeline.k)
    return Finding(
        kind="split answers",
        title="golden questions find two neighbouring chunks" + ("" if usable else " (by BM25)"),
        count=len(pairs),
        of=len(asked),
        examples=pairs,
        why="A problem may be cut from its solution: two places among the hits for what one chunk could say.",
        field="retriever.expand",
        remedy="Larger chunks answer with one; or let each hit bring its neighbours, and merge those that touch.",
    )


@cached(16, lambda found: 1)
def _pairs(rows: Collection, retriever: Retriever, asked: tuple[str, ...], k: int) -> tuple[Span, ...]:
    """Return the spans of neighbouring chunks that are found together, one for each query that has such."""
    found = split_answers(retriever(rows, asked, k))
    return tuple(Span(a.span.document, min(a.span.start, b.span.start), max(a.span.end, b.span.end)) for a, b in found)


def _table(found: Sequence[Finding]) -> Finding | None:
    """Return every finding as a row; the one that is looked at."""
    troubles = [finding for finding in found if finding.count]
    rows: list[dict[str, Any]] = [
        {
            "Finding": f.kind,
            "Count": f"{f.count:,} of {f.of:,}",
            "Share": f"{f.share:.0%}",
            "Turn": FIELDS.get(f.field, f.field),
        }
        for f in found
        if f.of
    ]
    if not rows:
        st.caption("There are no chunks to examine.")
        return None
    key = f"health-table-{len(rows)}"

    def picked() -> None:
        if chosen := st.session_state[key].selection.rows:
            st.session_state[LOOK] = rows[chosen[0]]["Finding"]

    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key=key,
        on_select=picked,
        selection_mode="single-row",
        alt="Chunk health",
    )
    by_kind = {f.kind: f for f in found if f.of}
    if not troubles:
        st.caption("Nothing of all this was found.")
    return by_kind.get(st.session_state.get(LOOK, "")) or (troubles[0] if troubles else None)


def _details(corpus: Corpus, one: Finding) -> None:
    """Draw what it means, what to turn, and examples that the reader scrolls to."""
    st.markdown(f"**{one.count:,} of {one.of:,}** {plain(one.title)}")
    where = WHERE.get(one.field, "")
    st.caption(plain(f"{one.why} Turn: {FIELDS.get(one.field, one.field)}{where}. {one.remedy}"))
    for i, span in enumerate(one.examples[:SHOWN]):
        st.button(
            plain(_said(corpus, span)), key=f"health-example-{i}", type="tertiary", on_click=show, args=(span,),
            icon=":material/my_location:",
        )  # fmt: skip
    if one.count > SHOWN:
        st.caption(f"The first {min(SHOWN, len(one.examples))} of {one.count:,}.")


def _said(corpus: Corpus, span: Span) -> str:
    text = " ".join(corpus[span].split())
    text = text if len(text) <= TEXT else f"{text[: TEXT // 2]} … {text[-TEXT // 2 :]}"
    return f"{corpus.document(span.document).name}: {text}"


def show(span: Span) -> None:
    """Show this place on the Bench."""
    st.session_state["document"] = span.document
    scroll_to(KEY, span)
    scroll_to(KEY_A, span)
