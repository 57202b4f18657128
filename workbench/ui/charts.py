"""Charts of the pages. Small ones are SVG, because they are drawn anew with each move of a slider."""

import numpy as np
from numpy.typing import NDArray

BARS = 32


def histogram(sizes: NDArray[np.int64], requested: int | None, limit: int | None, unit: str = "tokens") -> str:
    """SVG: how many chunks have which size, with the requested size and the model's limit as marked lines."""
    if not len(sizes):
        return ""
    top = int(max(sizes.max(), requested or 0)) + 1
    if limit and limit < 1.5 * top:
        top = max(top, limit + 1)
    counts, edges = np.histogram(sizes, bins=min(BARS, top), range=(0, top))
    width, height, floor = 320, 54, 40
    step = width / len(counts)
    bars = "".join(
        f"<rect x='{i * step + 0.5:.1f}' y='{floor - h:.1f}' width='{max(step - 1, 1):.1f}' height='{h:.1f}'>"
        f"<title>{edges[i]:.0f} to {edges[i + 1]:.0f} {unit}: {n} chunks</title></rect>"
        for i, n in enumerate(counts)
        for h in [max(1.5, floor * n / counts.max()) if n else 0]
    )
    marks = ""
    for value, name, dash in ((requested, "size", "3 2"), (limit, "limit", "")):
        if value and value <= top:
            x = value / top * width
            anchor = "end" if x > width / 2 else "start"
            marks += (
                f"<line x1='{x:.1f}' x2='{x:.1f}' y1='0' y2='{floor}' stroke-dasharray='{dash}'/>"
                f"<text x='{x:.1f}' y='{height - 2}' text-anchor='{anchor}'>{name} {value}</text>"
            )
    return (
        f"<svg class='histogram' viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='Sizes of {len(sizes)} chunks, median {np.median(sizes):.0f} {unit}'>"
        "<style>.histogram{width:100%;max-width:26rem;display:block}.histogram rect{fill:#0072B2;fill-opacity:.55}"
        ".histogram line{stroke:currentColor;stroke-width:1}.histogram text{font-size:9px;fill:currentColor;opacity:.8}"
        f"</style>{bars}{marks}</svg>"
    )
