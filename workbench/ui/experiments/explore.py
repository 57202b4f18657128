"""A whole surface of sizes, overlaps and splitters: previewed, and embedded exactly only where it matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import streamlit as st

from workbench import golden
from workbench.documents import Corpus
from workbench.embedders import can_preview
from workbench.pipelines import Pipeline, to_mapping
from workbench.pooling import SpanEncoder
from workbench.records import Question
from workbench.sweeps import METRIC, Grid, Raced, RaceStep, expand, leaderboard, race
from workbench.sweeps.races import BUDGET, PILOTS
from workbench.ui import sessions
from workbench.ui.bench import SPLITTERS
from workbench.ui.experiments import charts, sweep_jobs
from workbench.ui.experiments.evaluation import metrics
from workbench.ui.experiments.plan import OVERLAPS, SIZES
from workbench.ui.shell import guarded, plain
from workbench.workspaces.catalogues import remember
from workbench.workspaces.experiments import experiments_folder

PLACE = "explore"
"""Under which name a race of an experiments folder is known; its runs stand beside those of sweeps."""
MOST = 400


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a race goes: see `sweeps.race`."""

    label: str
    tolerance: float | None
    budget: float

    def price(self, n: int) -> str:
        """Say how much of `n` configurations is embedded, before it is."""
        pilots = f"{min(PILOTS, n)} spread over the surface"
        if self.budget == inf:
            return f"Embeds {pilots}, then as many of the {n:,} as it takes"
        share = min(1.0, max(self.budget, PILOTS / n))
        reads = f"Reads about {100 * share:.0f} % of what embedding all {n:,} would"
        return f"{reads}: the documents once, {pilots}, then the best"


EFFORTS = {
    "tenth": Effort(f"about {100 * BUDGET:.0f} % of everything", None, BUDGET),
    "quarter": Effort("about 25 % of everything", None, 0.25),
    "told": Effort("what the questions can tell apart", None, inf),
    "best": Effort("all that could be better", 0.0, inf),
}
"""Which configurations are embedded exactly, by choice."""

_STAGES = {
    "states": "One pass over the documents",
    "surface": "Filling the surface",
    "pilots": "Measuring some configurations both ways, spread over the surface",
    "looks": "Looking at more questions",
    "finals": "Measuring what could still be the best",
    "embedding": "Embedding exactly what could be the best",
}


def view(corpus: Corpus, questions: Sequence[Question], pipeline: Pipeline) -> None:
    """Draw the verdict, the surface as far as it is filled, and what is explored."""
    folder = experiments_folder(sessions.workspace(), corpus, questions)
    task = sweep_jobs.find(folder / PLACE)
    if task is not None and not task.finished.is_set():
        _running(task)
        return
    if task is not None and task.error:
        st.error(plain(task.error), icon=":material/error:")
    raced: Raced | None = task.results if task is not None else None
    if raced is not None:
        _verdict(raced)
    planned = _plan(pipeline, open_=raced is None)
    _start(folder, corpus, questions, pipeline, planned, raced)
    if raced is None:
        st.caption(
            "Explore shows how every size and overlap does on the golden set. A model reads the documents once; only "
            "some configurations spread over the surface, and those that could be better by more than the questions "
            "can tell apart, are embedded exactly."
        )
        return
    _surface(raced.pipelines, raced.standing, "done")


def _verdict(raced: Raced) -> None:
    """Draw what the race says in a sentence, then what that rests on."""
    sentence = raced.sentence
    st.markdown(f"**{plain(sentence[:1].upper() + sentence[1:])}.**")
    lines = []
    if raced.standing.finished and len(raced.runs) > 1:
        found = leaderboard(raced.runs, raced.metric).decision.sentence
        lines.append(f"Of those measured exactly: {found}")
    if (off := raced.standing.errors) is not None and off.n > 1:
        lines.append(
            f"A preview here is {abs(off.mean):.3f} too {'low' if off.mean > 0 else 'high'} on average and taken to be "
            f"at most {off.upper:.3f} too low, by {off.n} configurations measured both ways"
        )
    if (like := raced.standing.agreement) is not None:
        lines.append(
            f"preview and exact rank these alike: Spearman {like.rho:.2f} [{like.low:.2f}, {like.high:.2f}], 95 %"
        )
    if raced.standing.spent:
        share = f"{100 * raced.standing.spent:.1f} % of the tokens that embedding all {len(raced.pipelines):,} takes"
        lines.append(f"it read {share}, the pass over the documents and what was kept from before included")
    lines.append(
        f"{raced.asked:,} questions decided, in the order of seed {raced.seed}; on a part of them the bounds are "
        "corrected for all configurations and looks (Bonferroni)"
    )
    st.caption("  \n".join(plain(f"{line[:1].upper()}{line[1:]}.") for line in lines))


def _plan(base: Pipeline, open_: bool) -> tuple[Pipeline, ...]:
    """Return the configurations to explore around the current one."""
    unit = base.splitter.unit
    sizes = sorted({*SIZES[unit], *(n // 2 for n in SIZES[unit]), base.splitter.chunk_size})
    with st.expander("What is explored", icon=":material/tune:", expanded=open_):
        left, right = st.columns(2, gap="small")
        kinds = left.multiselect(
            "Splitters",
            list(SPLITTERS),
            default=[base.splitter.kind],
            key="explore-kinds",
            format_func=lambda kind: SPLITTERS.get(kind, kind),
            persist_state="session",
        )
        overlaps = right.multiselect(
            "Overlap", OVERLAPS, default=OVERLAPS, key="explore-overlaps", persist_state="session"
        )
        chosen = st.multiselect(
            f"Chunk size, {unit}", sizes, default=sizes, key=f"explore-sizes-{unit}", persist_state="session"
        )
    if not (kinds and overlaps and chosen):
        st.caption("Choose at least one splitter, size and overlap.")
        return ()
    grid = Grid(
        to_mapping(base),
        {"splitter.kind": kinds, "splitter.chunk_size": chosen, "splitter.chunk_overlap": overlaps},
    )
    return expand(grid).pipelines


def _start(
    folder: Path,
    corpus: Corpus,
    questions: Sequence[Question],
    base: Pipeline,
    planned: tuple[Pipeline, ...],
    raced: Raced | None,
) -> None:
    """Draw the button that starts or resumes, or say why there is none."""
    embedder = base.embedder
    quick = not base.retriever.needs_vectors or isinstance(embedder, SpanEncoder) or can_preview(embedder)
    if not sessions.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    if not quick or base.retriever.kind == "rerank":
        st.caption(
            "There is no preview of this model and retriever: every configuration would be measured. Use the view "
            "Sweep for it, or choose a static or mean-pooled model."
        )
        return
    if len(planned) > MOST:
        st.caption(f"{len(planned):,} configurations are more than the {MOST:,} that a page explores; choose fewer.")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    chosen = row.selectbox(
        "Embed exactly",
        list(EFFORTS),
        key="explore-effort",
        format_func=lambda name: EFFORTS[name].label,
        persist_state="session",
        width=260,
        help="What could be better and is not embedded is said to be not decided, never to be worse.",
    )
    effort = EFFORTS[chosen]
    same = raced is not None and raced.pipelines == planned and (raced.tolerance, raced.budget) == _bounds(effort)
    stopped = same and raced is not None and not raced.standing.finished
    row.button(
        "Resume" if stopped else f"Explore {len(planned):,} configurations",
        key="explore-start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not planned or (same and raced is not None and raced.standing.finished),
        on_click=_started,
        args=(folder, corpus, tuple(questions), planned, effort),
        help="What was measured exactly is kept, and shows in the view Sweep too.",
    )
    if planned and not (same and not stopped) and base.retriever.needs_vectors and can_preview(embedder):
        st.caption(f"{effort.price(len(planned))}.")


def _bounds(effort: Effort) -> tuple[float | None, float]:
    return effort.tolerance, effort.budget


def _started(
    folder: Path,
    corpus: Corpus,
    questions: tuple[Question, ...],
    planned: tuple[Pipeline, ...],
    effort: Effort,
) -> None:
    workspace, store = sessions.workspace(), sessions.store()
    held_out = [q.id for q in golden.split([q for q in questions if q.answerable])[1]]

    def work(report: sweep_jobs.Report, cancelled: sweep_jobs.Asked, paused: sweep_jobs.Asked) -> Raced:
        found = race(
            corpus,
            questions,
            planned,
            folder,
            store=store,
            metrics=metrics(planned),
            held_out=held_out,
            tolerance=effort.tolerance,
            budget=effort.budget,
            progress=report,
            cancelled=cancelled,
        )
        remember(workspace, found.runs, corpus, questions)
        return found

    with guarded():
        folder.mkdir(parents=True, exist_ok=True)
        sweep_jobs.start(folder / PLACE, work, planned)


@st.fragment(run_every=0.7)
def _running(task: sweep_jobs.Task) -> None:
    if task.finished.is_set():
        st.rerun()
    with guarded():
        step: RaceStep | None = task.progress
        left, right = st.columns([4, 1], gap="small", vertical_alignment="center")
        cells = step.standing.cells if step else ()
        share = step.done / step.total if step and step.total else sum(c.asked > 0 for c in cells) / max(1, len(cells))
        left.progress(min(share, 1.0), text=_words(task, step))
        right.button(
            "Stop",
            key="explore-stop",
            on_click=task.stopped.set,
            icon=":material/stop:",
            disabled=task.stopped.is_set(),
            help="The best known so far stays; it can be resumed.",
        )
        if step is not None:
            _surface(task.plan, step.standing, "running")


def _words(task: sweep_jobs.Task, step: RaceStep | None) -> str:
    if task.stopped.is_set():
        return "Stopping; the best known so far stays"
    if task.waiting:
        return "Waits for another sweep on this server"
    if step is None:
        return "Begins"
    cells = step.standing.cells
    count = f", {step.done:,} of {step.total:,}" if step.total else ""
    exact, out = (sum(c.state == state for c in cells) for state in ("exact", "left out"))
    return f"{_STAGES.get(step.stage, step.stage)}{count} · {exact} exact, {out} left out, of {len(cells)}"


def _surface(pipelines: Sequence[Pipeline], standing: Any, when: str) -> None:
    """Draw a surface for each splitter; a click makes a configuration the current one."""
    st.html(charts.LEGEND)
    values = [c.exact if c.exact is not None else c.preview for c in standing.cells]
    known = [v for v in values if v is not None]
    scale = (min(known), max(known)) if known else (0.0, 1.0)
    kinds = list(dict.fromkeys(p.splitter.kind for p in pipelines))
    turn = st.session_state.get("explore-turn", 0)  # a new chart after each click: nothing stays dimmed
    _in_hand(pipelines, standing)
    for kind in kinds:
        some = [i for i, p in enumerate(pipelines) if p.splitter.kind == kind]
        if len(kinds) > 1:
            st.markdown(f"**{SPLITTERS.get(kind, kind)}**")
        event: Any = st.plotly_chart(
            charts.figure(
                [pipelines[i] for i in some], [standing.cells[i] for i in some], some, standing.leader, scale
            ),
            key=f"explore-{kind}-{when}-{turn}",
            config={"displayModeBar": False},
            on_select="rerun" if when == "done" else "ignore",
            selection_mode="points",
            alt=f"{METRIC} of the splitter {kind} over size and overlap",
        )
        points = event["selection"]["points"] if when == "done" else []
        if points:
            st.session_state["explore-turn"] = turn + 1
            sessions.take(pipelines[int(points[0]["customdata"][0])])
            st.rerun(scope="fragment")


def _in_hand(pipelines: Sequence[Pipeline], standing: Any) -> None:
    """Say where the current configuration lies on the surface."""
    chosen = sessions.pipeline()
    if chosen in pipelines:
        cell = standing.cells[pipelines.index(chosen)]
        reason = f": {cell.reason}" if cell.reason else ""
        st.caption(plain(f"Current configuration: {chosen.label}; {cell.state}{reason}."))
