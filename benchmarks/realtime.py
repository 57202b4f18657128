"""What follows a slider: from a new size to the golden set's score; and a surface raced beside a plain loop over it."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.embedding import network
from benchmarks.sweeping import questions_and_corpus
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
from workbench.sweeps import race

CHARACTERS, QUESTIONS, STEPS = 700_000, 100, 20
SIZES = (50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 650, 800)
OVERLAPS = (0.0, 0.1, 0.2, 0.3, 0.5)
SAMPLE = 12
NOTE = "Cut, pooled, indexed, searched, tokens counted and judged, at a size not tried before. To reach: 80 and 150 ms."
RACE_NOTE = (
    "Of the plain loop (LangChain, SentenceTransformer.encode) some configurations are run, one of each size, every "
    "overlap as often as another, and all are estimated by them. To reach: 10 %."
)


def tables(tiny: bool) -> Iterator[Table]:
    """The slider, then the surface."""
    yield _slider(tiny)
    yield _surface(tiny)


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


def _surface(tiny: bool) -> Table:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        corpus, questions = questions_and_corpus(tiny)
        embedder, theirs = SentenceTransformer(), network()
        pairs = [(n, share) for n in SIZES for share in OVERLAPS][:: 20 if tiny else 1]
        lines = [
            Pipeline(splitter=Recursive(chunk_size=n, chunk_overlap=int(n * share)), embedder=embedder)
            for n, share in pairs
        ]
        theirs.encode(["loads the model"])
        embedder.encode_query(["loads the model"])
        with tempfile.TemporaryDirectory() as folder:
            store, ours = Store(Path(folder) / "store"), Times()
            found = ours.measure(partial(race, corpus, questions, lines, store=store))
            store.close()
        plain, some = Times(), lines[:: max(1, len(lines) // SAMPLE)] if tiny else _sample(lines)
        for line in some:
            plain.measure(partial(_plainly, corpus, questions, line.splitter, theirs))
    finally:
        torch.set_num_threads(threads)
    whole = sum(plain.cpus) * len(lines) / len(some)
    exact = sum(cell.state == "exact" for cell in found.standing.cells)
    like = found.standing.agreement
    rows = [
        ["plain loop", str(len(lines)), ms(whole), "100 %", ""],
        ["race", str(exact), ms(ours.cpu), f"{100 * ours.cpu / whole:.0f} %", f"{like.rho:.2f}" if like else ""],
    ]
    title = f"Surface: {len(lines)} configurations, {len(questions)} questions, {embedder.model}"
    return Table(title, ("", "embedded", "CPU", "of the loop", "Spearman"), rows, RACE_NOTE)


def _sample(lines: Sequence[Pipeline]) -> list[Pipeline]:
    n = len(OVERLAPS)
    return [lines[n * i + 2 * i % n] for i in range(len(SIZES))]


def _plainly(corpus: Corpus, questions: Sequence[Question], splitter: Recursive, model: Any) -> None:
    """What a script does: cut by LangChain, embed, search with FAISS."""
    import faiss
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    cutter = RecursiveCharacterTextSplitter(
        chunk_size=splitter.chunk_size,
        chunk_overlap=splitter.chunk_overlap,
        length_function=lambda text: len(model.tokenizer.encode(text, add_special_tokens=False)),
    )
    chunks = [chunk for one in corpus for chunk in cutter.split_text(one.text)]
    vectors = model.encode(chunks, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    index.search(model.encode([q.text for q in questions], show_progress_bar=False), 20)
