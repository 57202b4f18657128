"""What all runs say: the leaderboard with its verdict, surfaces, costs, effects, and hard questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.evaluations import Evaluation, evaluate
from workbench.explanations import boundary_strips
from workbench.pipelines import Pipeline, from_mapping
from workbench.records import Question, Run
from workbench.statistics import MARGIN, MIN_QUESTIONS, WORDS, Comparison, Population, questions_for_equivalence
from workbench.store import Store
from workbench.sweeps import (
    Leaderboard,
    RunCost,
    aligned,
    cost_for,
    costs_for,
    effects,
    leaderboard,
    matrix,
    pareto,
    surface,
    varied,
)
from workbench.ui import headline, population, sessions
from workbench.ui.controls import control
from workbench.ui.experiments import charts
from workbench.ui.experiments.losses import LOOK
from workbench.ui.shell import plain, size_label, training_note

ROWS, FEW = 420, 12
"""Pixels of a long table, whose rows scroll; up to so many rows a table is as high as they are."""
VIEWS = ("Table", "Surface", "Cost", "Effects", "Questions", "Boundaries")
VERDICTS = (
    "**best**: above each other configuration, two-sided at 5 %.  \n"
    "**equivalent**: its CI against the leader lies inside the margin.  \n"
    "**significantly worse**: some configuration is above it; the truly best is so in at most 2.5 % of sweeps.  \n"
    "**inconclusive**: these questions cannot tell."
)


def board(runs: Sequence[Run], metric: str, margin: float, cost: str) -> Leaderboard:
    """Return the leaderboard, cached for the choices made last."""
    return _board(_Runs(tuple(runs)), metric, margin, cost, population.unit())


@lru_cache(maxsize=32)
def _board(runs: "_Runs", metric: str, margin: float, cost: str, unit: str | None) -> Leaderboard:
    return leaderboard(runs.runs, metric, margin, cost, unit)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs as a cache key: what was measured on what, not every value."""

    runs: tuple[Run, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(
            (
                (r.fingerprint, r.corpus, r.golden, r.metrics, r.measures),
                tuple((q.id, q.seen) for q in r.questions if q.held_out or q.seen),
            )
            for r in self.runs
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Runs) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def controls(runs: Sequence[Run]) -> tuple[str, str, float]:
    """Return the metric, the cost and the margin by which the runs are judged."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    metric, why = headline.shown(headline.choice(row), shared(runs))
    if why:
        st.caption(plain(why))
    costs = costs_for(metric, runs)
    cost = cost_asked(costs)
    control(
        row.selectbox,
        "Cost",
        "judged-cost",
        cost,
        lambda name: st.session_state.update({_COST: name}),
        options=list(costs),
        format_func=lambda name: costs[name].label,
        width=210,
        help="Only costs that differ where this measure judges: within a budget of tokens every configuration hands "
        "over the same number, so tokens are no cost there.",
    )
    margin = row.number_input(
        "Margin",
        0.005,
        0.5,
        MARGIN,
        0.005,
        key="judged-margin",
        format="%.3f",
        width=140,
        persist_state="session",
        help="A difference of less does not matter to you: configurations within it count as equivalent.",
    )
    return metric, cost, float(margin)


def shared(runs: Sequence[Run]) -> list[str]:
    """Return the metrics that all runs have."""
    return [name for name in runs[0].metrics if all(name in run.metrics for run in runs)]


_COST = "cost-asked"
"""Session state: the cost that was chosen by hand; without it the default follows the metric."""


def cost_asked(costs: Mapping[str, RunCost]) -> str:
    """Return the cost that was chosen by hand where it fits the metric, else the metric's own."""
    asked = str(st.session_state.get(_COST, ""))
    return asked if asked in costs else next(iter(costs))


def shown(runs: Sequence[Run], planned: Sequence[str]) -> list[Run]:
    """Return the runs of the plan on the screen, or all that were measured on these documents and questions."""
    here = [run for run in runs if run.fingerprint in set(planned)]
    if len(here) == len(runs) or not here:
        return list(runs)
    every = f"All {len(runs):,} runs"
    choice = st.segmented_control(
        "Runs",
        [f"This plan's {len(here):,}", every],
        default=f"This plan's {len(here):,}",
        key=f"runs-shown-{len(here)}-{len(runs)}",
        label_visibility="collapsed",
        required=True,
    )
    return list(runs) if choice == every else here


def verdict(board: Leaderboard) -> None:
    """Draw the decision in words."""
    sentence = board.decision.sentence
    st.markdown(f"**{plain(sentence[:1].upper() + sentence[1:])}.**")
    lines = [f"{size_label(board.n, 'development questions')} chose"]
    winner = board.rows[0]
    if winner.held_out is not None:
        one = winner.held_out
        span = f" [{one.low:.3f}, {one.high:.3f}]" if one.low == one.low else ""
        lines.append(f"on {size_label(board.held_out, 'held-out questions')} the leader has {one.mean:.3f}{span}")
    if len(board.rows) > 1:
        lines.append(f"brackets are 95 % CIs, the leader's for the best of {len(board.rows):,}")
        if board.n < (least := questions_for_equivalence(0, board.margin)):
            lines.append(f"nothing can be called equivalent within ±{board.margin:g} below {least:,} questions")
    training_note(board.training_note)
    st.caption("; ".join(lines) + ".")
    population.switch(aligned([row.run for row in board.rows], board.metric, held_out=False).documents)


def table(board: Leaderboard) -> list[Run]:
    """Draw the leaderboard; return the runs that are ticked."""
    rows = [_row(place, row, board) for place, row in enumerate(board.rows, 1)]
    event = st.dataframe(
        rows,
        key=f"leaderboard-{board.metric}-{len(rows)}",
        hide_index=True,
        height=ROWS if len(rows) > FEW else "content",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            board.metric: st.column_config.NumberColumn(format="%.3f", help=headline.definition(board.metric)),
            "Against the leader": st.column_config.TextColumn(
                help="Difference to the leader, for the leader to the next, with the 95 % CI of these two alone"
            ),
            "Verdict": st.column_config.TextColumn(help=VERDICTS),
            "At its k": st.column_config.NumberColumn(format="%.3f", help=_AT_K),
            "Held out": st.column_config.NumberColumn(format="%.3f", help="On questions that did not choose"),
            "Tokens at its k": st.column_config.NumberColumn(
                format="localized", help="Context tokens of its own k hits, whatever measure judges here"
            ),
            "Chunks": st.column_config.NumberColumn(format="localized"),
            "Seconds": st.column_config.NumberColumn(
                format="%.1f", help="All stages of this one measurement; what was cached took no time"
            ),
        },
        alt="Configurations, the best first",
    )
    return [board.rows[i].run for i in event.selection.rows if i < len(board.rows)]


def intervals(board: Leaderboard) -> None:
    """Draw the leaders' means with their intervals."""
    figure = charts.intervals(board)
    st.plotly_chart(figure, key="intervals", config={"displayModeBar": False}, alt="Means with their intervals")


def _row(place: int, row: Any, board: Leaderboard) -> dict[str, Any]:
    one, standing = row.interval, row.standing
    return {
        "": place,
        "Configuration": row.name,
        board.metric: one.mean,
        "95 % CI": f"{one.low:.3f}–{one.high:.3f}" if one.low == one.low else "",
        "Verdict": WORDS[standing.verdict] if standing else "",
        "Against the leader": (
            f"{standing.difference:+.3f} [{standing.low:+.3f}, {standing.high:+.3f}]"
            if standing and standing.low == standing.low
            else ""
        ),
        "At its k": row.fixed.mean if row.fixed else None,
        "Held out": row.held_out.mean if row.held_out else None,
        "Tokens at its k": round(row.tokens_per_query),
        "Chunks": row.run.chunks,
        "Index": size_label(row.run.index_bytes) if row.run.index_bytes else "none",
        "Seconds": round(row.run.seconds_in_all, 1),
    }


_AT_K = (
    "The same measure, measured at the configuration's own k: it looks at another part of the ranking than one that is "
    "measured at context tokens, and favours large chunks"
)


def ticked(runs: Sequence[Run], board: Leaderboard) -> None:
    """Draw what can be done with one run, and how two differ."""
    if not runs:
        st.caption("Tick a row to use its configuration, two to compare them question by question.")
        return
    names = {row.run.fingerprint: row.name for row in board.rows}
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")
    row.button(
        f"Use this configuration: {plain(names[runs[0].fingerprint])}",
        key="take-run",
        icon=":material/pan_tool:",
        on_click=take,
        args=(runs[0],),
        help="Every page then works with it.",
    )
    if len(runs) == 2:
        _pair(runs[0], runs[1], board.metric, names)


def take(run: Run) -> None:
    """Make the run's configuration the current one."""
    if sessions.tried(lambda: sessions.take(from_mapping(run.pipeline))):
        st.toast("This is the current configuration now")


def _pair(a: Run, b: Run, metric: str, names: dict[str, str]) -> None:
    """Compare two runs question by question."""
    both = aligned([a, b], metric)
    found = both.compare(metric, population.unit())
    who = population.of(both.documents)
    st.markdown(plain(compared(found, names[a.fingerprint], names[b.fingerprint], metric, who)))
    training_note(both.judging.note)


def compared(found: Comparison, a: str, b: str, metric: str, who: Population) -> str:
    """Return the comparison as a sentence, and of which population it speaks."""
    counts = f"better on {size_label(found.wins, 'questions')}, worse on {found.losses}, equal on {found.ties}"
    less = f"{a} less {b}: {metric} {found.difference:+.3f}"
    if not found.is_enough:
        return f"{less}; {counts}; too few questions to compare ({found.n}; at least {MIN_QUESTIONS} are needed)."
    interval = f" [{found.low:+.3f}, {found.high:+.3f}] (95 % CI)" if found.low == found.low else ""
    settled = "" if found.is_settled else ", inconclusive"
    return f"{less}{interval}, p {found.p:.3f}{settled}; {counts}. {population.said(who)}"


def surfaces(runs: Sequence[Run], metric: str) -> None:
    """Draw size against overlap, or any two settings that vary; where more vary, the best of each cell."""
    changing = varied(runs)
    if len(changing) < 1:
        st.caption("A surface needs runs that differ in a setting.")
        return
    paths = list(dict.fromkeys(["splitter.chunk_size", "splitter.overlap_share", *changing]))
    row = st.container(horizontal=True, gap="small")
    x = row.selectbox("Across", paths, index=0, key="surface-x", width=220)
    y = row.selectbox("Down", [p for p in paths if p != x], index=0, key="surface-y", width=220)
    others = [p for p in changing if p not in (x, y) and not {p, x, y} <= _SIZES]
    where = {}
    for path in others[:4]:
        values = ["best of all", *map(str, changing[path])]
        picked = row.selectbox(path, values, key=f"surface-{path}", width=180)
        if picked != values[0]:
            where[path] = next(v for v in changing[path] if str(v) == picked)
    found = surface(runs, metric, str(x), str(y), where)
    if not found.xs:
        st.caption("No run has these settings.")
        return
    st.plotly_chart(
        charts.heat(found, metric), key="surface", config={"displayModeBar": False}, alt=f"{metric} over {x} and {y}"
    )


_SIZES = {"splitter.chunk_size", "splitter.chunk_overlap", "splitter.overlap_share"}


def cost(runs: Sequence[Run], board: Leaderboard) -> None:
    """Draw quality against cost."""
    label, of = cost_for(board.metric, runs, board.cost)[1]
    points = pareto(runs, [of(run) for run in runs], board.metric)
    names = {row.run.fingerprint: row.name for row in board.rows}
    figure = charts.pareto(points, names, label, board.metric)
    st.plotly_chart(figure, key="pareto", config={"displayModeBar": False}, alt="Quality against cost")
    kept = [names[p.fingerprint] for p in points if p.best]
    st.caption(
        f"Joined: {size_label(len(kept), 'configurations')} that no other beats in both. "
        + ("Seconds are of one measurement each; small differences are chance." if board.cost == "seconds" else "")
    )


def marginal(runs: Sequence[Run], metric: str) -> None:
    """Draw what each value of each setting does, all else equal."""
    found = effects(runs, metric, population.unit())
    if not found:
        st.caption("An effect needs runs that differ in one setting and are alike in the others.")
        return
    st.plotly_chart(
        charts.effects(found, metric), key="effects", config={"displayModeBar": False}, alt="Effects of settings"
    )
    documents = aligned(runs, metric, held_out=False).documents
    st.caption(f"Intervals are 95 % CIs. {population.said(population.of(documents))}")


MOST_STRIPS = 8
"""Configurations whose boundaries are drawn."""


def hard(runs: Sequence[Run], board: Leaderboard, questions: Sequence[Question]) -> None:
    """Draw the rank of the first relevant hit, question by configuration; a click opens the question."""
    order = [row.run for row in board.rows]
    found = matrix(order)
    texts = {q.id: q.text for q in questions}
    names = {row.run.fingerprint: row.name for row in board.rows}
    rows = [
        {"Question": texts.get(id, id)}
        | {names[f]: "miss" if r is None else str(r) for f, r in zip(found.runs, ranks, strict=True)}
        for id, ranks in zip(found.questions, found.ranks, strict=True)
    ]
    event = st.dataframe(
        rows,
        key=f"matrix-{len(rows)}-{len(order)}",
        hide_index=True,
        height=ROWS,
        on_select="rerun",
        selection_mode="single-cell",
        column_config={"Question": st.column_config.TextColumn(pinned=True, width="large")},
        alt="Rank of the first relevant hit, question by configuration",
    )
    st.caption("The hardest first. A cell is the rank of the first relevant hit, or the word miss; a click shows why.")
    cell = next(iter(event.selection.cells), None)
    before, st.session_state["matrix-clicked"] = st.session_state.get("matrix-clicked"), cell
    if cell is not None and cell != before:
        place, column = cell
        st.session_state[LOOK] = found.questions[place]
        run = next((r for r in order if names[r.fingerprint] == column), None)
        if run is not None:
            take(run)
        st.session_state["experiments-view-next"] = "Where answers are lost"
        st.rerun()


def strips(
    corpus: Corpus, questions: tuple[Question, ...], document: Document | None, board: Leaderboard, store: Store
) -> None:
    """Draw one boundary strip per configuration on a common axis, with passages as ticks."""
    if document is None:
        return
    pipelines: list[Pipeline] = []
    for row in board.rows:
        pipeline = from_mapping(row.run.pipeline)
        if len(pipelines) < MOST_STRIPS and all(pipeline.splitter != p.splitter for p in pipelines):
            pipelines.append(pipeline)
    own = sessions.pipeline().parser
    with st.spinner("Cutting and searching"):
        found = [_evaluated(corpus, questions, p, store) for p in pipelines if p.parser == own]
    if not found:
        st.caption(
            "These runs read the documents by another parser than the current configuration: their text is another."
        )
        return
    st.html(charts.strips(boundary_strips(found, document.id)))
    st.caption(f"The best run of each splitter setting, at most {MOST_STRIPS}, each at its own k.")


@lru_cache(maxsize=32)
def _evaluated(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, store: Store) -> Evaluation:
    """Evaluate at the pipeline's own k: its hits are all that a strip shows."""
    return evaluate(corpus, questions, pipeline, [f"recall@{pipeline.k}"], store=store)
