"""What a sweep will cost, said before it starts: chunks, tokens, time, what leaves, and what cannot be."""

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from workbench.documents import Corpus
from workbench.embedders import Remote
from workbench.pipelines import Pipeline
from workbench.records import Question, Run
from workbench.splitters.cuttings import is_large
from workbench.store import Store
from workbench.sweeps import Cost, Expansion, Skipped, cost
from workbench.sweeps.costs import SECONDS_A_RUN
from workbench.ui import compute, corpus_stats, state
from workbench.ui.experiments import background
from workbench.ui.layout import plain

_CHARACTERS_A_CHUNK = 700.0  # to turn chunks a second, which the app measures, into characters a second


@lru_cache(maxsize=8)
def _cost(corpus: Corpus, pipelines: tuple[Pipeline, ...], store: Store, filled: int) -> Cost:
    """`filled` changes when a sweep has filled the store. A large corpus is not cut for it: nobody waits so long."""
    if is_large(corpus):
        return _estimated(corpus, pipelines)
    embedders = {p.embedder.full.fingerprint: p.embedder for p in pipelines}
    rates = {key: speed * _CHARACTERS_A_CHUNK for key, e in embedders.items() if (speed := compute.rate(e)) is not None}
    return cost(corpus, pipelines, store, rates)


def _estimated(corpus: Corpus, pipelines: Sequence[Pipeline]) -> Cost:
    """By some of the documents, as if nothing were embedded yet and no two configurations had a chunk in common."""
    each = {(p.splitter, p.embedder.full): p for p in pipelines if p.retriever.needs_vectors}
    chunks = tokens = 0
    seconds: float | None = SECONDS_A_RUN * len(pipelines)
    for pipeline in each.values():
        found, speed = corpus_stats.totals(corpus, pipeline), compute.rate(pipeline.embedder)
        chunks, tokens = chunks + found.chunks, tokens + found.tokens
        seconds = seconds + found.chunks / speed if seconds is not None and speed else None
    return Cost(len(pipelines), chunks, tokens, seconds)


def estimate(
    corpus: Corpus,
    questions: Sequence[Question],
    expansion: Expansion,
    done: int,
    task: background.Task | None,
    runs: Sequence[Run],
) -> None:
    """Number of runs, chunks still to embed, about how long; what leaves, and what was skipped, with the reason."""
    n = len(expansion.pipelines)
    filled = 0 if task is None else 1 + task.finished.is_set()
    found = _cost(corpus, expansion.pipelines, state.store(), filled)
    asked = sum(q.answerable for q in questions)
    parts = [f"**{n:,} configurations × {asked:,} questions**"]
    parts.append(f"{done:,} measured already" if done else "none measured yet")
    nearly = "at most about " if is_large(corpus) else ""
    new = f"{nearly}{found.chunks:,} chunks to embed, about {found.tokens:,} tokens"
    parts.append(new if found.chunks else "no chunk is new")
    if found.seconds is not None and done < n:
        parts.append(f"about {duration(found.seconds - SECONDS_A_RUN * n + _usual(runs) * (n - done))}")
    elif done < n:
        parts.append("time is known once the model has embedded some chunks here")
    if expansion.repeated:
        parts.append(f"{expansion.repeated:,} combinations came out the same")
    st.markdown(" · ".join(parts))
    hosts = {p.embedder.remote.endpoint.host for p in expansion.pipelines if isinstance(p.embedder, Remote)}
    if hosts and done < n:
        st.caption(f"Measuring sends chunks that are new, and the questions, to {plain(', '.join(sorted(hosts)))}.")
    if expansion.skipped:
        skipped_rows(expansion.skipped)


def _usual(runs: Sequence[Run]) -> float:
    """Seconds that measuring a configuration takes here, embedding apart: the median of the runs that are kept."""
    own = sorted(run.seconds_in_all - run.seconds.get("embed", 0.0) for run in runs)
    return own[len(own) // 2] if own else SECONDS_A_RUN


def duration(seconds: float) -> str:
    """`12 s`, `8 min`, `2.5 h`."""
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def skipped_rows(skipped: Sequence[Skipped]) -> None:
    """The combinations that cannot be, each with the reason."""
    with st.expander(f"{len(skipped):,} combinations cannot be", icon=":material/block:"):
        rows = [{"Combination": ", ".join(f"{k} {v}" for k, v in s.settings.items()), "Why": s.reason} for s in skipped]
        st.dataframe(rows[:200], hide_index=True, key="sweep-skipped")
