"""The Bench's panels around a query: filters, what is searched and awaited, hits and their context."""

from collections.abc import Mapping, Sequence

import streamlit as st

from workbench import anatomy
from workbench.documents import Corpus, Document
from workbench.memory_cache import cached
from workbench.pipelines import Pipeline
from workbench.records import Hit, Question
from workbench.retrievers import RETRIEVERS, Where, analyser, context
from workbench.spans import Span, ranges
from workbench.tokens import count
from workbench.ui import compute, corpus_stats, forms, golden_editor, golden_score, headline, state
from workbench.ui.bench import KEY, KEY_A
from workbench.ui.components.hits import Column, column, hit_lists
from workbench.ui.components.reader import overlay, scroll_to
from workbench.ui.compute import Known
from workbench.ui.forms import control, unavailable
from workbench.ui.layout import plain

BESIDE = ("dense", "hybrid", "bm25")
"""In the order of the columns: hybrid between its two halves, so that lines show what it takes from each."""
LONGEST_QUERY = 500
SAMPLES = 12
MOST_HITS = 50


def query_box(questions: Sequence[Question]) -> str:
    """Return the query as it is typed; the sample questions stand one click away."""
    left, right = st.columns([4, 1], gap="small", vertical_alignment="bottom")
    leaves = state.mapping()["embedder"]["kind"] == "remote"  # then a query is sent when it is whole
    control(
        left.text_input,
        "Query",
        "query-box",
        st.session_state.get("query", ""),
        lambda typed: st.session_state.update(query=typed),
        type="search",
        live=False if leaves else "300ms",
        placeholder="Type a test query, then Enter" if leaves else "Type a test query",
    )
    query = str(st.session_state.get("query", ""))[:LONGEST_QUERY].strip()
    with right.popover("", icon=":material/list:", help="Sample questions", width="stretch"):
        if query:  # without a query they stand in the place of the hits
            sample_questions(questions)
    return query


def sample_questions(questions: Sequence[Question]) -> None:
    """Draw questions of the golden set to ask with one click."""
    samples = [q for q in questions if "sample" in q.tags] or list(questions)
    if not samples:
        st.caption("Type a query to see what is found, and where it stands in the source.")
        return
    st.caption("Type a query, or ask one of the golden set: its gold passage is outlined in the source.")
    for question in samples[:SAMPLES]:
        st.button(plain(question.text), key=f"ask-{question.id}", type="tertiary", on_click=_ask, args=(question,))


def _ask(question: Question) -> None:
    """Ask it, and show where its answer stands."""
    st.session_state["query"] = question.text[:LONGEST_QUERY]
    if question.references:
        answer = question.references[0].span
        st.session_state["document"] = answer.document
        scroll_to(KEY, answer)


def golden(questions: Sequence[Question], query: str) -> Question | None:
    """Return the golden question that the query repeats, word for word."""
    return next((q for q in questions if q.text[:LONGEST_QUERY].strip() == query), None)


def _label(kind: str) -> str:
    return forms.label("retriever", kind)


def k_control() -> None:
    """Draw how many hits are asked for."""
    current = state.mapping()["k"]
    ends = {"min_value": 1, "max_value": max(MOST_HITS, current)}
    control(st.number_input, "Hits (k)", "k", current, lambda k: state.put("k", k), width=110, **ends)


def retriever_choice() -> tuple[str, bool]:
    """Return the pipeline's retriever, and whether all three are shown beside each other."""

    def changed(kind: str | None) -> None:
        st.session_state["drawn"] = ""
        if kind:
            forms.take_kind("retriever", kind)

    current = state.mapping()["retriever"]["kind"]
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    control(
        row.segmented_control,
        "Retriever",
        "retriever-choice",
        current,
        changed,
        options=[*BESIDE, *(kind for kind in RETRIEVERS if kind not in BESIDE)],
        format_func=_label,
        label_visibility="collapsed",
        help="The retriever of this configuration: its hits are drawn in the source.",
    )
    beside = row.toggle(
        "All", value=True, key="side-by-side", persist_state="session", help="The three retrievers side by side."
    )
    if current != "dense":
        with row.popover("", icon=":material/settings:", help="Settings of the retriever"):
            forms.field_controls("retriever")
    forms.changed("retriever")
    if told := unavailable(state.pipeline().retriever):
        st.warning(plain(f"{told}."), icon=":material/cloud_off:")
    return current, beside


Lists = dict[str, list[Hit] | None]


def search(known: Known, query: str, where: Where | None, kinds: Sequence[str]) -> Lists:
    """Return for each kind of retriever its hits; None where what it searches is not there yet."""
    pipeline, found = known.pipeline, Lists()
    for kind in kinds:
        retriever = pipeline.retriever if pipeline.retriever.kind == kind else RETRIEVERS[kind]()
        rows = known.searchable if retriever.needs_vectors else known.rows
        found[kind] = None
        if rows is None or (retriever.needs_vectors and not rows.has_vectors) or unavailable(retriever):
            continue
        if known.has_words(retriever):
            found[kind] = retriever(rows, [query], pipeline.k, where)[0]
    return found


def panel(
    corpus: Corpus,
    document: Document,
    pipeline: Pipeline,
    pinned: Pipeline | None,
    query: str,
    questions: Sequence[Question],
    height: int,
) -> Known:
    """Draw the controls of the search, its lists, their marks in the source, and the score of the golden set.

    What is known of the current configuration, and of the pinned one, is asked here once; it is returned for the rest
    of the page.
    """
    score, off = st.empty(), st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        k_control()
        where = filters(corpus)
        follows = golden_score.control(questions)
        if follows:
            headline.choice()
    if follows:
        with score.container():
            golden_score.waits(pipeline)
    kind, beside = retriever_choice()
    question = golden(questions, query)
    bar = st.container()
    rival = pinned if pinned != pipeline else None
    kinds = list(dict.fromkeys([*BESIDE, kind])) if beside and rival is None else [kind]
    needed = [RETRIEVERS[k]() for k in kinds if query and k != pipeline.retriever.kind]
    known = compute.ask(corpus, pipeline, state.store(), [*needed, pipeline.retriever])
    other = compute.ask(corpus, rival, state.store(), [rival.retriever]) if rival is not None else None
    with bar:
        if known.waits_for:
            compute.progress(known)
        elif other is not None and other.waits_for:
            compute.progress(other)  # else nothing would come back when A is done
        compute.corpus_progress(known)

    lists = search(known, query, where, kinds) if query else {}
    theirs: list[Hit] | None = None
    place = st.empty()  # cleared by hand: while a fragment inside polls, Streamlit leaves what a run did not draw
    if not query:
        with place.container():
            sample_questions(questions)
    elif other is not None:
        theirs_kind = other.pipeline.retriever.kind
        theirs = search(other, query, where, [theirs_kind])[theirs_kind]
        columns = [
            _column(_title("A, pinned", theirs_kind, other), theirs, other, query, question),
            _column(_title("B, current", kind, known), lists[kind], known, query, question),
        ]
        _lists(corpus, columns, theirs is not None and lists[kind] is not None, height)
        _mark(corpus, columns, questions, query)
    else:
        ready = {k: found for k, found in lists.items() if found is not None} or lists  # what waits takes no room
        columns = [_column(_title(_label(k), k, known), found, known, query, question) for k, found in ready.items()]
        _lists(corpus, columns, False, height, list(ready))
        _mark(corpus, columns, questions, query)
    order = (st.session_state.get("drawn"), kind, "bm25")
    drawn = next((found for k in order if k and (found := lists.get(k)) is not None), [])
    _draw(document, pipeline, drawn, query, KEY)
    if rival is not None:
        _draw(document, rival, theirs or [], query, KEY_A)
    if lists.get(kind) is not None:
        context_view(drawn, corpus, pipeline)
    with off.container():
        golden_score.preview_line(known, questions, query)
    if follows:
        with score.container():
            golden_score.line(known, questions, other)
    return known


def _title(name: str, kind: str, known: Known) -> str:
    """Return the list's title, which says where its hits are a preview's."""
    return f"{name}, preview" if known.state == "preview" and RETRIEVERS[kind]().needs_vectors else name


def _column(title: str, found: Sequence[Hit] | None, known: Known, query: str, question: Question | None) -> Column:
    """Return a list of hits as the component draws it, or what it waits for."""
    by_words = title == _label("bm25")
    if found is None:
        if title.startswith((_label("rerank"), "A,", "B,")) and unavailable(known.pipeline.retriever):
            return Column(title, note="Its model is not here")
        if by_words and known.rows is not None:
            return Column(title, note="Waits until the words of all documents are indexed")
        running = known.embedding is not None and known.embedding.running
        return Column(title, note="Waits for the embedding above" if running else known.waits_for)
    nothing = "No chunk shares a word with the query." if by_words else "Nothing to find: is a filter on?"
    note = "" if found else nothing
    gold = [r.span for r in question.references] if question else None
    numbers, tokens = corpus_stats.numbers(known.rows, known.pipeline)
    return column(title, found, known.corpus, query, note, numbers=numbers, tokens=tokens, gold=gold)


def _lists(corpus: Corpus, columns: Sequence[Column], movement: bool, height: int, kinds: Sequence[str] = ()) -> None:
    """Draw the ranked lists; a click shows the hit in the source, with the ranks of the list that was clicked."""
    selected = st.session_state.get("selected")
    span = Span(*selected) if selected and selected[0] in corpus else None
    events = hit_lists(columns, key="bench-hits", selected=span, movement=movement, height=height)
    if events.closed:
        st.session_state["selected"] = None
    if events.clicked:
        hit = events.clicked.span
        st.session_state["selected"] = [hit.document, hit.start, hit.end]
        scroll_to(KEY, hit)
        scroll_to(KEY_A, hit)
        if kinds:
            st.session_state["drawn"] = kinds[events.clicked.column]
        if hit.document != st.session_state["document"]:
            st.session_state["document"] = hit.document
            st.rerun(scope="fragment")


def _mark(corpus: Corpus, columns: Sequence[Column], questions: Sequence[Question], query: str) -> None:
    """Makes the selected hit a gold passage of the query."""
    selected = st.session_state.get("selected")
    span = Span(*selected) if selected else None
    hit = next((row.hit for c in columns for row in c.rows if row.hit.span == span), None)
    if hit is None or not state.workspace().writable:
        return
    question = golden(questions, query)
    if question and any(anatomy.state(r.span, [hit.span], corpus.blanks) == anatomy.WHOLE for r in question.references):
        st.caption(f"This hit holds a gold passage of {plain(question.id)}.")
        return
    whose = f"A further passage of {plain(question.id)}" if question else "A new question of the golden set"
    st.button(
        "Mark as an answer",
        icon=":material/fact_check:",
        key="mark-hit",
        on_click=golden_editor.mark,
        args=(corpus, questions, query, hit),
        type="tertiary",
        help=f"{whose}, with the whole hit as its passage; the page Golden set narrows it.",
    )


def _draw(document: Document, pipeline: Pipeline, found: Sequence[Hit], query: str, key: str) -> None:
    """Draw hits, the query's terms and truncated text over the document that the reader shows."""
    here = [hit for hit in found if hit.span.document == document.id]
    marks = {
        (hit.span.start + start, hit.span.start + end)
        for hit in here
        for start, end in analyser.matches(query, document[hit.span])
    }
    unseen, version = corpus_stats.cut(document, pipeline).hidden, pipeline.fingerprint
    overlay(document, key=key, hits=here, matches=ranges(sorted(marks)), unseen=unseen, version=version)


def context_view(found: Sequence[Hit], corpus: Corpus, pipeline: Pipeline) -> None:
    """Draw the text that a language model would be given, and what it costs in tokens."""
    assembled = context(found, corpus)
    name = pipeline.embedder.tokenizer
    tokens = count(name, assembled.text)
    with st.popover(f"Context: {tokens:,} tokens", icon=":material/article:"):
        st.caption(
            f"What a language model would read: {len(found)} hits as {len(assembled.passages)} passages, hits that "
            f"overlap or touch joined; {tokens:,} tokens of {plain(name)}."
        )
        st.code(assembled.text or "Nothing was found.", language=None, wrap_lines=True, height=420)


MOST_READ = 200
"""Documents whose headings are listed: each has to be read for it."""


def filters(corpus: Corpus) -> Where | None:
    """Return which part of the corpus is searched; None for all of it."""
    tags: Mapping[str, list[str]] = state.workspace().settings.get("tags", {})
    where = _where(corpus, tags)
    with st.popover("Filter" if where is None else "Filter is on", icon=":material/filter_alt:"):
        chosen = st.session_state.get("filter-documents") or []
        st.multiselect(
            "Documents",
            forms.offered(corpus, "filter-find", chosen),
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
    """Return the tags of the documents that are here."""
    if not any(tags.values()):
        return []
    return sorted({tag for d in corpus for tag in tags.get(d.source, [])})


@cached(16, lambda found: 1)
def _sections(corpus: Corpus, documents: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the paths of the upper headings of these documents, or of all where there are few."""
    if not documents and len(corpus) > MOST_READ:
        return []
    within = [corpus.document(id) for id in documents] or corpus.documents
    return sorted({d.heading_path(h.span.start) for d in within for h in d.headings if h.level <= 2})


def _where(corpus: Corpus, tags: Mapping[str, list[str]]) -> Where | None:
    documents, wanted, section = (st.session_state.get(f"filter-{name}") for name in ("documents", "tags", "section"))
    if not (documents or wanted or section):
        return None
    kept = [
        d.id
        for d in corpus
        if (not documents or d.id in documents) and (not wanted or set(wanted) & set(tags.get(d.source, [])))
    ]
    return Where(tuple(kept), tuple(section or ()))
