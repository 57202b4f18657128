"""The map: every chunk as a point, the query and its hits among them, and lists of what lies unusually."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from workbench import pipelines
from workbench.diagnostics import Neighbourhoods, hubs_among_misses, neighbourhoods
from workbench.documents import Corpus
from workbench.memory_cache import cached
from workbench.pipelines import Pipeline
from workbench.projection import MOST_POINTS, PCA, Points, Rows, among, clusters, pca, sample, umap
from workbench.records import Hit, Question
from workbench.retrievers import Collection, Dense
from workbench.spans import Span
from workbench.tasks import Task
from workbench.ui import compute, corpus_stats, jobs, models, search, state
from workbench.ui.components.reader import reader, scroll_to
from workbench.ui.experiments import evaluation
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.layout import panels, plain, snippet

KEY = "map-reader"
CHOSEN = "map-chosen"
"""Session state: [[document id, start, end], …] of the chunks that are looked at, the first one in the reader."""
COLOURS = ("Document", "Section", "Cluster", "Length", "Truncation", "Score", "Hubs and orphans")
HEIGHT, SOURCE = 560, 600  # pixels
SHOWN = 12
"""Chunks of a selection that are listed."""


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """Draw the map on the left; what was clicked, as text and in its document, on the right; lists below."""
    dense = replace(pipeline, retriever=Dense())
    name = compute.key(corpus, pipeline)
    wanted = {name, ("umap", *name), ("neighbourhoods", *name)}
    wanted.add(evaluation.key(corpus, questions, dense, str(dense.k)))
    jobs.attend(state.visit(), wanted)
    ready, job = evaluation.ready(corpus, dense, state.store())
    if not ready or job is None:
        compute.progress(compute.look(corpus, pipeline))
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
        lists_view(corpus, dense, questions, rows, found, _drawn(len(rows)), look)


# --- what is computed, once for a collection


def _vectors(rows: Collection) -> Any:
    return getattr(rows.index, "vectors")  # noqa: B009 — every index of ours has them; the protocol asks for less


@cached(32 << 20, lambda found: found[0].axes.nbytes + found[1].nbytes)
def _plane(rows: Collection) -> tuple[PCA, Points]:
    """Return the plane of all vectors, and the points that are drawn on it."""
    vectors = _vectors(rows)
    plane = pca(vectors)
    return plane, plane(vectors[_drawn(len(rows))])


def _drawn(n: int) -> Rows:
    return sample(n, MOST_POINTS)


@cached(32 << 20, lambda found: sum(map(len, found)))
def _hover(rows: Collection) -> list[str]:
    return texts(rows.corpus, rows, _drawn(len(rows)))


def _umap(corpus: Corpus, pipeline: Pipeline, rows: Collection) -> jobs.Job:
    store = state.store()

    def work(task: Task) -> Points:
        return umap(_vectors(rows)[_drawn(len(rows))], store)

    return jobs.run(("umap", *compute.key(corpus, pipeline)), state.visit(), work)


def _near(corpus: Corpus, pipeline: Pipeline, rows: Collection) -> Neighbourhoods | None:
    """Return how the chunks that are drawn lie to each other; None while that is computed."""

    def work(task: Task) -> Neighbourhoods:
        return neighbourhoods(_vectors(rows)[_drawn(len(rows))])

    name = ("neighbourhoods", *compute.key(corpus, pipeline))
    job = jobs.run(name, state.visit(), work)
    job.wait()
    jobs.bars([("Looking for hubs, orphans, near-duplicates and outliers", name, job)])
    return job.result if isinstance(job.result, Neighbourhoods) else None


# --- the map


def drawn_map(corpus: Corpus, pipeline: Pipeline, questions: Sequence[Question], rows: Collection) -> list[Hit]:
    """Return its controls, the query, and the points; the hits of the query."""
    query = search.query_box(questions)
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
        jobs.bars([("UMAP", ("umap", *compute.key(corpus, pipeline)), job)])
        if job.result is None:
            st.caption("PCA is shown until UMAP is there.")
        else:
            points, shares = job.result, None
    figure = frame(HEIGHT, shares)
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
        counted = corpus_stats.numbers(rows, pipeline)[1]
        tokens = np.array([counted[row] for row in drawn.tolist()])
        by_value(figure, points, drawn, hover, tokens, "tokens")
    elif colour == "Score" and asked is not None:
        scores = rows.index.scores(asked[0][0], drawn)  # type: ignore[union-attr]
        by_value(figure, points, drawn, hover, scores, "score")
    else:
        by_class(figure, points, drawn, hover, _classes(colour, corpus, pipeline, rows, drawn))
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
        hidden = corpus_stats.PerRow(rows, lambda d, i: int(np.ptp(corpus_stats.cut(d, pipeline).unseen[i])))
        return ["cut off by the model" if hidden[row] else "seen whole" for row in drawn.tolist()]
    if colour == "Hubs and orphans":
        job = jobs.find(("neighbourhoods", *compute.key(corpus, pipeline)))
        near = job.result if job is not None else None
        kinds = np.array(["neither"] * len(drawn), dtype=object)
        if isinstance(near, Neighbourhoods):
            kinds[near.orphans], kinds[near.hubs] = "orphan", "hub"
        return [str(kind) for kind in kinds.tolist()]
    return [corpus.documents[d].name for d in of]


@cached(4 << 20, lambda found: 8 * len(found))
def _clusters(rows: Collection) -> tuple[int, ...]:
    """Return the cluster of each chunk that is drawn."""
    return tuple(clusters(_vectors(rows)[_drawn(len(rows))]).tolist())


def _marked(
    figure: Any, corpus: Corpus, pipeline: Pipeline, rows: Collection, points: Points, drawn: Rows,
    plane: PCA | None, asked: Asked | None,
) -> None:  # fmt: skip
    """Draw the query, its hits and the selected chunk by shape; on a sample, those of them that were drawn."""
    ink = "#E6E9EE" if st.context.theme.type == "dark" else "#1F2933"
    place = {row: i for i, row in enumerate(drawn.tolist())}
    hover = _hover(rows)

    def some(kind: str, name: str, wanted: Sequence[int], words: Sequence[str] = ()) -> None:
        here = [(place[r], r, words[i] if words else "") for i, r in enumerate(wanted) if r in place]
        at = np.array([i for i, _, _ in here], np.int64)
        mark(
            figure, kind, name, points[at], np.array([r for _, r, _ in here]), [hover[i] for i in at.tolist()], ink,
            [w for _, _, w in here] if words else (),
        )  # fmt: skip

    if asked is not None:
        vector, hits = asked
        some("hits", "hits, by rank", [h.chunk for h in hits], [str(h.rank) for h in hits])
        at = plane(vector) if plane else among(points, _vectors(rows)[drawn], vector)
        mark(figure, "query", "the query", at, np.array([-1]), ["the query"], ink)
    some("chosen", "looked at", _chosen_rows(rows)[:SHOWN])


# --- what is looked at


def look(rows: Collection, chosen: Sequence[int]) -> None:
    """Select these chunks, and scroll the reader to the first."""
    spans = [rows.span(row) for row in chosen]
    st.session_state[CHOSEN] = [[s.document, s.start, s.end] for s in spans]
    if spans:
        scroll_to(KEY, spans[0])


def _chosen(rows: Collection) -> list[Span]:
    """Return the chunks that are looked at, as far as the corpus still holds them."""
    found = (Span(*one) for one in st.session_state.get(CHOSEN, []))
    return [s for s in found if s.document in rows.corpus and s.end <= len(rows.corpus.document(s.document).text)]


def _chosen_rows(rows: Collection) -> list[int]:
    number = {(rows.corpus.documents[d].id, a, b): i for i, (d, (a, b)) in enumerate(_places(rows))}
    return [number[s.document, s.start, s.end] for s in _chosen(rows) if (s.document, s.start, s.end) in number]


def _places(rows: Collection) -> Any:
    return zip(rows.document_index.tolist(), rows.spans.tolist(), strict=True)


def looked_at(corpus: Corpus, pipeline: Pipeline, rows: Collection, hits: Sequence[Hit]) -> None:
    """Draw the chunks that were clicked as text, one of them in its document; at first the best hit."""
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
    return f"{corpus.document(span.document).name}: {snippet(corpus[span], 90)}"


def _first(rows: Collection, place: int) -> None:
    """Show this chunk of the selection in the reader."""
    spans = _chosen(rows)
    if place < len(spans):
        span = spans[place]
        st.session_state[CHOSEN] = [[s.document, s.start, s.end] for s in [span, *spans[:place], *spans[place + 1 :]]]
        scroll_to(KEY, span)


PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GREY = "#8A94A0"
OTHER = "other"
MOST_SVG = 3_000
"""Points that stay fluid without WebGL, which not every browser has."""
HOVER = 140
"""Characters of a chunk that a hover shows."""


def classes(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the six most frequent names, then the rest as one; and (n,) to which of these each belongs."""
    found, inverse, counts = np.unique(np.array(names, dtype=object), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = order[: len(PALETTE)] if len(found) > len(PALETTE) else order
    place = np.full(len(found), len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    labels = [str(found[i]) for i in kept] + ([OTHER] if len(found) > len(kept) else [])
    return labels, place[inverse]


def texts(corpus: Corpus, rows: Collection, drawn: Rows) -> list[str]:
    """Return what a hover says of each chunk: its document, its number there, and how it begins; escaped."""
    names = [escape(d.name) for d in corpus]
    firsts = np.searchsorted(rows.document_index, np.arange(len(names)))
    out = []
    for row in drawn.tolist():
        d = int(rows.document_index[row])
        start, end = rows.spans[row].tolist()
        said = " ".join(corpus.documents[d].text[start : min(end, start + HOVER)].split())
        cut = "…" if end - start > HOVER else ""
        out.append(f"<b>{names[d]}</b> chunk {row - int(firsts[d]) + 1}<br>{_lines(said)}{cut}")
    return out


def _lines(text: str, width: int = 70) -> str:
    return "<br>".join(escape(text[i : i + width]) for i in range(0, len(text), width))


def frame(height: int, shares: tuple[float, float] | None) -> Any:
    """Return an empty map. `shares` of the variance stand at the axes of a PCA; UMAP's axes mean nothing."""
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, hovermode="closest",
        legend={"orientation": "h", "yanchor": "top", "y": -0.06, "x": 0, "font_size": 11, "itemsizing": "constant"},
        uirevision="map",
    )  # fmt: skip
    along = [f"axis {i + 1}, {share:.0%} of the variance" for i, share in enumerate(shares or ())]
    figure.update_xaxes(title_text=along[0] if along else "", showgrid=False, zeroline=False, showticklabels=False)
    figure.update_yaxes(title_text=along[1] if along else "", showgrid=False, zeroline=False, showticklabels=False)
    return figure


def by_class(figure: Any, points: Points, drawn: Rows, hover: Sequence[str], names: Sequence[str]) -> None:
    """Draw a trace a class, with a legend; the last of many is grey."""
    labels, of = classes(names)
    for i, label in enumerate(labels):
        mine, colour = np.flatnonzero(of == i), GREY if label == OTHER else PALETTE[i % len(PALETTE)]
        figure.add_trace(
            _points(len(drawn))(
                x=points[mine, 0], y=points[mine, 1], mode="markers", name=escape(label),
                marker={"size": _size(len(drawn)), "opacity": 0.75, "color": colour},
                customdata=drawn[mine], text=[hover[j] for j in mine.tolist()],
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip


def by_value(figure: Any, points: Points, drawn: Rows, hover: Sequence[str], values: NDArray[Any], title: str) -> None:
    """Draw one trace, coloured by a value on a scale that the colour-blind can read."""
    figure.add_trace(
        _points(len(drawn))(
            x=points[:, 0], y=points[:, 1], mode="markers", name=escape(title), showlegend=False,
            marker={
                "size": _size(len(drawn)), "opacity": 0.85, "color": values, "colorscale": "Cividis",
                "showscale": True, "colorbar": {"title": escape(title), "thickness": 10},
            },
            customdata=drawn, text=[f"{h}<br>{title}: {v:,.3g}" for h, v in zip(hover, values.tolist(), strict=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip


def _points(n: int) -> Any:
    """Return the kind of trace: WebGL for many points only, since not every browser has it."""
    from plotly.graph_objects import Scatter, Scattergl

    return Scattergl if n > MOST_SVG else Scatter


def _size(n: int) -> int:
    return 8 if n < 1_000 else 6 if n < 5_000 else 4


MARKS: Mapping[str, tuple[str, int, str]] = {
    "hits": ("diamond-open", 15, "currentcolor"),
    "hubs": ("triangle-up-open", 14, "currentcolor"),
    "orphans": ("circle-open", 13, "currentcolor"),
    "chosen": ("square-open", 18, "currentcolor"),
    "query": ("star", 17, "currentcolor"),
}
"""What is marked on the map, by shape: symbol, size. The colour is that of the text, in light and dark."""


def mark(
    figure: Any, kind: str, name: str, points: Points, rows: Rows, hover: Sequence[str], ink: str,
    words: Sequence[str] = (),
) -> None:  # fmt: skip
    """Mark some points by a shape, and by a few letters if there are any."""
    from plotly.graph_objects import Scatter

    if not len(points):
        return
    symbol, size, _ = MARKS[kind]
    figure.add_trace(
        Scatter(
            x=points[:, 0], y=points[:, 1], mode="markers+text" if words else "markers", name=escape(name),
            marker={"symbol": symbol, "size": size, "color": ink, "line": {"width": 2}},
            text=list(words) or None, textposition="top center", textfont={"color": ink},
            customdata=rows, hovertext=list(hover), hovertemplate="%{hovertext}<extra></extra>",
        )
    )  # fmt: skip


LISTED = 200
TEXT = 160

Look = Callable[[Collection, Sequence[int]], None]

WHY = {
    "Hubs": "Chunks that stand among the nearest of far more others than usual: they answer everything, and crowd out "
    "what answers. Look for tables of contents, boilerplate and text without a subject.",
    "Orphans": "Chunks among the nearest of no other. Alone that is no fault; where many are, little of the space is "
    "shared.",
    "Near-duplicates": "Pairs whose cosine is 0.97 or more: to this model they say the same, and take two places among "
    "the hits.",
    "Outliers": "Chunks far from even their nearest others: another language, broken text, codes.",
}


def lists_view(
    corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], rows: Collection, near: Neighbourhoods,
    drawn: Rows, look: Look,
) -> None:  # fmt: skip
    """Draw one list at a time, with counts on its chips; a click shows the chunk on the map and in its document."""
    found: dict[str, list[list[int]]] = {
        "Hubs": [[r] for r in near.hubs.tolist()],
        "Orphans": [[r] for r in near.orphans.tolist()],
        "Near-duplicates": near.near_duplicates.tolist(),
        "Outliers": [[r] for r in near.outliers.tolist()],
    }
    st.subheader("Found without labels")
    kind = str(
        st.segmented_control(
            "Kind", list(found), default="Hubs", key="map-kind", required=True, label_visibility="collapsed",
            format_func=lambda k: f"{k} {len(found[k]):,}", persist_state="session",
        )
    )  # fmt: skip
    if near.k == 0:
        st.caption("One chunk alone has no neighbours.")
        return
    st.caption(
        f"{WHY[kind]} By the {near.k} nearest of each of {len(drawn):,} chunks; skew of their occurrence "
        f"{near.skew:.1f} (0: all are found alike; above 1: a few crowd out the others)."
    )
    items = [[int(drawn[i]) for i in item] for item in found[kind]]
    if kind == "Hubs":
        _causes(corpus, pipeline, questions, near, drawn)
    if not items:
        st.caption("None here.")
        return
    key = f"list-{kind}-{len(items)}"

    def picked() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen and chosen[0] < len(items):
            look(rows, items[chosen[0]])

    st.dataframe(
        [_row(corpus, rows, near, kind, item, at) for item, at in zip(items, found[kind], strict=True)][:LISTED],
        hide_index=True,
        height=300 if len(items) > 8 else "content",
        key=key,
        on_select=picked,
        selection_mode="single-row",
        column_config={"Text": st.column_config.TextColumn(width="large")},
        alt=kind,
    )
    if len(items) > LISTED:
        st.caption(f"The first {LISTED} of {len(items):,}.")


def _row(
    corpus: Corpus, rows: Collection, near: Neighbourhoods, kind: str, item: Sequence[int], at: Sequence[int]
) -> dict[str, Any]:
    spans = [rows.span(r) for r in item]
    out: dict[str, Any] = {"Document": corpus.document(spans[0].document).name, "Text": snippet(corpus[spans[0]], TEXT)}
    if kind == "Hubs":
        out[f"Among the {near.k} nearest of"] = int(near.occurrence[at[0]])
    if kind == "Near-duplicates":
        place = near.neighbours[at[0]].tolist()
        a, b = (at[0], at[1]) if at[1] in place else (at[1], at[0])
        out["Cosine"] = round(float(near.cosines[a][near.neighbours[a].tolist().index(b)]), 3)
        out |= {
            "Document of the other": corpus.document(spans[1].document).name,
            "Other": snippet(corpus[spans[1]], TEXT),
        }
    if kind == "Outliers":
        out["Cosine to its nearest"] = round(float(near.cosines[at[0]][0]), 3)
    return out


def _causes(
    corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], near: Neighbourhoods, drawn: Rows
) -> None:
    """Draw whether hubs stand among the hits of missed questions more often than of answered ones."""
    if not any(q.answerable for q in questions):
        st.caption("With a golden set it is tested whether hubs cause misses.")
        return
    candidate = models.Candidate("", pipeline)
    if models.questions_to_send(candidate, questions):
        return  # a remote model has not seen the questions, and nothing is sent from here
    job = evaluation.measured(corpus, questions, pipeline, str(pipeline.k))
    job.finished.wait(evaluation.QUICK)
    if not isinstance(job.result, Measured):
        return
    found = job.result.evaluation
    missed = [rank is None or rank > pipeline.k for rank in found.ranks]
    one = hubs_among_misses(drawn[near.hubs], [[h.chunk for h in hits] for hits in found.hits], missed)
    st.markdown(plain(told(one.missed, one.answered, one.questions_missed, one.questions_answered, one.p)))


def told(missed: float, answered: float, n_missed: int, n_answered: int, p: float) -> str:
    """Return the test in a sentence."""
    if not n_missed:
        return f"Do hubs cause misses? No question of {n_answered:,} is missed, so there is nothing to explain."
    if not n_answered:
        return f"Do hubs cause misses? All {n_missed:,} questions are missed, so there is nothing to compare with."
    tested = f" (permutation p {p:.2f})" if not math.isnan(p) else ""
    settled = "" if p < 0.05 else ": inconclusive"
    verb = "more" if missed > answered else "less" if missed < answered else "as much"
    return (
        f"Do hubs cause misses? They are {missed:.1%} of the hits of the {n_missed:,} questions that are missed and "
        f"{answered:.1%} of the {n_answered:,} that are answered, {verb} among misses{tested}{settled}."
    )
