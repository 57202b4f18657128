"""Every target's exported code, run for real in the framework's own environment, gives what the workbench gives."""

import re
from pathlib import Path

import pytest

from workbench.documents import Corpus
from workbench.embedders import EMBEDDERS, SentenceTransformer, Static
from workbench.exports import export, support, verify
from workbench.exports.comparison import compare
from workbench.exports.targets import EXACT, FRAMEWORKS, native
from workbench.exports.verification import expected
from workbench.indexes import INDEXES, Flat, IndexSpec
from workbench.pipelines import Pipeline, collection, from_yaml, prepared
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
            out[f"{kind}-{i}"] = pipeline
            if kind == "recursive" and splitter.header == "none":  # the framework's own splitter, where it has one
                out[f"dense-{i}"] = Pipeline(splitter=splitter)
    return out


@targets
def test_every_splitter_gives_the_same_chunks(target: str, ran, corpus: Corpus) -> None:
    pipelines = splitters(target)
    assert {"recursive-0", "fixed-2", "sentences-1", "structure-0", "code-0", "separator-1"} <= set(pipelines)
    for name, theirs in ran(target, pipelines, chunks_only=True).items():
        ours, _ = expected(collection(corpus, pipelines[name].splitter), pipelines[name], [], chunks_only=True)
        checks, differences = compare(ours, theirs, {}, "")
        assert not differences, (name, differences[:3])
        compared = {check.name: check.compared for check in checks}
        assert compared["text hashes"] == len(ours.hashes) > 5
        blind = native(pipelines[name], target).splitter
        assert blind == (target == "langchain" and name.startswith("dense"))
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
    found["late"] = Pipeline(splitter=splitter, embedder=EMBEDDERS["late"]())
    found["wider"] = Pipeline(splitter=splitter, embedder=Static(), retriever=Dense(expand="section", merge=True))
    return found


@targets
def test_every_search_gives_the_same_hits(target: str, ran, corpus: Corpus, golden: tuple[Question, ...]) -> None:
    pipelines = searches(target)
    wanted = {"index-flat", "index-hnsw", "index-ivf-flat", "by-bm25", "by-hybrid", "by-weighted", "short"}
    assert wanted <= set(pipelines)
    asked = [question.text for question in golden]
    for name, theirs in ran(target, pipelines).items():
        ours, ranks = expected(prepared(corpus, pipelines[name]), pipelines[name], asked)
        checks, differences = compare(ours, theirs, ranks, "")
        assert not differences, (name, differences[:3])
        counts = {check.name: check.compared for check in checks}
        assert counts["hits"] == len(asked) == 8, name
        assert counts.get("vectors", 0) == (len(ours.hashes) if pipelines[name].retriever.needs_vectors else 0)


MODELS = {
    "plain": {},
    "half": {"dtype": "bfloat16", "query_prefix": "query: ", "passage_prefix": "passage: "},
    "short": {"truncate_dim": 64},
}


@targets
@pytest.mark.slow
@pytest.mark.parametrize("settings", MODELS.values(), ids=list(MODELS))
def test_a_transformer_from_end_to_end(
    target: str, settings: dict[str, object], interpreter, corpus: Corpus, tmp_path: Path
) -> None:
    interpreter(target)
    few = Corpus(corpus.documents[:1])
    header = "none" if target == "langchain" else "path"
    for splitter in (SPLITTERS["structure"](chunk_size=120, header=header), Recursive(chunk_size=120)):
        pipeline = Pipeline(splitter=splitter, embedder=SentenceTransformer(**settings), k=3)
        assert {n.part: n.level for n in support(pipeline, target)}["retriever"] == EXACT
        export(pipeline, few, None, target, tmp_path)
        found = verify(tmp_path, few, ["How hot may the water be?", "Which lamp means an error?"])
        assert found.equal, found.differences
        compared = {check.name: check.compared for check in found.checks}
        assert compared["vectors"] == compared["text hashes"] > 3
        assert from_yaml((tmp_path / "pipeline.yaml").read_text()) == pipeline


@targets
def test_exported_code_reads_as_if_written_by_hand(target: str, corpus: Corpus, tmp_path: Path) -> None:
    import subprocess
    import sys

    made = {**splitters(target), **searches(target)}
    made |= {f"model-{name}": Pipeline(embedder=SentenceTransformer(**m)) for name, m in MODELS.items()}
    made["packaged"] = Pipeline(
        splitter=Recursive(tokenizer="wordllama-256"), embedder=SentenceTransformer(**MODELS["half"])
    )
    for name, pipeline in made.items():
        export(pipeline, None, None, target, tmp_path / name)
        alone = native(pipeline, target).alone
        assert alone == (target == "langchain" and name.startswith(("dense", "model", "packaged")))
        assert (tmp_path / name / "pipeline.yaml").is_file()
        wheels = list((tmp_path / name).glob("wheels/*.whl"))
        assert len(wheels) == (not alone)
        text = (tmp_path / name / "export.py").read_text()
        assert bool(re.search(r"^(from|import) workbench", text, re.M)) == (not alone)
        assert len(text.splitlines()) <= 60, name
        named = [line for line in (tmp_path / name / "requirements.txt").read_text().splitlines() if "wheels/" in line]
        assert [line.partition("[")[0] for line in named] == [f"./wheels/{path.name}" for path in wheels]
        assert sum(path.suffix == ".py" for path in (tmp_path / name).rglob("*")) == 1
    rules = ["check", "--isolated", "--line-length", "120", "--select", "E,F,I,B"]
    ruff = Path(sys.executable).with_name("ruff")
    foreign = 'lint.isort.known-third-party=["workbench"]'
    command = [ruff, *rules, "--config", foreign, "--no-cache", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
