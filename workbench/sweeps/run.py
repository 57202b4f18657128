"""The sweep itself: every pipeline measured once, whatever interrupts it, along with whoever else sweeps here."""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from workbench import golden
from workbench.documents import Corpus
from workbench.embedders import Cancelled
from workbench.errors import GoldenError, RunError, SpecError, StoreError, WorkbenchError
from workbench.evaluations import CHROMA, default_metrics, evaluate, run_of
from workbench.parsers import Parser
from workbench.pipelines import Pipeline
from workbench.records import Question, Run, golden_id
from workbench.store import Store
from workbench.sweeps.folder import Folder, Wanted
from workbench.sweeps.grid import Grid, Skipped, expand
from workbench.sweeps.results import METRIC, Results
from workbench.sweeps.shares import embed_share, shares

Anchor = Callable[[Sequence[Question], Corpus, Corpus], Sequence[Question]]
"""(questions, the corpus they stand in, the corpus as another parser makes it) → the questions in that one."""

_WAIT = 0.1  # seconds between two looks at what others do


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is: `done` of `total` chunks while "embedding", else runs; `finished` of `runs` runs.

    `left` are seconds to go at the present stage, None where nothing is known yet.
    """

    stage: str
    done: int
    total: int
    finished: int
    runs: int
    left: float | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """A pipeline to measure, on the corpus as its parser made it."""

    pipeline: Pipeline
    corpus: Corpus
    questions: tuple[Question, ...]


@dataclass(slots=True)
class _Sweep:
    """What a sweep in progress knows."""

    folder: Folder
    store: Store
    golden: tuple[Question, ...]
    metrics: tuple[str, ...]
    to_the_letter: bool
    held_out: frozenset[str]
    report: Callable[[Progress], None]
    stopped: Callable[[], bool]
    total: int
    runs: dict[str, Run] = field(default_factory=dict)
    failed: list[Skipped] = field(default_factory=list)
    began: float = 0.0
    measured: int = 0

    def tell(self, stage: str, done: int, total: int, left: float | None) -> None:
        self.report(Progress(stage, done, total, len(self.runs), self.total, left))

    def wanted(self, task: _Task) -> Wanted:
        definitions = "chroma" if self.to_the_letter else "workbench"
        return Wanted(task.corpus.id, golden_id(self.golden), self.metrics, definitions)

    def known(self, task: _Task) -> bool:
        """Whether the pipeline's run is here now, from this process or another."""
        key = task.pipeline.fingerprint
        if key not in self.runs and (run := self.folder.read(key, self.wanted(task))):
            self.runs[key] = run.holding_out(self.held_out)
        return key in self.runs


def sweep(
    corpus: Corpus,
    questions: Sequence[Question],
    pipelines: Grid | Sequence[Pipeline],
    out: Path | None = None,
    *,
    store: Store | None = None,
    executor: Executor | None = None,
    metrics: Sequence[str] | None = None,
    to_the_letter: bool = False,
    held_out: Collection[str] = (),
    corpus_for: Callable[[Parser], Corpus] | None = None,
    anchored: Anchor | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    paused: Callable[[], bool] | None = None,
) -> Results:
    """Every pipeline measured on the questions, by default with `sweep_metrics`.

    `to_the_letter` takes the definitions of the chunking_evaluation code instead, as `evaluate` does.

    Each finished run is a file in `out`, and is taken from there the next time; vectors go to the store as they come.
    So a sweep that was killed goes on where it was, and several processes may sweep into one folder at once. Chunks are
    embedded here; `executor` does the rest (a thread by default), and where that is other processes, the store must be
    on a disk that they share. `held_out` are ids of questions that must not choose the winner.

    `corpus_for` gives the corpus as a parser makes it, and is needed where the pipelines have several parsers; the
    questions' passages are found again in it by `anchored` (by default `golden.anchored`), and what is lost there
    counts as gold that no hit can hold.

    A pipeline that cannot be measured is skipped with the reason. After `cancelled()`, what is not done is pending.

    Raises:
        GoldenError: no question has an answer in the corpus.
        RunError: the folder cannot be written.
        SpecError: no pipeline at all, or parsers without `corpus_for`.
    """
    expansion = expand(pipelines) if isinstance(pipelines, Grid) else None
    given = {p.fingerprint: p for p in (expansion.pipelines if expansion else pipelines)}  # type: ignore[union-attr]
    skipped = list(expansion.skipped) if expansion else []
    if not given:
        raise SpecError(f"there is no pipeline to measure{f': {skipped[0]}' if skipped else ''}")
    if not any(q.answerable for q in questions):
        raise GoldenError("there is no question with an answer to measure by")
    tasks = _tasks(corpus, questions, list(given.values()), corpus_for, anchored)
    chosen = CHROMA if to_the_letter else tuple(metrics or sweep_metrics(list(given.values())))
    own = store or Store(None)
    state = _Sweep(
        folder=Folder(out),
        store=own,
        golden=tuple(questions),
        metrics=chosen,
        to_the_letter=to_the_letter,
        held_out=frozenset(held_out),
        report=progress or (lambda step: None),
        stopped=_stopped(cancelled, paused),
        total=len(tasks),
    )
    try:
        todo = [task for task in tasks if not state.known(task)]
        reused = len(state.runs)
        state.tell("measuring", reused, len(tasks), None)
        if executor is None:
            with ThreadPoolExecutor(1, "workbench-sweep") as threads:
                _work(state, todo, threads, own)
        else:
            _work(state, todo, executor, own)
        runs = tuple(state.runs[key] for key in given if key in state.runs)
        gone = {skip.settings.get("fingerprint") for skip in state.failed}
        pending = tuple(key for key in given if key not in state.runs and key not in gone)
        if not pending and runs:
            state.folder.write_table(runs)
        return Results(runs, (*skipped, *state.failed), pending, reused, tuple(state.folder.warnings))
    finally:
        state.folder.close()


def sweep_metrics(pipelines: Sequence[Pipeline]) -> tuple[str, ...]:
    """The default metrics at each k that a pipeline has, so that all runs have the same."""
    ks = sorted({p.k for p in pipelines})
    return tuple(dict.fromkeys([METRIC, *chain.from_iterable(default_metrics(k) for k in ks)]))


def measure(
    task: Any,
    golden: Sequence[Question],
    metrics: Sequence[str],
    to_the_letter: bool,
    held_out: frozenset[str],
    store: Store | None,
) -> Run:
    """The run of one task: what an executor is given, with nothing but plain values and the store in it."""
    found = evaluate(task.corpus, task.questions, task.pipeline, metrics, to_the_letter=to_the_letter, store=store)
    return run_of(found, golden, held_out)


def _tasks(
    corpus: Corpus,
    questions: Sequence[Question],
    pipelines: Sequence[Pipeline],
    corpus_for: Callable[[Parser], Corpus] | None,
    anchored: Anchor | None,
) -> list[_Task]:
    parsers = {p.parser.fingerprint: p.parser for p in pipelines}
    if corpus_for is None:
        if len(parsers) > 1:
            raise SpecError(
                f"the pipelines have {len(parsers)} parsers: the corpus must be parsed by each (corpus_for)"
            )
        return [_Task(p, corpus, tuple(questions)) for p in pipelines]
    made: dict[str, tuple[Corpus, tuple[Question, ...]]] = {}
    for key, parser in parsers.items():
        parsed = corpus_for(parser)
        again = questions if parsed.id == corpus.id else (anchored or _anchored)(questions, corpus, parsed)
        made[key] = parsed, tuple(again)
    return [_Task(p, *made[p.parser.fingerprint]) for p in pipelines]


def _anchored(questions: Sequence[Question], before: Corpus, after: Corpus) -> Sequence[Question]:
    return golden.anchored(questions, before, after).questions


def _work(state: _Sweep, todo: list[_Task], executor: Executor, store: Store) -> None:
    """Measure what is to do: first what needs no vectors, then model by model."""
    state.began = time.monotonic()
    plain = [t for t in todo if not t.pipeline.retriever.needs_vectors]
    models: dict[str, list[_Task]] = {}
    for task in todo:
        if task.pipeline.retriever.needs_vectors:
            models.setdefault(task.pipeline.embedder.full.fingerprint, []).append(task)
    try:
        _measure_all(state, plain, executor)
        for tasks in models.values():
            try:
                for share in shares((t.pipeline, t.corpus) for t in tasks):
                    embed_share(share, store, state.folder, lambda *step: state.tell("embedding", *step), state.stopped)
            except (RunError, StoreError):
                raise
            except WorkbenchError as error:
                state.failed += [_skipped(task, error) for task in tasks]
                continue
            _measure_all(state, tasks, executor)
    except Cancelled:
        return


def _measure_all(state: _Sweep, tasks: Sequence[_Task], executor: Executor) -> None:
    """Hand the tasks to the executor, some at a time, and keep each run as it comes."""
    window = 2 * int(getattr(executor, "_max_workers", 32))
    waiting, running = list(tasks), dict[Future[Run], _Task]()
    try:
        while waiting or running:
            if state.stopped():
                raise Cancelled("stopped between two runs; what was done is kept")
            blocked = []
            while waiting and len(running) < window:
                task = waiting.pop(0)
                if state.known(task):
                    continue
                if not state.folder.claim(task.pipeline.fingerprint):
                    blocked.append(task)
                    continue
                if state.known(task):  # finished between the look and the claim
                    state.folder.release(task.pipeline.fingerprint)
                    continue
                how = state.metrics, state.to_the_letter, state.held_out, state.store
                running[executor.submit(measure, task, state.golden, *how)] = task
            waiting += blocked
            done, _ = wait(running, _WAIT, FIRST_COMPLETED)
            if not running and blocked:
                time.sleep(_WAIT)
            for future in done:
                _keep(state, running.pop(future), future)
    finally:
        for future in running:
            future.cancel()
        wait(running)
        for future, task in running.items():
            if not future.cancelled():
                _keep(state, task, future)
            state.folder.release(task.pipeline.fingerprint)


def _keep(state: _Sweep, task: _Task, future: Future[Run]) -> None:
    key = task.pipeline.fingerprint
    try:
        run = future.result()
        state.folder.write(run)
        state.runs[key] = run
    except (RunError, StoreError, GoldenError):
        raise
    except WorkbenchError as error:
        state.failed.append(_skipped(task, error))
    finally:
        state.folder.release(key)
    state.measured += 1
    rate = (time.monotonic() - state.began) / state.measured
    finished = len(state.runs)
    state.tell("measuring", finished, state.total, rate * (state.total - finished - len(state.failed)))


def _skipped(task: _Task, error: WorkbenchError) -> Skipped:
    return Skipped({"label": task.pipeline.label, "fingerprint": task.pipeline.fingerprint}, str(error))


def _stopped(cancelled: Callable[[], bool] | None, paused: Callable[[], bool] | None) -> Callable[[], bool]:
    """Asks whether to stop; while the sweep is paused, it does not answer."""
    cancel, pause = cancelled or (lambda: False), paused or (lambda: False)

    def asked() -> bool:
        while pause() and not cancel():
            time.sleep(_WAIT)
        return cancel()

    return asked
