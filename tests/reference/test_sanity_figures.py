"""Recall on the chunking_evaluation data against an independent calculation of the same figures."""

from pathlib import Path

import pytest

from workbench.documents import Corpus
from workbench.evaluations import evaluate
from workbench.golden import read_golden
from workbench.parsers import read
from workbench.pipelines import from_mapping
from workbench.records import Question

SPLITTER = {"kind": "recursive", "chunk_size": 200, "chunk_overlap": 20, "tokenizer": "all-MiniLM-L6-v2"}


@pytest.fixture(scope="module")
def data(shared: Path) -> tuple[Corpus, tuple[Question, ...]]:
    folder = shared / "reference/chunking_evaluation"
    corpus = read(folder / "corpora")
    questions, problems = read_golden(folder / "questions.csv", corpus)
    assert problems == ()
    return corpus, questions


@pytest.mark.parametrize(
    "parts,recall,low,high",
    [
        ({"retriever": {"kind": "bm25"}}, 0.909, 0.877, 0.938),
        ({"embedder": {"kind": "static", "model": "wordllama-256"}}, 0.802, 0.756, 0.844),
    ],
    ids=["bm25", "wordllama"],
)
def test_recall_at_5_is_what_others_found(
    parts: dict[str, object],
    recall: float,
    low: float,
    high: float,
    data: tuple[Corpus, tuple[Question, ...]],
) -> None:
    """Theirs counted white space, and took percentiles of each question by itself; ours are a little wider."""
    line = from_mapping({"splitter": SPLITTER, "k": 5, **parts})
    found = evaluate(*data, line)
    assert (found.chunks, len(found.questions)) == (293, 276)
    one = found.intervals()["recall@5"]
    assert one.mean == pytest.approx(recall, abs=0.0006)
    assert (one.low, one.high) == pytest.approx((low, high), abs=0.012)
    assert one.high - one.low >= high - low
    letter = evaluate(*data, line, to_the_letter=True).intervals()["recall"]
    assert letter.mean == pytest.approx(one.mean, abs=0.0006)
