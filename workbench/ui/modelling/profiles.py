"""What a model is measured by here, in the background: its speed on the chunks, and its quality on the golden set."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.documents import Corpus
from workbench.embedders import Cancelled, Speed, load_seconds, speed
from workbench.indexes import Index
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.ui import jobs, live
from workbench.ui.experiments import evaluation
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.modelling import rivals
from workbench.ui.modelling.rivals import Rival
from workbench.ui.modelling.waiting import Awaited

_turn = threading.Lock()  # one model at a time, or each would be timed with the other's load


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What is known of a model so far; None where it is not measured yet, or cannot be."""

    rival: Rival
    embedding: jobs.Job | None
    speed: Speed | None = None
    index: Index | None = None
    quality: Measured | None = None
    waits: tuple[Awaited, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether its vectors are there."""
        return self.index is not None

    @property
    def load_seconds(self) -> float | None:
        """What loading it took in this process."""
        return load_seconds(self.rival.embedder.source)


def keys(corpus: Corpus, questions: tuple[Question, ...], some: Sequence[Rival]) -> set[Any]:
    """The keys of the jobs that these models' profiles need."""
    out: set[Any] = set()
    for one in some:
        out |= {live.key(corpus, one.pipeline), speed_key(corpus, one.pipeline)}
        out.add(evaluation.key(corpus, questions, one.pipeline, str(one.pipeline.k)))
    return out


def speed_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """What decides a speed: the same chunks and model, whatever index holds them."""
    return "speed", corpus, pipeline.splitter, pipeline.embedder.full


def profile(corpus: Corpus, questions: tuple[Question, ...], rival: Rival, in_hand: bool) -> Profile:
    """The model's figures as far as they are there; what is cheap begins at once, the rest waits for a click."""
    job = rivals.job_of(corpus, rival, in_hand)
    if job is None or (job.finished.is_set() and job.result is None):
        return Profile(rival, job)
    if rival.embedder.kind == "static":
        job.finished.wait(evaluation.QUICK)
    else:
        job.wait()
    if job.result is None:
        return Profile(rival, job, waits=((rival.label, live.key(corpus, rival.pipeline), job),))
    waits: list[Awaited] = []
    quality = None
    if any(q.answerable for q in questions) and not rivals.questions_to_send(rival, questions):
        measured = evaluation.measured(corpus, questions, rival.pipeline, str(rival.pipeline.k))
        measured.wait()
        quality = measured.result
        name = evaluation.key(corpus, questions, rival.pipeline, str(rival.pipeline.k))
        waits.append((f"{rival.label} on the golden set", name, measured))
    timed = _timed(corpus, rival.pipeline)
    waits.append((f"Speed of {rival.label}", speed_key(corpus, rival.pipeline), timed))
    found = timed.result if isinstance(timed.result, Speed) else None
    return Profile(rival, job, found, job.result.index, quality, tuple(waits))


def _timed(corpus: Corpus, pipeline: Pipeline) -> jobs.Job:
    """The job that measures how quickly the model embeds these chunks; False where it cannot be told."""
    texts = live.every_row(corpus, pipeline).texts()

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Speed | bool:
        while not _turn.acquire(timeout=0.2):
            if cancelled():
                raise Cancelled
        try:
            return speed(pipeline.embedder, texts) or False
        finally:
            _turn.release()

    return jobs.run(speed_key(corpus, pipeline), live.visit(), work)
