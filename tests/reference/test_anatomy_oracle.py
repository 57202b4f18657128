"""Ladders over rankings that others wrote, and over the sample corpus: the last rung is their recall."""

import csv
import json
from itertools import combinations
from pathlib import Path

import pytest

from workbench.anatomy import GoldLine, explain, ladder, picture_of
from workbench.documents import Corpus
from workbench.evaluations import evaluate
from workbench.golden import read_golden
from workbench.parsers import read
from workbench.pipelines import from_mapping
from workbench.records import Question
from workbench.spans import Span, covered, ranges


@pytest.mark.parametrize("name", ["chatlogs_recursive_bert_200_0", "wikitexts_fixed_250_125"])
def test_the_last_rung_is_the_recall_that_others_scored(name: str, shared: Path) -> None:
    folder = shared / "reference/chunking_evaluation"
    oracle = json.loads((folder / "oracle" / f"{name}.json").read_text("utf-8"))
    corpus = next(c for c in ("chatlogs", "wikitexts") if name.startswith(c))
    chunks = {corpus: ranges((c["start_index"], c["end_index"]) for c in oracle["chunks"])}
    spans = [Span(corpus, start, end) for start, end in chunks[corpus].tolist()]
    with (folder / "questions.csv").open(encoding="utf-8", newline="") as file:
        rows = [json.loads(row["references"]) for row in csv.DictReader(file) if row["corpus_id"] == corpus]
    for references, retrieved, theirs in zip(rows, oracle["retrieved"], oracle["per_question"], strict=True):
        gold = [Span(corpus, r["start_index"], r["end_index"]) for r in references]
        hits = [spans[row] for row in retrieved]
        one = ladder(gold, 0, chunks, hits, hits, len(hits))
        assert one.recalls[-1] == pytest.approx(theirs["recall"], abs=1e-9)
        assert sum(one.losses.values()) == pytest.approx(1 - theirs["recall"], abs=1e-9)
        line = GoldLine.of(gold)
        for k in (1, 2):  # every choice of so many chunks that hold gold
            places = line.places(line.holders(chunks))
            best = max(covered(places[list(rows)]) for rows in combinations(range(len(places)), min(k, len(places))))
            assert ladder(gold, 0, chunks, hits[:k], hits[:k], k).units == best


@pytest.fixture(scope="module")
def sample(root: Path) -> tuple[Corpus, tuple[Question, ...]]:
    corpus = read(root / "sample_docs", safely=False)
    return corpus, read_golden(root / "sample_docs/golden.jsonl", corpus)[0]


@pytest.mark.parametrize(
    "parts", [{"retriever": {"kind": "bm25"}}, {}, {"retriever": {"kind": "hybrid"}}], ids=["bm25", "dense", "hybrid"]
)
@pytest.mark.parametrize("size", [40, 400])
def test_the_sample_corpus(size: int, parts: dict[str, object], sample: tuple[Corpus, tuple[Question, ...]]) -> None:
    corpus, questions = sample
    splitter = {"kind": "recursive", "chunk_size": size, "chunk_overlap": 0, "tokenizer": "all-MiniLM-L6-v2"}
    embedder = {"kind": "static", "model": "wordllama-256"}
    found = evaluate(corpus, questions, from_mapping({"splitter": splitter, "embedder": embedder, "k": 3} | parts))
    recalls = found.values[:, found.metrics.index("recall@3")]
    anatomy = explain(found)
    assert [q.ladder.recalls[-1] for q in anatomy.questions] == pytest.approx(recalls.tolist())
    assert all(q.ladder.rungs[:-1] == tuple(sorted(q.ladder.rungs[:-1], reverse=True)) for q in anatomy.questions)
    assert anatomy.steps["parse"].mean == anatomy.steps["index"].mean == 0
    small = size == 40  # long answers do not fit into three chunks of 40 tokens
    assert (anatomy.steps["budget"].mean > 0) == small
    parted = [(q.ladder.windows - q.ladder.units) / q.ladder.gold for q in anatomy.questions]
    assert (sum(parted) > 0) == small  # at 400 they were cut at line ends alone, which are not gold
    assert all(json.dumps(picture_of(found, anatomy, i)) for i in range(0, len(questions) - 4, 9))
