"""Every page that shows a figure says which questions were seen in training, and leaves them out of it."""

import time
from dataclasses import replace

import numpy as np
import pytest
from quick import FAST

from workbench.embedders import Adapter, Origin, keep_adapter
from workbench.evaluations import evaluate, run_of
from workbench.explanations import explain
from workbench.pipelines import to_mapping
from workbench.records import TrainingSet, write_run
from workbench.reports import Evidence, html, review_pack
from workbench.ui import jobs
from workbench.ui.experiments.evaluation import metrics
from workbench.workspaces.experiments import experiments_folder

LEFT_OUT = "questions seen in training are left out"


def said(app) -> str:
    every = [e.value for e in (*app.error, *app.warning, *app.markdown, *app.caption)]
    return " ".join([*every, *(h.value for h in app.get("html"))]).replace("\\", "")


def until(app, words: str):
    """The app once it says so: it is run again while jobs work in the background."""
    end = time.monotonic() + 90
    while words not in said(app):
        assert time.monotonic() < end, said(app)
        time.sleep(0.2)
        app.run()
    assert [e.message for e in app.exception] == []
    assert [e.value for e in app.error] == []
    return app


@pytest.fixture
def half(few):
    """The small workspace, and a pipeline with an adapter that names the first half of its questions."""
    corpus, _ = few.corpus()
    questions = few.golden.read(corpus).questions
    answerable = [q for q in questions if q.answerable]
    trained = answerable[: len(answerable) // 2]
    origin = Origin(FAST.embedder.fingerprint, len(trained), 0.1, TrainingSet.of(trained))
    name = keep_adapter(Adapter(np.zeros((256, 256), np.float32), origin))
    adapted = replace(FAST, embedder=replace(FAST.embedder, adapter=name))
    found = evaluate(corpus, questions, adapted, metrics([adapted]), store=few.store)
    assert 2 <= found.judging.left_out < len(answerable) - 1
    folder = experiments_folder(few, corpus, questions) / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    for pipeline in (FAST, adapted):
        run = run_of(evaluate(corpus, questions, pipeline, metrics([pipeline]), store=few.store), questions)
        write_run(run, folder / f"{pipeline.fingerprint}.json")
    return corpus, questions, adapted, found


def test_the_bench_scores_unseen_questions(visit, half):
    _, _, adapted, found = half
    app = until(visit("Bench", pipeline=to_mapping(adapted)), LEFT_OUT)
    n = len(found.judged.questions)
    mean = found.intervals()["recall@1000tok"].mean
    assert f"recall@1000tok</span> <b>{mean:.2f}</b>" in said(app)
    assert f"{n:,} questions; <b>{found.judging.left_out}" in said(app)


@pytest.mark.parametrize(
    "page, state",
    [
        ("Experiments", {}),
        ("Experiments", {"experiments-view": "Sweep"}),
        ("Models", {"models-view": "Side by side"}),
        ("Models", {"models-view": "Retrievers"}),
        ("Decision", {}),
    ],
)
def test_pages_leave_them_out_and_say_so(page, state, visit, half):
    until(visit(page, pipeline=to_mapping(half[2]), **state), LEFT_OUT)
    for job in list(jobs._jobs.values()):
        assert job.finished.wait(90)


def test_the_report_says_so_beside_the_question_and_the_choice(half, few):
    corpus, questions, adapted, found = half
    runs = tuple(run_of(evaluate(corpus, questions, p, ["recall@5"]), questions) for p in (FAST, adapted))
    chosen = evaluate(corpus, questions, adapted, ["recall@5"], store=few.store)
    evidence = Evidence(
        runs=runs, evaluation=chosen, anatomy=explain(chosen, few.store), questions=questions, metric="recall@5"
    )
    text = html(review_pack(evidence))
    assert text.count(f"{found.judging.left_out} {LEFT_OUT}") >= 2
