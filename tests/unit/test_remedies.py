"""What to try next for what lost an answer: a value that the pages draw as a button and the commands as a line."""

from typing import Any

import pytest

from workbench.anatomy import CAUSES, Remedy, findings, remedy
from workbench.anatomy.remedies import in_words
from workbench.embedders import SentenceTransformer, Static
from workbench.indexes import HNSW, Flat
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Dense, Hybrid
from workbench.splitters import Recursive


def line(retriever: Any, size: int = 100, unit: str = "tokens", **parts: Any) -> Pipeline:
    splitter = Recursive(chunk_size=size, chunk_overlap=0, unit=unit, tokenizer="wordllama-256")
    return Pipeline(**({"splitter": splitter, "embedder": Static(), "retriever": retriever} | parts))


def about(loss: float = 0.2, **more: Any) -> dict[str, Any]:
    return {"step": "", "loss": loss, "questions": ["a", "b"]} | more


@pytest.mark.parametrize(
    "cause, known, pipeline, label, change",
    [
        ("severed", {"size": 290}, line(BM25()), "Try 400 tokens", {"splitter.chunk_size": 400}),
        ("severed", {"size": 270}, line(BM25(), 110, "characters"), "Try 400 characters", {"splitter.chunk_size": 400}),
        ("cut", {"size": 120}, line(Dense(), 100), "Try 200 tokens", {"splitter.chunk_size": 200}),
        (
            "index",
            {},
            line(Dense(), index=HNSW()),
            "Try an exact index",
            {"index": {"kind": "flat", "metric": "cosine"}},
        ),
        ("budget", {}, line(BM25()), "Try k 10", {"k": 10}),
        ("parse", {"parser": "pypdf"}, line(BM25()), "Try the parser pypdf", {"parser": {"kind": "pypdf"}}),
    ],
)
def test_a_change_is_named_and_can_be_made(
    cause: str, known: dict[str, Any], pipeline: Pipeline, label: str, change: dict[str, Any]
) -> None:
    found = remedy(cause, about(**known), pipeline, "5")
    assert found is not None
    assert (found.kind, found.label, found.change) == ("change", label, change)
    assert found.applied(pipeline) != pipeline
    assert label in found.line


def test_a_size_is_no_larger_than_what_the_model_reads() -> None:
    reads = line(Dense(), 100, embedder=SentenceTransformer())
    assert remedy("severed", about(size=290), reads, "5").change == {"splitter.chunk_size": 200}  # type: ignore[union-attr]
    full = line(Dense(), 250, embedder=SentenceTransformer())
    sweep = remedy("severed", about(size=700), full, "5")
    assert sweep is not None
    assert (sweep.kind, sweep.change["splitter.header"]) == ("sweep", ["none", "path"])
    long = line(Dense(), 600, embedder=SentenceTransformer())
    shorter = remedy("truncated", about(), long, "5")
    assert shorter is not None
    assert shorter.change == {"splitter.chunk_size": 200}
    overlapping = Pipeline(splitter=Recursive(chunk_size=600, chunk_overlap=300), retriever=Dense())
    assert remedy("truncated", about(), overlapping, "5").applied(overlapping).splitter.chunk_size == 200  # type: ignore[union-attr]


def test_hybrid_is_proposed_where_it_helps_and_is_not_what_runs() -> None:
    for cause in ("bm25", "dense"):
        found = remedy(cause, about(), line(BM25(k1=0.9)), "5")
        assert found is not None
        assert found.label == "Try hybrid"
        made = found.applied(line(BM25(k1=0.9))).retriever
        assert isinstance(made, Hybrid)
        assert made.k1 == 0.9  # what was set stays set
    assert remedy("neither", about(hybrid=0.15), line(Dense()), "5").label == "Try hybrid"  # type: ignore[union-attr]
    assert remedy("neither", about(hybrid=0.02), line(Dense()), "5").label == "Sweep retrievers"  # type: ignore[union-attr]
    assert remedy("bm25", about(), line(Hybrid()), "5").label == "Sweep retrievers"  # type: ignore[union-attr]


def test_where_bm25_showed_the_context_dense_becomes_hybrid_too() -> None:
    found = remedy("severed", about(size=290, tried="bm25"), line(Dense()), "5")
    assert found is not None
    assert found.label == "Try 400 tokens with hybrid"
    assert isinstance(found.applied(line(Dense())).retriever, Hybrid)
    assert "(tried with BM25)" in in_words("severed", about(tried="bm25"))


def test_what_no_setting_helps_has_no_step() -> None:
    assert remedy("budget", about(), line(BM25()), "1000tok") is None
    assert remedy("parse", about(), line(BM25()), "5") is None


def test_every_cause_has_words_and_findings_go_by_what_they_lose() -> None:
    pipeline = line(Dense(), index=Flat())
    causes = {cause: about(0.01 * i) for i, cause in enumerate(CAUSES)}
    found = findings(causes, pipeline, "5")
    assert [f.loss for f in found] == sorted((f.loss for f in found), reverse=True)
    assert len(found) == len(CAUSES) - 1  # what loses nothing is left out
    assert all(f.remedy is None or isinstance(f.remedy, Remedy) for f in found)
    partly = in_words("neither", about(dense=0.04, bm25=0.001))
    assert partly == "found by neither dense nor BM25 (in part by dense 0.04)"
