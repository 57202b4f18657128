"""What one step of the chunk-size slider costs in the engine, stage by stage, as the Bench runs it."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.forgetting import forget
from benchmarks.tables import Table, ms, size
from benchmarks.texts import document
from benchmarks.timing import Times
from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Dense
from workbench.splitters import Recursive
from workbench.store import Store
from workbench.ui import corpus_stats

SIZES = (120_000, 700_000, 5_000_000)
STEPS = (200, 152, 248, 104, 296, 176)
UNUSED = "tokens and unseen text, MiniLM"
QUERY = "how do I reset the pump after a dry-run stop"
NOTE = (
    "A corpus of one document, sizes in MiniLM's tokens, vectors of the static model. Each step is a size that was not "
    "seen before. First: nothing of the text is known. Every stage by the clock; the sums are of the Bench's step "
    "with the static model."
)


def tables(tiny: bool) -> Iterator[Table]:
    """One table: a row per stage, the first step and the median of later ones per size of text."""
    _measured(Corpus((document(3_000),)), STEPS[:2])  # loads the model and the libraries
    columns, figures = ["stage"], []
    for characters in (4_000,) if tiny else SIZES:
        columns += [f"{size(characters)}, first", "later"]
        figures.append(_measured(Corpus((document(characters),)), STEPS[:2] if tiny else STEPS))
    stages = list(figures[0])
    rows = [[name, *(ms(t) for each in figures for t in _first_and_later(each[name].walls))] for name in stages]
    used = [[times for name, times in each.items() if name != UNUSED] for each in figures]
    rows += [
        ["sum", *(ms(t) for stages in used for t in _sums([times.walls for times in stages]))],
        ["sum, CPU", *(ms(t) for stages in used for t in _sums([times.cpus for times in stages]))],
    ]
    yield Table("A slider step in the engine", columns, rows, NOTE)


def _sums(stages: list[list[float]]) -> tuple[float, float]:
    first, later = zip(*map(_first_and_later, stages), strict=True)
    return sum(first), sum(later)


def _first_and_later(values: list[float]) -> tuple[float, float]:
    return values[0], Times(values[1:]).wall


def _measured(corpus: Corpus, steps: tuple[int, ...]) -> dict[str, Times]:
    text = corpus.documents[0]
    forget()
    times: dict[str, Times] = {}

    def stage(name: str, action: Callable[[], Any]) -> Any:
        return times.setdefault(name, Times()).measure(action)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for chunk_size in steps:
            pipeline = Pipeline(splitter=Recursive(chunk_size, chunk_size // 10), embedder=Static(), retriever=Dense())
            chunks = stage("chunks", partial(pipelines.split, text, pipeline.splitter))
            transformer = replace(pipeline, embedder=SentenceTransformer())
            stage(UNUSED, partial(corpus_stats.cut, text, transformer))
            stage("tokens and unseen text, static", partial(corpus_stats.cut, text, pipeline))
            stage("totals", partial(corpus_stats.totals, corpus, pipeline))
            rows = stage("collection", partial(pipelines.collection, corpus, pipeline.splitter))
            assert len(rows) == len(chunks)
            stage("BM25: index and query", partial(BM25(), rows, [QUERY], 5))
            stage("BM25: another query", partial(BM25(), rows, [f"{QUERY} {chunk_size}"], 5))
            vectors = stage("vectors", partial(pipelines.embedded, rows, pipeline.embedder, store))
            dense = stage("index", partial(pipelines.indexed, rows, vectors, pipeline.embedder, pipeline.index))
            stage("dense: query", partial(Dense(), dense, [f"{QUERY} {chunk_size}"], 5))
        store.close()
    return times
