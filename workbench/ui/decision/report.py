"""Review report: production figures, a preview of the report, and its files."""

import shlex
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from workbench.catalogue import DecisionRecord
from workbench.documents import Corpus
from workbench.embedders import Remote
from workbench.errors import RunError, WorkbenchError
from workbench.evaluations import evaluate
from workbench.explanations import explain
from workbench.pipelines import Pipeline, from_mapping
from workbench.records import Question, Run
from workbench.reports import Evidence, Load, as_csv, html, markdown, review_pack
from workbench.sweeps import Leaderboard
from workbench.ui import jobs, live, sessions
from workbench.ui.decision import waiting
from workbench.ui.experiments import evaluation
from workbench.ui.shell import panels, plain

HEIGHT = 760
"""Pixels of the preview, which scrolls."""

_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("documents", "Documents in production", "0: as many as here"),
    ("queries", "Queries a month", ""),
    ("context_price", "Context, $ per million tokens", "What the answering model's input costs"),
    ("embedding_price", "Embedding, $ per million tokens", "0 for a model that runs here"),
    ("characters_per_second", "Embedding, characters/s", "Where it will run; 0: not measured"),
)
_START = {"documents": 0.0, "queries": 10_000.0, "context_price": 1.0, "embedding_price": 0.0}


def panel(
    corpus: Corpus,
    questions: tuple[Question, ...],
    board: Leaderboard,
    chosen: Run,
    records: Sequence[DecisionRecord],
) -> None:
    """Draw the report on the configuration that is selected in “Choose”."""
    left, right = panels(1, 2.6)
    with left:
        st.markdown(f"**About** {plain(chosen.label)}")
        question = st.text_input(
            "The question to decide",
            "How should these documents be cut, embedded and searched?",
            key="pack-question",
            max_chars=300,
            persist_state="session",
        )
        load = _load()
        about = (chosen.fingerprint, chosen.corpus, chosen.golden)
        record = next((r for r in records if (r.chosen, r.corpus, r.golden) == about), None)
        if record is None:
            st.caption("No decision is recorded about it; the report says so. Record one in “Choose”.")
        try:
            pipeline = from_mapping(chosen.pipeline)
        except WorkbenchError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        if isinstance(pipeline.embedder, Remote) and not _embedded(corpus, pipeline):
            st.caption(
                "Its model is remote and the chunks are not embedded here: use this configuration and embed it first."
            )
            return
        key = _key(corpus, questions, pipeline, chosen)
        made = waiting.job(key)
        if made is None or made.failed:
            st.button(
                "Build the report",
                key="pack-build",
                type="primary",
                icon=":material/description:",
                on_click=waiting.begin,
                args=(key, _measuring(corpus, questions, pipeline, chosen)),
                help="Measures the choice once more and takes its lost answers apart",
            )
        found = waiting.result(made, "Measuring the choice", "pack-build")
    if found is None:
        right.caption(
            "One HTML file that needs no network: the choice and its rivals, where answers are lost, the worst "
            "questions, what was not tested, what would change the decision, production, and how to reproduce it."
        )
        return
    measured, losses = found
    runs = tuple(sorted((row.run for row in board.rows), key=lambda run: (run.label, run.fingerprint)))
    try:
        report = review_pack(
            Evidence(
                runs, measured, losses, questions, str(question) or "Not stated.", board.metric, board.margin,
                board.cost, board.population.unit, load=load, record=record, command=_command(chosen, board),
            )
        )  # fmt: skip
    except RunError as error:
        right.error(plain(str(error)), icon=":material/error:")
        return
    page = html(report)
    with left:
        _downloads(page, markdown(report), runs)
    with right:
        # The page has no script, and its own policy loads nothing: every text in it is escaped.
        st.iframe(page, height=HEIGHT, alt="The review report")


def anatomy(corpus: Corpus, questions: tuple[Question, ...], chosen: Run) -> dict[str, Any] | None:
    """Return where the run loses answers: as it was stored, or as measured for a report built in this visit."""
    if chosen.anatomy:
        return dict(chosen.anatomy)
    try:
        found = jobs.find(_key(corpus, questions, from_mapping(chosen.pipeline), chosen))
    except WorkbenchError:
        return None
    return found.result[1].to_dict() if found is not None and found.result is not None else None


def _key(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, chosen: Run) -> tuple[Any, ...]:
    return ("pack", corpus, questions, pipeline, chosen.metrics)


def _embedded(corpus: Corpus, pipeline: Pipeline) -> bool:
    found = live.known(corpus, pipeline)
    return found is not None and found.result is not None


def _load() -> Load:
    """Return the inputs of the projection; 0 where nobody knows."""
    values: dict[str, Any] = {}
    with st.expander("Production", icon=":material/factory:", expanded=True):
        for name, label, help_ in _FIELDS:
            value = st.number_input(
                label,
                0.0,
                1e9,
                _START.get(name, 0.0),
                key=f"pack-{name}",
                format="%g",
                help=help_ or None,
                persist_state="session",
            )
            values[name] = value
    documents = round(values["documents"])
    return Load(
        documents=documents or None,
        queries=round(values["queries"]),
        context_price=values["context_price"],
        embedding_price=values["embedding_price"],
        characters_per_second=values["characters_per_second"] or None,
    )


def _measuring(
    corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, chosen: Run
) -> Callable[[jobs.Report, Callable[[], bool]], Any]:
    original, store = evaluation.originals(), sessions.store()

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Any:
        letter = chosen.definitions == "chroma"
        asked = None if letter else chosen.metrics
        found = evaluate(corpus, questions, pipeline, asked, to_the_letter=letter, store=store, progress=report)
        return found, explain(found, store, progress=report, original=original)

    return work


def _command(chosen: Run, board: Leaderboard) -> str:
    parts = ["python", "-m", "workbench", "report", "DOCS", "--golden", "golden.jsonl", "--runs", "DIR"]
    judged = ["--metric", board.metric, "--margin", f"{board.margin:g}", "--cost", board.cost]
    judged += ["--unit-of-resampling", board.population.unit]
    return shlex.join([*parts, "--chosen", chosen.fingerprint, *judged, "--out", "pack.html"])


_COLUMNS = ("pipeline", "label", "question", "metric", "budget", "value")


def _downloads(page: str, text: str, runs: Sequence[Run]) -> None:
    bar = st.container(horizontal=True, gap="small")
    bar.download_button(
        "pack.html", page.encode("utf-8", "replace"), "pack.html", "text/html", key="pack-html", type="primary",
        icon=":material/download:",
    )  # fmt: skip
    bar.download_button(
        "pack.md", text.encode("utf-8", "replace"), "pack.md", "text/markdown", key="pack-markdown",
        icon=":material/download:",
    )  # fmt: skip
    bar.download_button(
        "rows.csv",
        lambda: as_csv((row | {"label": run.label} for run in runs for row in run.rows()), _COLUMNS).encode(),
        "rows.csv",
        "text/csv",
        key="pack-csv",
        icon=":material/download:",
        help="Every value of every run; text that a spreadsheet would take for a formula is quoted",
    )
