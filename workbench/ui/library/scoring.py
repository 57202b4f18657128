"""Two parsers on the golden set: what their texts let be found, and what no chunk can bring back."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from workbench.anatomy import explain
from workbench.documents import Corpus
from workbench.evaluations import evaluate
from workbench.parsers import Auto, Parser, PdfPlumber, PyPdf, Unstructured
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.statistics import Population
from workbench.store import Store
from workbench.ui import headline, jobs, live, population, sessions
from workbench.ui.shell import guarded, plain, training_note

CHOICES: dict[str, Parser] = {
    "auto": Auto(),
    "auto, headers and footers dropped": Auto(furniture="drop"),
    "pypdf": PyPdf(),
    "pypdf, as placed on the page": PyPdf(mode="layout"),
    **({} if PdfPlumber.missing() else {"pdfplumber": PdfPlumber()}),
    "unstructured": Unstructured(),
}
ASKED = "parsers-scored"
"""Session state: the corpus and the two parsers that were last asked to be measured."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A parser on the golden set: the measure of all pages with its interval, and recall lost by the parser."""

    name: str
    documents: int
    characters: int
    metric: str
    mean: float
    low: float
    high: float
    parse_loss: float
    lost: int
    passages: int
    seconds: float
    speaks: Population
    note: str = ""


def key(corpus: Corpus, first: str, second: str) -> tuple[Any, ...]:
    """What decides a measurement of two parsers."""
    golden = sessions.workspace().golden.history.current
    return "parsers-golden", corpus, first, second, sessions.pipeline(), golden, headline.measure(), population.unit()


def on_golden(corpus: Corpus, first: str, second: str, job: jobs.Job | None) -> None:
    """Recall and the parser's own loss under both, on every document that has questions."""
    questions = [q for q in sessions.questions(corpus) if q.answerable]
    if not questions:
        st.caption("With a golden set, both parsers can be measured by what they let be found.")
        return
    if job is None:
        st.button(
            f"Measure both on {len(questions):,} golden questions", key="score-parsers", icon=":material/science:",
            on_click=_ask_scores, args=(corpus.id, first, second),
            help="Reads every document with both parsers, finds the golden passages anew, embeds and searches.",
        )  # fmt: skip
        return
    job.wait()
    if not job.finished.is_set():
        waiting("Measuring both parsers", job)
    elif job.result is None:
        st.error(plain(job.error), icon=":material/error:")
    else:
        _scores(job.result)


def _ask_scores(corpus: str, first: str, second: str) -> None:
    st.session_state[ASKED] = [corpus, first, second]


def started(corpus: Corpus, first: str, second: str) -> jobs.Job:
    """The job that measures both, one after the other."""
    workspace, store, pipeline = sessions.workspace(), sessions.store(), sessions.pipeline()
    metric, unit = headline.measure(), population.unit()  # the job's thread has no session

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> list[Scored]:
        out = []
        for done, name in enumerate(dict.fromkeys((first, second))):
            report(done, 2)
            parser = CHOICES[name]
            begun = time.perf_counter()
            read, _ = workspace.corpus(parser)
            anchored = workspace.golden.read(read)
            own = replace(pipeline, parser=parser)
            out.append(_scored(name, own, read, anchored.questions, metric, unit, store, begun))
        return out

    return jobs.run(key(corpus, first, second), live.visit(), work)


def _scored(
    name: str,
    pipeline: Pipeline,
    corpus: Corpus,
    questions: Sequence[Question],
    metric: str,
    unit: str | None,
    store: Store,
    begun: float,
) -> Scored:
    found = evaluate(corpus, questions, pipeline, [metric], store=store)
    anatomy = explain(found, store)
    one = found.intervals(unit)[metric]
    lost = sum(len(q.lost) for q in found.questions)
    return Scored(
        name=name,
        documents=len(corpus),
        characters=corpus.characters,
        metric=metric,
        mean=one.mean,
        low=one.low,
        high=one.high,
        parse_loss=anatomy.steps["parse"].mean,
        lost=lost,
        passages=lost + sum(len(q.references) for q in found.questions),
        seconds=time.perf_counter() - begun,
        speaks=found.population(unit),
        note=found.judging.note,
    )


def _scores(found: Sequence[Scored]) -> None:
    metric = found[0].metric
    rows = [
        {
            "Parser": one.name,
            metric: f"{one.mean:.3f}",
            "95 % CI": f"{one.low:.3f} to {one.high:.3f}" if one.low == one.low else "",
            "Lost by the parser": f"{one.parse_loss:.3f}",
            "Passages without a place": f"{one.lost:,} of {one.passages:,}",
            "Documents read": one.documents,
            "Characters": one.characters,
            "Seconds": round(one.seconds, 1),
        }
        for one in found
    ]
    st.dataframe(
        rows, hide_index=True, height="content", key="csv-parser-scores",
        column_config={
            metric: st.column_config.TextColumn(help=headline.definition(metric)),
            "Characters": st.column_config.NumberColumn(format="localized"),
        },
    )  # fmt: skip
    st.caption(
        "Lost by the parser: recall that no chunk can bring back, because the parsed text does not hold the passage. "
        "Seconds hold reading, embedding and searching; what the store held cost nothing. "
        f"{population.said(found[0].speaks)} Whether a difference is real, a sweep over parsers tells on Experiments."
    )
    training_note(*(one.note for one in found))


@st.fragment(run_every=0.5)
def waiting(what: str, job: jobs.Job) -> None:
    """How far work on two parsers is; the page is drawn again when it is done."""
    if job.finished.is_set():
        st.rerun()
    with guarded():
        st.progress(job.done / job.total if job.total else 0.0, text=f"{what}: {min(job.done + 1, 2)} of 2")
