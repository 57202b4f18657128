"""One query over about 2,000 chunks, by retriever, beside the plain way of doing the same."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.tables import Table, ms
from benchmarks.texts import document
from benchmarks.timing import interleaved
from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Dense, Hybrid
from workbench.splitters import Recursive
from workbench.vectors import unit

QUERIES = ("what does error E-4417 mean", "who may take parental leave", "pump runs dry after a restart", "§ 12 fees")
K = 10
NOTE = (
    "The static model's vectors, exact search, k = 10; every query is new, so its vector is computed. numpy: one "
    "product and a full sort. bm25s: its own tokenizer, no stop words, its own top k. One query at a time."
)


def tables(tiny: bool) -> Iterator[Table]:
    """One table: a row per retriever."""
    import bm25s

    corpus = Corpus((document(6_000 if tiny else 1_480_000),))
    pipeline = Pipeline(splitter=Recursive(), embedder=Static())
    rows = pipelines.prepared(corpus, pipeline)
    texts = list(rows.texts())
    vectors = unit(pipelines.embedded(rows, pipeline.embedder))
    static, transformer = Static(), SentenceTransformer()
    transformer.encode_query(["loads the model"])
    bm25 = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    bm25.index(bm25s.tokenize(texts, stopwords=None, show_progress=False), show_progress=False)

    def plain_dense(query: str) -> list[int]:
        scores = vectors @ static.encode_query([query])[0]
        return np.argsort(-scores, kind="stable")[:K].tolist()

    def dense(query: str) -> list[int]:
        return [hit.chunk for hit in Dense()(rows, [query], K)[0]]

    def plain_bm25(query: str) -> None:
        words = bm25s.tokenize([query], stopwords=None, show_progress=False)
        bm25.retrieve(words, k=min(K, len(texts)), show_progress=False)

    calls: dict[str, Callable[[str], object]] = {
        "query vector, static": lambda query: static.encode_query([query]),
        "query vector, MiniLM": lambda query: transformer.encode_query([query]),
        "dense, numpy": plain_dense,
        "dense, ours": dense,
        "BM25, bm25s alone": plain_bm25,
        "BM25, ours": lambda query: BM25()(rows, [query], K),
        "hybrid, ours": lambda query: Hybrid()(rows, [query], K),
    }
    calls["BM25, ours"]("builds the index")
    turns = 2 if tiny else 20
    made = {
        name: (lambda turn, call=call, name=name: call(f"{QUERIES[turn % len(QUERIES)]} {name} {turn}"))
        for name, call in calls.items()
    }
    times = interleaved(turns, made)
    slow = {name: sorted(t.walls)[int(0.95 * len(t.walls))] for name, t in times.items()}
    table = [[name, ms(t.wall), ms(slow[name]), ms(t.cpu)] for name, t in times.items()]
    equal = sum(dense(query) == plain_dense(query) for query in QUERIES)
    note = f"{NOTE} Dense hits equal numpy's for {equal} of {len(QUERIES)} queries."
    yield Table(f"A query on {len(rows):,} chunks", ("", "median", "p95", "CPU"), table, note)
