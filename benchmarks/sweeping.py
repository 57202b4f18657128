"""A sweep beside embedding each configuration afresh: CPU seconds of both in one run, and of a sweep that is repeated.

Also an evaluation whose vectors are kept, and the bootstrap over many runs.
"""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embedding import network
from benchmarks.tables import Table, ms
from benchmarks.texts import sample
from benchmarks.timing import Times
from workbench import models
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer
from workbench.evaluations import evaluate
from workbench.golden import read_golden
from workbench.parsers import read
from workbench.pipelines import Pipeline, collection
from workbench.records import Question
from workbench.splitters import Recursive
from workbench.statistics import mean_intervals, standings
from workbench.store import Store
from workbench.sweeps import sweep
from workbench.tasks import Task
from workbench.workspaces.manifest import SAMPLE_FOLDER, SAMPLE_GOLDEN

SIZES = range(100, 900, 100)
OVERLAPS = 0.0, 0.25, 0.5
ONE = "state_of_the_union.md"
"""The corpus of chunking_evaluation whose sweep is measured; all three would take a quarter of an hour."""
SHARED = Path(__file__).parents[2] / "shared/reference/chunking_evaluation"
NOTE = (
    "All of it, splitting and queries included, against SentenceTransformer.encode of each configuration's chunks in "
    "float32. To reach: at most 60 % in float32, 36 % in bfloat16; a repeated sweep within 3 s."
)


def tables(tiny: bool) -> Iterator[Table]:
    """Two tables: the sweep over one of the corpora, then what stands on it."""
    corpus, questions = questions_and_corpus(tiny)
    if ONE in {document.name for document in corpus}:
        corpus = Corpus(tuple(document for document in corpus if document.name == ONE))
        questions = [q for q in questions if all(r.span.document in corpus for r in q.references)]
    yield _sweeps(corpus, questions, tiny)
    yield _figures(corpus, questions, tiny)


def questions_and_corpus(tiny: bool) -> tuple[Corpus, Sequence[Question]]:
    """The chunking_evaluation corpora where they are here, else the sample corpus."""
    if SHARED.is_dir() and not tiny:
        corpus = read(SHARED / "corpora")
        return corpus, read_golden(SHARED / "questions.csv", corpus)[0]
    corpus = sample()
    questions = read_golden(SAMPLE_FOLDER / SAMPLE_GOLDEN, corpus)[0]
    if tiny:
        corpus = Corpus(corpus.documents[:1])
        questions = [q for q in questions if q.answerable and all(r.span.document in corpus for r in q.references)][:3]
    return corpus, questions


def _sweeps(corpus: Corpus, questions: Sequence[Question], tiny: bool) -> Table:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # CPU seconds of threads that wait for each other are no work
    try:
        splitters = [Recursive(chunk_size=n, chunk_overlap=int(n * share)) for n in SIZES for share in OVERLAPS]
        splitters = splitters[:: 12 if tiny else 1]
        theirs, times = network(), Times()
        theirs.encode(["loads the model"])
        texts = [list(collection(corpus, splitter).texts()) for splitter in splitters]
        for some in texts:
            times.measure(partial(theirs.encode, some, show_progress_bar=False))
        afresh = sum(times.cpus)
        rows = [["each afresh", f"{sum(map(len, texts)):,}", ms(sum(times.walls)), ms(afresh), "100 %"]]
        for dtype in ("float32", "bfloat16"):
            rows += _ours(corpus, questions, splitters, SentenceTransformer(dtype=dtype), afresh)
    finally:
        torch.set_num_threads(threads)
    title = f"Sweep: {len(splitters)} configurations, {len(questions)} questions, {models.DEFAULT}"
    return Table(title, ("", "chunks embedded", "wall", "CPU", "of afresh"), rows, NOTE)


def _ours(
    corpus: Corpus, questions: Sequence[Question], splitters: Sequence[Recursive], embedder: Any, afresh: float
) -> list[list[str]]:
    """The rows of a sweep, and of the same one again."""
    embedder.encode_query(["loads the model"])
    pipelines = [Pipeline(splitter=splitter, embedder=embedder) for splitter in splitters]
    with tempfile.TemporaryDirectory() as folder:
        store, out, times = Store(Path(folder) / "store"), Path(folder) / "sweep", Times()
        made = 0

        def count(step: Any) -> None:
            nonlocal made
            made = max(made, step.total if step.stage == "embedding" else 0)

        run = partial(
            sweep, corpus, questions, pipelines, out, store=store, task=Task(lambda done, total, step: count(step))
        )
        times.measure(run)
        times.measure(run)
        store.close()
    name = f"ours, {embedder.dtype}"
    shares = [f"{100 * cpu / afresh:.0f} %" for cpu in times.cpus]
    return [
        [name, f"{made:,}", ms(times.walls[0]), ms(times.cpus[0]), shares[0]],
        [f"{name}, again", "0", ms(times.walls[1]), ms(times.cpus[1]), shares[1]],
    ]


def _figures(corpus: Corpus, questions: Sequence[Question], tiny: bool) -> Table:
    """Evaluating with vectors that are kept, intervals and verdicts."""
    line = Pipeline(splitter=Recursive(chunk_size=24, chunk_overlap=4))
    line = Pipeline(splitter=line.splitter, embedder=_static())
    asked = [q for _ in range(3) for q in questions if q.answerable][: 5 if tiny else 472]
    store = Store(None)
    evaluate(corpus, asked, line, store=store)
    times = Times()
    found = times.measure(partial(evaluate, corpus, asked, line, store=store))
    rows = [[f"evaluating {len(asked)} questions on {found.chunks:,} chunks", ms(times.wall), ms(times.cpu), "1 s"]]
    n = 20 if tiny else 500
    values, of = np.random.default_rng(0).random((n, 24)), np.arange(n)
    for name, action in (("intervals", mean_intervals), ("standings", standings)):
        for unit, documents in (("questions", None), ("documents", of // 10)):
            times = Times()
            times.measure(partial(action, values, of, documents=documents))
            rows.append([f"{name}: {unit}, {n} × 24", ms(times.wall), ms(times.cpu), "2 s"])
    return Table("Evaluating, intervals and verdicts", ("", "wall", "CPU", "to reach"), rows)


def _static() -> Any:
    from workbench.embedders import Static

    return Static()
