"""Figures of the page Models. Every value is also in a table: colour and place never stand alone."""

from collections.abc import Sequence
from html import escape
from typing import Any

from workbench.indexes import CurvePoint, Tradeoff

BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#8A94A0"
_SYMBOLS = {
    "flat": "circle", "sq8": "square", "hnsw": "diamond", "ivf-flat": "triangle-up", "ivf-pq": "triangle-down",
    "binary": "x",
}  # fmt: skip


def tradeoff(found: Sequence[tuple[str, Tradeoff]], in_hand: str, k: int) -> Any:
    """Recall against queries per second (logarithmic), a symbol a kind; the index in hand is filled."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    figure.update_layout(
        height=360, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False, hovermode="closest",
    )  # fmt: skip
    some = [(label, t) for label, t in found if t.recall is not None and t.queries_per_second is not None]
    figure.add_trace(
        Scatter(
            x=[t.queries_per_second for _, t in some],
            y=[t.recall for _, t in some],
            mode="markers+text",
            text=[escape(label) for label, _ in some],
            textposition=["top center" if i % 2 else "bottom center" for i in range(len(some))],
            textfont_size=11,
            marker={
                "size": [14 if label == in_hand else 10 for label, _ in some],
                "color": [BLUE if label == in_hand else ORANGE for label, _ in some],
                "symbol": [_SYMBOLS[t.spec.kind] + ("" if label == in_hand else "-open") for label, t in some],
                "line": {"width": 2},
            },
            cliponaxis=False,
            hovertemplate="%{text}<br>recall %{y:.3f} at %{x:,.0f} queries a second<extra></extra>",
        )
    )
    low = min([0.9, *(t.recall for _, t in some if t.recall is not None)])
    figure.update_yaxes(title_text=f"recall@{k} against exact", range=[low - 0.08, 1.06])
    figure.update_xaxes(title_text="queries a second, in one call", type="log", dtick="D2")
    return figure


def curve(points: Sequence[CurvePoint], k: int) -> Any:
    """Recall over growing parts of the vectors; beyond the last of them nothing is drawn."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    some = [p for p in points if p.recall is not None]
    figure.update_layout(height=220, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False)
    figure.add_trace(
        Scatter(
            x=[p.n for p in some],
            y=[p.recall for p in some],
            mode="lines+markers+text",
            text=[f"{p.recall:.3f}" for p in some],
            textposition="top center",
            line={"color": BLUE, "width": 1.5},
            marker={"size": 8, "color": BLUE},
            cliponaxis=False,
            hovertemplate="recall %{y:.3f} over %{x:,} vectors<extra></extra>",
        )
    )
    if some:
        last = some[-1].n
        figure.add_vline(last, line_color=GREY, line_dash="dot", line_width=1)
        figure.add_annotation(
            x=last, y=0, yref="paper", text="not measured beyond", showarrow=False, xanchor="left", yanchor="bottom",
            font={"size": 11, "color": GREY}, xshift=4,
        )  # fmt: skip
        figure.update_xaxes(title_text="vectors", range=[0, 1.3 * last])
        figure.update_yaxes(title_text=f"recall@{k}", range=[min(p.recall or 0 for p in some) - 0.06, 1.06])
    return figure
