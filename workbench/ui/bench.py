"""The Bench's panels around the source: parameters, facts, the text with its boundaries, code, comparing, sharing."""

from collections.abc import Sequence
from dataclasses import fields
from html import escape
from shlex import quote
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench import pipelines
from workbench.documents import Corpus, Document
from workbench.errors import WorkbenchError
from workbench.pipelines import REGISTRIES, Pipeline, from_yaml, to_yaml
from workbench.spans import Span
from workbench.specs import Spec
from workbench.tokens import BPE_ENCODINGS
from workbench.ui import corpus_stats, forms, jobs, layout, state
from workbench.ui.components.reader import reader
from workbench.ui.compute import Known
from workbench.ui.forms import changed, control
from workbench.ui.layout import plain, size_label, status_bar

KEY, KEY_A = "bench-reader", "bench-reader-a"
"""The readers of the current configuration and, in a comparison, of the pinned one."""

_SHOWN = {"chunk_size", "chunk_overlap", "unit", "language", "separator"}
"""The splitter's fields that stand on the page itself."""


def status(corpus: Corpus, pipeline: Pipeline, known: Known | None = None) -> None:
    """Draw the line of facts: corpus, splitter, model, chunks, and whether the index belongs to them.

    Without `known` it is the part that is known before anything is cut.
    """
    limit, s = pipeline.embedder.max_tokens, pipeline.splitter
    found = known.totals if known is not None else None
    status_bar(
        f"{size_label(len(corpus), 'documents')}, {size_label(corpus.characters, 'characters')}",
        f"{s.kind} {s.chunk_size}/{s.chunk_overlap} {s.unit}",
        f"{pipeline.embedder.source.name} ({f'max tokens {limit}' if limit else 'no token limit'})",
        f"{found.about}{size_label(found.chunks, 'chunks')}, {found.truncated:,} truncated" if found else "",
        found.cost(pipeline) if found else "",
        f"estimated from {found.sampled:,} of {len(corpus):,} documents" if found and found.sampled else "",
        f"index {_state(known.embedding)}" if known is not None else "",
    )


def _state(job: jobs.Job | None) -> str:
    if job is None or job.failed:
        return "not built"
    return "building" if job.running else "fresh"


def actions(pipeline: Pipeline, pinned: Pipeline | None) -> DeltaGenerator:
    """Draw and return the row of buttons that pin the current configuration, compare, and share what is shown."""
    row = st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small")
    if pinned is None:
        help = "Keep this configuration, then change anything: both stand side by side, on the same query."
        row.button(
            "Pin as A",
            icon=":material/keep:",
            key="pin",
            on_click=state.pin,
            args=(pipeline,),
            type="tertiary",
            help=help,
        )
    else:
        swap, unpin = ":material/swap_horiz:", ":material/keep_off:"
        row.button(
            "Swap",
            icon=swap,
            key="swap",
            on_click=_swap,
            args=(pipeline, pinned),
            type="tertiary",
            help="The current configuration is pinned as A, and A becomes the current one.",
        )
        row.button(
            "Unpin",
            icon=unpin,
            key="unpin",
            on_click=state.pin,
            args=(None,),
            type="tertiary",
            help="A is no longer shown beside the current configuration.",
        )
    with row.popover("Share", icon=":material/link:", type="tertiary"):
        links()
    return row


def links() -> None:
    """Draw the link that may change nothing; the owner's own only where the owner asks for it."""
    reading = state.reader_link()
    st.caption("Opens the same configuration, comparison and query" + (", and can change nothing." if reading else "."))
    if reading and st.toggle("Let them change it too", key="share-writing"):
        st.caption("Whoever has this link may add, replace and remove documents, and delete the workspace.")
        reading = ""
    st.code(reading or state.link(), language=None, wrap_lines=True)


def _swap(pipeline: Pipeline, pinned: Pipeline) -> None:
    state.take(pinned)
    state.pin(pipeline)


def document_choice(corpus: Corpus) -> Document | None:
    """Return the document that is shown; None where there is none."""
    if not len(corpus):
        return None
    if st.session_state.get("document", "") not in corpus:
        st.session_state["document"] = corpus.documents[0].id

    chosen: str = st.session_state["document"]
    control(
        st.selectbox,
        "Document",
        "bench-document",
        chosen,
        lambda id: st.session_state.update(document=id),
        options=forms.offered(corpus, "bench-find", [chosen]),
        format_func=lambda id: forms.name_of(corpus, id),
    )
    return corpus.document(chosen)


def parameters() -> None:
    """Draw the controls of the current configuration that are turned most; the rest is one click away."""
    kind = forms.kind_choice("splitter", "Splitter")
    if kind == "code":
        forms.field_controls("splitter", keep={"language"})
    if kind == "separator":
        forms.field_controls("splitter", keep={"separator"})
    forms.size_controls()
    forms.model_choice()
    with st.popover("More settings", icon=":material/settings:", width="stretch"):
        if state.mapping()["splitter"]["unit"] == "tokens":
            forms.tokenizer_choice()
        forms.field_controls("splitter", leave_out=_SHOWN | {"tokenizer"})
        _open_file()
    changed("splitter", _SHOWN)
    with st.popover("Code for this", icon=":material/code:", width="stretch"):
        code(state.pipeline())


def _open_file() -> None:
    """Draw a pipeline file in the place of the current configuration."""
    turn = st.session_state.get("open-turn", 0)
    file = st.file_uploader("Open a pipeline file", key=f"open-{turn}", type=["yaml", "yml"])
    if file is not None:
        try:
            state.take(from_yaml(file.getvalue().decode("utf-8", "replace")))
        except WorkbenchError as error:
            state.say("error", f"{file.name}: {error}")
        st.session_state["open-turn"] = turn + 1
        st.rerun()


def code(pipeline: Pipeline) -> None:
    """Draw the current configuration as a file, a command, Python, and LangChain where that gives equal chunks."""
    query = st.session_state.get("query", "") or "your query"
    forms_of_it = {
        "File": (to_yaml(pipeline), "yaml"),
        "Command": (command(pipeline), "bash"),
        "Python": (python(pipeline, query), "python"),
        "LangChain": (langchain(pipeline), "python"),
    }
    chosen = st.segmented_control(
        "Form", list(forms_of_it), default="File", key="code-form", label_visibility="collapsed", required=True
    )
    text, language = forms_of_it[str(chosen)]
    if not text:
        st.caption("LangChain has no splitter of its own that gives these chunks. Use the file, the command or Python.")
        return
    st.code(text, language=language, wrap_lines=language == "bash")
    if own := state.read_apart():
        names = ", ".join(plain(name) for name in own)
        st.caption(f"Read with settings of their own, which this does not hold: {names}.")
    if chosen == "LangChain":
        st.caption("Gives the same chunk texts. Where they stand in the source, LangChain does not tell.")
    if chosen == "File":
        st.download_button("Download pipeline.yaml", text, "pipeline.yaml", "application/yaml", key="download-pipeline")


def source(
    document: Document, pipeline: Pipeline, gold: Sequence[Span], title: str = "", key: str = KEY, height: int = 600
) -> None:
    """Draw the document with its chunks, the facts of these above it, and those of a chunk that was clicked below.

    The boundaries are sent before anything is counted: tokens can take a tenth of a second, and the text that the model
    never sees follows with the hits.
    """
    above = st.container(key=f"{key}-facts")
    chunks = pipelines.split(document, pipeline.splitter)
    version = pipeline.fingerprint
    events = reader(document, key=key, chunks=chunks.spans, gold=gold, version=version, height=height, selectable=False)
    found = corpus_stats.cut(document, pipeline)
    with above:
        facts(document, found, pipeline, title)
    if events.clicked and events.clicked.layer == "chunk" and events.clicked.id < len(chunks):
        i = events.clicked.id
        chunk = chunks[i]
        page = document.page_at(chunk.span.start)
        status_bar(
            f"Chunk {i + 1}",
            f"{found.tokens[i]} tokens, {len(chunk.span)} characters from {chunk.span.start:,}",
            f"page {page}" if page else "",
            " › ".join(document.heading_path(chunk.span.start)),
            f"header: {chunk.header}" if chunk.header else "",
        )


def facts(document: Document, found: corpus_stats.Cut, pipeline: Pipeline, title: str = "") -> None:
    """Draw how many chunks, how large against what was asked for, what is cut off; beside a `title`, in fewer words."""
    s, n = pipeline.splitter, len(found.chunks)
    limit, tokenizer = pipeline.embedder.max_tokens, pipeline.embedder.tokenizer
    if not n:
        st.html("<div class='facts'>No chunks: there is no text that could be cut.</div>")
        return
    sizes = corpus_stats.sizes(document, s)
    unit = s.unit if s.measure in ("characters", tokenizer) else f"tokens of {s.tokenizer}"
    low, median, high = np.percentile(sizes, [5, 50, 95])
    line = f"<b>{n:,}</b> chunk{'s' if n > 1 else ''} · median <b>{median:.0f}</b> {escape(unit)}"
    share = found.invisible / len(document.text)
    warning = (
        f"<b>{found.truncated:,} of {n:,} chunks are truncated</b>: {share:.0%} of the text is invisible to search"
    )
    if title:
        cut_off = f"<span class='warn'>{warning}</span>" if found.truncated else "0 truncated"
        st.html(f"<div class='facts compact'><b>{escape(title)}</b><br>{line}<br>{cut_off}</div>")
        return
    line += f", mostly {low:.0f} to {high:.0f}; asked for {s.chunk_size}"
    if found.truncated:
        line += f"<br><span class='warn'>{warning} (the model reads {limit} tokens)</span>"
    left, right = st.columns([3, 2], gap="small", vertical_alignment="center")
    left.html(f"<div class='facts'>{line}</div>")
    right.html(layout.histogram(sizes, s.chunk_size, limit if s.measure == tokenizer else None, unit))


HOMES = {part: "indexes" if part == "index" else f"{part}s" for part in REGISTRIES}
"""Part of a pipeline → the package that its methods are in."""


def call(spec: Spec) -> str:
    """Return the method as Python writes it, fields at their default left out: `Recursive(chunk_size=256)`."""
    changed = [f"{f.name}={getattr(spec, f.name)!r}" for f in fields(spec) if getattr(spec, f.name) != f.default]
    return f"{type(spec).__name__}({', '.join(changed)})"


def python(pipeline: Pipeline, query: str) -> str:
    """Return a few lines that give the same hits."""
    parts = {name: getattr(pipeline, name) for name in HOMES}
    return "\n".join(
        [
            "from workbench import Pipeline, read",
            *(f"from workbench.{HOMES[name]} import {type(part).__name__}" for name, part in parts.items()),
            "from workbench.pipelines import prepared",
            "",
            f'corpus = read("sample_docs", parser={call(pipeline.parser)})',
            "pipeline = Pipeline(",
            *(f"    {name}={call(part)}," for name, part in parts.items()),
            f"    k={pipeline.k},",
            ")",
            "rows = prepared(corpus, pipeline)",
            f"for hit in pipeline.retriever(rows, [{query!r}], pipeline.k)[0]:",
            "    print(hit.rank, hit.score, corpus[hit.span])",
        ]
    )


HUB_NAMES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
"""What a packaged model is called on the hub, where LangChain's users have it from."""


def langchain(pipeline: Pipeline) -> str:
    """Return code with LangChain's own splitter where its chunks are equal; "" where they are not."""
    s: Any = pipeline.splitter
    if s.kind != "recursive" or s.header != "none":
        return ""
    lines, length = ["from langchain_text_splitters import RecursiveCharacterTextSplitter"], ""
    if s.unit == "tokens" and s.tokenizer in BPE_ENCODINGS:
        lines += ["import tiktoken", "", f'encoding = tiktoken.get_encoding("{s.tokenizer}")']
        length = "    length_function=lambda text: len(encoding.encode_ordinary(text)),"
    elif s.unit == "tokens":
        hub_name = HUB_NAMES.get(s.tokenizer, s.tokenizer)
        if "/" not in hub_name:
            return ""
        lines += ["from tokenizers import Tokenizer", "", f"tokenizer = Tokenizer.from_pretrained({hub_name!r})"]
        lines += ["tokenizer.no_truncation()", "tokenizer.no_padding()"]
        length = "    length_function=lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids),"
    return "\n".join(
        [
            *lines,
            "",
            "splitter = RecursiveCharacterTextSplitter(",
            f"    chunk_size={s.chunk_size},",
            f"    chunk_overlap={s.chunk_overlap},",
            *([length] if length else []),
            f"    separators={list(s.separators)!r},",
            ")",
            "chunks = splitter.split_text(text)",
        ]
    )


def command(pipeline: Pipeline) -> str:
    """Return the command lines that print the same chunks, and the same hits."""
    flags = _flags("parser", pipeline.parser, "parser-") + _flags("splitter", pipeline.splitter, "")
    return (
        f"python -m workbench chunk FILE{''.join(flags)}\n"
        'python -m workbench search FOLDER --config pipeline.yaml --query "…"'
    )


def _flags(part: str, spec: Spec, prefix: str) -> list[str]:
    """Return the kind, where it is not the default, and every field that was changed."""
    flags = [] if type(spec) is type(getattr(Pipeline(), part)) else [f" --{part} {spec.kind}"]
    for f in fields(spec):
        value = getattr(spec, f.name)
        if value != f.default:
            values = [str(v) for v in (value if isinstance(value, tuple) else (value,))]
            written = " ".join(quote(v.encode("unicode_escape").decode() if v.isascii() else v) for v in values)
            flags.append(f" --{prefix}{f.name.replace('_', '-')} {written}")
    return flags
