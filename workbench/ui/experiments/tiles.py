"""A surface as tiles: size across, overlap down, each with its value and how that is known."""

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from workbench.pipelines import Pipeline
from workbench.sweeps import METRIC, Cell

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
    """The tiles of one splitter; `numbers` are the candidates' places in the race, carried by the points."""
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
    """The overlap in per cent of the size; a multiple of five where that, rounded down, gives it."""
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
