"""A surface of sizes and overlaps, explored beside a plain loop over all of it: CPU seconds of both in one run."""

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embedding import network
from benchmarks.sweeping import questions_and_corpus
from benchmarks.tables import Table, ms
from benchmarks.timing import Times
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer
from workbench.pipelines import Pipeline, collection
from workbench.records import Question
from workbench.splitters import Recursive
from workbench.store import Store
from workbench.sweeps import Raced, RaceStep, race
from workbench.sweeps.embedding_cost import reading
from workbench.tasks import Task

SIZES = (50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 650, 800)
OVERLAPS = (0.0, 0.1, 0.2, 0.3, 0.5)
SAMPLE, SEED = 6, 0
STAGES = {
    "states": "one pass over the documents",
    "surface": "previews",
    "embedding": "exact vectors",
    "pilots": "exact runs",
    "looks": "previews",
    "finals": "exact runs",
}
NOTE = (
    "The plain loop (LangChain's splitter, SentenceTransformer.encode, FAISS, recall) is run for {sample} of the {all} "
    "configurations, drawn by a seed from as many parts of the grid, and scaled by the tokens that all of them embed. "
    "To reach: 10 % of its CPU. Torch on one thread."
)


def tables(tiny: bool) -> Iterator[Table]:
    """What exploring costs and says, beside the loop; then where its CPU goes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # CPU seconds of threads that wait for each other are no work
    try:
        corpus, questions = questions_and_corpus(tiny)
        lines = _lines(tiny)
        explored, parts, ours = _explored(corpus, questions, lines)
        some = _sample(len(lines), 2 if tiny else SAMPLE)
        plain = _plain(corpus, questions, [lines[i] for i in some])
    finally:
        torch.set_num_threads(threads)
    tokens = [reading(collection(corpus, line.splitter), line.embedder).total for line in lines]
    whole = sum(plain.cpus) * sum(tokens) / sum(tokens[i] for i in some)
    cells = explored.standing.cells
    exact, out, open_ = (sum(c.state == state for c in cells) for state in ("exact", "left out", "not decided"))
    leader = explored.standing.leader
    best = cells[leader].exact if leader is not None else None
    rows = [
        ["plain loop", str(len(lines)), "–", "–", ms(whole), "100 %", ""],
        ["explore", str(exact), str(out), str(open_), ms(ours.cpu), f"{100 * ours.cpu / whole:.1f} %", f"{best:.3f}"],
    ]
    title = f"Surface: {len(lines)} configurations, {len(questions)} questions, {lines[0].embedder.source.name}"
    columns = ("", "embedded", "left out", "not decided", "CPU", "of the loop", "leader")
    note = NOTE.format(sample=len(some), all=len(lines))
    yield Table(title, columns, rows, f"{note} What it says: {explored.sentence}.")
    shares = [[part, ms(cpu), f"{100 * cpu / whole:.1f} %"] for part, cpu in parts.items()]
    yield Table("Surface: where the CPU of explore goes", ("", "CPU", "of the loop"), shares)


def _lines(tiny: bool) -> list[Pipeline]:
    embedder = SentenceTransformer()
    sizes, overlaps = ((100, 800), (0.0, 0.5)) if tiny else (SIZES, OVERLAPS)
    pairs = [(n, share) for n in sizes for share in overlaps]
    return [
        Pipeline(splitter=Recursive(chunk_size=n, chunk_overlap=int(n * share)), embedder=embedder)
        for n, share in pairs
    ]


def _sample(n: int, size: int) -> list[int]:
    """Some of the configurations, in strata of the grid's order, by a seed."""
    parts = np.array_split(np.arange(n), size)
    rng = np.random.default_rng(SEED)
    return [int(rng.choice(part)) for part in parts if len(part)]


def _explored(
    corpus: Corpus, questions: Sequence[Question], lines: Sequence[Pipeline]
) -> tuple[Raced, dict[str, float], Times]:
    """What a race says that begins with nothing kept, its CPU by part, and in all."""
    import time

    lines[0].embedder.encode_query(["loads the model"])
    parts: dict[str, float] = {}
    last = time.process_time()

    def note(step: RaceStep) -> None:
        nonlocal last
        now = time.process_time()
        part = STAGES.get(step.stage, step.stage)
        parts[part] = parts.get(part, 0.0) + now - last
        last = now

    times = Times()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        found: Raced = times.measure(
            partial(race, corpus, questions, lines, store=store, task=Task(lambda done, total, step: note(step)))
        )
        store.close()
    return found, parts, times


def _plain(corpus: Corpus, questions: Sequence[Question], lines: Sequence[Pipeline]) -> Times:
    model, times = network(), Times()
    model.encode(["loads the model"])
    for line in lines:
        times.measure(partial(_loop, corpus, questions, line.splitter, model))
    return times


def _loop(corpus: Corpus, questions: Sequence[Question], splitter: Recursive, model: Any) -> float:
    """What a turn of a script does: cut by LangChain, embed, search with FAISS, and see how much of the answers is in.

    The mean share of the answers' characters in 20 hits, each hit found again by its text.
    """
    import faiss
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    cutter = RecursiveCharacterTextSplitter(
        chunk_size=splitter.chunk_size,
        chunk_overlap=splitter.chunk_overlap,
        length_function=lambda text: len(model.tokenizer.encode(text, add_special_tokens=False)),
    )
    chunks = [(one, chunk) for one in corpus for chunk in cutter.split_text(one.text)]
    vectors = model.encode([chunk for _, chunk in chunks], show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    _, rows = index.search(model.encode([q.text for q in questions], show_progress_bar=False), min(20, len(chunks)))
    places = [(one.id, one.text.find(chunk), len(chunk)) for one, chunk in chunks]
    found = total = 0
    for question, hits in zip(questions, rows.tolist(), strict=True):
        for reference in question.references:
            span = reference.span
            seen = np.zeros(span.end - span.start, np.bool_)
            for document, start, length in (places[i] for i in hits):
                if document == span.document:
                    seen[max(0, start - span.start) : max(0, start + length - span.start)] = True
            found, total = found + int(seen.sum()), total + len(seen)
    return found / max(1, total)
