"""Sweeps: every pipeline once, whatever interrupts them; embedding shared over all configurations."""

import logging
import math
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_evaluations import CORPUS, QUESTIONS

from workbench.documents import Corpus, Document
from workbench.embedders import Cancelled, Static, embed
from workbench.errors import GoldenError, RunError, SpecError
from workbench.evaluations import evaluate, run_of
from workbench.pipelines import Pipeline
from workbench.records import Lost
from workbench.retrievers import collection
from workbench.store import Store
from workbench.sweeps import Folder, Grid, Progress, expand, sweep, sweep_metrics, table
from workbench.sweeps import run as running_module
from workbench.sweeps.shares import Share, embed_share
from workbench.tasks import Task

BASE = {
    "splitter": {"kind": "recursive", "unit": "characters"},
    "embedder": {"kind": "static", "model": "wordllama-256"},
    "k": 3,
}
GRID = Grid(BASE, {"splitter.chunk_size": [60, 150], "retriever": ["dense", "bm25", "hybrid"]})
PIPELINES = expand(GRID).pipelines


def files(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((out / "runs").iterdir())}


def test_a_sweep_is_its_evaluations(tmp_path: Path) -> None:
    results = sweep(CORPUS, QUESTIONS, GRID, tmp_path, held_out=["q3"])
    metrics = sweep_metrics(PIPELINES)
    assert results.runs == tuple(run_of(evaluate(CORPUS, QUESTIONS, p, metrics), QUESTIONS, ["q3"]) for p in PIPELINES)
    assert metrics[0] == "recall@1000tok"
    assert {p.stem for p in (tmp_path / "runs").iterdir()} == {p.fingerprint for p in PIPELINES}
    assert (tmp_path / "table.csv").read_text() == table(results.runs)


def test_a_second_sweep_measures_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sweep(CORPUS, QUESTIONS, GRID, tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr(running_module, "evaluate", None)
    again = sweep(CORPUS, QUESTIONS, GRID, tmp_path)
    assert (again.runs, again.reused, files(tmp_path)) == (first.runs, 6, before)
    assert sweep(CORPUS, QUESTIONS, GRID, tmp_path, held_out=["q1"]).runs[0].questions[1].held_out


def test_more_metrics_at_every_k() -> None:
    ks = [replace(PIPELINES[0], k=k) for k in (3, 7)]
    assert {"recall@3", "recall@7", "recall@1000tok"} <= set(sweep_metrics(ks))
    assert sweep(CORPUS, QUESTIONS, ks).runs[0].metrics == sweep_metrics(ks)


@pytest.mark.parametrize("how", ["cut short", "changed", "another's", "empty"])
def test_a_damaged_run_is_dropped_and_measured_again(tmp_path: Path, how: str, caplog: Any) -> None:
    first = sweep(CORPUS, QUESTIONS, GRID, tmp_path)
    one, other = (tmp_path / "runs" / f"{p.fingerprint}.json" for p in PIPELINES[:2])
    data = one.read_bytes()
    one.write_bytes(
        {
            "cut short": data[:1000],
            "changed": data.replace(b'"value": 0.0', b'"value": 1.0', 1),
            "another's": other.read_bytes(),
            "empty": b"",
        }[how]
    )
    with caplog.at_level(logging.WARNING):
        again = sweep(CORPUS, QUESTIONS, GRID, tmp_path)
    assert (again.runs, again.reused) == (first.runs, 5)
    assert one.name.split(".")[0] in again.warnings[0]
    assert again.warnings[0] in caplog.text


def test_a_run_of_another_golden_set_is_measured_again(tmp_path: Path) -> None:
    sweep(CORPUS, QUESTIONS, GRID, tmp_path)
    fewer = QUESTIONS[:8]
    results = sweep(CORPUS, fewer, GRID, tmp_path)
    assert (results.reused, len(results.warnings), len(results.runs[0].questions)) == (0, 6, 8)


def test_a_damaged_store_entry_is_made_again(tmp_path: Path, caplog: Any) -> None:
    collection._known.clear()  # what other tests asked would not be kept here
    store = Store(tmp_path / "store")
    first = sweep(CORPUS, QUESTIONS, GRID, tmp_path / "a", store=store)
    store.close()
    with sqlite3.connect(tmp_path / "store/store.sqlite") as database:
        database.execute("UPDATE entries SET data = zeroblob(length(data))")
    collection._known.clear()
    with caplog.at_level(logging.WARNING):
        again = sweep(CORPUS, QUESTIONS, GRID, tmp_path / "b", store=Store(tmp_path / "store"))
    assert again.runs == first.runs
    assert "damaged entries" in caplog.text


def test_stopping_keeps_what_is_done(tmp_path: Path) -> None:
    done: list[Progress] = []
    task = Task(lambda _, total, step: done.append(step), lambda: done[-1].finished >= 2)
    results = sweep(CORPUS, QUESTIONS, GRID, tmp_path, task=task)
    assert 2 <= len(results.runs) < 6
    assert len(results.runs) + len(results.pending) == 6
    assert not (tmp_path / "table.csv").exists()
    again = sweep(CORPUS, QUESTIONS, GRID, tmp_path)
    assert again.reused == len(results.runs)
    assert again.runs == sweep(CORPUS, QUESTIONS, GRID).runs


def test_a_paused_sweep_waits() -> None:
    asked: list[bool] = []

    def paused() -> bool:
        asked.append(True)
        return len(asked) < 4

    steps: list[Progress] = []
    task = Task(lambda done, total, step: steps.append(step), pause=paused)
    sweep(CORPUS, QUESTIONS, PIPELINES[:1], task=task)
    assert len(asked) >= 4
    assert (steps[-1].finished, steps[-1].runs) == (1, 1)


def test_any_executor(tmp_path: Path) -> None:
    expected = sweep(CORPUS, QUESTIONS, GRID).runs
    with ThreadPoolExecutor(3) as threads:
        assert sweep(CORPUS, QUESTIONS, GRID, executor=threads).runs == expected
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        store = Store(tmp_path / "store")
        assert sweep(CORPUS, QUESTIONS, GRID, store=store, executor=processes).runs == expected


def test_a_pipeline_that_fails_is_skipped_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real = running_module.evaluate

    def sometimes(corpus: Corpus, questions: Any, pipeline: Pipeline, *rest: Any, **more: Any) -> Any:
        if pipeline == PIPELINES[1]:
            raise SpecError("this one cannot be")
        return real(corpus, questions, pipeline, *rest, **more)

    monkeypatch.setattr(running_module, "evaluate", sometimes)
    results = sweep(CORPUS, QUESTIONS, GRID)
    assert (len(results.runs), results.pending) == (5, ())
    assert results.skipped[-1].reason == "this one cannot be"


def test_what_cannot_be_swept(tmp_path: Path) -> None:
    with pytest.raises(GoldenError, match="no question with an answer"):
        sweep(CORPUS, QUESTIONS[12:], GRID)
    with pytest.raises(SpecError, match="no pipeline"):
        sweep(CORPUS, QUESTIONS, Grid(BASE, {"splitter.chunk_size": [0]}))
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be used"):
        sweep(CORPUS, QUESTIONS, GRID, tmp_path / "file")
    parsers = expand(Grid(BASE, {"parser.kind": ["auto", "unstructured"]})).pipelines
    with pytest.raises(SpecError, match="parsers"):
        sweep(CORPUS, QUESTIONS, parsers)


def test_a_parser_that_loses_text_is_not_rewarded() -> None:
    """Under the second parser one document has lost its second half: passages there still count."""
    halved = Corpus((CORPUS.documents[0], _half(CORPUS.documents[1])))
    grid = Grid(BASE | {"retriever": {"kind": "bm25"}}, {"parser.kind": ["auto", "unstructured"]})
    whole, half = sweep(
        CORPUS,
        QUESTIONS,
        grid,
        corpus_for=lambda parser: CORPUS if parser.kind == "auto" else halved,
        metrics=["recall@1000"],
    ).runs
    assert [q.id for q in whole.questions] == [q.id for q in half.questions]
    assert (whole.golden, whole.clusters.tolist()) == (half.golden, half.clusters.tolist())
    assert whole.column("recall@1000").min() > 0.9  # all but white space between chunks
    assert half.column("recall@1000").min() == 0.0
    assert whole.corpus != half.corpus


def _half(document: Document) -> Document:
    text = document.text[: len(document.text) // 2]
    return Document(document.source, "f" * 64, document.name, text)


def test_lost_passages_count_in_every_measure() -> None:
    asked = replace(QUESTIONS[0], lost=(Lost("gone.txt", "x" * 500, "not there"),))
    names = ["recall@1000", "ndcg@1000", "iou@1000", "precision_omega", "precision@1000"]
    clean, lossy = (evaluate(CORPUS, [q], PIPELINES[1], names).values[0] for q in (QUESTIONS[0], asked))
    gold = sum(len("".join(r.quote.split())) for r in QUESTIONS[0].references)
    assert lossy[0] == pytest.approx(clean[0] * gold / (gold + 500))
    assert lossy[1] == pytest.approx(clean[1] / (1 + 1 / math.log2(3))), "of two passages, one a rank"
    assert all(lossy[2:4] < clean[2:4])
    assert lossy[4] == clean[4]
    only = replace(asked, references=())
    assert evaluate(CORPUS, [only], PIPELINES[1], names).values[0].tolist() == [0.0] * 5


class Fake:
    """An embedder whose model sees eight characters, and which notes its batches."""

    fingerprint = "fake"
    dimensions = 4
    rows = Static.__dict__  # never asked for

    def __init__(self) -> None:
        self.made: list[list[str]] = []

    @property
    def full(self) -> "Fake":
        return self

    def seen(self, texts: Sequence[str]) -> list[str]:
        return [text[:8] for text in texts]

    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        for start in range(0, len(texts), 3):
            yield np.arange(start, min(start + 3, len(texts)))

    def encode_batch(self, texts: list[str], query: bool) -> NDArray[np.float32]:
        self.made.append(texts)
        return np.array([[len(t[:8]), ord(t[0]), ord(t[min(7, len(t) - 1)]), len(texts)] for t in texts], np.float32)


TEXTS = tuple(sorted((f"{c}{'x' * n}" for c in "abcdefg" for n in (2, 9, 12, 20)), key=lambda t: (-len(t), t)))


def test_what_the_model_cannot_tell_apart_is_embedded_once() -> None:
    fake, store = Fake(), Store(None)
    steps: list[tuple[int, int]] = []
    embed_share(Share(fake, TEXTS), store, Folder(None), Task(lambda d, t, left: steps.append((d, t))))
    assert sum(map(len, fake.made)) == 14
    assert steps[-1][0] == steps[-1][1]
    assert all(done <= total for done, total in steps)
    vectors = embed(fake, TEXTS, store)  # type: ignore[arg-type]
    assert sum(map(len, fake.made)) == 14
    assert vectors[:, :3].tolist() == [[len(t[:8]), ord(t[0]), ord(t[min(7, len(t) - 1)])] for t in TEXTS]


def test_a_share_that_was_stopped_goes_on_with_the_same_batches() -> None:
    whole, store = Fake(), Store(None)
    embed_share(Share(whole, TEXTS), store, Folder(None))  # type: ignore[arg-type]
    expected = embed(whole, TEXTS, store)  # type: ignore[arg-type]
    for stop in range(1, 5):
        again, store = Fake(), Store(None)
        with pytest.raises(Cancelled):
            embed_share(
                Share(again, TEXTS),  # type: ignore[arg-type]
                store,
                Folder(None),
                Task(stop=lambda stop=stop, again=again: len(again.made) >= stop),  # type: ignore[misc]
            )
        embed_share(Share(again, TEXTS), store, Folder(None))  # type: ignore[arg-type]
        assert again.made == whole.made
        assert embed(again, TEXTS, store).tolist() == expected.tolist()  # type: ignore[arg-type]
