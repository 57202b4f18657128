"""Charts of the pages. Small ones are plain HTML, because they are drawn anew with each move of a slider."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

BARS = 40


def histogram(sizes: NDArray[np.int64], requested: int | None, limit: int | None, unit: str = "tokens") -> str:
    """HTML: how many chunks have which size, with the size asked for and the model's limit as marked lines."""
    if not len(sizes):
        return ""
    top = int(max(sizes.max(), requested or 0)) + 1
    if limit and limit < 1.5 * top:
        top = max(top, limit + 1)
    counts, edges = np.histogram(sizes, bins=min(BARS, top), range=(0, top))
    bars = "".join(
        f"<i style='height:{max(4.0, 100 * n / counts.max()) if n else 0:.0f}%' "
        f"title='{edges[i]:.0f} to {edges[i + 1]:.0f} {unit}: {n} chunks'></i>"
        for i, n in enumerate(counts)
    )
    marks = "".join(
        f"<b class='{name}{' left' if value > top / 2 else ''}' style='left:{100 * value / top:.1f}%'>"
        f"<span>{name} {value}</span></b>"
        for value, name in ((requested, "size"), (limit, "limit"))
        if value and value <= top and (name == "size" or value != requested)
    )
    label = f"Sizes of {len(sizes)} chunks: median {np.median(sizes):.0f} {unit}, largest {sizes.max()}"
    return f"<div class='histogram' role='img' aria-label='{label}'>{bars}{marks}</div>"


def sizes_by_document(sizes: Mapping[str, NDArray[np.int64]], limit: int | None, model: str) -> Any:
    """A plotly figure: the spread of chunk sizes in each document, and the model's limit."""
    from plotly.graph_objects import Box, Figure

    figure = Figure()
    for name, tokens in reversed(list(sizes.items())):
        label = escape(name)  # plotly reads tags in labels
        figure.add_trace(
            Box(x=tokens, name=label, boxpoints="outliers", marker_color="#3B8FCB", marker_size=4, line_width=1.2)
        )
    if limit:
        figure.add_vline(limit, line_color="#D55E00", annotation_text=f"{escape(model)} reads {limit} tokens")
    figure.update_layout(
        height=90 + 24 * len(sizes),
        margin={"l": 0, "r": 10, "t": 24, "b": 0},
        showlegend=False,
        xaxis_title="tokens in a chunk",
    )
    figure.update_xaxes(rangemode="tozero")
    return figure


STYLE = """
.histogram { position: relative; display: flex; align-items: flex-end; height: 2.4rem; margin: .3rem 0 .9rem;
  border-bottom: 1px solid rgba(128, 128, 128, .5); max-width: 26rem }
.histogram i { flex: 1; margin-right: 1px; background: #0072B2; opacity: .6 }
.histogram b { position: absolute; top: 0; bottom: 0; border-left: 1px dashed currentColor; font-weight: 400 }
.histogram b.limit { border-left: 2px solid #D55E00 }
.histogram b span { position: absolute; top: 100%; left: 0; font-size: .68rem; white-space: nowrap; opacity: .85 }
.histogram b.left span { left: auto; right: 0 }
"""
