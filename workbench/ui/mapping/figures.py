"""The map as a figure: a point a chunk, the query and its hits by shape. Plotly reads tags, so texts are escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus
from workbench.projection import Points, Rows
from workbench.retrievers import Collection

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
GREY = "#8A94A0"
OTHER = "other"
MOST_SVG = 3_000
"""Points that stay fluid without WebGL, which not every browser has."""
HOVER = 140
"""Characters of a chunk that a hover shows."""


def classes(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The six most frequent names, then the rest as one; and (n,) to which of these each belongs."""
    found, inverse, counts = np.unique(np.array(names, dtype=object), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = order[: len(PALETTE)] if len(found) > len(PALETTE) else order
    place = np.full(len(found), len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    labels = [str(found[i]) for i in kept] + ([OTHER] if len(found) > len(kept) else [])
    return labels, place[inverse]


def texts(corpus: Corpus, rows: Collection, drawn: Rows) -> list[str]:
    """What a hover says of each chunk: its document, its number there, and how it begins; escaped."""
    names = [escape(d.name) for d in corpus]
    firsts = np.searchsorted(rows.document_index, np.arange(len(names)))
    out = []
    for row in drawn.tolist():
        d = int(rows.document_index[row])
        start, end = rows.spans[row].tolist()
        said = " ".join(corpus.documents[d].text[start : min(end, start + HOVER)].split())
        cut = "…" if end - start > HOVER else ""
        out.append(f"<b>{names[d]}</b> chunk {row - int(firsts[d]) + 1}<br>{_lines(said)}{cut}")
    return out


def _lines(text: str, width: int = 70) -> str:
    return "<br>".join(escape(text[i : i + width]) for i in range(0, len(text), width))


def frame(height: int, shares: tuple[float, float] | None) -> Any:
    """An empty map. `shares` of the variance stand at the axes of a PCA; UMAP's axes mean nothing."""
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, hovermode="closest",
        legend={"orientation": "h", "yanchor": "top", "y": -0.06, "x": 0, "font_size": 11, "itemsizing": "constant"},
        uirevision="map",
    )  # fmt: skip
    along = [f"axis {i + 1}, {share:.0%} of the variance" for i, share in enumerate(shares or ())]
    figure.update_xaxes(title_text=along[0] if along else "", showgrid=False, zeroline=False, showticklabels=False)
    figure.update_yaxes(title_text=along[1] if along else "", showgrid=False, zeroline=False, showticklabels=False)
    return figure


def by_class(figure: Any, points: Points, drawn: Rows, hover: Sequence[str], names: Sequence[str]) -> None:
    """A trace a class, with a legend; the last of many is grey."""
    labels, of = classes(names)
    for i, label in enumerate(labels):
        mine, colour = np.flatnonzero(of == i), GREY if label == OTHER else PALETTE[i % len(PALETTE)]
        figure.add_trace(
            _points(len(drawn))(
                x=points[mine, 0], y=points[mine, 1], mode="markers", name=escape(label),
                marker={"size": _size(len(drawn)), "opacity": 0.75, "color": colour},
                customdata=drawn[mine], text=[hover[j] for j in mine.tolist()],
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip


def by_value(figure: Any, points: Points, drawn: Rows, hover: Sequence[str], values: NDArray[Any], title: str) -> None:
    """One trace, coloured by a value on a scale that the colour-blind can read."""
    figure.add_trace(
        _points(len(drawn))(
            x=points[:, 0], y=points[:, 1], mode="markers", name=escape(title), showlegend=False,
            marker={
                "size": _size(len(drawn)), "opacity": 0.85, "color": values, "colorscale": "Cividis",
                "showscale": True, "colorbar": {"title": escape(title), "thickness": 10},
            },
            customdata=drawn, text=[f"{h}<br>{title}: {v:,.3g}" for h, v in zip(hover, values.tolist(), strict=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip


def _points(n: int) -> Any:
    """The kind of trace: by WebGL where there are many points, and where there are few so that every browser draws."""
    from plotly.graph_objects import Scatter, Scattergl

    return Scattergl if n > MOST_SVG else Scatter


def _size(n: int) -> int:
    return 8 if n < 1_000 else 6 if n < 5_000 else 4


MARKS: Mapping[str, tuple[str, int, str]] = {
    "hits": ("diamond-open", 15, "currentcolor"),
    "hubs": ("triangle-up-open", 14, "currentcolor"),
    "orphans": ("circle-open", 13, "currentcolor"),
    "chosen": ("square-open", 18, "currentcolor"),
    "query": ("star", 17, "currentcolor"),
}
"""What is marked on the map, by shape: symbol, size. The colour is that of the text, in light and dark."""


def mark(
    figure: Any, kind: str, name: str, points: Points, rows: Rows, hover: Sequence[str], ink: str,
    words: Sequence[str] = (),
) -> None:  # fmt: skip
    """Some points marked by a shape, and in a few letters if there are any."""
    from plotly.graph_objects import Scatter

    if not len(points):
        return
    symbol, size, _ = MARKS[kind]
    figure.add_trace(
        Scatter(
            x=points[:, 0], y=points[:, 1], mode="markers+text" if words else "markers", name=escape(name),
            marker={"symbol": symbol, "size": size, "color": ink, "line": {"width": 2}},
            text=list(words) or None, textposition="top center", textfont={"color": ink},
            customdata=rows, hovertext=list(hover), hovertemplate="%{hovertext}<extra></extra>",
        )
    )  # fmt: skip
