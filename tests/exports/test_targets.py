"""Every target's exported code, run for real in the framework's own environment, gives what the workbench gives."""

import re
from pathlib import Path

import pytest

from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static
from workbench.exports import export, support, verify
from workbench.exports.comparisons import compare
from workbench.exports.plans import FRAMEWORKS
from workbench.exports.verifications import _found, _rows
from workbench.indexes import INDEXES, Flat, IndexSpec
from workbench.pipelines import Pipeline, from_yaml
from workbench.records import Question
from workbench.retrievers import BM25, RETRIEVERS, Dense, Hybrid, Retriever
from workbench.splitters import SPLITTERS, Recursive, Splitter

targets = pytest.mark.parametrize("target", FRAMEWORKS)

SETTINGS = (
    {"chunk_size": 60, "chunk_overlap": 12},
    {"chunk_size": 300, "chunk_overlap": 30, "unit": "characters", "header": "path"},
    {"chunk_size": 80, "chunk_overlap": 0, "tokenizer": "cl100k_base"},
)


def splitters(target: str) -> dict[str, Pipeline]:
    """Every registered splitter that the target can express, three ways."""
    out = {}
    for kind, cls in SPLITTERS.items():
        for i, settings in enumerate(SETTINGS):
            splitter: Splitter = cls(**settings)
            pipeline = Pipeline(splitter=splitter, retriever=BM25())
            if not any(note.stops for note in support(pipeline, target)):
                out[f"{kind}-{i}"] = pipeline
    return out


@targets
def test_every_splitter_gives_the_same_chunks(target: str, ran, corpus: Corpus) -> None:
    pipelines = splitters(target)
    assert {"recursive-0", "fixed-2", "sentences-1", "structure-0", "code-0", "separator-1"} <= set(pipelines)
    for name, theirs in ran(target, pipelines).items():
        ours, _ = _found(_rows(corpus, pipelines[name], True, None, None), pipelines[name], [], True, None)
        checks, differences = compare(ours, theirs, {}, "")
        assert not differences, (name, differences[:3])
        compared = {check.name: check.compared for check in checks}
        assert compared["text hashes"] == len(ours.hashes) > 5
        blind = target == "langchain" and name.startswith("recursive") and "header" not in SETTINGS[int(name[-1])]
        assert compared["boundaries"] == (0 if blind else len(ours.hashes)), name


def searches(target: str) -> dict[str, Pipeline]:
    """Each index, and each retriever, that the target can express, over a static model."""
    splitter = SPLITTERS["structure"](chunk_size=60, chunk_overlap=10)
    settings: dict[str, dict[str, object]] = {"ivf-pq": {"m": 32, "nbits": 4}}
    indexes: dict[str, IndexSpec] = {kind: cls(**settings.get(kind, {})) for kind, cls in INDEXES.items()}
    indexes |= {"dot": Flat(metric="dot"), "half": Flat(storage="float16"), "refined": INDEXES["sq8"](rerank="float32")}
    retrievers: dict[str, Retriever] = {k: cls() for k, cls in RETRIEVERS.items() if k != "rerank"}
    retrievers["weighted"] = Hybrid(fusion="weighted", weight=0.3, stemmer="english", stop_words="en")
    found = {f"index-{k}": Pipeline(splitter=splitter, embedder=Static(), index=i) for k, i in indexes.items()}
    found |= {f"by-{k}": Pipeline(splitter=splitter, embedder=Static(), retriever=r) for k, r in retrievers.items()}
    found["walked"] = Pipeline(splitter=splitter, embedder=Static(), index=INDEXES["hnsw"](), retriever=Hybrid(depth=5))
    found["short"] = Pipeline(splitter=splitter, embedder=Static(truncate_dim=64), retriever=Dense(), k=9)
    found["headless"] = Pipeline(splitter=Recursive(chunk_size=80, chunk_overlap=10), embedder=Static())
    return {k: p for k, p in found.items() if not any(note.stops for note in support(p, target))}


@targets
def test_every_search_gives_the_same_hits(target: str, ran, corpus: Corpus, golden: tuple[Question, ...]) -> None:
    pipelines = searches(target)
    wanted = {"index-flat", "index-hnsw", "index-ivf-flat", "by-bm25", "by-hybrid", "by-weighted", "short"}
    assert wanted <= set(pipelines)
    asked = [question.text for question in golden]
    for name, theirs in ran(target, pipelines, ("--dump",)).items():
        ours, ranks = _found(_rows(corpus, pipelines[name], False, None, None), pipelines[name], asked, False, None)
        checks, differences = compare(ours, theirs, ranks, "")
        assert not differences, (name, differences[:3])
        counts = {check.name: check.compared for check in checks}
        assert counts["hits"] == len(asked) == 8, name
        assert counts.get("vectors", 0) == (len(ours.hashes) if pipelines[name].retriever.needs_vectors else 0)


@targets
@pytest.mark.slow
def test_a_transformer_from_end_to_end(target: str, interpreter, corpus: Corpus, tmp_path: Path) -> None:
    interpreter(target)
    few = Corpus(corpus.documents[:1])
    embedder = SentenceTransformer(dtype="bfloat16", query_prefix="query: ", passage_prefix="passage: ")
    pipeline = Pipeline(splitter=SPLITTERS["structure"](chunk_size=120), embedder=embedder, k=3)
    export(pipeline, few, None, target, tmp_path)
    found = verify(tmp_path, few, ["How hot may the water be?", "Which lamp means an error?"])
    assert found.equal, found.differences
    assert {check.name: check.different for check in found.checks}["vectors"] == 0
    assert from_yaml((tmp_path / "pipeline.yaml").read_text()) == pipeline


@targets
def test_exported_code_reads_as_if_written_by_hand(target: str, corpus: Corpus, tmp_path: Path) -> None:
    import subprocess
    import sys

    for name, pipeline in {**splitters(target), **searches(target)}.items():
        export(pipeline, None, None, target, tmp_path / name)
    rules = ["check", "--isolated", "--line-length", "120", "--select", "E,F,I,B"]
    ruff = Path(sys.executable).with_name("ruff")
    local = 'lint.isort.known-first-party=["splitter", "retriever", "embedder"]'
    command = [ruff, *rules, "--config", local, "--no-cache", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
    assert not re.search(r"^(from|import) workbench", "".join(p.read_text() for p in tmp_path.rglob("*.py")), re.M)
