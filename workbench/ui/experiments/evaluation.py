"""Evaluations in the background: one per state of documents, questions, configuration and budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from workbench import golden
from workbench.documents import Corpus
from workbench.evaluations import Evaluation, default_metrics, evaluate, run_of
from workbench.explanations import Anatomy, explain
from workbench.pipelines import Pipeline
from workbench.records import Question, Run, write_run
from workbench.store import Store
from workbench.sweeps import METRIC
from workbench.ui import jobs, live, sessions
from workbench.ui.headline import KS, TOKENS
from workbench.workspaces.catalogues import remember
from workbench.workspaces.experiments import experiments_folder, kept_runs

QUICK = 3.0
"""Seconds for which the page waits for a model that embeds at once, rather than draw a bar and run again."""


def metrics(pipelines: Sequence[Pipeline]) -> tuple[str, ...]:
    """Return the measures of every run on this page: the same for all, so that any two compare."""
    usual = [METRIC, "passage_recall@1000tok", "ndcg@1000tok"]
    usual += [f"{m}@{k}" for k in KS for m in ("recall", "tokens")]
    usual += [f"recall@{n}tok" for n in TOKENS]
    at_k = [name for k in sorted({5, 10, *(p.k for p in pipelines)}) for name in default_metrics(k)]
    return tuple(dict.fromkeys([*usual, *at_k]))


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """An evaluated configuration, and where it loses answers."""

    evaluation: Evaluation
    anatomy: Anatomy

    def speaking(self, unit: str | None) -> "Measured":
        """Return the same measurement, the intervals of its losses of this unit (`ui.population`)."""
        return self if unit == self.anatomy.unit else Measured(self.evaluation, self.anatomy.speaking(unit))


def key(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, budget: str) -> tuple[Any, ...]:
    """Return the job's key: all that decides the result."""
    return "measured", corpus, questions, pipeline, budget


def measured(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, budget: str) -> jobs.Job:
    """Return the job that evaluates; it embeds what the store does not hold."""
    original, store = originals(), sessions.store()

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Measured:
        found = evaluate(corpus, questions, pipeline, metrics([pipeline]), store=store, progress=report)
        return Measured(found, explain(found, store, budget, embedding=report, original=original))

    return jobs.run(key(corpus, questions, pipeline, budget), live.visit(), work)


def originals() -> Callable[[str], bytes | None]:
    """Return what reads an uploaded file's bytes by its source id, for use in another thread; None for others."""
    workspace = sessions.workspace()
    contents = {source.id: source for source in workspace.sources}
    return lambda source: workspace.content(contents[source]) if source in contents else None


def keep(found: Measured, corpus: Corpus, questions: tuple[Question, ...]) -> None:
    """Store the run beside those of sweeps, so that all can be compared; not for a visitor who only reads."""
    evaluation, workspace = found.evaluation, sessions.workspace()
    folder = experiments_folder(workspace, corpus, questions)
    file = folder / "runs" / f"{evaluation.pipeline.fingerprint}.json"
    if not workspace.writable or evaluation.pipeline.fingerprint in {run.fingerprint for run in kept_runs(folder)}:
        return
    held_out = held_out_ids(questions)
    file.parent.mkdir(parents=True, exist_ok=True)
    run = run_of(evaluation, questions, held_out, anatomy=found.anatomy.to_dict())
    write_run(run, file)
    remember(workspace, [run], corpus, questions)


def held_out_ids(questions: Sequence[Question]) -> list[str]:
    """Return the ids of the held-out questions, by their tags and passages as they are now."""
    return [q.id for q in golden.usual_split([q for q in questions if q.answerable])[1]]


def kept(folder: Path, questions: Sequence[Question]) -> list[Run]:
    """Return a folder's runs, with those questions held out that are so now: tags may have changed since."""
    held_out = held_out_ids(questions)
    return [run.holding_out(held_out) for run in kept_runs(folder)]


def away(questions: Sequence[Question]) -> None:
    """Show how many questions ask for documents that are not here, which no configuration can find."""
    if n := len(golden.present(questions)[1]):
        ask = "question asks" if n == 1 else "questions ask"
        st.caption(f":material/warning: {n:,} {ask} for documents that are not here, and count as lost in the parser.")


def attended(
    corpus: Corpus, questions: tuple[Question, ...], pipelines: Sequence[Pipeline | None], budget: str
) -> None:
    """Watch the evaluations of these pipelines and the embedding that they need; stop watching all others."""
    here = [p for p in pipelines if p]
    jobs.attend(live.visit(), {live.key(corpus, p) for p in here} | {key(corpus, questions, p, budget) for p in here})


def ready(corpus: Corpus, pipeline: Pipeline, store: Store) -> tuple[bool, jobs.Job | None]:
    """Return whether the pipeline can be evaluated now, and the job that embeds for it, if there is one."""
    if not pipeline.retriever.needs_vectors:
        return True, None
    job = live.dense(corpus, pipeline, store)
    if job is not None:
        job.finished.wait(QUICK if pipeline.embedder.kind == "static" else jobs.PATIENCE)
    return job is not None and job.result is not None, job
