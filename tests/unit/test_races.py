"""Races of pipelines: on real chunkings, stopped, gone on with, and refused."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_evaluations import CORPUS, QUESTIONS

from workbench.embedders import Static
from workbench.errors import GoldenError, SpecError
from workbench.evaluations import evaluate
from workbench.parsers import PARSERS
from workbench.pipelines import Pipeline, embedded
from workbench.records import Question
from workbench.retrievers import BM25
from workbench.splitters import Recursive, Sentences
from workbench.sweeps import METRIC, RaceStep, pipeline_race, race
from workbench.sweeps.race_statistics import places
from workbench.tasks import Task

PIPELINES = [
    Pipeline(splitter=kind(chunk_size=n, chunk_overlap=o, unit="characters"), embedder=Static(), k=3)
    for kind in (Recursive, Sentences)
    for n in (60, 120, 240, 480)
    for o in (0, 20)
]


def test_the_winner_of_a_static_race_has_the_best_mean(tmp_path: Path) -> None:
    found = race(CORPUS, QUESTIONS, PIPELINES, tmp_path)
    means = [evaluate(CORPUS, QUESTIONS, p, [METRIC]).values.mean() for p in PIPELINES]
    assert found.leader == PIPELINES[int(np.argmax(means))]
    assert found.standing.finished
    assert {run.fingerprint for run in found.runs} == {p.stem for p in (tmp_path / "runs").iterdir()}
    assert found.sentence.startswith(found.leader.label)
    assert "on all" in found.sentence


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Static pipelines raced as transformers are: exact runs are dear, previews are shorter. What was run."""
    ran: list[str] = []

    def run(self: Any, candidate: int) -> Any:
        if candidate not in self.runs:
            ran.append(self.pipelines[candidate].fingerprint)
        return real(self, candidate)

    def previewed(rows: Any, embedder: Any, store: Any) -> Any:
        return embedded(rows, replace(embedder, truncate_dim=128), store).repeat(2, axis=1)

    real = pipeline_race._Field._run
    monkeypatch.setattr(pipeline_race._Field, "_run", run)
    monkeypatch.setattr(pipeline_race._Field, "is_cheap", lambda self, candidate: False)
    monkeypatch.setattr(pipeline_race._Field, "has_preview", lambda self, candidate: True)
    monkeypatch.setattr(pipeline_race._Field, "prepare", lambda self: None)
    monkeypatch.setattr(pipeline_race, "SentenceTransformer", Static)
    monkeypatch.setattr(pipeline_race, "previewed", previewed)
    monkeypatch.setattr(pipeline_race, "preview_tokens", lambda documents, embedder: 0)
    return ran


def test_what_is_dear_is_measured_only_where_it_matters(dear: list[str], tmp_path: Path) -> None:
    steps: list[RaceStep] = []
    found = race(CORPUS, QUESTIONS, PIPELINES, tmp_path, task=Task(lambda done, total, step: steps.append(step)))
    cells = found.standing.cells
    assert [c.state == "exact" for c in cells] == [p.fingerprint in dear for p in PIPELINES]
    assert 6 <= len(found.runs) <= len(PIPELINES)
    assert all(c.reason for c in cells if c.state in ("left out", "not decided"))
    assert {c.state for c in cells} <= {"exact", "left out", "not decided"}
    undecided = sum(c.state == "not decided" for c in cells)
    assert ("not decided" in found.sentence) == (undecided > 0)
    assert 0 < found.standing.spent <= max(1, found.budget)
    assert found.standing.errors is not None
    assert found.standing.errors.n == len(found.runs)
    assert found.standing.agreement is not None
    assert steps[0].stage == "surface"
    exact = {p.fingerprint: c.exact for p, c in zip(PIPELINES, cells, strict=True)}
    for run in found.runs:
        assert run.column(METRIC).mean() == pytest.approx(exact[run.fingerprint])


def test_a_race_that_was_stopped_goes_on(dear: list[str], tmp_path: Path) -> None:
    stages: list[str] = []

    def stopped() -> bool:
        return stages.count("pilots") >= 2

    task = Task(lambda done, total, step: stages.append(step.stage), stopped)
    first = race(CORPUS, QUESTIONS, PIPELINES, tmp_path, task=task)
    assert len(first.runs) == 2
    assert not first.standing.finished
    assert first.leader is not None
    assert "so far" in first.sentence
    again = race(CORPUS, QUESTIONS, PIPELINES, tmp_path)
    assert again.standing.finished
    whole = race(CORPUS, QUESTIONS, PIPELINES)
    assert [r.fingerprint for r in whole.runs] == [r.fingerprint for r in again.runs]
    assert whole.standing == again.standing


def test_held_out_questions_have_no_say() -> None:
    apart = [QUESTIONS[1].id]
    found = race(CORPUS, QUESTIONS, PIPELINES[:3], held_out=apart)
    assert found.asked == sum(q.answerable for q in QUESTIONS) - 1
    assert [q.id for q in found.runs[0].questions if q.held_out] == apart


def test_words_alone_are_raced_too() -> None:
    some = [replace(p, retriever=BM25()) for p in PIPELINES[:4]]
    assert race(CORPUS, QUESTIONS, some).standing.finished


@pytest.mark.parametrize(
    "questions, pipelines, error, words",
    [
        (QUESTIONS, [], SpecError, "no pipeline"),
        ([q for q in QUESTIONS if not q.answerable], PIPELINES[:1], GoldenError, "held out"),
        (QUESTIONS, [PIPELINES[0], replace(PIPELINES[1], parser=PARSERS["pypdf"]())], SpecError, "parser"),
    ],
)
def test_what_cannot_be_raced(
    questions: Sequence[Question], pipelines: Sequence[Pipeline], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        race(CORPUS, questions, pipelines)


def test_places() -> None:
    found = places(PIPELINES)
    assert found.shape == (16, 4)
    assert found.min() == 0
    assert found.max() == 1
    assert places(PIPELINES[:1]).tolist() == [[0, 0]]
