"""Text in what Office files draw: charts with their titles and figures, diagrams (SmartArt), text boxes on sheets."""

from typing import Any

from workbench.parsers.archives import Archive
from workbench.parsers.writers import Writer

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
CHART = _C + "chart"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_MAX_POINTS = 10_000

Relations = dict[str, tuple[str, str]]


def write_drawing(element: Any, archive: Archive, relations: Relations, writer: Writer) -> None:
    """The text of the part that a CHART or DIAGRAM element of a slide, sheet or document points to."""
    _, part = relations.get(element.get(_R + ("id" if element.tag == CHART else "dm"), ""), ("", ""))
    if part not in archive.names:
        return
    root = archive.xml(part)
    if element.tag == CHART:
        write_chart(root, writer)
    else:
        for paragraph in root.iter(_A + "p"):
            _line(_text(paragraph), writer)
    writer.separate(2)


def write_chart(root: Any, writer: Writer) -> None:
    """A chart's titles, each a line, and its figures as a table: categories by series."""
    writer.separate(2)
    for title in root.iter(_C + "title"):
        for paragraph in title.iter(_A + "p"):
            _line(_text(paragraph), writer)
    series = [(_points(s, "tx"), _points(s, "cat", "xVal"), _points(s, "val", "yVal")) for s in root.iter(_C + "ser")]
    if not any(values for *_, values in series):
        return
    categories = max((c for _, c, _ in series), key=len)
    writer.separate(2)
    with writer.section("table"):
        _row(["", *(" ".join(name.values()) for name, *_ in series)], writer)
        for i in sorted({i for _, _, values in series for i in values} | set(categories))[:_MAX_POINTS]:
            _row([categories.get(i, ""), *(values.get(i, "") for *_, values in series)], writer)
    writer.separate(2)


def write_boxes(root: Any, writer: Writer) -> None:
    """The text boxes and shapes of a sheet's drawing, a paragraph a line."""
    for body in root.iter("{*}txBody"):
        writer.separate(2)
        for paragraph in body.iter(_A + "p"):
            _line(_text(paragraph), writer)


def _points(series: Any, *tags: str) -> dict[int, str]:
    """Index → what a series holds there, as it was last stored."""
    for tag in tags:
        holder = series.find(_C + tag)
        if holder is None:
            continue
        points = {
            int(p.get("idx", "0")): " ".join((p.findtext(_C + "v") or "").split())
            for p in holder.iter(_C + "pt")
            if p.get("idx", "0").isdigit()
        }
        if points or holder.find(_C + "v") is None:
            return points
        return {0: holder.findtext(_C + "v") or ""}
    return {}


def _row(cells: list[str], writer: Writer) -> None:
    with writer.row():
        for i, cell in enumerate(cells):
            with writer.cell(i == 0):
                writer.write(cell)


def _line(text: str, writer: Writer) -> None:
    if text.strip():
        writer.separate(1)
        writer.write(text.strip())


def _text(paragraph: Any) -> str:
    return "".join(t.text or "" for t in paragraph.iter(_A + "t"))
