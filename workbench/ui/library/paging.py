"""A PDF's pages beside its text: chunks, golden passages and hits in both, and a click in one shows it in the other."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import streamlit as st

from workbench import pipelines
from workbench.documents import Corpus, Document
from workbench.errors import DocumentError, WorkbenchError
from workbench.parsers import Boxes, PageImage, boxes, page_image
from workbench.records import Hit
from workbench.retrievers import RETRIEVERS
from workbench.spans import Span
from workbench.ui import live, sessions
from workbench.ui.library.reading import facts
from workbench.ui.pages_view import Marks, PageEvents, page_view, peek
from workbench.ui.reader import reader, scroll_to
from workbench.ui.shell import plain

KEY, PAGE = "page-reader", "page-view"
SCALE = 1.6  # pixels a point: sharp at the width of a column
HEIGHT = 640
NAMED = 60


def pages(corpus: Corpus, shown: Document) -> None:
    """The text and the page side by side."""
    facts(shown)
    pipeline = sessions.pipeline()
    chunks = pipelines.split(shown, pipeline.splitter).spans
    gold = [r.span for q in sessions.questions(corpus) for r in q.references if r.span.document == shown.id]
    hits, said = _hits(corpus)
    hits = [hit for hit in hits if hit.span.document == shown.id]
    events = peek(PAGE)
    left, right = st.columns(2, gap="small")
    with right:
        place = st.container()
    if (span := _asked(shown, events)) is not None:
        scroll_to(KEY, span)
    with left:
        clicked = reader(
            shown, key=KEY, chunks=chunks, gold=gold, hits=hits, version=pipeline.fingerprint, structure=True,
            height=HEIGHT, selectable=False,
        ).clicked  # fmt: skip
    if clicked is not None:
        _turn(shown, shown.page_at(clicked.offset))
        st.session_state["page-focus"] = [clicked.layer, clicked.id]
    with place:
        _page(shown, Marks(chunks, gold, hits, tuple(st.session_state.get("page-focus", ()))))
    if said:
        st.caption(plain(said))


def _page(shown: Document, marks: Marks) -> None:
    number = current(shown)
    if number is None:
        st.caption("This document has no pages.")
        return
    try:
        image, found = drawn(shown, number)
    except DocumentError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    page_view(image, found, marks, [n for n, _ in shown.pages], key=PAGE, name=shown.name, height=HEIGHT)
    if not len(found.offsets):
        st.caption("No character of the text has a place on this page: it is blank, or a picture of text.")


def current(shown: Document) -> int | None:
    """The page that is shown of this document: the one it was turned to, else its first; None where it has none."""
    numbers = [number for number, _ in shown.pages]
    id, number = st.session_state.get("page-shown", ("", 0))
    return number if id == shown.id and number in numbers else next(iter(numbers), None)


def _turn(shown: Document, number: int | None) -> None:
    if number is not None:
        st.session_state["page-shown"] = [shown.id, number]


def _asked(shown: Document, events: PageEvents) -> Span | None:
    """What the page's own events ask of the reader: the place of a click, or the begin of the page it turned to."""
    starts = dict(shown.pages)
    if events.turned in starts:
        _turn(shown, events.turned)
        span = starts[events.turned]
        return Span(shown.id, span.start, min(span.start + 1, span.end))
    number = current(shown)
    if events.clicked is None or number is None or events.page != number:
        return None
    try:
        offset = drawn(shown, number)[1].offset_at(*events.clicked)
    except DocumentError:  # said where the page is drawn
        return None
    st.session_state["page-focus"] = []
    return None if offset is None else Span(shown.id, offset, offset + 1)


def drawn(shown: Document, number: int) -> tuple[PageImage, Boxes]:
    """The page's picture and the places of its characters, both made once."""
    source = next((s for s in sessions.workspace().sources if s.id == shown.source), None)
    if source is None:
        raise DocumentError(f"{shown.name} is no longer in the workspace; someone may have removed it")
    return _drawn(_File(shown, lambda: sessions.workspace().content(source)), number)


class _File:
    """A document and how to read its file, equal to another of the same document."""

    __slots__ = ("document", "read")

    def __init__(self, document: Document, read: Callable[[], bytes]) -> None:
        self.document, self.read = document, read

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _File) and self.document.id == other.document.id

    def __hash__(self) -> int:
        return hash(self.document.id)


@lru_cache(maxsize=48)
def _drawn(file: _File, number: int) -> tuple[PageImage, Boxes]:
    data = file.read()
    return page_image(file.document.name, data, number, SCALE), boxes(file.document, data, number)


def _hits(corpus: Corpus) -> tuple[Sequence[Hit], str]:
    """The hits of the Bench's query as far as they can be had at once, and which they are."""
    query, pipeline = str(st.session_state.get("query", "")).strip(), sessions.pipeline()
    if not query:
        return (), ""
    named = query if len(query) <= NAMED else f"{query[:NAMED]}…"
    job, retriever = live.known(corpus, pipeline), pipeline.retriever
    rows = job.result if job is not None and job.result is not None else live.rows(corpus, pipeline)
    if rows is None:
        return (), "The Bench's query has no hits here yet: all documents have to be cut first, which the Bench does."
    ready = rows.has_vectors or not retriever.needs_vectors
    why = "" if ready else f": the vectors of {retriever.kind} are not there yet"
    retriever = retriever if ready else RETRIEVERS["bm25"]()
    if not live.words(corpus, pipeline, rows, retriever):
        return (), "The Bench's query has no hits here yet: the words of all documents are being indexed."
    try:
        found = retriever(rows, [query], pipeline.k, None)[0]
    except WorkbenchError as error:
        return (), f"The Bench's query has no hits here: {error}"
    return found, f"Hits of the Bench's query “{named}” by {retriever.kind}{why}."
