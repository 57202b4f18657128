"""Plotly figures of the page Experiments: losses, intervals, trade-offs, effects, and surfaces as tiles."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from workbench.anatomy import CUT, MISSED, STEPS, WHOLE
from workbench.pipelines import Pipeline
from workbench.statistics import Interval
from workbench.sweeps import METRIC, Cell, Effect, Leaderboard, Point, Surface

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A94A0"
_STEP_COLOURS = {"parse": "#CC79A7", "budget": ORANGE, "boundary": "#56B4E9", "ranking": RED, "index": GREY}
_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


def _figure(height: int, **layout: Any) -> Any:
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(height=height, margin=_MARGIN, showlegend=False, hovermode="closest", **layout)
    return figure


def waterfall(bars: Sequence[Mapping[str, Any]], recall: float) -> Any:
    """Draw recall from 1 down to what was measured, a bar for what each step loses."""
    from plotly.graph_objects import Bar

    figure = _figure(260, bargap=0.35)
    figure.add_trace(
        Bar(
            x=[_word(bar["step"]) for bar in bars],
            y=[bar["start"] - bar["end"] for bar in bars],
            base=[bar["end"] for bar in bars],
            marker_color=[_STEP_COLOURS[bar["step"]] for bar in bars],
            text=[_signed(-bar["loss"]) for bar in bars],
            textposition="outside",
            customdata=[[bar["questions"], f"{bar['loss']:.3f} lost {_span(bar['low'], bar['high'])}"] for bar in bars],
            hovertemplate="%{x}: %{customdata[1]}<br>%{customdata[0]} questions lose here<extra></extra>",
            cliponaxis=False,
        )
    )
    figure.add_trace(
        Bar(
            x=["recall"],
            y=[recall],
            marker_color=BLUE,
            text=[f"{recall:.3f}"],
            textposition="outside",
            hovertemplate="recall as run: %{y:.3f}<extra></extra>",
            cliponaxis=False,
        )
    )
    lowest = min([recall, *(bar["end"] for bar in bars)])
    figure.update_yaxes(range=[max(0.0, lowest - 0.25), 1.08], title_text="recall")
    return figure


def _signed(change: float) -> str:
    """Format a difference: `−0.398`, `+0.012`; `0` where it rounds to zero."""
    return "0" if abs(change) < 0.0005 else f"{change:+.3f}".replace("-", "−")


def _word(step: str) -> str:
    return STEPS[step]


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None or low != low else f"[{low:.3f}, {high:.3f}]"


def intervals(board: Leaderboard, most: int = 30) -> Any:
    """Draw the leaders' means with their intervals; significantly worse ones are hollow."""
    from plotly.graph_objects import Scatter

    rows = board.rows[:most][::-1]
    open_ = [row.standing is None or row.standing.verdict != "ruled out" for row in rows]
    figure = _figure(96 + 22 * len(rows))
    figure.add_trace(
        Scatter(
            x=[row.interval.mean for row in rows],
            y=[escape(row.name) for row in rows],
            mode="markers",
            marker={
                "size": 9,
                "color": [BLUE if one else GREY for one in open_],
                "symbol": ["circle" if one else "circle-open" for one in open_],
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_or_zero(row.interval.high - row.interval.mean) for row in rows],
                "arrayminus": [_or_zero(row.interval.mean - row.interval.low) for row in rows],
                "color": GREY,
                "thickness": 1.4,
                "width": 4,
            },
            customdata=[row.standing.verdict if row.standing else "only one" for row in rows],
            hovertemplate="%{y}<br>%{x:.3f}, %{customdata}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text=f"{board.metric}, 95 % interval")
    figure.update_yaxes(automargin=True)
    return figure


def _or_zero(value: float) -> float:
    return value if value == value else 0.0


def heat(found: Surface, metric: str) -> Any:
    """Draw the means over two settings, the value in each cell."""
    from plotly.graph_objects import Heatmap

    texts = [[f"{value:.3f}" if value is not None else "" for value in line] for line in found.means]
    figure = _figure(90 + 44 * len(found.ys))
    figure.add_trace(
        Heatmap(
            z=found.means,
            x=[str(x) for x in found.xs],
            y=[str(y) for y in found.ys],
            text=texts,
            texttemplate="%{text}",
            colorscale="Cividis",
            hovertemplate=f"{_axis(found.x)} %{{x}}, {_axis(found.y)} %{{y}}: %{{z:.3f}}<extra></extra>",
            colorbar={"title": metric, "thickness": 10},
            xgap=2,
            ygap=2,
        )
    )
    figure.update_xaxes(title_text=_axis(found.x), type="category")
    figure.update_yaxes(title_text=_axis(found.y), type="category")
    return figure


_AXES = {"splitter.chunk_size": "chunk size", "splitter.overlap_share": "overlap, % of the size"}


def _axis(path: str) -> str:
    return escape(_AXES.get(path, path))


def pareto(points: Sequence[Point], names: Mapping[str, str], cost: str, metric: str) -> Any:
    """Draw quality against a cost; the runs that no other beats in both are joined."""
    from plotly.graph_objects import Scatter

    best = sorted((p for p in points if p.best), key=lambda p: p.cost)
    rest = [p for p in points if not p.best]
    figure = _figure(300)
    kinds = ((rest, GREY, "circle-open", "markers"), (best, BLUE, "diamond", "lines+markers"))
    for some, colour, symbol, mode in kinds:
        figure.add_trace(
            Scatter(
                x=[p.cost for p in some],
                y=[p.quality for p in some],
                mode=mode,
                marker={"size": 9, "color": colour, "symbol": symbol},
                line={"color": BLUE, "dash": "dot", "width": 1.2, "shape": "hv"},
                customdata=[escape(names.get(p.fingerprint, "")) for p in some],
                hovertemplate="%{customdata}<br>%{y:.3f} at %{x:,.4~r}<extra></extra>",
            )
        )
    figure.update_xaxes(title_text=cost)
    figure.update_yaxes(title_text=metric)
    return figure


def effects(found: Sequence[Effect], metric: str) -> Any:
    """Draw what each value of a setting does against its first value, with intervals."""
    from plotly.graph_objects import Scatter

    rows = list(found)[::-1]
    figure = _figure(80 + 26 * len(rows))
    figure.add_vline(0, line_color=GREY, line_width=1)
    figure.add_trace(
        Scatter(
            x=[e.difference.mean for e in rows],
            y=[escape(f"{e.path.removeprefix('splitter.')}: {e.value} against {e.reference}") for e in rows],
            mode="markers",
            marker={"size": 9, "color": [_colour(e.difference) for e in rows], "symbol": "square"},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_or_zero(e.difference.high - e.difference.mean) for e in rows],
                "arrayminus": [_or_zero(e.difference.mean - e.difference.low) for e in rows],
                "color": GREY,
                "thickness": 1.4,
                "width": 4,
            },
            customdata=[e.pairs for e in rows],
            hovertemplate="%{y}: %{x:+.3f} over %{customdata} matched pairs<extra></extra>",
        )
    )
    figure.update_xaxes(title_text=f"difference of {metric}, all else equal")
    figure.update_yaxes(automargin=True)
    return figure


def _colour(one: Interval) -> str:
    return GREEN if one.low > 0 else RED if one.high < 0 else GREY


# --- HTML


def rungs(recalls: Sequence[float]) -> str:
    """Return HTML: a question's loss ladder as one bar, recall as run first, then each loss with its share."""
    parts = [("recall", recalls[-1], BLUE)]
    for step, above, below in zip(STEPS, recalls[:-1], recalls[1:], strict=True):
        if above - below > 0.0005:
            parts.append((STEPS[step], above - below, _STEP_COLOURS[step]))
    cells = "".join(
        f"<i style='flex:{max(share, 0.02):.4f};background:{colour}' title='{word} {share:.2f}'></i>"
        for word, share, colour in parts
    )
    words = " · ".join(f"{word} <b>{'' if word == 'recall' else '−'}{share:.2f}</b>" for word, share, _ in parts)
    gain = recalls[-1] - recalls[-2]
    luck = f" · the index gained <b>+{gain:.2f}</b> by luck" if gain > 0.0005 else ""
    bar = f"<div class='rungs' role='img' aria-label='Ladder of recall'>{cells}</div>"
    return f"{bar}<div class='facts'>{words}{luck}</div>"


_STATES = {WHOLE: "whole", CUT: "cut", MISSED: "missed"}


def strips(found: Sequence[Mapping[str, Any]]) -> str:
    """Return HTML: one strip per configuration on a common axis, chunks as bands, passages as ticks."""
    return f"<div class='strips'>{''.join(_strip(one) for one in found)}</div>{_LEGEND}"


def _strip(one: Mapping[str, Any]) -> str:
    length = max(1, one["length"])
    stops = ",".join(
        f"{_BANDS[i % 2]} {100 * a / length:.3f}% {100 * max(a, b) / length:.3f}%"
        for i, (a, b) in enumerate(one["chunks"])
    )
    counts = ", ".join(f"{sum(g['state'] == state for g in one['gold'])} {word}" for state, word in _STATES.items())
    label = escape(f"{one['label']}: {len(one['chunks'])} chunks; gold {counts}")
    marks = "".join(_tick(g, length) for g in one["gold"])
    bands = f"linear-gradient(90deg,{stops})" if stops else "none"
    return (
        f"<div class='facts'>{label}</div>"
        f"<div class='strip' role='img' aria-label='{label}'><b style='background-image:{bands}'></b>{marks}</div>"
    )


_BANDS = ("rgba(0,114,178,.42)", "rgba(230,159,0,.5)")


def _tick(gold: Mapping[str, Any], length: int) -> str:
    left, width = 100 * gold["start"] / length, 100 * (gold["end"] - gold["start"]) / length
    word = _STATES[gold["state"]]
    title = f"{word}, characters {gold['start']:,} to {gold['end']:,}"
    return f"<i class='{word}' style='left:{left:.3f}%;width:max(3px,{width:.3f}%)' title='{title}'></i>"


_LEGEND = (
    "<div class='facts strips-legend'><span><i class='whole'></i></span>whole: one hit holds all of the passage "
    "<span><i class='cut'></i></span>cut: hits hold a part <span><i class='missed'></i></span>missed: no hit holds any"
    "</div>"
)

STYLE = """
.rungs { display: flex; gap: 2px; height: .8rem; border-radius: .2rem; overflow: hidden; margin: .2rem 0 .35rem }
.strip, .strips-legend span { position: relative; height: 1.5rem }
.strip { margin: .1rem 0 .6rem }
.strip b { position: absolute; inset: .45rem 0; border-radius: 2px }
.strip i, .strips-legend i { position: absolute; border-radius: 1px; opacity: .85 }
i.whole { top: 0; height: 100%; background: #009E73 }
i.cut { top: 0; height: 50%; background: #E69F00; outline: 1px solid rgba(0, 0, 0, .35) }
i.missed { bottom: 0; height: 25%; background: #D55E00 }
.strips-legend { display: flex; gap: .25rem .6rem; flex-wrap: wrap; align-items: center }
.strips-legend span { display: inline-block; width: .6rem; margin-left: .6rem }
.strips-legend i { width: .5rem }
"""


SIGNS = {"exact": "", "part": "…", "preview": "~", "left out": "×", "not decided": "?", "waiting": ""}
"""What stands before a value, so that no state is told by colour alone."""

LEGEND = (
    "<div class='facts'><b>0.650</b> exact on all questions · <b>…0.650</b> exact on a part · <b>~0.650</b> preview · "
    "<b>×0.650</b> preview, left out: it cannot be better · <b>?0.650</b> preview, not decided: it could be · framed: "
    "the best so far. A click makes a configuration the current one.</div>"
)


def figure(
    pipelines: Sequence[Pipeline],
    cells: Sequence[Cell],
    numbers: Sequence[int],
    leader: int | None,
    scale: tuple[float, float],
) -> Any:
    """Draw one splitter's surface as tiles. `numbers` are the candidates' places in the race."""
    from plotly.graph_objects import Figure, Scatter

    sizes = sorted({p.splitter.chunk_size for p in pipelines})
    shares = sorted({share(p) for p in pipelines})
    values = [c.exact if c.exact is not None else c.preview for c in cells]
    low, high = scale
    strong = [v is not None and high > low and (v - low) / (high - low) > 0.55 for v in values]
    page = "#fff" if st.context.theme.type == "dark" else "#111"  # a tile that is left out lets the page shine through
    inks = [page if c.state == "left out" else "#111" if one else "#fff" for one, c in zip(strong, cells, strict=True)]
    made = Figure()
    made.add_trace(
        Scatter(
            x=[str(p.splitter.chunk_size) for p in pipelines],
            y=[f"{share(p)} %" for p in pipelines],
            mode="markers+text",
            text=["" if v is None else f"{SIGNS[c.state]}{v:.3f}" for v, c in zip(values, cells, strict=True)],
            textfont={"size": 12, "color": inks},
            marker={
                "symbol": "square",
                "size": 44,
                "color": [v if v is not None else low for v in values],
                "cmin": low,
                "cmax": high if high > low else low + 1e-9,
                "colorscale": "Cividis",
                "opacity": [
                    0.12 if v is None else 0.45 if c.state == "left out" else 1
                    for v, c in zip(values, cells, strict=True)
                ],
                "line": {
                    "width": [4 if i == leader else 0 for i in numbers],
                    "color": "#D55E00",
                },
            },
            customdata=[[i] for i in numbers],
            hovertext=[_hover(p, c) for p, c in zip(pipelines, cells, strict=True)],
            hovertemplate="%{hovertext}<extra></extra>",
            cliponaxis=False,
        )
    )
    made.update_layout(
        height=110 + 50 * len(shares),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        clickmode="event+select",
        dragmode=False,
    )
    made.update_xaxes(
        title_text="chunk size", type="category", categoryarray=[str(n) for n in sizes], showgrid=False, zeroline=False
    )
    made.update_yaxes(
        title_text="overlap, % of the size",
        type="category",
        categoryarray=[f"{n} %" for n in shares],
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    return made


def share(pipeline: Pipeline) -> int:
    """Return the overlap in per cent of the size; a multiple of five where that, rounded down, gives it."""
    size, overlap = pipeline.splitter.chunk_size, pipeline.splitter.chunk_overlap
    return next((n for n in range(0, 100, 5) if size * n // 100 == overlap), round(100 * overlap / size))


def _hover(pipeline: Pipeline, cell: Cell) -> str:
    lines = [escape(pipeline.label)]
    if cell.exact is not None:
        lines.append(f"{METRIC} {cell.exact:.3f}, exact on {cell.asked} questions")
    if cell.preview is not None:
        lines.append(f"{METRIC} {cell.preview:.3f} by the preview")
    if cell.reason:
        lines.append(escape(cell.reason))
    return "<br>".join(lines)
