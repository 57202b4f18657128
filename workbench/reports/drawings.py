"""Charts as inline SVG, drawn by a few functions: no browser, no script, the reader's colours.

Every value that a chart shows is also written in it. Widths are those of its own coordinates; it scales with the page.
"""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

from workbench.reports.blocks import count
from workbench.reports.render import safe
from workbench.statistics import WORDS
from workbench.sweeps import Surface, amount

WIDTH = 720
_LABEL = 270  # of a name at the left
_ROW = 24
_LONGEST = 38  # characters of a name that fit there


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from below `low` to above `high`, about `most` at most."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / most
    size = 10.0 ** floor(log10(rough))
    step = next(m * size for m in (1, 2, 2.5, 5, 10) if m * size >= rough)
    first, last = floor(low / step), ceil(high / step)
    return [round(i * step, 12) for i in range(first, last + 1)]


def intervals(rows: Sequence[tuple[str, float, float, float, str]], metric: str, chosen: int | None = None) -> str:
    """Draw names with a mean, its interval (NaN where unknown) and a verdict in words, one per line.

    Significantly worse ones are rings.
    """
    known = [v for _, mean, low, high, _ in rows for v in (mean, low, high) if v == v]
    marks = ticks(min(known), max(known))
    scale = _scale(marks[0], marks[-1], _LABEL + 10, WIDTH - 130)
    height = _ROW * len(rows) + 34
    out = [_grid(marks, scale, 6, height - 28), _text(_LABEL - 10, height - 14, metric, "dim end")]
    called = distinct([row[0] for row in rows])
    for i, (name, mean, low, high, word) in enumerate(rows):
        y = 18 + _ROW * i
        out.append(_name(_LABEL, y + 4, called[i], name, "end bold" if i == chosen else "end"))
        if low == low and high == high:
            out.append(f"<path class='line' d='M{scale(low):.1f} {y}H{scale(high):.1f}'/>")
        style, radius = ("ring", 4) if word == WORDS["ruled out"] else ("blue", 5)
        out.append(f"<circle class='{style}' cx='{scale(mean):.1f}' cy='{y}' r='{radius}'/>")
        if i == chosen:
            out.append(f"<circle class='chosen' cx='{scale(mean):.1f}' cy='{y}' r='8'/>")
        out.append(_text(WIDTH - 122, y + 4, f"{mean:.3f}  {word}", ""))
    return _svg(height, f"{metric} with 95 % intervals", out)


def heat(found: Surface, x: str, y: str, metric: str, chosen: str = "") -> str:
    """Draw the means over two settings, the value in each cell, the chosen run's cell framed."""
    values = [v for line in found.means for v in line if v is not None]
    low, high = min(values), max(values)
    left, top = 96, 26
    wide, tall = min(110.0, (WIDTH - left - 10) / max(1, len(found.xs))), 34
    height = top + tall * len(found.ys) + 40
    out = [_text(8, 16, y, "dim")]
    for j, (value, line, runs) in enumerate(zip(found.ys, found.means, found.runs, strict=True)):
        at = top + tall * j
        out.append(_text(left - 8, at + tall / 2 + 4, _plain(value), "end"))
        for i, (mean, run) in enumerate(zip(line, runs, strict=True)):
            if mean is None:
                out.append(_text(left + wide * (i + 0.5), at + tall / 2 + 4, "–", "mid dim"))
                continue
            share = (mean - low) / (high - low) if high > low else 0.0
            box = f"x='{left + wide * i + 1:.1f}' y='{at + 1}' width='{wide - 2:.1f}' height='{tall - 2}'"
            out.append(f"<rect class='cell' {box} opacity='{0.08 + 0.4 * share:.2f}'/>")
            if run == chosen and chosen:
                out.append(f"<rect class='chosen' {box}/>")
            style = "mid bold" if mean == high else "mid"
            out.append(_text(left + wide * (i + 0.5), at + tall / 2 + 4, f"{mean:.3f}", style))
    for i, value in enumerate(found.xs):
        out.append(_text(left + wide * (i + 0.5), height - 24, _plain(value), "mid"))
    out.append(_text(left + wide * len(found.xs) / 2, height - 6, x, "mid dim"))
    return _svg(height, f"{metric} by {x} and {y}", out)


def tradeoff(
    points: Sequence[tuple[str, float, float, bool]], cost: str, metric: str, chosen: int | None = None
) -> str:
    """Draw quality over cost; a point is (name, cost, quality, on the front), those on the front full and numbered."""
    across, up = ticks(min(p[1] for p in points), max(p[1] for p in points)), ticks(
        min(p[2] for p in points), max(p[2] for p in points), 5
    )  # fmt: skip
    height, bottom = 300, 250
    sx, sy = _scale(across[0], across[-1], 60, WIDTH - 20), _scale(up[0], up[-1], bottom, 16)
    out = [_grid(across, sx, 16, bottom)]
    for v in up:
        out.append(f"<path class='axis' d='M60 {sy(v):.1f}H{WIDTH - 20}'/>{_text(54, sy(v) + 4, _plain(v), 'end dim')}")
    front = sorted((p[1], p[2]) for p in points if p[3])
    out.append(f"<path class='front' d='M{'L'.join(f'{sx(c):.1f} {sy(q):.1f}' for c, q in front)}'/>" if front else "")
    number = {
        i: n for n, i in enumerate(sorted((i for i, p in enumerate(points) if p[3]), key=lambda i: points[i][1]), 1)
    }
    placed: list[tuple[float, float]] = []
    for i, (name, c, q, best) in enumerate(points):
        dot = f"cx='{sx(c):.1f}' cy='{sy(q):.1f}'"
        title = f"<title>{safe(name)}: {_plain(q)} for {amount(c)}</title>"
        out.append(f"<circle class='{'blue' if best else 'ring'}' {dot} r='{5 if best else 4}'>{title}</circle>")
        if i == chosen:
            out.append(f"<circle class='chosen' {dot} r='9'/>")
    for i in sorted(number, key=lambda i: number[i]):
        x, y = sx(points[i][1]) + 11, sy(points[i][2]) - 6
        while any(abs(x - a) < 14 and abs(y - b) < 12 for a, b in placed):
            x += 14
        placed.append((x, y))
        out.append(_text(x, y, str(number[i]), "bold"))
    out.append(_text(WIDTH - 20, height - 8, f"{cost} (less is better)", "dim end"))
    out.append(_text(66, 12, metric, "dim"))
    return _svg(height, f"{metric} against {cost}", out)


def waterfall(bars: Sequence[Mapping[str, Any]], recall: float) -> str:
    """Draw recall from 1 down to the recall as run: a bar for what each step loses."""
    height, bottom, top = 250, 206, 22
    lowest = min([recall, *(bar["end"] for bar in bars)])
    floor_ = max(0.0, floor((lowest - 0.05) * 10) / 10)
    sy = _scale(floor_, 1.0, bottom, top)
    step = (WIDTH - 60) / (len(bars) + 2)
    out = []
    for v in ticks(floor_, 1.0, 5):
        if floor_ <= v <= 1:
            out.append(
                f"<path class='axis' d='M44 {sy(v):.1f}H{WIDTH - 10}'/>{_text(38, sy(v) + 4, _plain(v), 'end dim')}"
            )

    def bar(i: int, start: float, end: float, style: str, value: str, word: str) -> None:
        high, low = max(start, end), min(start, end)
        x = 52 + step * i
        tall = max(sy(low) - sy(high), 1.5)
        out.append(
            f"<rect class='{style}' x='{x:.1f}' y='{sy(high):.1f}' width='{step * 0.62:.1f}' height='{tall:.1f}'/>"
        )
        out.append(_text(x + step * 0.31, sy(high) - 6, value, "mid bold"))
        out.append(_text(x + step * 0.31, bottom + 18, word, "mid"))

    bar(0, floor_, 1.0, "grey", "1", "all answers")
    for i, one in enumerate(bars, 1):
        loss = signed(-one["loss"])
        bar(i, one["start"], one["end"], "red", loss, str(one["word"]))
        n = one["questions"]
        out.append(_text(52 + step * (i + 0.31), bottom + 34, count(n, "questions"), "mid dim"))
    bar(len(bars) + 1, floor_, recall, "blue", f"{recall:.3f}", "recall")
    return _svg(height, "Where recall is lost", out)


def distinct(names: Sequence[str]) -> list[str]:
    """Drop the parts, between ` · `, that all names share; a name stays as it is where nothing would be left."""
    parts = [name.split(" · ") for name in names]
    shared = set.intersection(*map(set, parts)) if len(names) > 1 else set()
    return [" · ".join(p for p in one if p not in shared) or " · ".join(one) for one in parts]


def signed(value: float) -> str:
    """Format a difference: `+0.120`, `−0.044`, `0`."""
    return "0" if abs(value) < 0.0005 else f"{value:+.3f}".replace("-", "−")


def _scale(low: float, high: float, at: float, to: float) -> Any:
    span = high - low or 1.0
    return lambda value: at + (to - at) * (value - low) / span


def _grid(marks: Sequence[float], scale: Any, top: float, bottom: float) -> str:
    return "".join(
        f"<path class='axis' d='M{scale(v):.1f} {top}V{bottom}'/>{_text(scale(v), bottom + 14, _plain(v), 'mid dim')}"
        for v in marks
    )


def _name(x: float, y: float, short: str, name: str, style: str) -> str:
    cut = short if len(short) <= _LONGEST else f"{short[: _LONGEST - 1]}…"
    return f"<text class='{style}' x='{x:.1f}' y='{y:.1f}'><title>{safe(name)}</title>{safe(cut)}</text>"


def _text(x: float, y: float, text: str, style: str) -> str:
    return f"<text class='{style}' x='{x:.1f}' y='{y:.1f}'>{safe(text)}</text>"


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    size = f"viewBox='0 0 {WIDTH} {height:.0f}' width='{WIDTH}' height='{height:.0f}'"
    return f"<svg {size} role='img' aria-label='{safe(label)}'>{''.join(parts)}</svg>"


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
