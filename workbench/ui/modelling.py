"""The panels of the page Models: the models, the one in use, its index, and what the cache holds."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from workbench import models
from workbench.documents import Corpus
from workbench.embedders import embedder_for
from workbench.errors import WorkbenchError
from workbench.indexes import Flat, Index
from workbench.pipelines import Pipeline
from workbench.retrievers import Collection
from workbench.ui import bench, charts, forms, live, progress, sessions
from workbench.ui.shell import plain, size_label

MOST_DOCUMENTS = 30


def table(corpus: Corpus) -> None:
    """Every model with what it costs on this corpus; a click uses it."""
    pipeline = sessions.pipeline()
    rows = [_row(name, corpus, pipeline) for name in forms.model_names()]
    names = [row["Model"] for row in rows]
    event = st.dataframe(
        rows,
        key=f"models-{corpus.id}-{len(rows)}",
        hide_index=True,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Vectors": st.column_config.TextColumn(help="All vectors of this corpus as float32"),
            "Unseen": st.column_config.TextColumn(help="Share of the corpus's characters that this model cuts off"),
        },
    )
    if event.selection.rows:
        chosen = names[event.selection.rows[0]]
        if chosen != pipeline.embedder.source.name and chosen != sessions.mapping()["embedder"]["model"]:
            forms.take_model(chosen)
            st.rerun(scope="fragment")
    _add_model()


def _row(name: str, corpus: Corpus, pipeline: Pipeline) -> dict[str, Any]:
    """A model's line in the table; why it cannot be used where it cannot."""
    try:
        embedder = embedder_for(name)
    except WorkbenchError as error:
        return {"Model": name, "State": f"not available: {error}"}
    model, tried = embedder.source, replace(pipeline, embedder=embedder)
    found = live.totals(corpus, tried)
    job = live.known(corpus, tried)
    in_use = embedder.fingerprint == pipeline.embedder.fingerprint
    ready = job is not None and job.result is not None
    return {
        "Model": name,
        "State": ("in use" if in_use else "available") + (", embedded" if ready else ""),
        "Dimensions": model.dimensions,
        "Tokens at most": f"{embedder.max_tokens:,}" if embedder.max_tokens else "no limit",
        "Truncated": f"{found.truncated:,} of {found.chunks:,} chunks",
        "Unseen": f"{found.unseen_share:.1%}",
        "Vectors": size_label(found.chunks * model.dimensions * 4),
        "Chunks a second": round(speed) if (speed := live.rate(embedder)) else None,
        "Licence": model.licence,
        "From": model.home,
    }


def _add_model() -> None:
    def add() -> None:
        name = st.session_state["model-name"].strip()
        if not name:
            return
        try:
            models.find(name)
        except WorkbenchError as error:
            sessions.say("error", str(error))
            return
        workspace = sessions.workspace()
        named = [n for n in workspace.settings.get("models", []) if n != name]
        try:
            workspace.keep_settings(models=[*named, name])
        except WorkbenchError as error:
            sessions.say("error", str(error))
            return
        forms.take_model(name)
        st.session_state["model-name"] = ""

    help = "A sentence-transformers id that is in the hub's cache on this machine, or a folder."
    if models.team_mode():
        help = "A model that this server allows."
    st.text_input("Add a model", key="model-name", on_change=add, placeholder="id or folder", help=help, width=420)


def model(corpus: Corpus) -> None:
    """The settings of the model in use, and the state of its vectors."""
    pipeline = sessions.pipeline()
    st.subheader(plain(pipeline.embedder.source.name))
    st.caption(plain(pipeline.embedder.source.note))
    forms.field_controls("embedder", leave_out={"model"})
    st.caption(bench.cost(live.totals(corpus, pipeline), pipeline))
    job = live.dense(corpus, pipeline, sessions.store())
    if progress.waiting(corpus, pipeline, job):
        progress.progress(corpus, pipeline, job)
    elif job is not None:
        st.caption(f"Embedded; {job.total:,} chunks were new, the others came from the cache.")


def index(corpus: Corpus) -> None:
    """The index, its size, and how near an approximate one comes to the exact answer on these vectors."""
    st.subheader("Index")
    forms.kind_choice("index", "Kind", {"flat": "Flat (exact)", "hnsw": "HNSW (approximate)"})
    forms.field_controls("index")
    pipeline = sessions.pipeline()
    job = live.known(corpus, pipeline)
    if job is None or not isinstance(job.result, Collection):
        st.caption("Its size and speed are shown once the vectors are there.")
        return
    st.caption(measured(job.result, pipeline))


def measured(rows: Collection, pipeline: Pipeline) -> str:
    """Bytes, time of a query and agreement with the exact index, on the corpus's own vectors as queries."""
    built = rows.index
    if not isinstance(built, Index) or not len(built):
        return "There is nothing to search yet."
    k = min(pipeline.k, len(built))
    picks = np.linspace(0, len(built) - 1, min(100, len(built))).astype(np.int64)
    queries = built.vectors[picks]
    start = time.perf_counter()
    _, found = built.search(queries, k)
    each = (time.perf_counter() - start) / len(queries)
    words = f"{len(built):,} vectors, {size_label(built.bytes)}, {each * 1000:.2f} ms a query"
    if built.exact:
        return f"{words}; exact."
    _, true = Flat(metric=built.metric)(built.vectors).search(queries, k)
    same = np.mean([len(set(a) & set(b)) / k for a, b in zip(found.tolist(), true.tolist(), strict=True)])
    return f"{words}; finds {same:.1%} of the exact {k} nearest ({len(queries)} chunks as queries)."


def sizes(corpus: Corpus) -> None:
    """How large the chunks of each document are, for the model in use."""
    pipeline = sessions.pipeline()
    st.subheader("Chunk sizes by document")
    by_name = {d.name: live.cut(d, pipeline).tokens for d in corpus.documents[:MOST_DOCUMENTS]}
    if len(corpus) > MOST_DOCUMENTS:
        st.caption(f"The first {MOST_DOCUMENTS} of {len(corpus):,} documents.")
    source = pipeline.embedder.source
    st.plotly_chart(
        charts.sizes_by_document(by_name, pipeline.embedder.max_tokens, source.name),
        key="sizes",
        config={"displayModeBar": False},
    )


def cache() -> None:
    """What the store holds, against its cap, and the way to empty it."""
    st.subheader("Cache on disk")
    store = sessions.store()
    usage = store.usage()
    held = sum(u.bytes for u in usage.values())
    st.progress(min(1.0, held / store.capacity_bytes), text=f"{size_label(held)} of {size_label(store.capacity_bytes)}")
    names = {"vectors": "Vectors", "document": "Parsed documents", sessions.KEPT: "Shared pipelines"}
    for kind, u in usage.items():
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        row.caption(f"{names.get(kind, kind)}: {u.entries:,}, {size_label(u.bytes)}")
        if not models.team_mode():
            row.button("Clear", key=f"clear-{kind}", type="tertiary", on_click=store.clear, args=(kind,))
    st.caption(
        "Vectors and documents can be made again. Without a shared pipeline its links open the default one. "
        "What was not used for longest goes first."
    )
