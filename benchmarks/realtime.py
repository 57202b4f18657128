"""What follows a slider: from a new size to the golden set's score."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks.tables import Table, ms
from benchmarks.texts import document, made_questions
from benchmarks.timing import Times, percentile_95
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static, prepare_preview
from workbench.evaluations import evaluate
from workbench.pipelines import Pipeline, collection, embedded, indexed, previewed
from workbench.records import Question
from workbench.splitters import Recursive
from workbench.store import Store

CHARACTERS, QUESTIONS, STEPS = 700_000, 100, 20
NOTE = "Cut, pooled, indexed, searched, tokens counted and judged, at a size not tried before. To reach: 80 and 150 ms."


def tables(tiny: bool) -> Iterator[Table]:
    """One table."""
    yield _slider(tiny)


def _slider(tiny: bool) -> Table:
    text = document(20_000 if tiny else CHARACTERS)
    corpus, store, rows = Corpus((text,)), Store(None), []
    asked = made_questions(text, 5 if tiny else QUESTIONS)
    for embedder in (Static(), SentenceTransformer()):
        preview = isinstance(embedder, SentenceTransformer)
        if isinstance(embedder, SentenceTransformer):
            prepare_preview(corpus, embedder, store)
        times = Times()
        for size in range(150, 150 + (2 if tiny else STEPS + 2)):
            times.measure(
                partial(_score, corpus, asked, Pipeline(splitter=_cut(size, embedder), embedder=embedder), store)
            )
        walls, cpus = times.walls[2:] or times.walls, sorted(times.cpus[2:] or times.cpus)
        name = f"{embedder.model}, preview" if preview else embedder.model
        rows.append([name, ms(sorted(walls)[len(walls) // 2]), ms(percentile_95(walls)), ms(cpus[len(cpus) // 2])])
    title = f"Slider to score: {len(text.text):,} characters, {len(asked)} questions"
    return Table(title, ("", "wall", "p95", "CPU"), rows, NOTE)


def _cut(size: int, embedder: Any) -> Recursive:
    return Recursive(chunk_size=size, chunk_overlap=size // 8, tokenizer=embedder.model)


def _score(corpus: Corpus, asked: Sequence[Question], pipeline: Pipeline, store: Store) -> Any:
    embedder = pipeline.embedder
    rows = collection(corpus, pipeline.splitter)
    preview = isinstance(embedder, SentenceTransformer)
    vectors = previewed(rows, embedder, store) if preview else embedded(rows, embedder, store)  # type: ignore[arg-type]
    rows = indexed(rows, vectors, embedder, pipeline.index)
    return evaluate(corpus, asked, pipeline, [f"recall@{pipeline.k}"], rows=rows)
