"""The map: every chunk as a point, the query and its hits among them, and one click from a point to its text."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from workbench import pipelines
from workbench.diagnostics import Neighbourhoods, neighbourhoods
from workbench.documents import Corpus
from workbench.pipelines import Pipeline
from workbench.projection import MOST_POINTS, PCA, Points, Rows, among, clusters, pca, sample, umap
from workbench.records import Hit, Question
from workbench.retrievers import Collection, Dense
from workbench.spans import Span
from workbench.ui import countings, jobs, live, progress, searching, sessions
from workbench.ui.experiments import evaluation
from workbench.ui.mapping import figures, lists
from workbench.ui.modelling import waiting
from workbench.ui.reader import reader, scroll_to
from workbench.ui.shell import panels, plain

KEY = "map-reader"
CHOSEN = "map-chosen"
"""Session state: [[document id, start, end], …] of the chunks that are looked at, the first one in the reader."""
COLOURS = ("Document", "Section", "Cluster", "Length", "Truncation", "Score", "Hubs and orphans")
HEIGHT, SOURCE = 560, 600  # pixels
SHOWN = 12
"""Chunks of a selection that are listed."""


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """The map on the left; what was clicked, as text and in its document, on the right; lists below."""
    dense = replace(pipeline, retriever=Dense())
    name = live.key(corpus, pipeline)
    wanted = {name, ("umap", *name), ("neighbourhoods", *name)}
    wanted.add(evaluation.key(corpus, questions, dense, str(dense.k)))
    jobs.attend(live.visit(), wanted)
    ready, job = evaluation.ready(corpus, dense, sessions.store())
    if not ready or job is None:
        progress.progress(corpus, pipeline, job)
        st.caption("The map is drawn once the vectors are there.")
        return
    rows: Collection = job.result
    left, right = panels(1.6, 1)
    with left:
        hits = drawn_map(corpus, dense, questions, rows)
    with right:
        looked_at(corpus, dense, rows, hits)
    found = _near(corpus, pipeline, rows)
    if found is not None:
        lists.view(corpus, dense, questions, rows, found, _drawn(len(rows)), look)


# --- what is computed, once for a collection


def _vectors(rows: Collection) -> Any:
    return getattr(rows.index, "vectors")  # noqa: B009 — every index of ours has them; the protocol asks for less


@lru_cache(maxsize=4)
def _plane(rows: Collection) -> tuple[PCA, Points]:
    """The plane of all vectors, and the points that are drawn on it."""
    vectors = _vectors(rows)
    plane = pca(vectors)
    return plane, plane(vectors[_drawn(len(rows))])


def _drawn(n: int) -> Rows:
    return sample(n, MOST_POINTS)


@lru_cache(maxsize=4)
def _hover(rows: Collection) -> list[str]:
    return figures.texts(rows.corpus, rows, _drawn(len(rows)))


def _umap(corpus: Corpus, pipeline: Pipeline, rows: Collection) -> jobs.Job:
    store = sessions.store()

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Points:
        return umap(_vectors(rows)[_drawn(len(rows))], store)

    return jobs.run(("umap", *live.key(corpus, pipeline)), live.visit(), work)


def _near(corpus: Corpus, pipeline: Pipeline, rows: Collection) -> Neighbourhoods | None:
    """How the chunks that are drawn lie to each other; None while that is computed."""

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Neighbourhoods:
        return neighbourhoods(_vectors(rows)[_drawn(len(rows))])

    name = ("neighbourhoods", *live.key(corpus, pipeline))
    job = jobs.run(name, live.visit(), work)
    job.wait()
    waiting.bars([("Looking for hubs, orphans, near-duplicates and outliers", name, job)])
    return job.result if isinstance(job.result, Neighbourhoods) else None


# --- the map


def drawn_map(corpus: Corpus, pipeline: Pipeline, questions: Sequence[Question], rows: Collection) -> list[Hit]:
    """Its controls, the query, and the points; the hits of the query."""
    query = searching.query_box(questions)
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    way = row.segmented_control(
        "Projection", ["PCA", "UMAP"], default="PCA", key="map-way", required=True, persist_state="session",
        label_visibility="collapsed",
        help="PCA is drawn at once: the plane in which the vectors vary most. UMAP keeps near chunks near; it takes "
        "seconds for hundreds of chunks, a minute for 20,000, and is kept. Its seed is fixed.",
    )  # fmt: skip
    colour = str(
        row.selectbox(
            "Colour", COLOURS, key="map-colour", label_visibility="collapsed", width=190, persist_state="session"
        )
    )
    drawn = _drawn(len(rows))
    plane, points = _plane(rows)
    shares: tuple[float, float] | None = plane.shares
    if way == "UMAP":
        job = _umap(corpus, pipeline, rows)
        job.wait()
        waiting.bars([("UMAP", ("umap", *live.key(corpus, pipeline)), job)])
        if job.result is None:
            st.caption("PCA is shown until UMAP is there.")
        else:
            points, shares = job.result, None
    figure = figures.frame(HEIGHT, shares)
    asked = _asked(pipeline, rows, query) if query else None
    _coloured(figure, colour, corpus, pipeline, rows, points, drawn, asked)
    _marked(figure, corpus, pipeline, rows, points, drawn, plane if shares else None, asked)
    key = f"map-{way}-{colour}"

    def picked() -> None:
        found = [p["customdata"] for p in st.session_state[key].selection.points if p.get("customdata") is not None]
        chosen = list(dict.fromkeys(int(c[0] if isinstance(c, list) else c) for c in found))
        if chosen := [r for r in chosen if 0 <= r < len(rows)]:
            look(rows, chosen)

    st.plotly_chart(
        figure, key=key, on_select=picked, selection_mode=("points", "lasso", "box"), alt="Map of the chunks",
        config={"displaylogo": False, "scrollZoom": True, "displayModeBar": True},
    )  # fmt: skip
    part = (
        f"{len(drawn):,} of {len(rows):,} chunks, drawn at random"
        if len(drawn) < len(rows)
        else f"{len(rows):,} chunks"
    )
    st.caption(
        f"{part}. Click a point to read it, or draw around some with the lasso. A map of two dimensions is a hint: "
        "nearness in it is not nearness in the index."
    )
    return asked[1] if asked else []


Asked = tuple[Any, list[Hit]]
"""The query's vector (1, dim), and its hits."""


def _asked(pipeline: Pipeline, rows: Collection, query: str) -> Asked:
    return pipeline.embedder.encode_query([query]), pipeline.retriever(rows, [query], pipeline.k)[0]


def _coloured(
    figure: Any, colour: str, corpus: Corpus, pipeline: Pipeline, rows: Collection, points: Points, drawn: Rows,
    asked: Asked | None,
) -> None:  # fmt: skip
    hover = _hover(rows)
    if colour == "Length":
        counted = countings.numbers(corpus, pipeline)[1]
        tokens = np.array([counted[row] for row in drawn.tolist()])
        figures.by_value(figure, points, drawn, hover, tokens, "tokens")
    elif colour == "Score" and asked is not None:
        scores = rows.index.scores(asked[0][0], drawn)  # type: ignore[union-attr]
        figures.by_value(figure, points, drawn, hover, scores, "score")
    else:
        figures.by_class(figure, points, drawn, hover, _classes(colour, corpus, pipeline, rows, drawn))
        if colour == "Score":
            st.caption("Type a query to colour the chunks by its score; until then they have the colour of a document.")


def _classes(colour: str, corpus: Corpus, pipeline: Pipeline, rows: Collection, drawn: Rows) -> list[str]:
    of = rows.document_index[drawn].tolist()
    if colour == "Section":
        paths = (
            corpus.documents[d].heading_path(int(rows.spans[r, 0])) for d, r in zip(of, drawn.tolist(), strict=True)
        )
        return [path[0] if path else "no heading" for path in paths]
    if colour == "Cluster":
        return [f"cluster {number + 1}" for number in _clusters(rows)]
    if colour == "Truncation":
        hidden = countings.PerRow(rows, lambda d, i: int(np.ptp(live.cut(d, pipeline).unseen[i])))
        return ["cut off by the model" if hidden[row] else "seen whole" for row in drawn.tolist()]
    if colour == "Hubs and orphans":
        job = jobs.find(("neighbourhoods", *live.key(corpus, pipeline)))
        near = job.result if job is not None else None
        kinds = np.array(["neither"] * len(drawn), dtype=object)
        if isinstance(near, Neighbourhoods):
            kinds[near.orphans], kinds[near.hubs] = "orphan", "hub"
        return [str(kind) for kind in kinds.tolist()]
    return [corpus.documents[d].name for d in of]


@lru_cache(maxsize=4)
def _clusters(rows: Collection) -> tuple[int, ...]:
    """The cluster of each chunk that is drawn."""
    return tuple(clusters(_vectors(rows)[_drawn(len(rows))]).tolist())


def _marked(
    figure: Any, corpus: Corpus, pipeline: Pipeline, rows: Collection, points: Points, drawn: Rows,
    plane: PCA | None, asked: Asked | None,
) -> None:  # fmt: skip
    """The query, its hits and the chunk that is looked at, by shape; on a sample, those of them that were drawn."""
    ink = "#E6E9EE" if st.context.theme.type == "dark" else "#1F2933"
    place = {row: i for i, row in enumerate(drawn.tolist())}
    hover = _hover(rows)

    def some(kind: str, name: str, wanted: Sequence[int], words: Sequence[str] = ()) -> None:
        here = [(place[r], r, words[i] if words else "") for i, r in enumerate(wanted) if r in place]
        at = np.array([i for i, _, _ in here], np.int64)
        figures.mark(
            figure, kind, name, points[at], np.array([r for _, r, _ in here]), [hover[i] for i in at.tolist()], ink,
            [w for _, _, w in here] if words else (),
        )  # fmt: skip

    if asked is not None:
        vector, hits = asked
        some("hits", "hits, by rank", [h.chunk for h in hits], [str(h.rank) for h in hits])
        at = plane(vector) if plane else among(points, _vectors(rows)[drawn], vector)
        figures.mark(figure, "query", "the query", at, np.array([-1]), ["the query"], ink)
    some("chosen", "looked at", _chosen_rows(rows)[:SHOWN])


# --- what is looked at


def look(rows: Collection, chosen: Sequence[int]) -> None:
    """Nothing; these chunks are looked at from now on, and the reader scrolls to the first."""
    spans = [rows.span(row) for row in chosen]
    st.session_state[CHOSEN] = [[s.document, s.start, s.end] for s in spans]
    if spans:
        scroll_to(KEY, spans[0])


def _chosen(rows: Collection) -> list[Span]:
    """The chunks that are looked at, as far as the corpus still holds them."""
    found = (Span(*one) for one in st.session_state.get(CHOSEN, []))
    return [s for s in found if s.document in rows.corpus and s.end <= len(rows.corpus.document(s.document).text)]


def _chosen_rows(rows: Collection) -> list[int]:
    number = {(rows.corpus.documents[d].id, a, b): i for i, (d, (a, b)) in enumerate(_places(rows))}
    return [number[s.document, s.start, s.end] for s in _chosen(rows) if (s.document, s.start, s.end) in number]


def _places(rows: Collection) -> Any:
    return zip(rows.document_index.tolist(), rows.spans.tolist(), strict=True)


def looked_at(corpus: Corpus, pipeline: Pipeline, rows: Collection, hits: Sequence[Hit]) -> None:
    """The chunks that were clicked as text, one of them in its document; at first the best hit."""
    chosen = _chosen(rows)
    if not chosen and hits:
        chosen = [hits[0].span]
        scroll_to(KEY, hits[0].span)
    if not chosen:
        st.caption("Click a point, or draw around some: the chunks are read here, and stand in their document.")
        return
    shown = chosen[0]
    document = corpus.document(shown.document)
    if len(chosen) > 1:
        st.caption(f"{len(chosen):,} chunks" + (f", the first {SHOWN}" if len(chosen) > SHOWN else ""))
        with st.container(height=180, border=False, key="map-list"):
            for i, span in enumerate(chosen[:SHOWN]):
                st.button(
                    plain(_title(corpus, span)), key=f"map-open-{i}", type="tertiary", on_click=_first, args=(rows, i)
                )
    chunks = pipelines.split(document, pipeline.splitter).spans
    st.markdown(f"**{plain(document.name)}**, characters {shown.start:,} to {shown.end:,}")
    hit = Hit(shown, 0.0, 1, -1)
    reader(
        document, key=KEY, chunks=chunks, hits=[hit], version=pipeline.fingerprint, height=SOURCE, selectable=False
    )  # fmt: skip


def _title(corpus: Corpus, span: Span) -> str:
    text = " ".join(corpus[span].split())
    return f"{corpus.document(span.document).name}: {text[:90]}{' …' if len(text) > 90 else ''}"


def _first(rows: Collection, place: int) -> None:
    """This chunk of the selection is the one in the reader."""
    spans = _chosen(rows)
    if place < len(spans):
        span = spans[place]
        st.session_state[CHOSEN] = [[s.document, s.start, s.end] for s in [span, *spans[:place], *spans[place + 1 :]]]
        scroll_to(KEY, span)
