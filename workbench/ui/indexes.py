"""The index: its kind and fields, what it misses and costs on these vectors, and how large it would become."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import Cancelled
from workbench.errors import SpecError
from workbench.indexes import (
    HNSW,
    INDEXES,
    IVFPQ,
    SQ8,
    Binary,
    CurvePoint,
    Flat,
    Index,
    IndexSpec,
    IVFFlat,
    Tradeoff,
    projected_bytes,
    recall_curve,
    suggestion,
    tradeoff,
)
from workbench.indexes.benchmark import parts
from workbench.pipelines import Pipeline, StoredQueries
from workbench.records import Question
from workbench.retrievers import Collection, Dense
from workbench.specs import to_dict
from workbench.tasks import Task
from workbench.ui import compute, corpus_stats, forms, jobs, state
from workbench.ui.experiments import evaluation
from workbench.ui.layout import panels, plain, size_label

PROJECTED = (100_000, 1_000_000, 10_000_000)
MEMORY = 8_000_000_000
"""Bytes of a usual machine, for the suggestion at ten million chunks."""
QUERIES = 200
"""Chunks that ask for their neighbours where there are too few questions."""
FEW = 30
"""Questions below which chunks ask instead: a share of few would jump."""
LARGE = 20_000
"""Vectors above which measuring waits for a click: graphs take minutes to build."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Indexes measured on the same vectors and queries, and the curve of the current one."""

    asked: str
    queries: int
    found: tuple[tuple[str, Tradeoff], ...]
    curve: tuple[CurvePoint, ...]


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """Draw the form and its facts on the left; trade-off, curve and projection on the right."""
    left, right = panels(1, 2.4)
    with left:
        forms.kind_choice("index", "Kind")
        forms.field_controls("index")
    cut, dim = compute.rows(corpus, pipeline), pipeline.embedder.dimensions
    n = corpus_stats.totals(corpus, pipeline).chunks if cut is None else len(cut)
    with left:
        can = advice(pipeline.index, n, dim)
    built = pipeline if can else replace(pipeline, index=Flat(metric=pipeline.index.metric))
    name = measured_key(corpus, pipeline, questions)
    jobs.attend(state.visit(), {compute.key(corpus, built), name})
    ready, job = evaluation.ready(corpus, replace(built, retriever=Dense()), state.store())
    rows = job.result if job is not None and ready else None
    with left:
        if isinstance(rows, Collection) and can:
            st.caption(facts(rows, pipeline))
    with right:
        if not isinstance(rows, Collection):
            compute.progress(compute.look(corpus, built))
            st.caption("Recall and speed are measured once the vectors are there; sizes are known before.")
        elif len(rows):
            _measured(corpus, pipeline, questions, rows)
        projection(pipeline.index, dim)


def advice(spec: IndexSpec, n: int, dim: int) -> bool:
    """Return whether it can work for this many vectors; draw what does not suit them, with the number that would."""
    if not n:
        return True
    try:
        for line in spec.warnings(n, dim):
            st.warning(plain(f"{line[:1].upper()}{line[1:]}."), icon=":material/warning:")
    except SpecError as error:
        st.error(plain(f"{str(error)[:1].upper()}{str(error)[1:]}."), icon=":material/block:")
        return False
    return True


def facts(rows: Collection, pipeline: Pipeline) -> str:
    """Return bytes, build time and query time in a sentence."""
    built = rows.index
    if not isinstance(built, Index) or not len(built):
        return "There is nothing to search yet."
    k = min(pipeline.k, len(built))
    queries = built.decoded(np.linspace(0, len(built) - 1, min(20, len(built))).astype(np.int64))
    start = time.perf_counter()
    for query in queries:
        built.search(query[None], k)
    each = (time.perf_counter() - start) / len(queries)
    told = f"{len(built):,} vectors, {size_label(built.bytes)}, built in {built.build_seconds:.2f} s, "
    told += f"{each * 1000:.2f} ms per query. "
    if built.exact:
        return told + "Exact: nothing is missed."
    return told + ("No row is missed, by what is kept of each." if built.complete else "It may miss rows.")


def measured_key(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> tuple[Any, ...]:
    """Return what decides the figures of this view."""
    return "indexes", corpus, pipeline.splitter, pipeline.embedder, pipeline.index, pipeline.k, questions


def rivals(spec: IndexSpec, n: int, dim: int) -> dict[str, IndexSpec]:
    """Return label → index: the current one, and of every kind one or two others."""
    m = parts(dim)
    specs: list[IndexSpec] = [
        Flat(), Flat(storage="int8"), SQ8(rerank="float32"), HNSW(ef_search=16), HNSW(ef_search=128), IVFFlat(nprobe=1),
        IVFFlat(nprobe=8), IVFPQ(m=m), IVFPQ(m=m, rerank="float32"), Binary(), Binary(rerank="float32"),
    ]  # fmt: skip
    metric = spec.metric
    out = {label(spec): spec}
    for one in specs:
        other = replace(one, metric=metric)
        out.setdefault(label(other), other)
    return out


def label(spec: IndexSpec) -> str:
    """Return the kind, with the fields that are not at their default: `hnsw, ef_search 16`."""
    usual = to_dict(type(spec)())
    changed = [f"{name} {value}" for name, value in to_dict(spec).items() if usual[name] != value and name != "metric"]
    return ", ".join([spec.kind, *changed])


def _measured(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], rows: Collection) -> None:
    """Draw the trade-off and the curve, measured in the background."""
    name = measured_key(corpus, pipeline, questions)
    store, embedder, spec = state.store(), pipeline.embedder, pipeline.index
    k = min(10, len(rows))
    texts = [q.text for q in questions if q.answerable]
    by_questions = len(texts) >= FEW and embedder.kind != "remote"  # a remote model's questions would leave

    def work(task: Task) -> Measured:
        vectors = pipelines.embedded(rows, embedder, store)
        queries = StoredQueries(embedder, store).encode_query(texts) if by_questions else _some(vectors)
        specs = rivals(spec, len(vectors), vectors.shape[1])
        found: list[tuple[str, Tradeoff]] = []
        task.report(0, len(specs) + 1)
        for at, (told, one) in enumerate(specs.items(), 1):
            if task.cancelled():
                raise Cancelled
            found.append((told, tradeoff(vectors, queries, [one], k)[0]))
            task.report(at, len(specs) + 1)
        curve = () if spec == Flat(metric=spec.metric) else tuple(recall_curve(vectors, queries, spec, k))
        task.report(len(specs) + 1, len(specs) + 1)
        return Measured("questions of the golden set" if by_questions else "chunks", len(queries), tuple(found), curve)

    job = jobs.find(name)
    if job is None and len(rows) > LARGE:

        def ask() -> None:
            jobs.run(name, state.visit(), work)

        st.button("Measure every kind of index on these vectors", key="measure-indexes", on_click=ask)
        st.caption(f"{len(rows):,} vectors: building graphs over them takes minutes.")
        return
    job = jobs.run(name, state.visit(), work)
    job.wait()
    jobs.bars([("Building and asking every kind of index", name, job)])
    if isinstance(job.result, Measured):
        shown(job.result, label(spec), k, len(rows))


def _some(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    places = np.linspace(0, len(vectors) - 1, min(QUERIES, len(vectors))).astype(np.int64)
    return vectors[places]


def shown(found: Measured, in_hand: str, k: int, n: int) -> None:
    """Draw the trade-off as a plot and a table, refusals as lines, and the curve."""
    st.markdown("**What each kind finds, and how quickly**")
    figure = tradeoff_figure(found.found, in_hand, k)
    st.plotly_chart(figure, key="tradeoff", config={"displayModeBar": False}, alt="Recall against queries per second")
    st.caption(
        f"Recall@{k} against exact search over these {n:,} vectors, mean of {found.queries} {found.asked}; filled: the "
        "current index. Speeds are this machine's, and differences at few vectors say little about many."
    )
    rows = [
        {
            "Index": told,
            f"Recall@{k}": t.recall,
            "Queries/s": t.queries_per_second,
            "ms per query alone": t.query_ms,
            "Bytes": t.bytes,
            "Build s": t.build_seconds,
        }
        for told, t in found.found
        if not t.refused
    ]
    with st.expander("All figures", icon=":material/table_rows:"):
        st.dataframe(
            rows,
            hide_index=True,
            height="content",
            key="tradeoff-table",
            column_config={
                f"Recall@{k}": st.column_config.NumberColumn(format="%.3f"),
                "Queries/s": st.column_config.NumberColumn(format="localized"),
                "ms per query alone": st.column_config.NumberColumn(format="%.3f"),
                "Bytes": st.column_config.NumberColumn(format="localized"),
                "Build s": st.column_config.NumberColumn(format="%.3f"),
            },
            alt="Indexes measured",
        )
    for told, t in found.found:
        if t.refused:
            st.caption(plain(f"{told} is not possible here: {t.refused}."))
    st.markdown(f"**Recall of {plain(in_hand)} as the collection grows**")
    if not found.curve:
        st.caption("Exact at every size: there is no loss to measure.")
        return
    st.plotly_chart(curve_figure(found.curve, k), key="curve", config={"displayModeBar": False}, alt="Recall by size")
    refused = [p for p in found.curve if p.refused]
    for point in refused[:1]:
        st.caption(plain(f"Over {point.n:,} vectors: {point.refused}."))
    st.caption(f"Measured over a quarter, a half and all of {n:,} vectors; not measured beyond {n:,}.")


def projection(spec: IndexSpec, dim: int) -> None:
    """Draw bytes at a hundred thousand, a million and ten million chunks, by kind; sizes alone are projected."""
    st.markdown("**How large it becomes**")
    specs: dict[str, IndexSpec] = {label(spec): spec}
    for cls in INDEXES.values():
        one = IVFPQ(m=parts(dim)) if cls is IVFPQ else cls()
        specs.setdefault(label(one), one)
    if isinstance(spec, IVFPQ) and dim % spec.m:
        specs.pop(label(spec))
    rows = [
        {"Index": told} | {f"{n:,} chunks": size_label(projected_bytes(one, n, dim)) for n in PROJECTED}
        for told, one in specs.items()
    ]
    st.dataframe(rows, hide_index=True, height="content", key=f"projection-{len(rows)}", alt="Projected bytes")
    best = suggestion(PROJECTED[-1], dim, MEMORY)
    st.caption(
        plain(
            f"Of {dim} dimensions, by FAISS's own layout, texts not included. Recall is never projected. For "
            f"{PROJECTED[-1]:,} chunks in {size_label(MEMORY)}: {label(best.spec)}. {best.reason}"
        )
    )


BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8A94A0"
_SYMBOLS = {
    "flat": "circle", "sq8": "square", "hnsw": "diamond", "ivf-flat": "triangle-up", "ivf-pq": "triangle-down",
    "binary": "x",
}  # fmt: skip


def tradeoff_figure(found: Sequence[tuple[str, Tradeoff]], in_hand: str, k: int) -> Any:
    """Return recall against queries per second (logarithmic), a symbol a kind; the current index is filled."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    figure.update_layout(
        height=360, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False, hovermode="closest",
    )  # fmt: skip
    some = [(label, t) for label, t in found if t.recall is not None and t.queries_per_second is not None]
    figure.add_trace(
        Scatter(
            x=[t.queries_per_second for _, t in some],
            y=[t.recall for _, t in some],
            mode="markers+text",
            text=[escape(label) for label, _ in some],
            textposition=["top center" if i % 2 else "bottom center" for i in range(len(some))],
            textfont_size=11,
            marker={
                "size": [14 if label == in_hand else 10 for label, _ in some],
                "color": [BLUE if label == in_hand else ORANGE for label, _ in some],
                "symbol": [
                    _SYMBOLS.get(t.spec.kind, "star") + ("" if label == in_hand else "-open") for label, t in some
                ],
                "line": {"width": 2},
            },
            cliponaxis=False,
            hovertemplate="%{text}<br>recall %{y:.3f} at %{x:,.0f} queries/s<extra></extra>",
        )
    )
    low = min([0.9, *(t.recall for _, t in some if t.recall is not None)])
    figure.update_yaxes(title_text=f"recall@{k} against exact", range=[low - 0.08, 1.06])
    figure.update_xaxes(title_text="queries/s, in one call", type="log", dtick="D2")
    return figure


def curve_figure(points: Sequence[CurvePoint], k: int) -> Any:
    """Return recall over growing parts of the vectors; beyond the last of them nothing is drawn."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    some = [p for p in points if p.recall is not None]
    figure.update_layout(height=220, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False)
    figure.add_trace(
        Scatter(
            x=[p.n for p in some],
            y=[p.recall for p in some],
            mode="lines+markers+text",
            text=[f"{p.recall:.3f}" for p in some],
            textposition="top center",
            line={"color": BLUE, "width": 1.5},
            marker={"size": 8, "color": BLUE},
            cliponaxis=False,
            hovertemplate="recall %{y:.3f} over %{x:,} vectors<extra></extra>",
        )
    )
    if some:
        last = some[-1].n
        figure.add_vline(last, line_color=GREY, line_dash="dot", line_width=1)
        figure.add_annotation(
            x=last, y=0, yref="paper", text="not measured beyond", showarrow=False, xanchor="left", yanchor="bottom",
            font={"size": 11, "color": GREY}, xshift=4,
        )  # fmt: skip
        figure.update_xaxes(title_text="vectors", range=[0, 1.3 * last])
        figure.update_yaxes(title_text=f"recall@{k}", range=[min(p.recall or 0 for p in some) - 0.06, 1.06])
    return figure
