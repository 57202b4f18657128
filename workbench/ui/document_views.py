"""One document as its parser, a reader and paper show it."""

from collections.abc import Callable, Sequence

import streamlit as st

from workbench import pipelines
from workbench.documents import Corpus, Document
from workbench.errors import DocumentError, WorkbenchError
from workbench.memory_cache import cached
from workbench.parsers import Auto, Boxes, PageImage, boxes, page_image
from workbench.records import Hit
from workbench.retrievers import RETRIEVERS
from workbench.spans import Span
from workbench.ui import compute, state
from workbench.ui.components.pdf import Marks, PageEvents, page_view, peek
from workbench.ui.components.reader import reader, scroll_to
from workbench.ui.documents import show
from workbench.ui.forms import control
from workbench.ui.layout import plain, size_label, status_bar

TEXT, PAGES, PARSERS = "Text", "Text and page", "Compare parsers"
PDF = "application/pdf"


def view(corpus: Corpus) -> str:
    """Return the view that will be shown, known before the list is drawn: it decides how wide that is."""
    chosen: str = st.session_state.get("document-view", TEXT)
    id = st.session_state.get("document", "")
    shown = corpus.document(id) if id in corpus else next(iter(corpus), None)
    return chosen if shown is not None and chosen in _offered(shown) else TEXT


def _offered(shown: Document) -> list[str]:
    return [TEXT, *([PAGES] if shown.media_type == PDF else []), PARSERS]


def view_choice(shown: Document) -> str:
    """Return which view of the document is chosen. Pages are offered where the file has them as on paper."""
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
    """Draw what the document holds, and the warnings of its parser."""
    kinds: dict[str, int] = {}
    for section in shown.sections:
        kinds[section.kind] = kinds.get(section.kind, 0) + 1
    told = [f"{n} {kind}{'s' if n != 1 and not kind.endswith('s') else ''}" for kind, n in sorted(kinds.items())]
    pages = size_label(len(shown.pages), "pages") if shown.pages else ""
    status_bar(shown.name, f"read by {shown.parser}", pages, *told)
    for warning in shown.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def document(shown: Document) -> None:
    """Draw the text with its structure."""
    facts(shown)
    if any("encoding" in warning.lower() for warning in shown.warnings) and state.workspace().writable:
        _encoding(shown)
    reader(shown, key="document-reader", structure=True, height=640, selectable=False)


def _encoding(shown: Document) -> None:
    def chosen() -> None:
        name = st.session_state["encoding"].strip()
        state.attempt(lambda: state.workspace().choose_parser(shown.source, Auto(encoding=name)))
        show(shown.source)

    st.text_input(
        "Read it in another encoding",
        key="encoding",
        on_change=chosen,
        placeholder="cp1252, shift_jis, utf-16 …",
        width=260,
    )


KEY, PAGE = "page-reader", "page-view"
SCALE = 1.6  # pixels a point: sharp at the width of a column
HEIGHT = 640
NAMED = 60


def pages(corpus: Corpus, shown: Document) -> None:
    """Draw the text and the page side by side."""
    facts(shown)
    pipeline = state.pipeline()
    chunks = pipelines.split(shown, pipeline.splitter).spans
    gold = [r.span for q in state.questions(corpus) for r in q.references if r.span.document == shown.id]
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
    """Return the page that is shown: the one the document was turned to, else its first; None where it has none."""
    numbers = [number for number, _ in shown.pages]
    id, number = st.session_state.get("page-shown", ("", 0))
    return number if id == shown.id and number in numbers else next(iter(numbers), None)


def _turn(shown: Document, number: int | None) -> None:
    if number is not None:
        st.session_state["page-shown"] = [shown.id, number]


def _asked(shown: Document, events: PageEvents) -> Span | None:
    """Return what the page's events ask of the reader: the place of a click, or the start of the page turned to."""
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
    """Return the page's picture and the places of its characters, both made once."""
    source = next((s for s in state.workspace().sources if s.id == shown.source), None)
    if source is None:
        raise DocumentError(f"{shown.name} is no longer in the workspace; someone may have removed it")
    return _drawn(_File(shown, lambda: state.workspace().content(source)), number)


class _File:
    """A document and how to read its file, equal to another of the same document."""

    __slots__ = ("document", "read")

    def __init__(self, document: Document, read: Callable[[], bytes]) -> None:
        self.document, self.read = document, read

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _File) and self.document.id == other.document.id

    def __hash__(self) -> int:
        return hash(self.document.id)


@cached(64 << 20, lambda found: len(found[0].png) + found[1].offsets.nbytes + found[1].rectangles.nbytes)
def _drawn(file: _File, number: int) -> tuple[PageImage, Boxes]:
    data = file.read()
    return page_image(file.document.name, data, number, SCALE), boxes(file.document, data, number)


def _hits(corpus: Corpus) -> tuple[Sequence[Hit], str]:
    """Return the hits of the Bench's query as far as they can be had at once, and which they are."""
    query, pipeline = str(st.session_state.get("query", "")).strip(), state.pipeline()
    if not query:
        return (), ""
    named = query if len(query) <= NAMED else f"{query[:NAMED]}…"
    job, retriever = compute.embedding(corpus, pipeline), pipeline.retriever
    rows = job.result if job is not None and job.result is not None else compute.rows(corpus, pipeline)
    if rows is None:
        return (), "The Bench's query has no hits here yet: all documents have to be cut first, which the Bench does."
    ready = rows.has_vectors or not retriever.needs_vectors
    why = "" if ready else f": the vectors of {retriever.kind} are not there yet"
    retriever = retriever if ready else RETRIEVERS["bm25"]()
    if not compute.words(corpus, pipeline, rows, retriever):
        return (), "The Bench's query has no hits here yet: the words of all documents are being indexed."
    try:
        found = retriever(rows, [query], pipeline.k, None)[0]
    except WorkbenchError as error:
        return (), f"The Bench's query has no hits here: {error}"
    return found, f"Hits of the Bench's query “{named}” by {retriever.kind}{why}."
