"""A sweep: every pipeline measured once, across interruptions and together with other processes."""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from workbench import golden
from workbench.documents import Corpus
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
from workbench.tasks import QUIET, Cancelled, Task

Anchor = Callable[[Sequence[Question], Corpus, Corpus], Sequence[Question]]
"""(questions, their corpus, the corpus by another parser) → the questions anchored in the latter."""

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
class _Measurement:
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
    task: Task
    total: int
    runs: dict[str, Run] = field(default_factory=dict)
    failed: list[Skipped] = field(default_factory=list)
    began: float = 0.0
    measured: int = 0

    def tell(self, stage: str, done: int, total: int, left: float | None) -> None:
        self.task.report(done, total, Progress(stage, done, total, len(self.runs), self.total, left))

    def wanted(self, one: _Measurement) -> Wanted:
        definitions = "chroma" if self.to_the_letter else "workbench"
        return Wanted(one.corpus.id, golden_id(self.golden), self.metrics, definitions)

    def known(self, one: _Measurement) -> bool:
        """Return whether the pipeline's run is here now, from this process or another."""
        key = one.pipeline.fingerprint
        if key not in self.runs and (run := self.folder.read(key, self.wanted(one))):
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
    task: Task = QUIET,
) -> Results:
    """Measure every pipeline on the questions, by default with `sweep_metrics`.

    With `to_the_letter`, by the definitions of the chunking_evaluation code, as `evaluate`.

    Each finished run is a file in `out` and is reused; vectors go to the store at once. So a sweep that was killed goes
    on from there, and several processes may sweep into one folder. Chunks are embedded here; `executor` does the rest
    (a thread by default); other processes need a store on a disk that they share. `held_out` are ids of questions that
    must not choose the winner.

    `corpus_for` returns the corpus by a parser; it is needed where the pipelines have several. `anchored` finds the
    questions' passages in it (by default `golden.anchored`); a passage lost there counts as gold that no hit can hold.

    A pipeline that cannot be measured is skipped with the reason. When the task is stopped, the rest is pending; its
    reports carry a `Progress` as note.

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
    wanted = _measurements(corpus, questions, list(given.values()), corpus_for, anchored)
    chosen = CHROMA if to_the_letter else tuple(metrics or sweep_metrics(list(given.values())))
    own = store or Store(None)
    state = _Sweep(
        folder=Folder(out),
        store=own,
        golden=tuple(questions),
        metrics=chosen,
        to_the_letter=to_the_letter,
        held_out=frozenset(held_out),
        task=task,
        total=len(wanted),
    )
    try:
        todo = [one for one in wanted if not state.known(one)]
        reused = len(state.runs)
        state.tell("measuring", reused, len(wanted), None)
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
    """Return the default metrics at each k that a pipeline has, so that all runs have the same."""
    ks = sorted({p.k for p in pipelines})
    return tuple(dict.fromkeys([METRIC, *chain.from_iterable(default_metrics(k) for k in ks)]))


def measure(
    of: Any,
    golden: Sequence[Question],
    metrics: Sequence[str],
    to_the_letter: bool,
    held_out: frozenset[str],
    store: Store | None,
) -> Run:
    """Return the run of one measurement. An executor in another process gets only plain values and the store."""
    found = evaluate(of.corpus, of.questions, of.pipeline, metrics, to_the_letter=to_the_letter, store=store)
    return run_of(found, golden, held_out)


def _measurements(
    corpus: Corpus,
    questions: Sequence[Question],
    pipelines: Sequence[Pipeline],
    corpus_for: Callable[[Parser], Corpus] | None,
    anchored: Anchor | None,
) -> list[_Measurement]:
    parsers = {p.parser.fingerprint: p.parser for p in pipelines}
    if corpus_for is None:
        if len(parsers) > 1:
            raise SpecError(
                f"the pipelines have {len(parsers)} parsers: the corpus must be parsed by each (corpus_for)"
            )
        return [_Measurement(p, corpus, tuple(questions)) for p in pipelines]
    made: dict[str, tuple[Corpus, tuple[Question, ...]]] = {}
    for key, parser in parsers.items():
        parsed = corpus_for(parser)
        again = questions if parsed.id == corpus.id else (anchored or _anchored)(questions, corpus, parsed)
        made[key] = parsed, tuple(again)
    return [_Measurement(p, *made[p.parser.fingerprint]) for p in pipelines]


def _anchored(questions: Sequence[Question], before: Corpus, after: Corpus) -> Sequence[Question]:
    return golden.anchored(questions, before, after).questions


def _work(state: _Sweep, todo: list[_Measurement], executor: Executor, store: Store) -> None:
    """Measure what is to do: first what needs no vectors, then model by model."""
    state.began = time.monotonic()
    embedding = Task(lambda done, total, left: state.tell("embedding", done, total, left), state.task.cancelled)
    models: dict[str, list[_Measurement]] = {}
    for one in todo:
        if one.pipeline.retriever.needs_vectors:
            models.setdefault(one.pipeline.embedder.full.fingerprint, []).append(one)
    try:
        _measure_all(state, [one for one in todo if not one.pipeline.retriever.needs_vectors], executor)
        for some in models.values():
            try:
                for share in shares((one.pipeline, one.corpus) for one in some):
                    embed_share(share, store, state.folder, embedding)
            except (RunError, StoreError):
                raise
            except WorkbenchError as error:
                state.failed += [_skipped(one, error) for one in some]
                continue
            _measure_all(state, some, executor)
    except Cancelled:
        return


def _measure_all(state: _Sweep, some: Sequence[_Measurement], executor: Executor) -> None:
    """Hand the measurements to the executor, a few at a time, and keep each run as it comes."""
    window = 2 * int(getattr(executor, "_max_workers", 32))
    waiting, running = list(some), dict[Future[Run], _Measurement]()
    try:
        while waiting or running:
            state.task.check("stopped between two runs; what was finished is kept")
            blocked = []
            while waiting and len(running) < window:
                one = waiting.pop(0)
                if state.known(one):
                    continue
                if not state.folder.claim(one.pipeline.fingerprint):
                    blocked.append(one)
                    continue
                if state.known(one):  # finished between the look and the claim
                    state.folder.release(one.pipeline.fingerprint)
                    continue
                how = state.metrics, state.to_the_letter, state.held_out, state.store
                running[executor.submit(measure, one, state.golden, *how)] = one
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
        for future, one in running.items():
            if not future.cancelled():
                _keep(state, one, future)
            state.folder.release(one.pipeline.fingerprint)


def _keep(state: _Sweep, one: _Measurement, future: Future[Run]) -> None:
    key = one.pipeline.fingerprint
    try:
        run = future.result()
        state.folder.write(run)
        state.runs[key] = run
    except (RunError, StoreError, GoldenError):
        raise
    except WorkbenchError as error:
        state.failed.append(_skipped(one, error))
    finally:
        state.folder.release(key)
    state.measured += 1
    rate = (time.monotonic() - state.began) / state.measured
    finished = len(state.runs)
    state.tell("measuring", finished, state.total, rate * (state.total - finished - len(state.failed)))


def _skipped(one: _Measurement, error: WorkbenchError) -> Skipped:
    return Skipped({"label": one.pipeline.label, "fingerprint": one.pipeline.fingerprint}, str(error))
