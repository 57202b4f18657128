"""The panels of the Bench: parameters, the source with its boundaries, the query with its hits."""

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from workbench import pipelines
from workbench.documents import Corpus, Document
from workbench.pipelines import Pipeline, to_yaml
from workbench.records import Hit, Question
from workbench.retrievers import RETRIEVERS, Collection, Where, analyser, context
from workbench.spans import Span, ranges
from workbench.tokens import count
from workbench.ui import charts, forms, jobs, live, sessions, snippets
from workbench.ui.hits import Column, column, hit_lists
from workbench.ui.reader import overlay, reader, scroll_to
from workbench.ui.shell import guarded, size_label, status_bar

KEY, KEY_A = "bench-reader", "bench-reader-a"
NAMES = {"dense": "Dense", "bm25": "BM25", "hybrid": "Hybrid"}
SPLITTER_NAMES = {
    "recursive": "Recursive",
    "fixed": "Fixed windows",
    "sentences": "Sentences",
    "structure": "Headings and blocks",
    "code": "Code by language",
    "separator": "One separator",
}


def status(corpus: Corpus, pipeline: Pipeline, job: jobs.Job | None) -> None:
    """The line of facts: corpus, splitter, model, chunks, and whether the index belongs to them."""
    found = live.totals(corpus, pipeline)
    limit = pipeline.embedder.max_tokens
    s = pipeline.splitter
    if job is None:
        state = "index not built"
    elif not job.finished.is_set():
        state = f"index building, {job.done:,} of {job.total:,}" if job.total else "index building"
    else:
        state = "index fresh" if job.result is not None else "index not built"
    status_bar(
        f"{size_label(len(corpus), 'documents')}, {size_label(corpus.characters, 'characters')}",
        f"{s.kind} {s.chunk_size}/{s.chunk_overlap} {s.unit}",
        f"{pipeline.embedder.source.name} ({f'{limit} tokens at most' if limit else 'no token limit'})",
        f"{size_label(found.chunks, 'chunks')}, {found.truncated} truncated",
        state,
    )


def document_choice(corpus: Corpus) -> Document | None:
    """The document that is shown."""
    by_id = {d.id: d for d in corpus}
    if st.session_state.get("document") not in by_id:
        st.session_state["document"] = next(iter(by_id), None)
    if not by_id:
        return None
    chosen: str = st.session_state["document"]

    def changed() -> None:
        st.session_state["document"] = st.session_state["bench-document"]

    st.session_state["bench-document"] = chosen
    st.selectbox(
        "Document",
        list(by_id),
        key="bench-document",
        on_change=changed,
        format_func=lambda id: by_id[id].name,
    )
    return by_id[chosen]


def parameters() -> None:
    """The controls of the pipeline in hand that are turned most; the rest is one click away."""
    forms.kind_choice("splitter", "Splitter", SPLITTER_NAMES)
    if sessions.mapping()["splitter"]["kind"] == "code":
        forms.field_controls("splitter", leave_out=_SIZES | {"tokenizer", "header"})
    forms.size_controls()
    forms.model_choice()
    with st.popover("More settings", icon=":material/settings:", width="stretch"):
        if sessions.mapping()["splitter"]["unit"] == "tokens":
            forms.tokenizer_choice()
        forms.field_controls("splitter", leave_out=_SIZES | {"tokenizer", "language"})
    with st.popover("Code for this", icon=":material/code:", width="stretch"):
        code(sessions.pipeline())


_SIZES = {"chunk_size", "chunk_overlap", "unit"}


def code(pipeline: Pipeline) -> None:
    """The pipeline in hand as a file, a command, Python, and LangChain where that gives equal chunks."""
    tabs = ["File", "Command", "Python", "LangChain"]
    chosen = st.segmented_control("Form", tabs, default="File", key="code-form", label_visibility="collapsed")
    query = st.session_state.get("query", "") or "How do I …?"
    if chosen == "Command":
        st.code(snippets.command(pipeline), language="bash", wrap_lines=True)
    elif chosen == "Python":
        st.code(snippets.python(pipeline, query), language="python")
    elif chosen == "LangChain":
        same = snippets.langchain(pipeline)
        if same:
            st.code(same, language="python")
            st.caption("Gives the same chunk texts; LangChain does not give their places.")
        else:
            st.caption("LangChain has no splitter of its own that gives these chunks. Use the file or the command.")
    else:
        st.code(to_yaml(pipeline), language="yaml")
        st.download_button("Download pipeline.yaml", to_yaml(pipeline), "pipeline.yaml", "application/yaml")


def source(
    document: Document, pipeline: Pipeline, gold: Sequence[Span], key: str = KEY, height: int = 600
) -> Span | None:
    """The document with its chunks; the span of the chunk that was clicked, if one was."""
    found = live.cut(document, pipeline)
    facts(found, pipeline)
    events = reader(
        document, key=key, chunks=found.chunks.spans, unseen=found.hidden, gold=gold, version=pipeline.fingerprint,
        height=height, selectable=False,
    )  # fmt: skip
    if events.clicked and events.clicked.layer == "chunk" and events.clicked.id < len(found.chunks):
        i = events.clicked.id
        chunk = found.chunks[i]
        where = document.page_at(chunk.span.start)
        status_bar(
            f"Chunk {i + 1}",
            f"{found.tokens[i]} tokens, {len(chunk.span)} characters at {chunk.span.start:,}",
            f"page {where}" if where else "",
            " › ".join(document.heading_path(chunk.span.start)),
            f"header: {chunk.header}" if chunk.header else "",
        )
        return chunk.span
    return None


def facts(found: live.Cut, pipeline: Pipeline) -> None:
    """Numbers of one document's chunks: how many, how large against what was asked for, what is cut off."""
    s, n = pipeline.splitter, len(found.chunks)
    limit = pipeline.embedder.max_tokens
    if not n:
        st.html("<div class='facts'>No chunks: the document holds no text that could be cut.</div>")
        return
    sizes = found.tokens if s.unit == "tokens" else found.chunks.spans[:, 1] - found.chunks.spans[:, 0]
    low, median, high = np.percentile(sizes, [5, 50, 95])
    line = (
        f"<b>{n:,}</b> chunks · median <b>{median:.0f}</b> {escape(s.unit)}, most of them {low:.0f} to {high:.0f}, "
        f"{s.chunk_size} asked for"
    )
    if found.truncated:
        characters = int(found.chunks.spans[-1, 1])
        share = live.invisible(found) / max(characters, 1)
        line += (
            f"<br><span class='warn'><b>{found.truncated} of {n} chunks are truncated</b>: "
            f"{share:.1%} of the text is invisible to search (the model reads {limit} tokens)</span>"
        )
    left, right = st.columns([3, 2], gap="small", vertical_alignment="center")
    left.html(f"<div class='facts'>{line}</div>")
    asked = s.chunk_size if s.unit == "tokens" else None
    right.html(charts.histogram(found.tokens, asked, limit))


def cost(corpus: Corpus, pipeline: Pipeline) -> str:
    """What the whole corpus takes to embed and to store."""
    found = live.totals(corpus, pipeline)
    size = found.chunks * pipeline.embedder.dimensions * 4
    return f"{found.tokens:,} tokens to embed, {size_label(size)} of vectors"


def query_box(questions: Sequence[Question]) -> str:
    """The query as it is typed; the sample questions stand one click away."""

    def typed() -> None:
        st.session_state["query"] = st.session_state["query-box"]

    st.session_state["query-box"] = st.session_state.get("query", "")
    left, right = st.columns([4, 1], gap="small", vertical_alignment="bottom")
    left.text_input(
        "Query",
        key="query-box",
        type="search",
        live="300ms",
        on_change=typed,
        placeholder="Type a test query",
        max_chars=500,
    )
    with right.popover("", icon=":material/list:", help="Sample questions", width="stretch"):
        samples = [q for q in questions if "sample" in q.tags] or list(questions)
        st.caption("Questions of the golden set; one click asks it." if samples else "No golden set yet.")
        for question in samples[:12]:
            st.button(question.text, key=f"ask-{question.id}", type="tertiary", on_click=_ask, args=(question.text,))
    return str(st.session_state.get("query", ""))


def _ask(text: str) -> None:
    st.session_state["query"] = text


def asked_question(questions: Sequence[Question], query: str) -> Question | None:
    """The golden question that the query repeats, word for word."""
    return next((q for q in questions if q.text.strip() == query.strip()), None)


def filters(corpus: Corpus) -> Where | None:
    """Which part of the corpus is searched; None for all of it."""
    names = {d.id: d.name for d in corpus}
    tags: dict[str, list[str]] = sessions.workspace().settings.get("tags", {})
    known = sorted({tag for d in corpus for tag in tags.get(d.source, [])})
    chosen = [id for id in st.session_state.get("filter-documents", []) if id in names]
    label = "Filter" if not _filtering(corpus) else "Filter: on"
    with st.popover(label, icon=":material/filter_alt:"):
        st.multiselect(
            "Documents",
            list(names),
            key="filter-documents",
            format_func=lambda id: names.get(id, "gone"),
            persist_state="session",
        )
        if known:
            st.multiselect("Tags", known, key="filter-tags", persist_state="session")
        within = [d for d in corpus if not chosen or d.id in chosen]
        sections = sorted(
            {" › ".join(d.heading_path(h.span.start)) for d in within for h in d.headings if h.level <= 2}
        )
        st.selectbox(
            "Section", ["", *sections], key="filter-section", format_func=lambda s: s or "any", persist_state="session"
        )
    return _where(corpus, tags)


def _filtering(corpus: Corpus) -> bool:
    return any(st.session_state.get(f"filter-{name}") for name in ("documents", "tags", "section"))


def _where(corpus: Corpus, tags: dict[str, list[str]]) -> Where | None:
    if not _filtering(corpus):
        return None
    documents = set(st.session_state.get("filter-documents") or (d.id for d in corpus))
    if wanted := set(st.session_state.get("filter-tags") or ()):
        documents &= {d.id for d in corpus if wanted & set(tags.get(d.source, []))}
    section = (
        tuple((st.session_state.get("filter-section") or "").split(" › "))
        if st.session_state.get("filter-section")
        else ()
    )
    return Where(tuple(d.id for d in corpus if d.id in documents), section)


def waiting(corpus: Corpus, pipeline: Pipeline, job: jobs.Job | None) -> str:
    """What the dense column waits for, in words; "" where it waits for nothing."""
    if job is None:
        return f"{live.totals(corpus, pipeline).chunks:,} chunks are not embedded yet"
    if job.error:
        return job.error
    if not job.finished.is_set():
        if not job.total:
            return "loading the model"
        left = f", about {job.left:.0f} s left" if job.left is not None else ""
        return f"embedding {job.done:,} of {job.total:,} chunks{left}"
    return ""


def progress(corpus: Corpus, pipeline: Pipeline, job: jobs.Job | None) -> None:
    """The progress of embedding with its rate, and the button that stops it, starts it, or tries again."""
    name = live.key(corpus, pipeline)
    if job is None or (job.finished.is_set() and job.result is None):

        def ask() -> None:
            with guarded():
                live.dense(corpus, pipeline, sessions.store(), asked=True)

        n = live.totals(corpus, pipeline).chunks
        if job is not None and job.error:
            st.caption(job.error)
        st.button(
            f"Embed {n:,} chunks", on_click=ask, icon=":material/play_arrow:", key="embed", help=cost(corpus, pipeline)
        )
    elif not job.finished.is_set():
        _running(name, job)


@st.fragment(run_every=0.7)
def _running(name: tuple[object, ...], job: jobs.Job) -> None:
    if job.finished.is_set():
        st.rerun()
    left, right = st.columns([4, 1], gap="small", vertical_alignment="center")
    share = job.done / job.total if job.total else 0.0
    rate = f"{job.done:,} of {job.total:,} chunks, {job.rate:.0f} a second" if job.total else "Loading the model"
    time_left = f", about {job.left:.0f} s left" if job.left is not None else ""
    left.progress(min(share, 1.0), text=f"{rate}{time_left}")
    right.button("Stop", key="stop-embedding", on_click=jobs.cancel, args=(name, live.watcher("a")))


def search(
    corpus: Corpus, pipeline: Pipeline, query: str, where: Where | None, job: jobs.Job | None, kinds: Sequence[str]
) -> dict[str, list[Hit] | None]:
    """For each kind of retriever its hits; None for those whose vectors are not there yet."""
    rows: Collection = job.result if job and job.result is not None else pipelines.collection(corpus, pipeline.splitter)
    found: dict[str, list[Hit] | None] = {}
    for kind in kinds:
        retriever = pipeline.retriever if pipeline.retriever.kind == kind else RETRIEVERS[kind]()
        if retriever.needs_vectors and not rows.has_vectors:
            found[kind] = None
        else:
            found[kind] = retriever(rows, [query], pipeline.k, where)[0]
    return found


def hits(corpus: Corpus, columns: Sequence[Column], movement: bool, height: int) -> None:
    """The ranked lists; a click shows the hit in the source, in another document if it stands there."""
    selected = st.session_state.get("selected")
    span = Span(*selected) if selected and selected[0] in corpus else None
    empty = "Type a query to see what is found, and where it stands in the source."
    events = hit_lists(columns, key="bench-hits", selected=span, movement=movement, height=height, empty=empty)
    if events.closed:
        st.session_state["selected"] = None
    if events.clicked:
        st.session_state["selected"] = [
            events.clicked.span.document,
            events.clicked.span.start,
            events.clicked.span.end,
        ]
        scroll_to(KEY, events.clicked.span)
        if events.clicked.span.document != st.session_state["document"]:
            st.session_state["document"] = events.clicked.span.document
            st.rerun(scope="fragment")


def as_column(
    title: str,
    found: Sequence[Hit] | None,
    corpus: Corpus,
    pipeline: Pipeline,
    query: str,
    note: str,
    question: Question | None,
) -> Column:
    """A list of hits as the component draws it, or its note where it has none yet."""
    if found is None:
        return Column(title, note=note)
    if not found and not note:
        note = "No chunk shares a word with the query."
    gold = [r.span for r in question.references] if question else None
    cuts = [live.cut(document, pipeline) for document in corpus]
    numbers = [i for c in cuts for i in range(1, len(c.chunks) + 1)]
    tokens = [int(n) for c in cuts for n in c.tokens]
    return column(title, found, corpus, query, note, numbers=numbers, tokens=tokens, gold=gold)


def context_facts(found: Sequence[Hit], corpus: Corpus, pipeline: Pipeline) -> None:
    """The text that a language model would be given, and what it costs in tokens."""
    assembled = context(found, corpus)
    name = pipeline.embedder.tokenizer
    tokens = count(name, assembled.text)
    with st.popover(f"Context: {tokens:,} tokens", icon=":material/article:"):
        st.caption(
            f"{len(found)} hits as {len(assembled.passages)} passages, {tokens:,} tokens of {name}; "
            "hits that overlap or touch are joined. This is what a language model would read."
        )
        st.code(assembled.text or "Nothing was found.", language=None, wrap_lines=True, height=420)


def retriever_choice() -> tuple[str, bool]:
    """The pipeline's retriever, and whether all three are shown side by side."""
    key = "retriever-kind"

    def changed() -> None:
        chosen = st.session_state[key]
        if chosen and chosen != sessions.mapping()["retriever"]["kind"]:
            forms.take_kind("retriever", chosen)

    current = sessions.mapping()["retriever"]["kind"]
    st.session_state[key] = current
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.segmented_control(
        "Retriever",
        list(NAMES),
        key=key,
        on_change=changed,
        format_func=NAMES.__getitem__,
        label_visibility="collapsed",
    )
    beside = row.toggle(
        "Side by side",
        value=True,
        key="side-by-side",
        persist_state="session",
        help="All three retrievers beside each other",
    )
    return current, beside


def k_control() -> None:
    """How many hits are asked for."""

    def changed() -> None:
        sessions.mapping()["k"] = st.session_state["k"]

    st.session_state["k"] = sessions.mapping()["k"]
    st.number_input("Hits (k)", 1, max(50, sessions.mapping()["k"]), key="k", on_change=changed, width=110)


def draw_over(
    document: Document, pipeline: Pipeline, found: Sequence[Hit], query: str, gold: Sequence[Span], key: str = KEY
) -> None:
    """Hits, gold and the query's terms over the document that the reader shows."""
    here = [hit for hit in found if hit.span.document == document.id]
    marks = [
        (hit.span.start + start, hit.span.start + end)
        for hit in here
        for start, end in analyser.matches(query, document[hit.span])
    ]
    overlay(
        document, key=key, hits=here, gold=gold, matches=ranges(sorted(set(marks))), version=pipeline.fingerprint,
        unseen=live.cut(document, pipeline).hidden,
    )  # fmt: skip


def compare_controls(pipeline: Pipeline, pinned: Pipeline | None) -> None:
    """Pins the pipeline in hand, to see the next one beside it; swaps the two, or lets the pinned one go."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    if pinned is None:
        row.button(
            "Pin as A", icon=":material/keep:", key="pin", on_click=sessions.pin, args=(pipeline,), type="tertiary",
            help="Keep this configuration, then change anything: both are shown side by side, on the same query.",
        )  # fmt: skip
        return
    same = pinned == pipeline
    row.caption(
        f"A: {pinned.label}"
        + (" — the same as in hand; change a setting to compare" if same else f"  ·  B, in hand: {pipeline.label}")
    )
    row.button(
        "Swap", key="swap", type="tertiary", icon=":material/swap_horiz:", on_click=_swap, args=(pipeline, pinned)
    )
    row.button("Unpin", key="unpin", type="tertiary", icon=":material/keep_off:", on_click=sessions.pin, args=(None,))


def _swap(pipeline: Pipeline, pinned: Pipeline) -> None:
    sessions.take(pinned)
    sessions.pin(pipeline)


def search_panel(
    corpus: Corpus,
    document: Document,
    pipeline: Pipeline,
    pinned: Pipeline | None,
    query: str,
    question: Question | None,
    height: int,
) -> None:
    """The controls of the search, its lists, and their marks in the source."""
    comparing = pinned is not None and pinned != pipeline
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row:
        k_control()
        where = filters(corpus)
    kind, beside = retriever_choice()
    job = live.dense(corpus, pipeline, sessions.store())
    note = waiting(corpus, pipeline, job)
    if note:
        progress(corpus, pipeline, job)
    kinds = [kind] if comparing or not beside else list(NAMES)
    lists = search(corpus, pipeline, query, where, job, kinds) if query.strip() else {}
    gold = [r.span for r in question.references] if question else []

    columns = [as_column(NAMES[name], lists[name], corpus, pipeline, query, note, question) for name in lists]
    if pinned is not None and comparing and query.strip():
        other = live.dense(corpus, pinned, sessions.store(), slot="b")
        theirs = search(corpus, pinned, query, where, other, [pinned.retriever.kind])[pinned.retriever.kind]
        columns = [
            as_column("A", theirs, corpus, pinned, query, waiting(corpus, pinned, other), question),
            as_column("B, in hand", lists[kind], corpus, pipeline, query, note, question),
        ]
        draw_over(document, pinned, theirs or [], query, gold, key=KEY_A)
    hits(corpus, columns, movement=comparing, height=height)
    chosen = lists.get(kind) or []
    draw_over(document, pipeline, chosen, query, gold)
    if query.strip():
        context_facts(chosen, corpus, pipeline)
