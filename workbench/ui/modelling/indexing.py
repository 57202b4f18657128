"""The index: its kind and fields, what it misses and costs on these vectors, and how large it would become."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import Cancelled
from workbench.errors import SpecError
from workbench.evaluations.retrieving import Asker
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
from workbench.indexes.sizes import parts
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.retrievers import Collection, Dense
from workbench.specs import to_dict
from workbench.ui import countings, forms, jobs, live, progress, sessions
from workbench.ui.experiments import evaluation
from workbench.ui.kinds import INDEXES as NAMES
from workbench.ui.modelling import figures, waiting
from workbench.ui.shell import panels, plain, size_label

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
    """Indexes measured on the same vectors and queries, and the curve of the one in hand."""

    asked: str
    queries: int
    found: tuple[tuple[str, Tradeoff], ...]
    curve: tuple[CurvePoint, ...]


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """The form and its facts on the left; trade-off, curve and projection on the right."""
    left, right = panels(1, 2.4)
    with left:
        forms.kind_choice("index", "Kind", NAMES)
        forms.field_controls("index")
    cut, dim = live.rows(corpus, pipeline), pipeline.embedder.dimensions
    n = countings.totals(corpus, pipeline).chunks if cut is None else len(cut)
    with left:
        can = advice(pipeline.index, n, dim)
    built = pipeline if can else replace(pipeline, index=Flat(metric=pipeline.index.metric))
    name = measured_key(corpus, pipeline, questions)
    jobs.attend(live.visit(), {live.key(corpus, built), name})
    ready, job = evaluation.ready(corpus, replace(built, retriever=Dense()), sessions.store())
    rows = job.result if job is not None and ready else None
    with left:
        if isinstance(rows, Collection) and can:
            st.caption(facts(rows, pipeline))
    with right:
        if not isinstance(rows, Collection):
            progress.progress(corpus, built, job)
            st.caption("Recall and speed are measured once the vectors are there; sizes are known before.")
        elif len(rows):
            _measured(corpus, pipeline, questions, rows)
        projection(pipeline.index, dim)


def advice(spec: IndexSpec, n: int, dim: int) -> bool:
    """Whether it can work for this many vectors; what does not suit them is told, with the number that would."""
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
    """Bytes, time to build, time of a query."""
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
    told += f"{each * 1000:.2f} ms a query. "
    if built.exact:
        return told + "Exact: nothing is missed."
    return told + ("No row is missed, by what is kept of each." if built.complete else "It may miss rows.")


def measured_key(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> tuple[Any, ...]:
    """What decides the figures of this view."""
    return "indexes", corpus, pipeline.splitter, pipeline.embedder, pipeline.index, pipeline.k, questions


def rivals(spec: IndexSpec, n: int, dim: int) -> dict[str, IndexSpec]:
    """Label → index: the one in hand, and of every kind one or two others."""
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
    """The kind, with the fields that are not at their default: `hnsw, ef_search 16`."""
    usual = to_dict(type(spec)())
    changed = [f"{name} {value}" for name, value in to_dict(spec).items() if usual[name] != value and name != "metric"]
    return ", ".join([spec.kind, *changed])


def _measured(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...], rows: Collection) -> None:
    """The trade-off and the curve, measured in the background."""
    name = measured_key(corpus, pipeline, questions)
    store, embedder, spec = sessions.store(), pipeline.embedder, pipeline.index
    k = min(10, len(rows))
    texts = [q.text for q in questions if q.answerable]
    by_questions = len(texts) >= FEW and embedder.kind != "remote"  # a remote model's questions would leave

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Measured:
        vectors = pipelines.embedded(rows, embedder, store)
        queries = Asker(embedder, store).encode_query(texts) if by_questions else _some(vectors)
        specs = rivals(spec, len(vectors), vectors.shape[1])
        found: list[tuple[str, Tradeoff]] = []
        report(0, len(specs) + 1)
        for at, (told, one) in enumerate(specs.items(), 1):
            if cancelled():
                raise Cancelled
            found.append((told, tradeoff(vectors, queries, [one], k)[0]))
            report(at, len(specs) + 1)
        curve = () if spec == Flat(metric=spec.metric) else tuple(recall_curve(vectors, queries, spec, k))
        report(len(specs) + 1, len(specs) + 1)
        return Measured("questions of the golden set" if by_questions else "chunks", len(queries), tuple(found), curve)

    job = jobs.find(name)
    if job is None and len(rows) > LARGE:

        def ask() -> None:
            jobs.run(name, live.visit(), work)

        st.button("Measure every kind of index on these vectors", key="measure-indexes", on_click=ask)
        st.caption(f"{len(rows):,} vectors: building graphs over them takes minutes.")
        return
    job = jobs.run(name, live.visit(), work)
    job.wait()
    waiting.bars([("Building and asking every kind of index", name, job)])
    if isinstance(job.result, Measured):
        shown(job.result, label(spec), k, len(rows))


def _some(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    places = np.linspace(0, len(vectors) - 1, min(QUERIES, len(vectors))).astype(np.int64)
    return vectors[places]


def shown(found: Measured, in_hand: str, k: int, n: int) -> None:
    """The trade-off as a plot and a table, refusals as lines, and the curve."""
    st.markdown("**What each kind finds, and how quickly**")
    figure = figures.tradeoff(found.found, in_hand, k)
    st.plotly_chart(figure, key="tradeoff", config={"displayModeBar": False}, alt="Recall against queries per second")
    st.caption(
        f"Recall@{k} against exact search over these {n:,} vectors, mean of {found.queries} {found.asked}; filled: the "
        "current index. Speeds are this machine's, and differences at few vectors say little about many."
    )
    rows = [
        {
            "Index": told,
            f"Recall@{k}": t.recall,
            "Queries a second": t.queries_per_second,
            "ms a query alone": t.query_ms,
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
                "Queries a second": st.column_config.NumberColumn(format="localized"),
                "ms a query alone": st.column_config.NumberColumn(format="%.3f"),
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
    st.plotly_chart(figures.curve(found.curve, k), key="curve", config={"displayModeBar": False}, alt="Recall by size")
    refused = [p for p in found.curve if p.refused]
    for point in refused[:1]:
        st.caption(plain(f"Over {point.n:,} vectors: {point.refused}."))
    st.caption(f"Measured over a quarter, a half and all of {n:,} vectors; not measured beyond {n:,}.")


def projection(spec: IndexSpec, dim: int) -> None:
    """Bytes at a hundred thousand, a million and ten million chunks, by kind; sizes alone are projected."""
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
