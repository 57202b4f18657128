"""The models that are compared: chips to choose them by, and the work that each needs, priced before it starts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import streamlit as st

from workbench.documents import Corpus
from workbench.embedders import Embedder, Late, Remote, can_preview, embedder_for, missing, new_texts
from workbench.embedders.embedder import SpanEncoder
from workbench.errors import WorkbenchError
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.retrievers import Dense
from workbench.specs import to_dict
from workbench.splitters.chunk_cache import is_large
from workbench.ui import countings, forms, jobs, live, sessions
from workbench.ui.controls import control
from workbench.ui.shell import plain, size_label

LENGTHS = (256, 128, 64)
"""Dimensions to which a model's vectors can be cut, where it has more."""
CHOSEN = "models-compared"
AGREED = "models-agreed"
"""Session state: fingerprints of remote models to which this visit agreed to send its texts."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A model in the comparison, and the pipeline in hand with it: dense search, so that the model is what differs."""

    label: str
    pipeline: Pipeline

    @property
    def embedder(self) -> Embedder:
        """The model."""
        return self.pipeline.embedder


def choices(pipeline: Pipeline) -> dict[str, Rival]:
    """Label → model: the one in hand, every other that is here, each with fewer dimensions and with late chunking."""
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
    return {label: Rival(label, searched(pipeline, found[label])) for label in order}


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
    """The pipeline with this model, searched by vectors alone."""
    retriever = pipeline.retriever if isinstance(pipeline.retriever, Dense) else Dense()
    return replace(pipeline, embedder=embedder, retriever=retriever)


def chosen(pipeline: Pipeline) -> list[Rival]:
    """The models to compare, as chips; at first the one in hand and the other models that are installed."""
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


def price(rival: Rival) -> float | None:
    """US dollars per million tokens: as the endpoint defines it, or as the user says; None where neither does."""
    given = sessions.workspace().settings.get("prices", {}).get(rival.embedder.source.name)
    own = rival.embedder.source.price
    return own if own is not None else given


def prices(rivals: Sequence[Rival]) -> None:
    """What a million tokens cost with each model; an endpoint's own price stands."""
    workspace = sessions.workspace()
    with st.popover("Prices", icon=":material/payments:", help="US dollars per million tokens, for the table"):
        for name in dict.fromkeys(r.embedder.source.name for r in rivals):
            rival = next(r for r in rivals if r.embedder.source.name == name)

            def changed(value: float | None, name: str = name) -> None:
                known = workspace.settings.get("prices", {})
                sessions.attempt(lambda: workspace.keep_settings(prices={**known, name: value}))

            fixed, current = rival.embedder.source.price is not None, price(rival)
            control(
                st.number_input, plain(name), f"price-{name}", None if current is None else float(current), changed,
                min_value=0.0, max_value=1_000_000.0, step=0.01, format="%.4f",
                disabled=fixed or not workspace.writable, placeholder="none",
                help="The price that the endpoint's definition names." if fixed else None,
            )  # fmt: skip


def job_of(corpus: Corpus, rival: Rival, in_hand: bool) -> jobs.Job | None:
    """The job that embeds for this model; None where it waits for a click, because it takes long or sends text away."""
    if (job := live.known(corpus, rival.pipeline)) is not None:
        return live.dense(corpus, rival.pipeline, sessions.store()) if job.abandoned else job
    if in_hand or rival.embedder.kind == "static":
        return live.dense(corpus, rival.pipeline, sessions.store())
    if not isinstance(rival.embedder, SpanEncoder) and not is_large(corpus) and not to_embed(corpus, rival):
        return live.dense(corpus, rival.pipeline, sessions.store(), asked=True)  # all of it is in the cache
    return None


MOST_LOOKED = 500
"""Chunks of a large corpus of which it is looked whether they are embedded, for an estimate."""


def to_embed(corpus: Corpus, rival: Rival) -> int:
    """How many of the distinct chunks this model has not embedded yet; of a large corpus about how many."""
    rows = live.rows(corpus, rival.pipeline)
    if rows is None:  # its sizes are counted by another tokenizer, and nothing is cut by it yet
        return countings.totals(corpus, rival.pipeline).chunks
    texts = rows.texts()
    if not is_large(corpus) or len(texts) <= MOST_LOOKED:
        return missing(rival.embedder, texts, sessions.store())
    some = [texts[row] for row in random.Random(0).sample(range(len(texts)), MOST_LOOKED)]
    return round(missing(rival.embedder, some, sessions.store()) * len(texts) / MOST_LOOKED)


def questions_to_send(rival: Rival, questions: Sequence[Question]) -> list[str]:
    """The questions that a remote model has not seen yet, unless this visit agreed to send them; else none."""
    embedder = rival.embedder
    if not isinstance(embedder, Remote) or embedder.fingerprint in st.session_state.get(AGREED, []):
        return []
    return new_texts(embedder, [q.text for q in questions], sessions.store(), queries=True)


def offer(corpus: Corpus, rival: Rival, questions: Sequence[Question], job: jobs.Job | None) -> None:
    """What embedding with this model will cost, and the button that starts it."""
    embedder = rival.embedder
    found = countings.totals(corpus, rival.pipeline)
    count = found.chunks if isinstance(embedder, SpanEncoder) else to_embed(corpus, rival)
    speed = live.rate(embedder)
    about = f", about {_time(count / speed)} at the speed measured here" if speed else ""
    money = price(rival)
    dollars = f", about ${found.tokens * money / 1e6:,.2f}" if money and not isinstance(embedder, Remote) else ""

    def ask() -> None:
        st.session_state[AGREED] = [*st.session_state.get(AGREED, []), embedder.fingerprint]
        try:
            live.dense(corpus, rival.pipeline, sessions.store(), asked=True)
        except WorkbenchError as error:
            sessions.say("error", str(error))

    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.button(
        f"Measure {plain(rival.label)}", key=f"measure-{embedder.fingerprint}", icon=":material/play_arrow:",
        on_click=ask, type="tertiary",
    )  # fmt: skip
    nearly = "about " if is_large(corpus) else ""
    told = f"{nearly}{count:,} chunks to embed, {found.about}{found.tokens:,} tokens in all{about}{dollars}"
    if isinstance(embedder, Remote):
        rows = live.every_row(corpus, rival.pipeline).texts()
        chunks = embedder.disclosure(new_texts(embedder, rows, sessions.store()), "chunks")
        asked = questions_to_send(rival, questions)
        told = f"Pressing the button {chunks}" + (f", then {size_label(len(asked), 'questions')}" if asked else "")
    error = f"{job.error} " if job is not None and job.error else ""
    row.caption(plain(f"{error}{told}."))


def _time(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def take(rival: Rival) -> None:
    """Nothing; this model is the one in hand from now on; the tokenizer of sizes follows as it does for a model."""
    before = sessions.mapping()["embedder"]["model"]
    sessions.put("embedder", to_dict(rival.embedder))
    if sessions.mapping()["splitter"]["tokenizer"] == before:
        sessions.change("splitter", tokenizer=rival.embedder.source.name)
