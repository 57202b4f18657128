"""How search, and every stage before it, grows with the corpus: by kind of index, BM25, and fitted exponents."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.forgetting import forget
from benchmarks.tables import Table, ms, size
from benchmarks.texts import document
from benchmarks.timing import Times
from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import Static
from workbench.errors import SpecError
from workbench.indexes import HNSW, IVFPQ, SQ8, Binary, Flat, IndexSpec, IVFFlat, recall_at
from workbench.retrievers import BM25
from workbench.retrievers.bm25 import Lexical, Terms
from workbench.splitters import Recursive
from workbench.store import Store
from workbench.vectors import unit

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
DIMENSIONS = 256
BUDGET = 15.0
"""Seconds that building an index may take, by the next smaller size."""
KINDS: tuple[IndexSpec, ...] = (Flat(), SQ8(), Binary(), IVFFlat(), IVFPQ(m=64), HNSW())
SEARCH_NOTE = (
    f"k = 10, {DIMENSIONS} dimensions, vectors around 2,000 centres. A cell: a query (median of 20), one of 100, and "
    "recall@10 against exact search. Wanted on 100,000: a query within 20 ms, 1,000 together within 5 s. Left out "
    f"(–): built in more than {BUDGET:.0f} s by the size before (HNSW is built on one thread, so that it is the same "
    "every time), or too few vectors to train."
)
BM25_NOTE = "Rows of about 100 terms drawn by Zipf's law from 50,000; bm25s with the same ids. Queries of six terms."
GROWTH_NOTE = "CPU of one first run at each size; the exponent is fitted over all. Wanted: at most 1.1."


def tables(tiny: bool) -> Iterator[Table]:
    """Three tables: search by kind and size, BM25 by size, growth of every stage."""
    counts = (300, 600) if tiny else COUNTS
    yield _search(counts)
    yield _bm25((200, 400) if tiny else COUNTS[:3])
    yield _growth((2_000, 4_000) if tiny else (70_000, 700_000, 7_000_000))


def _vectors(n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(2_000, DIMENSIONS)).astype(np.float32)
    rows = rng.standard_normal((n, DIMENSIONS), np.float32)
    rows *= 0.7
    rows += centres[rng.integers(0, 2_000, n)]
    queries = centres[:100] + rng.standard_normal((100, DIMENSIONS), np.float32) * np.float32(0.7)
    return rows, queries


def _search(counts: tuple[int, ...]) -> Table:
    cells: dict[str, list[str]] = {spec.kind: [spec.kind] for spec in KINDS}
    last = dict.fromkeys(cells, 0.0)
    for step, n in enumerate(counts):
        rows, queries = _vectors(n)
        exact: Any = None
        for spec in KINDS:
            if last[spec.kind] * n / counts[max(step - 1, 0)] > BUDGET:
                cells[spec.kind].append("–")
                last[spec.kind] = np.inf
                continue
            try:
                index = spec(rows)
            except SpecError:
                cells[spec.kind].append("–")
                continue
            exact = exact or index
            last[spec.kind] = index.build_seconds
            alone, together = Times(), Times()
            for query in queries[:20]:
                alone.measure(partial(index.search, query[None], 10))
            together.measure(partial(index.search, queries, 10))
            recall = float(np.nanmean(recall_at(index, exact, queries[:50], 10)))
            cells[spec.kind].append(f"{ms(alone.wall)}, {ms(together.wall / len(queries))}, {recall:.2f}")
            del index
    return Table("Search by kind of index", ("", *(f"{n:,}" for n in counts)), list(cells.values()), SEARCH_NOTE)


def _bm25(counts: tuple[int, ...]) -> Table:
    import bm25s

    rng = np.random.default_rng(0)
    words = 50_000
    vocabulary = {f"w{i}": i for i in range(words)}
    table = []
    for n in counts:
        ids = np.minimum(rng.zipf(1.2, n * 100), words).astype(np.int32) - 1
        first = np.arange(0, len(ids) + 1, 100)
        ours, theirs, query, their_query = Times(), Times(), Times(), Times()
        index = ours.measure(partial(Lexical, Terms(ids, first, vocabulary), 1.5, 0.75))
        other = bm25s.BM25(k1=1.5, b=0.75, method="lucene", dtype="float64")
        rows = [row.tolist() for row in ids.reshape(-1, 100)]
        other.scores = theirs.measure(partial(other.build_index_from_ids, range(words), rows, show_progress=False))
        for turn in range(20):
            asked = rng.integers(0, 2_000, 6).tolist()
            mine = query.measure(partial(index.scores, " ".join(f"w{i}" for i in asked)))
            known = their_query.measure(partial(other.get_scores_from_ids, asked))
            assert turn or np.array_equal(mine, known), "BM25's scores differ from bm25s's"
        times = (ours.cpu, theirs.cpu, query.wall, their_query.wall)
        table.append([f"{n:,}", *(ms(t) for t in times)])
    columns = ("chunks", "index, CPU", "bm25s", "a query's scores", "bm25s")
    return Table("BM25 by size, beside bm25s", columns, table, BM25_NOTE)


def _growth(sizes: tuple[int, ...]) -> Table:
    found: dict[str, list[float]] = {}
    _stages(Corpus((document(1_000),)), {})  # loads the model and the libraries
    for n in sizes:
        forget()
        _stages(Corpus((document(n),)), found)
    table = []
    for name, seconds in found.items():
        exponent = np.polyfit(np.log(sizes), np.log(np.maximum(seconds, 1e-6)), 1)[0]
        table.append([name, *(ms(s) for s in seconds), f"{exponent:.2f}"])
    return Table("Growth of each stage", ("", *(size(n) for n in sizes), "exponent"), table, GROWTH_NOTE)


def _stages(corpus: Corpus, found: dict[str, list[float]]) -> None:
    def stage(name: str, action: Callable[[], Any]) -> Any:
        times = Times()
        out = times.measure(action)
        found.setdefault(name, []).append(times.cpu)
        return out

    embedder = Static()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for measure in ("characters", "tokens"):
            splitter = Recursive(800 if measure == "characters" else 200, 0, measure)
            rows = stage(f"chunks, {measure}", partial(pipelines.collection, corpus, splitter))
        vectors = stage("vectors, static", partial(pipelines.embedded, rows, embedder, store))
        stage("index, flat", partial(pipelines.indexed, rows, unit(vectors), embedder, Flat()))
        stage("BM25: index and a query", partial(BM25(), rows, ["how do I reset the pump"], 10))
        store.close()
