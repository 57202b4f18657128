"""How far models agree without labels: each chunk's nearest others by either, and the chunks that divide them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import Any

import numpy as np
import streamlit as st

from workbench import pipelines
from workbench.documents import Corpus
from workbench.projection import Rows, sample
from workbench.retrievers import Collection, agreement
from workbench.ui import jobs, live, sessions
from workbench.ui.modelling.profiles import Profile
from workbench.ui.modelling.rivals import Rival
from workbench.ui.modelling.waiting import Awaited

MOST = 5_000
"""Chunks whose neighbours are compared; of more, as many drawn at random."""
NEIGHBOURS = 10
DIVIDED = 5
"""Chunks that are shown as text."""
SHOWN = 3
"""Neighbours of each that are shown."""
TEXT = 220


@dataclass(frozen=True, slots=True)
class Agreed:
    """Two models' neighbours of the same chunks: mean overlap and rank-biased overlap, and the chunks that divide them.

    `divided` holds (row, its overlap, its nearest rows by the one, by the other).
    """

    k: int
    n: int
    overlap: float
    rank_biased: float
    divided: tuple[tuple[int, float, tuple[int, ...], tuple[int, ...]], ...]


def key(corpus: Corpus, a: Rival, b: Rival) -> tuple[Any, ...]:
    """What decides how far two models agree."""
    return "agreement", corpus, a.pipeline.splitter, a.embedder, b.embedder


def keys(corpus: Corpus, some: Sequence[Rival]) -> set[Any]:
    """The keys of all pairs."""
    return {key(corpus, a, b) for a, b in combinations(some, 2)}


def view(corpus: Corpus, found: Sequence[Profile]) -> list[Awaited]:
    """The pairs in a table, the chunks that divide the pair that is clicked; what is still waited for."""
    if len(found) < 2:
        return []
    pairs = [(a.rival, b.rival) for a, b in combinations(found, 2)]
    work = [_compared(corpus, a, b) for a, b in pairs]
    for job in work:
        job.wait()
    done = [(a, b, job.result) for (a, b), job in zip(pairs, work, strict=True) if isinstance(job.result, Agreed)]
    if done:
        st.subheader("Do they agree?", help="No labels are needed: each chunk is asked for its nearest others.")
        _table_and_text(corpus, done)
    return [
        (f"Agreement of {a.label} and {b.label}", key(corpus, a, b), job)
        for (a, b), job in zip(pairs, work, strict=True)
    ]


def _compared(corpus: Corpus, a: Rival, b: Rival) -> jobs.Job:
    store = sessions.store()
    rows = live.every_row(corpus, a.pipeline)

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Agreed:
        vectors = [pipelines.embedded(rows, one.embedder, store) for one in (a, b)]
        drawn = sample(len(rows), MOST)
        return agreed(vectors[0][drawn], vectors[1][drawn], drawn)

    return jobs.run(key(corpus, a, b), live.visit(), work)


def agreed(a: Any, b: Any, drawn: Rows) -> Agreed:
    """Two models' vectors of the rows that were drawn, compared."""
    found = agreement(a, b, NEIGHBOURS)
    if not found.k:
        return Agreed(0, len(drawn), 1.0, 1.0, ())
    divided = tuple(
        (
            int(drawn[i]),
            float(found.overlap[i]),
            tuple(drawn[found.first[i, :SHOWN]].tolist()),
            tuple(drawn[found.second[i, :SHOWN]].tolist()),
        )
        for i in found.disagreements(DIVIDED).tolist()
    )
    return Agreed(found.k, len(drawn), float(np.mean(found.overlap)), float(np.mean(found.rank_biased)), divided)


def _table_and_text(corpus: Corpus, done: Sequence[tuple[Rival, Rival, Agreed]]) -> None:
    rows = [
        {"Models": f"{a.label} and {b.label}", "Overlap@10": found.overlap, "Rank-biased overlap": found.rank_biased}
        for a, b, found in done
    ]
    k, n = done[0][2].k, done[0][2].n
    chosen = 0
    left, right = st.columns([1, 1.8], gap="medium")
    with left:
        if k == 0:
            st.caption("One chunk alone has no neighbours to compare.")
            return
        event = st.dataframe(
            rows,
            hide_index=True,
            height="content",
            key=f"agreement-{len(rows)}",
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                "Models": st.column_config.TextColumn(width="large"),
                "Overlap@10": st.column_config.NumberColumn(format="%.2f"),
                "Rank-biased overlap": st.column_config.NumberColumn(format="%.2f"),
            },
            alt="Agreement of each two models",
        )
        if event.selection.rows and event.selection.rows[0] < len(done):
            chosen = event.selection.rows[0]
        whole = len(live.every_row(corpus, done[0][0].pipeline))
        drawn = f"{n:,} of {whole:,} chunks, drawn at random" if n < whole else f"{n:,} chunks"
        st.caption(
            f"Shares of each chunk's {k} nearest others that both models name, 0 to 1, mean of {drawn}; rank-biased "
            "overlap (p 0.9) weighs the first ranks more. Agreement says not who is right: where it is low, look."
        )
    a, b, found = done[chosen]
    with right:
        st.html(f"<style>{STYLE}</style>{_divided(corpus, a, b, found)}")


def _divided(corpus: Corpus, a: Rival, b: Rival, found: Agreed) -> str:
    """HTML: the chunks on which two models agree least, each with its nearest by either."""
    rows = live.every_row(corpus, a.pipeline)
    parts = [
        f"<div class='facts'>The chunks that divide <b>{escape(a.label)}</b> and <b>{escape(b.label)}</b> most</div>"
    ]
    for row, overlap, first, second in found.divided:
        sides = "".join(
            f"<div><i>nearest by {escape(label)}</i>{''.join(_text(corpus, rows, r) for r in near)}</div>"
            for label, near in ((a.label, first), (b.label, second))
        )
        parts.append(
            f"<details class='divided'><summary>{_text(corpus, rows, row)}"
            f"<span>{overlap:.0%} in common</span></summary>"
            f"<div class='sides'>{sides}</div></details>"
        )
    return "".join(parts)


def _text(corpus: Corpus, rows: Collection, row: int) -> str:
    span = rows.span(row)
    text = " ".join(corpus[span].split())
    text = f"{text[:TEXT]} …" if len(text) > TEXT else text
    return f"<p><b>{escape(corpus.document(span.document).name)}</b> {escape(text)}</p>"


STYLE = """
.divided { border-top: 1px solid rgba(128, 128, 128, .25); padding: .3rem 0; font-size: .85rem; line-height: 1.45 }
.divided summary { cursor: pointer; display: flex; gap: .8rem; justify-content: space-between; align-items: baseline }
.divided summary span { opacity: .75; white-space: nowrap; font-variant-numeric: tabular-nums }
.divided p { margin: .15rem 0; overflow-wrap: anywhere; white-space: normal }
.divided .sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; padding: .3rem 0 .3rem 1rem; opacity: .9 }
.divided i { font-style: normal; opacity: .7 }
"""
