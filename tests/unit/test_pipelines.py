"""A pipeline is one value: its file, its identity, its steps."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.documents import Corpus, Document
from workbench.embedders import SentenceTransformer, Static
from workbench.errors import SpecError
from workbench.indexes import HNSW
from workbench.pipelines import Pipeline, collection, from_yaml, indexed, prepared, split, to_yaml
from workbench.retrievers import BM25, Hybrid
from workbench.splitters import Recursive, Structure
from workbench.store import Store

PIPELINES = [
    Pipeline(),
    Pipeline(splitter=Recursive(chunk_size=64, chunk_overlap=0, separators=("\n\n", "")), retriever=BM25(), k=50),
    Pipeline(splitter=Structure(unit="characters"), embedder=Static(), index=HNSW(m=16), retriever=Hybrid(weight=0.25)),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_file_gives_the_same_pipeline_back(pipeline: Pipeline) -> None:
    again = from_yaml(to_yaml(pipeline))
    assert again == pipeline
    assert again.fingerprint == pipeline.fingerprint
    assert to_yaml(again) == to_yaml(pipeline)


def test_fingerprints_differ_where_results_may() -> None:
    base = Pipeline()
    others = [
        replace(base, k=6),
        replace(base, splitter=Recursive(chunk_size=201)),
        replace(base, embedder=Static()),
        replace(base, embedder=SentenceTransformer(dtype="bfloat16")),
        replace(base, index=HNSW()),
        replace(base, retriever=BM25()),
    ]
    assert len({p.fingerprint for p in [base, *others]}) == 1 + len(others)


def test_a_name_is_no_part_of_the_identity() -> None:
    by_alias = Pipeline(embedder=SentenceTransformer(model="sentence-transformers/all-MiniLM-L6-v2"))
    assert by_alias.fingerprint == Pipeline().fingerprint


def test_what_a_file_leaves_out_takes_the_default() -> None:
    assert from_yaml("workbench: 1\nsplitter: {kind: recursive, chunk_size: 200}\n") == Pipeline()


@pytest.mark.parametrize(
    "text, says",
    [
        ("splitter: [", "not valid YAML at line"),
        ("- 1", "holds a mapping"),
        ("workbench: 2", "workbench: 2 is not a known form"),
        ("chunker: {}", "has no key 'chunker'; its keys are workbench, parser, splitter"),
        ("splitter: {kind: magic}", "splitter kind 'magic' is not known; known are recursive"),
        ("splitter: recursive", "splitter must be a mapping"),
        ("splitter: {kind: recursive, chunk_size: 5, chunk_overlap: 9}", "chunk_overlap (9) must be smaller than"),
        ("embedder: {kind: static, model: all-MiniLM-L6-v2}", "choose that kind"),
        ("k: 3\nk: 7", "the key 'k' is repeated"),
        ("k: 2026-13-45", "not valid YAML"),
        ("[" * 3000, "not valid YAML"),
        ("workbench: true", "workbench: True is not a known form"),
        ("k: 0", "k (0) must be a whole number from 1"),
        ("k: yes", "k (True) must be a whole number"),
        ("splitter: !!python/object/apply:os.system [ls]", "not valid YAML"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        from_yaml(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def corpus() -> Corpus:
    texts = {
        "a.txt": "Close valve E-4417 first. " * 30,
        "b.txt": "Parental leave lasts sixteen weeks. " * 30,
        "empty.txt": "",
    }
    return Corpus(tuple(Document(source=n, id=n, name=n, text=t) for n, t in texts.items()))


def test_from_documents_to_hits(tmp_path: Path) -> None:
    pipeline = Pipeline(splitter=Recursive(chunk_size=40, chunk_overlap=0), embedder=Static(), k=3)
    store = Store(tmp_path)
    rows = prepared(corpus(), pipeline, store)
    hits = pipeline.retriever(rows, ["How long is parental leave?"], pipeline.k)[0]
    assert [h.span.document for h in hits] == ["b.txt"] * 3
    assert all("leave" in corpus()[h.span] for h in hits)

    calls: list[int] = []
    prepared(corpus(), pipeline, store, progress=lambda done, total: calls.append(total))
    assert calls == [0]  # nothing is embedded twice


def test_a_filtered_search_is_exact_with_an_approximate_index() -> None:
    rows = collection(corpus(), Recursive(chunk_size=40, chunk_overlap=0))
    vectors = np.random.default_rng(0).normal(size=(len(rows), 256)).astype(np.float32)
    searched = indexed(rows, vectors, Static(), HNSW(m=4, ef_search=1))
    mask = rows.document_index == 1
    hits = Pipeline().retriever(searched, ["anything"], 50, mask)[0]
    assert sorted(h.chunk for h in hits) == np.flatnonzero(mask).tolist()


def test_equal_corpora_share_what_was_cut() -> None:
    splitter = Recursive(chunk_size=50)
    assert collection(corpus(), splitter) is collection(corpus(), splitter)
    assert split(corpus().documents[0], splitter) is split(corpus().documents[0], splitter)


def test_run_searches_and_embeds_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    pipeline = Pipeline(splitter=Recursive(chunk_size=40, chunk_overlap=0), embedder=Static(), k=3)
    queries = ["How long is parental leave?", "E-4417"]
    found = pipeline.run(corpus(), queries)
    assert found == pipeline.retriever(prepared(corpus(), pipeline), queries, 3)
    assert (tmp_path / "store" / "store.sqlite").exists()

    def refuse(*_: object) -> None:
        raise AssertionError("it is in the store")

    monkeypatch.setattr(Static, "encode_document", refuse)
    monkeypatch.setattr(Static, "encode_query", refuse)
    assert pipeline.run(corpus(), queries) == found
    with pytest.raises(SpecError, match="must be a list of texts"):
        pipeline.run(corpus(), queries[0])


def test_run_without_vectors(tmp_path: Path) -> None:
    hits = Pipeline(retriever=BM25(), k=1).run(corpus(), ["parental"], Store(tmp_path))
    assert [h.span.document for h in hits[0]] == ["b.txt"]
