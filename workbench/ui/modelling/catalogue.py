"""Every model with what it costs on this corpus, a box to add one, the settings of the one in use, sizes against it."""

from dataclasses import replace
from typing import Any

import streamlit as st

from workbench import models
from workbench.documents import Corpus
from workbench.embedders import Late, SentenceTransformer, can_preview, embedder_for
from workbench.errors import WorkbenchError
from workbench.pipelines import Pipeline
from workbench.ui import bench, charts, controls, countings, forms, live, sessions
from workbench.ui.controls import control
from workbench.ui.differences import changed
from workbench.ui.kinds import EMBEDDERS
from workbench.ui.shell import plain, size_label

MOST_DOCUMENTS = 30


def table(corpus: Corpus) -> None:
    """Every model with what it costs on this corpus; a click uses it."""
    pipeline = sessions.pipeline()
    rows = [_row(name, corpus, pipeline) for name in forms.model_names()]
    names = [row["Model"] for row in rows]
    key = f"models-{corpus.id}-{len(rows)}"

    def picked() -> None:
        chosen = [names[row] for row in st.session_state[key].selection.rows]
        if chosen and chosen[0] != sessions.mapping()["embedder"]["model"]:
            forms.take_model(chosen[0])

    st.dataframe(
        rows,
        key=key,
        hide_index=True,
        placeholder="",
        on_select=picked,
        selection_mode="single-row",
        column_config={
            "Vectors": st.column_config.TextColumn(help="All vectors of this corpus as float32"),
            "Unseen": st.column_config.TextColumn(help="Share of the corpus's characters that this model cuts off"),
        },
        alt="Models",
    )


def _row(name: str, corpus: Corpus, pipeline: Pipeline) -> dict[str, Any]:
    """A model's line in the table; why it cannot be used where it cannot."""
    try:
        embedder = embedder_for(name)
    except WorkbenchError as error:
        return {"Model": name, "State": f"not available: {error}"}
    model, tried = embedder.source, replace(pipeline, embedder=embedder)
    found = countings.totals(corpus, tried)
    job = live.known(corpus, tried)
    in_use = embedder.fingerprint == pipeline.embedder.fingerprint
    ready = job is not None and job.result is not None
    return {
        "Model": name,
        "State": ("in use" if in_use else "available") + (", embedded" if ready else ""),
        "Dimensions": model.dimensions,
        "Tokens at most": f"{embedder.max_tokens:,}" if embedder.max_tokens else "no limit",
        "Truncated": f"{found.about}{found.truncated:,} of {found.chunks:,} chunks",
        "Unseen": f"{found.about}{found.unseen_share:.1%}",
        "Vectors": f"{found.about}{size_label(found.chunks * model.dimensions * 4)}",
        "Chunks a second": round(speed) if (speed := live.rate(embedder)) else None,
        "Licence": model.licence,
        "From": model.home,
    }


def add_model() -> None:
    """A box that takes a model of the user's own."""

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
        controls.renew("model-name")

    help = "A sentence-transformers id that is in the hub's cache on this machine, or a folder."
    if models.team_mode():
        help = "A model that this server allows."
    st.text_input(
        "Add a model", key=controls.key("model-name"), on_change=add, placeholder="id or folder", help=help, width=420
    )


def settings(corpus: Corpus) -> None:
    """The settings of the model in use, and the state of its vectors."""
    pipeline = sessions.pipeline()
    embedder = pipeline.embedder
    with st.popover(f"Settings of {plain(embedder.source.name)}", icon=":material/settings:"):
        st.caption(plain(embedder.source.note))
        if isinstance(embedder, Late) or can_preview(embedder):
            _late(embedder.kind)
        forms.field_controls("embedder", leave_out={"model"})
        st.caption(bench.cost(countings.totals(corpus, pipeline), pipeline))
    changed("embedder", {"model"})


def _late(kind: str) -> None:
    """Plain encoding, or chunks pooled from the states of the whole document's tokens."""

    def changed(chosen: str | None) -> None:
        if chosen and chosen != sessions.mapping()["embedder"]["kind"]:
            forms.take_kind("embedder", chosen)

    control(
        st.segmented_control,
        "Encoding",
        "embedder-late",
        kind,
        changed,
        options=[SentenceTransformer.kind, Late.kind],
        format_func={SentenceTransformer.kind: "Each chunk by itself", Late.kind: EMBEDDERS[Late.kind]}.__getitem__,
        help="Late chunking encodes a document once and gives each chunk the mean of its tokens' states, so that what "
        "stands around a chunk counts too. It is a model of its own, not a quicker way to the other's vectors.",
    )


def sizes(corpus: Corpus) -> None:
    """How large the chunks of each document are, for the model in use; drawn when it is opened."""
    opened = st.expander(
        "Chunk sizes by document", icon=":material/bar_chart:", key="sizes-opened", on_change="rerun"
    )  # fmt: skip
    if not opened.open:
        return
    with opened:
        pipeline = sessions.pipeline()
        by_name = {d.name: live.cut(d, pipeline).tokens for d in corpus.documents[:MOST_DOCUMENTS]}
        if len(corpus) > MOST_DOCUMENTS:
            st.caption(f"The first {MOST_DOCUMENTS} of {len(corpus):,} documents.")
        st.plotly_chart(
            charts.sizes_by_document(by_name, pipeline.embedder.max_tokens, pipeline.embedder.source.name),
            key="sizes",
            config={"displayModeBar": False},
        )
