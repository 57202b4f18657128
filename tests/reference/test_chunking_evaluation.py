"""The measures to the letter of the chunking_evaluation code, against scores which that code wrote."""

import csv
import json
from pathlib import Path

import pytest

from workbench.metrics import published
from workbench.spans import Span, ranges

CORPORA = ("chatlogs", "state_of_the_union", "wikitexts")
SPLITTERS = ("fixed_250_125", "recursive_200_0", "recursive_400_200", "recursive_bert_200_0")


def golds(folder: Path, corpus: str) -> list[list[Span]]:
    with (folder / "questions.csv").open(encoding="utf-8", newline="") as file:
        rows = [json.loads(row["references"]) for row in csv.DictReader(file) if row["corpus_id"] == corpus]
    return [[Span(corpus, r["start_index"], r["end_index"]) for r in row] for row in rows]


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize("corpus", CORPORA)
def test_every_score_of_every_question_is_theirs(corpus: str, splitter: str, shared: Path) -> None:
    folder = shared / "reference/chunking_evaluation"
    oracle = json.loads((folder / "oracle" / f"{corpus}_{splitter}.json").read_text("utf-8"))
    chunks = {corpus: ranges((c["start_index"], c["end_index"]) for c in oracle["chunks"])}
    spans = [Span(corpus, start, end) for start, end in chunks[corpus].tolist()]
    questions = golds(folder, corpus)
    assert len(questions) == len(oracle["retrieved"]) == len(oracle["per_question"]) > 50
    for gold, rows, theirs in zip(questions, oracle["retrieved"], oracle["per_question"], strict=True):
        ours = published.chroma_scores(gold, [spans[row] for row in rows], chunks)
        for name in ("recall", "precision", "iou", "precision_omega"):
            assert getattr(ours, name) == pytest.approx(theirs[name], abs=1e-9), name
        assert len(published.touching(gold, chunks)) == theirs["touching_chunks"]
