"""The models: what each costs on this corpus, the candidates of a comparison and their prices, and the cache."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import streamlit as st

from workbench import models
from workbench.documents import Corpus
from workbench.embedders import (
    Embedder,
    Late,
    Remote,
    SentenceTransformer,
    can_preview,
    embedder_for,
    missing,
    new_texts,
)
from workbench.embedders.embedder import SpanEncoder
from workbench.errors import WorkbenchError
from workbench.indexes import mapped
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.retrievers import Dense
from workbench.settings import team_mode
from workbench.specs import to_dict
from workbench.splitters.chunk_cache import is_large
from workbench.ui import compute, corpus_stats, forms, jobs, layout, state
from workbench.ui.forms import changed, control
from workbench.ui.layout import duration, plain, size_label

MOST_DOCUMENTS = 30


def table(corpus: Corpus) -> None:
    """Draw every model with what it costs on this corpus; a click uses it."""
    pipeline = state.pipeline()
    rows = [_row(name, corpus, pipeline) for name in forms.model_names()]
    names = [row["Model"] for row in rows]
    key = f"models-{corpus.id}-{len(rows)}"

    def picked() -> None:
        chosen = [names[row] for row in st.session_state[key].selection.rows]
        if chosen and chosen[0] != state.mapping()["embedder"]["model"]:
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
            "Truncated text": st.column_config.TextColumn(
                help="Share of the characters that this model does not embed"
            ),
        },
        alt="Models",
    )


def _row(name: str, corpus: Corpus, pipeline: Pipeline) -> dict[str, Any]:
    """Return a model's line in the table; why it cannot be used where it cannot."""
    try:
        embedder = embedder_for(name)
    except WorkbenchError as error:
        return {"Model": name, "State": f"not available: {error}"}
    model, tried = embedder.source, replace(pipeline, embedder=embedder)
    found = corpus_stats.totals(corpus, tried)
    job = compute.embedding(corpus, tried)
    in_use = embedder.fingerprint == pipeline.embedder.fingerprint
    ready = job is not None and job.result is not None
    return {
        "Model": name,
        "State": ("in use" if in_use else "available") + (", embedded" if ready else ""),
        "Dimensions": model.dimensions,
        "Max tokens": f"{embedder.max_tokens:,}" if embedder.max_tokens else "no limit",
        "Truncated": f"{found.about}{found.truncated:,} of {found.chunks:,} chunks",
        "Truncated text": f"{found.about}{found.unseen_share:.1%}",
        "Vectors": f"{found.about}{size_label(found.chunks * model.dimensions * 4)}",
        "Chunks/s": round(speed) if (speed := compute.rate(embedder)) else None,
        "Licence": model.licence,
        "From": model.home,
    }


def add_model() -> None:
    """Draw a box that takes a model of the user's own."""

    def add() -> None:
        name = st.session_state["model-name"].strip()
        if not name:
            return
        try:
            models.find(name)
        except WorkbenchError as error:
            state.say("error", str(error))
            return
        workspace = state.workspace()
        named = [n for n in workspace.settings.get("models", []) if n != name]
        try:
            workspace.keep_settings(models=[*named, name])
        except WorkbenchError as error:
            state.say("error", str(error))
            return
        forms.take_model(name)
        forms.renew("model-name")

    help = "A sentence-transformers id that is in the hub's cache on this machine, or a folder."
    if team_mode():
        help = "A model that this server allows."
    st.text_input(
        "Add a model", key=forms.key("model-name"), on_change=add, placeholder="id or folder", help=help, width=420
    )


def settings(corpus: Corpus) -> None:
    """Draw the settings of the model in use, and the state of its vectors."""
    pipeline = state.pipeline()
    embedder = pipeline.embedder
    with st.popover(f"Settings of {plain(embedder.source.name)}", icon=":material/settings:"):
        st.caption(plain(embedder.source.note))
        if isinstance(embedder, Late) or can_preview(embedder):
            _late(embedder.kind)
        forms.field_controls("embedder", leave_out={"model"})
        st.caption(corpus_stats.totals(corpus, pipeline).cost(pipeline))
    changed("embedder", {"model"})


def _late(kind: str) -> None:
    """Draw the choice between plain encoding and chunks pooled from the states of the whole document's tokens."""

    def changed(chosen: str | None) -> None:
        if chosen and chosen != state.mapping()["embedder"]["kind"]:
            forms.take_kind("embedder", chosen)

    control(
        st.segmented_control,
        "Encoding",
        "embedder-late",
        kind,
        changed,
        options=[SentenceTransformer.kind, Late.kind],
        format_func=lambda kind: "Each chunk by itself" if kind != Late.kind else forms.label("embedder", kind),
        help="Late chunking encodes a document once and gives each chunk the mean of its tokens' states, so that what "
        "stands around a chunk counts too. It is a model of its own, not a quicker way to the other's vectors.",
    )


def sizes(corpus: Corpus) -> None:
    """Draw how large the chunks of each document are, for the model in use; drawn when it is opened."""
    opened = st.expander(
        "Chunk sizes by document", icon=":material/bar_chart:", key="sizes-opened", on_change="rerun"
    )  # fmt: skip
    if not opened.open:
        return
    with opened:
        pipeline = state.pipeline()
        by_name = {d.name: corpus_stats.cut(d, pipeline).tokens for d in corpus.documents[:MOST_DOCUMENTS]}
        if len(corpus) > MOST_DOCUMENTS:
            st.caption(f"The first {MOST_DOCUMENTS} of {len(corpus):,} documents.")
        st.plotly_chart(
            layout.sizes_by_document(by_name, pipeline.embedder.max_tokens, pipeline.embedder.source.name),
            key="sizes",
            config={"displayModeBar": False},
        )


LENGTHS = (256, 128, 64)
"""Dimensions to which a model's vectors can be cut, where it has more."""
CHOSEN = "models-compared"
AGREED = "models-agreed"
"""Session state: fingerprints of remote models to which this visit agreed to send its texts."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model in the comparison, and the current configuration with it, by dense search: only the model differs."""

    label: str
    pipeline: Pipeline

    @property
    def embedder(self) -> Embedder:
        """The model."""
        return self.pipeline.embedder


def choices(pipeline: Pipeline) -> dict[str, Candidate]:
    """Return label → model: the current one, then every other, each with fewer dimensions and late chunking."""
    found: dict[str, Embedder] = {}
    for name in forms.model_names():
        try:
            found |= _variants(name)
        except WorkbenchError:
            continue  # the table of models says why
    own = next((label for label, e in found.items() if e.fingerprint == pipeline.embedder.fingerprint), None)
    if own is None:
        own = f"{pipeline.embedder.source.name}, as set"
        found[own] = pipeline.embedder
    order = [own, *(label for label in found if label != own)]
    return {label: Candidate(label, searched(pipeline, found[label])) for label in order}


@lru_cache(maxsize=64)
def _variants(name: str) -> dict[str, Embedder]:
    usual = embedder_for(name)
    out: dict[str, Embedder] = {name: usual}
    for length in LENGTHS:
        if length < usual.dimensions:
            out[f"{name}, {length} dimensions"] = replace(usual, truncate_dim=length)  # type: ignore[call-arg]
    if can_preview(usual):
        out[f"{name}, late chunking"] = Late(name)
    return out


def searched(pipeline: Pipeline, embedder: Embedder) -> Pipeline:
    """Return the pipeline with this model, searched by vectors alone."""
    retriever = pipeline.retriever if isinstance(pipeline.retriever, Dense) else Dense()
    return replace(pipeline, embedder=embedder, retriever=retriever)


def chosen(pipeline: Pipeline) -> list[Candidate]:
    """Return the models to compare, as chips; at first the current one and the other models that are installed."""
    found = choices(pipeline)
    others = [name for name in forms.model_names() if name in found]
    kept = [label for label in st.session_state.get(CHOSEN, []) if label in found]
    if st.session_state.get(CHOSEN) not in (None, kept):
        st.session_state[CHOSEN] = kept  # a model that is gone
    picked = st.multiselect(
        "Compare",
        list(found),
        default=list(dict.fromkeys([next(iter(found)), *others]))[:3] if CHOSEN not in st.session_state else None,
        key=CHOSEN,
        placeholder="Choose models",
        persist_state="session",
        help="Any number of models, each also with fewer dimensions (Matryoshka) or with late chunking, on the same "
        "chunks.",
    )
    return [found[label] for label in picked]


def price(candidate: Candidate) -> float | None:
    """Return US dollars per million tokens, as the endpoint or else the user says; None where neither does."""
    given = state.workspace().settings.get("prices", {}).get(candidate.embedder.source.name)
    own = candidate.embedder.source.price
    return own if own is not None else given


def prices(candidates: Sequence[Candidate]) -> None:
    """Draw what a million tokens cost with each model; an endpoint's own price stands."""
    workspace = state.workspace()
    with st.popover("Prices", icon=":material/payments:", help="US dollars per million tokens, for the table"):
        for name in dict.fromkeys(r.embedder.source.name for r in candidates):
            candidate = next(r for r in candidates if r.embedder.source.name == name)

            def changed(value: float | None, name: str = name) -> None:
                known = workspace.settings.get("prices", {})
                state.attempt(lambda: workspace.keep_settings(prices={**known, name: value}))

            fixed, current = candidate.embedder.source.price is not None, price(candidate)
            control(
                st.number_input, plain(name), f"price-{name}", None if current is None else float(current), changed,
                min_value=0.0, max_value=1_000_000.0, step=0.01, format="%.4f",
                disabled=fixed or not workspace.writable, placeholder="none",
                help="The price that the endpoint's definition names." if fixed else None,
            )  # fmt: skip


def job_of(corpus: Corpus, candidate: Candidate, in_hand: bool) -> jobs.Job | None:
    """Return the job that embeds for this model; None where it waits for a click: it takes long or sends text."""
    if (job := compute.embedding(corpus, candidate.pipeline)) is not None:
        return compute.dense(corpus, candidate.pipeline, state.store()) if job.abandoned else job
    if in_hand or candidate.embedder.kind == "static":
        return compute.dense(corpus, candidate.pipeline, state.store())
    if not isinstance(candidate.embedder, SpanEncoder) and not is_large(corpus) and not to_embed(corpus, candidate):
        return compute.dense(corpus, candidate.pipeline, state.store(), asked=True)  # all of it is in the cache
    return None


MOST_LOOKED = 500
"""Chunks of a large corpus of which it is looked whether they are embedded, for an estimate."""


def to_embed(corpus: Corpus, candidate: Candidate) -> int:
    """Return how many of the distinct chunks this model has not embedded yet; of a large corpus about how many."""
    rows = compute.rows(corpus, candidate.pipeline)
    if rows is None:  # its sizes are counted by another tokenizer, and nothing is cut by it yet
        return corpus_stats.totals(corpus, candidate.pipeline).chunks
    texts = rows.texts()
    if not is_large(corpus) or len(texts) <= MOST_LOOKED:
        return missing(candidate.embedder, texts, state.store())
    some = [texts[row] for row in random.Random(0).sample(range(len(texts)), MOST_LOOKED)]
    return round(missing(candidate.embedder, some, state.store()) * len(texts) / MOST_LOOKED)


def questions_to_send(candidate: Candidate, questions: Sequence[Question]) -> list[str]:
    """Return the questions that a remote model has not seen yet, unless this visit agreed to send them; else none."""
    embedder = candidate.embedder
    if not isinstance(embedder, Remote) or embedder.fingerprint in st.session_state.get(AGREED, []):
        return []
    return new_texts(embedder, [q.text for q in questions], state.store(), queries=True)


def offer(corpus: Corpus, candidate: Candidate, questions: Sequence[Question], job: jobs.Job | None) -> None:
    """Draw what embedding with this model will cost, and the button that starts it."""
    embedder = candidate.embedder
    found = corpus_stats.totals(corpus, candidate.pipeline)
    count = found.chunks if isinstance(embedder, SpanEncoder) else to_embed(corpus, candidate)
    speed = compute.rate(embedder)
    about = f", about {duration(count / speed)} at the speed measured here" if speed else ""
    money = price(candidate)
    dollars = f", about ${found.tokens * money / 1e6:,.2f}" if money and not isinstance(embedder, Remote) else ""

    def ask() -> None:
        st.session_state[AGREED] = [*st.session_state.get(AGREED, []), embedder.fingerprint]
        try:
            compute.dense(corpus, candidate.pipeline, state.store(), asked=True)
        except WorkbenchError as error:
            state.say("error", str(error))

    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.button(
        f"Measure {plain(candidate.label)}", key=f"measure-{embedder.fingerprint}", icon=":material/play_arrow:",
        on_click=ask, type="tertiary",
    )  # fmt: skip
    nearly = "about " if is_large(corpus) else ""
    told = f"{nearly}{count:,} chunks to embed, {found.about}{found.tokens:,} tokens in all{about}{dollars}"
    if isinstance(embedder, Remote):
        rows = compute.every_row(corpus, candidate.pipeline).texts()
        chunks = embedder.disclosure(new_texts(embedder, rows, state.store()), "chunks")
        asked = questions_to_send(candidate, questions)
        told = f"Pressing the button {chunks}" + (f", then {size_label(len(asked), 'questions')}" if asked else "")
    error = f"{job.error} " if job is not None and job.error else ""
    row.caption(plain(f"{error}{told}."))


def take(candidate: Candidate) -> None:
    """Use this model from now on; the tokenizer of sizes follows, unless it was another than the model's."""
    before = state.mapping()["embedder"]["model"]
    state.put("embedder", to_dict(candidate.embedder))
    if state.mapping()["splitter"]["tokenizer"] == before:
        state.change("splitter", tokenizer=candidate.embedder.source.name)


def cache() -> None:
    """Draw what the store holds, against its cap, and the way to empty it."""
    store = state.store()
    usage = store.usage()
    held = sum(u.bytes for u in usage.values())
    st.progress(min(1.0, held / store.capacity_bytes), text=f"{size_label(held)} of {size_label(store.capacity_bytes)}")
    names = {
        "vectors": "Vectors",
        "blocks": "Vectors by document",
        "chunks": "Chunks by document",
        "figures": "Figures of documents",
        "terms": "Words by document",
        "document": "Parsed documents",
        "card": "Lists of documents",
        state.KEPT: "Shared pipelines",
    }
    count, size = mapped.usage(store.folder)
    if count:
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        most = size_label(int(mapped.SHARE * store.capacity_bytes))
        row.caption(f"Vectors of large collections, in files: {count:,}, {size_label(size)} of {most} beside these")
        if not team_mode():
            row.button("Clear", key="clear-matrices", type="tertiary", on_click=_clear_files)
    for kind, u in usage.items():
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        row.caption(f"{names.get(kind, kind)}: {u.entries:,}, {size_label(u.bytes)}")
        if not team_mode():
            row.button("Clear", key=f"clear-{kind}", type="tertiary", on_click=store.clear, args=(kind,))
    st.caption(
        "Vectors and documents can be made again. Without a shared pipeline its links open the default one. "
        "What was not used for longest goes first."
    )


def _clear_files() -> None:
    state.attempt(lambda: mapped.clear(state.store().folder))
