"""The Bench's line about the whole golden set: its score under the current settings, as these change."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import compress
from typing import Any

import numpy as np
import streamlit as st

from workbench.evaluations import evaluate
from workbench.memory_cache import MemoryCache, cached
from workbench.pipelines import Pipeline
from workbench.records import Judging, Question, judging
from workbench.retrievers import Collection, Dense
from workbench.statistics import by_document, clusters, compare
from workbench.tasks import Task
from workbench.ui import compute, headline, jobs, state
from workbench.ui.compute import Known, State
from workbench.ui.layout import size_label

STILL = 1.5
"""Seconds after which a configuration counts as one that somebody stopped at: what the next ones are compared with."""
MOST = 500
"""Questions that are scored while a slider moves."""
NEAREST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What a pipeline is worth on the golden set: the measure of all pages for each question, and tokens per query."""

    pipeline: Pipeline
    questions: tuple[Question, ...]
    metric: str
    values: Any
    tokens: float
    state: State
    seen: tuple[bool, ...]
    training_known: bool
    ids: Mapping[str, str]
    """Label → id of the documents."""

    def judging(self, *others: "Score") -> Judging:
        """Return which questions judge this score, or its difference to others."""
        some = (self, *others)
        seen = [any(one) for one in zip(*(s.seen for s in some), strict=True)]
        return judging(seen, all(s.training_known for s in some))


def control(questions: Sequence[Question]) -> bool:
    """Return whether the golden set is scored as the settings change."""
    n = sum(q.answerable for q in questions)
    if not n:
        return False
    return (
        st.toggle(
            "Score",
            value=True,
            key="score-golden",
            persist_state="session",
            help=f"Asks all {n:,} questions of the golden set at every change of the settings.",
            disabled=n > MOST,
        )
        and n <= MOST
    )


def waits(pipeline: Pipeline) -> None:
    """Draw what stands where the line will be, so that no older score passes for one of the current settings."""
    last = (_stood.get(_place()) or (None, 0.0, None))[0]
    if last is None or last.metric != headline.measure():
        _write("golden set: being scored")
    elif last.pipeline != pipeline:
        _write(f"{_figures(last)} <b>stale</b>")
    else:
        _write(_figures(last))


def line(known: Known, questions: Sequence[Question], rival: Known | None) -> None:
    """Draw the score of the current pipeline, with its change against A, or against where the settings stood last."""
    pipeline = known.pipeline
    asked = tuple(q for q in questions if q.answerable)
    now, why = score(known, asked)
    last: Score | None = (_stood.get(_place()) or (None, 0.0, None))[0]
    if now is None:
        if (
            last is not None
            and (last.questions, last.metric) == (asked, headline.measure())
            and last.pipeline != pipeline
        ):
            _write(f"{_figures(last)} <b>stale</b>: of {escape(last.pipeline.label)}; {escape(why)}")
        else:
            _write(f"golden set: {escape(why)}")
        _come_back(asked, pipeline)
        return
    if rival is not None:
        before, name = score(rival, asked)[0], "A"
        _come_back(asked, rival.pipeline)
    else:
        before = _still(now)
        name = before.pipeline.label if before else ""
    _write(_figures(now, before, name))


def _come_back(asked: Sequence[Question], pipeline: Pipeline) -> None:
    """Draw the page again once the model has read the questions: with a fresh index nothing else does."""
    name = asked_key(asked, pipeline)
    if (reading := jobs.find(name)) is not None:
        jobs.watch([("", name, reading)], None)


def _write(html: str) -> None:
    st.html(f"<div class='facts score' role='status'>{html}</div>")


def _figures(now: Score, before: Score | None = None, name: str = "") -> str:
    """Return `golden set: recall@1000tok 0.68 (+0.03), 912 tokens per query (−40), 64 questions` as HTML."""
    word = " <b>preview</b>" if now.state == "preview" else ""
    change = tokens = against = ""
    if before is not None and (before.questions, before.metric) == (now.questions, now.metric):
        judges = now.judging(before).judges
        some, both = list(compress(now.questions, judges)), np.array(judges)
        documents = by_document(some, headline.unit(), now.ids)
        one = compare(now.values[both], before.values[both], clusters(some), documents=documents)
        speaks = escape(headline.said(headline.of(documents)), quote=True)
        ends = f"{_signed(one.low)} to {_signed(one.high)}"
        span = f", <span title='{speaks}'>95 % CI {ends}</span>" if one.is_enough else ""
        change, tokens = f" ({_signed(one.difference)}{span})", f" ({_signed(now.tokens - before.tokens, '.0f')})"
        against = f", against {escape(name)}{' (preview)' if before.state == 'preview' else ''}"
    own = now.judging()
    note = own.note or (now.judging(before).note if change and before else "")
    mean, n = now.values[np.array(own.judges)].mean(), sum(own.judges)
    return (
        f"golden set{word}: <span title='{escape(headline.definition(now.metric), quote=True)}'>"
        f"{escape(now.metric)}</span> <b>{mean:.2f}</b>{change}, "
        f"<b>{now.tokens:,.0f}</b> tokens per query{tokens}, {size_label(n, 'questions')}{against}"
        + (f"; <b>{escape(note)}</b>" if note else "")
    )


def _signed(value: float, form: str = ".2f") -> str:
    """Return the value with its sign, a true minus; no sign before what rounds to 0."""
    text = f"{abs(value):{form}}"
    return text if not float(text) else f"{'+' if value > 0 else '−'}{text}"


# --- what the settings stood at, by visit

_stood: MemoryCache[tuple[Score | None, float, Score | None]] = MemoryCache(64, lambda stood: 1)


def _place() -> str:
    return f"{state.visit()}:{state.workspace().id}"


def _still(now: Score) -> Score | None:
    """Take note of a score; return the one at which the settings stood before, None where that was this one."""
    last, since, before = _stood.get(_place()) or (None, 0.0, None)
    if last is None or (last.pipeline, last.questions, last.metric) != (now.pipeline, now.questions, now.metric):
        if last is not None and time.monotonic() - since >= STILL:
            before = last
        last, since = now, time.monotonic()
    elif last.state != now.state:
        last = now
    _stood.put(_place(), (last, since, before))
    return before if before is not None and before.pipeline != now.pipeline else None


# --- scores, kept by content

_scores: MemoryCache[Score] = MemoryCache(64, lambda score: 1)


def score(known: Known, asked: tuple[Question, ...]) -> tuple[Score | None, str]:
    """Return the score as well as it can be known now, or why there is none yet."""
    corpus, pipeline, metric = known.corpus, known.pipeline, headline.measure()
    name = corpus, asked, pipeline, metric
    if (exact := _scores.get((*name, "exact"))) is not None:
        return exact, ""
    if pipeline.retriever.kind == "rerank" or pipeline.embedder.kind == "remote":
        return None, "reranked and remote configurations are measured on the page Experiments"
    quality: State = "exact"
    rows = known.rows
    if rows is None:
        return None, "waits until all documents are cut"
    if not known.has_words(pipeline.retriever):
        return None, "waits until the words of all documents are indexed"
    if pipeline.retriever.needs_vectors:
        if known.searchable is None or known.state == "words":
            return None, "waits for the vectors of this configuration"
        rows, quality = known.searchable, known.state
        if (reading := _asked(asked, pipeline, rows)) is not None and reading.result is None:
            return None, reading.error or f"the model reads the {len(asked):,} questions"
    here = rows

    def measured() -> Score:
        found = evaluate(corpus, asked, pipeline, [metric], rows=here)
        ids = {document.name: document.id for document in corpus}
        values, tokens = found.values[:, 0], float(found.tokens.mean())
        return Score(pipeline, asked, metric, values, tokens, quality, found.seen, found.training_known, ids)

    return _scores.get_or_make((*name, quality), measured), ""


def _asked(asked: tuple[Question, ...], pipeline: Pipeline, rows: Collection) -> jobs.Job | None:
    """Return the job in which a transformer embeds the questions, once; None where that takes no time."""
    if pipeline.embedder.kind == "static":
        return None

    def work(task: Task) -> bool:
        Dense()(rows, [q.text for q in asked], 1)
        return True

    job = jobs.run(asked_key(asked, pipeline), state.visit(), work)
    job.wait()
    return job


def asked_key(questions: Sequence[Question], pipeline: Pipeline) -> tuple[Any, ...]:
    """Return what decides the vectors of the questions."""
    return "asked", tuple(q for q in questions if q.answerable), pipeline.embedder


def asked_keys(questions: Sequence[Question], *pipelines: Pipeline | None) -> list[tuple[Any, ...]]:
    """Return the jobs that make the questions' vectors for these pipelines."""
    return [asked_key(questions, pipeline) for pipeline in pipelines if pipeline]


# --- how far a preview was off


def _note(html: str) -> None:
    st.html(f"<div class='facts preview' role='status'>{html}</div>")


def preview_line(known: Known, questions: Sequence[Question], query: str) -> None:
    """Say that a preview stands for exact hits; once these are there, how far it was off."""
    if known.state == "preview":
        _note("<b>preview</b>: pooled from token states; the exact vectors are being made and will take its place")
        return
    quick = compute.preview_seen(known.corpus, known.pipeline)
    if known.exact is None or quick is None:
        return
    asked = tuple(q.text for q in questions if q.answerable)[:MOST] or (query,)
    share, k = _agreed(quick, known.exact, asked)
    _note(
        f"exact; the <b>preview</b> had named {share:.0%} of the {k} nearest chunks "
        f"(agreement@{k} over {size_label(len(asked), 'questions')})"
    )


@cached(8, lambda found: 1)
def _agreed(quick: Collection, exact: Collection, asked: tuple[str, ...]) -> tuple[float, int]:
    """Return the mean share of the nearest chunks that both have in common, and how many those are."""
    k = min(NEAREST, len(quick))
    pairs = zip(Dense()(quick, asked, k), Dense()(exact, asked, k), strict=True)
    return float(np.mean([len({h.chunk for h in a} & {h.chunk for h in b}) / k for a, b in pairs])), k
