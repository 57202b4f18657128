"""Tables of a PDF page: ruled by drawn lines, or aligned by the gaps between words."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_SHAPES = 20_000  # of a page: a plan or a chart rather than tables
MAX_CROSSINGS = 200_000  # pairs of a vertical and a horizontal line that are looked at
MAX_CORNERS = 1_500  # the search for cells takes the square of these
_NEAR = 3  # points within which lines are one, or meet

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in points from the page's upper left corner."""

Ruled = list[list[Box | None]]
"""Rows from the top, each with a box per column, or None where another cell reaches over."""


def ruled_tables(page: Any) -> list[Ruled]:
    """Return the tables of a pdfplumber page by its lines and rectangles; none of a page that is a drawing."""
    from pdfplumber.table import Table, cells_to_tables, edges_to_intersections, intersections_to_cells, merge_edges
    from pdfplumber.utils.geometry import filter_edges

    if len(page.lines) + len(page.rects) + len(page.curves) > MAX_SHAPES:
        return []
    drawn = [edge for way in ("v", "h") for edge in filter_edges(page.edges, way, min_length=1)]
    edges = filter_edges(merge_edges(drawn, _NEAR, _NEAR, _NEAR, _NEAR), min_length=_NEAR)
    upright = sum(edge["orientation"] == "v" for edge in edges)
    if upright * (len(edges) - upright) > MAX_CROSSINGS:
        return []
    corners = edges_to_intersections(edges, _NEAR, _NEAR)
    if len(corners) > MAX_CORNERS:
        return []
    return [
        [row.cells for row in Table(page, cells).rows] for cells in cells_to_tables(intersections_to_cells(corners))
    ]


def sorted_in(chars: Sequence[dict[str, Any]], table: Ruled) -> list[list[list[dict[str, Any]]]]:
    """Return for each row and column the characters whose middle lies in that cell, in the order given."""
    cells: list[list[list[dict[str, Any]]]] = [[[] for _ in row] for row in table]
    tops = [min(box[1] for box in row if box) for row in table]
    for char in chars:
        x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
        for i in range(bisect_right(tops, y) - 1, -1, -1):  # a cell of an earlier row may reach down to here
            box = next((j for j, b in enumerate(table[i]) if b and b[0] <= x < b[2] and b[1] <= y < b[3]), None)
            if box is not None:
                cells[i][box].append(char)
                break
    return cells


GAP = 0.8  # of a character's height: wider is the gap between two cells, not between two words
LEAST_ROWS = 3
MAX_CONTINUED = 2  # lines of one cell that may stand between two rows
MAX_CHARACTERS = 30_000  # of a page
_MARKER = re.compile(r"[^\w\s]{1,3}|\(?\w{1,4}[.)]|\d{1,3}(\.\d{1,3})*\.?")


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table: start and end of each row in the page's text, and the offsets of the blanks between its cells."""

    rows: tuple[tuple[int, int], ...]
    gaps: tuple[int, ...]

    def moved(self, by: int) -> "PageTable":
        """Return the same table so many characters further on."""
        return PageTable(tuple((s + by, e + by) for s, e in self.rows), tuple(g + by for g in self.gaps))


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a page's text, with its gaps that are wider than between words."""

    start: int
    end: int
    gaps: tuple[tuple[int, float, float], ...]  # offset of the blank, and from where to where it reaches
    listed: bool  # whether it is an item of a list rather than a row

    @classmethod
    def of(cls, text: str, start: int, gaps: Sequence[tuple[int, float, float]]) -> "TextLine":
        """Return the line with this text at `start`."""
        marker = text[: gaps[0][0] - start] if len(gaps) == 1 else ""
        return cls(start, start + len(text), tuple(gaps), bool(_MARKER.fullmatch(marker)))


def aligned_tables(text: str, places: Sequence[int], textpage: Any) -> list[PageTable]:
    """Return the tables of a page by the gaps between words. `places` is pdfium's index of each character."""
    return [] if len(text) > MAX_CHARACTERS else tables_among(_lines(text, places, textpage))


def tables_among(lines: Sequence["TextLine | None"]) -> list[PageTable]:
    """Return the tables among the lines of a page; None in `lines` ends a table."""
    found: list[PageTable] = []
    rows: list[TextLine] = []
    between = 0
    for line in [*lines, None]:
        if line is not None and line.gaps and not line.listed and (not rows or _aligned(rows[-1], line)):
            rows.append(line)
            between = 0
        elif line is not None and not line.gaps and rows and between < MAX_CONTINUED:
            between += 1
        else:
            found += _grid(rows)
            rows = [line] if line is not None and line.gaps and not line.listed else []
            between = 0
    return found


def tabbed(text: str, tables: Sequence[PageTable]) -> str:
    """Return the text with a tab for each blank between two cells; its length stays."""
    signs = list(text)
    for table in tables:
        for gap in table.gaps:
            signs[gap] = "\t"
    return "".join(signs)


def _grid(rows: list[TextLine]) -> list[PageTable]:
    """Return a table of these lines, each with the continued lines that follow it; none of too few."""
    if len(rows) < LEAST_ROWS:
        return []
    ends = [following.start - 1 for following in rows[1:]] + [rows[-1].end]
    return [
        PageTable(
            tuple((row.start, end) for row, end in zip(rows, ends, strict=True)),
            tuple(gap for row in rows for gap, _, _ in row.gaps),
        )
    ]


def _aligned(above: TextLine, below: TextLine) -> bool:
    """Return whether a gap of one is above a gap of the other."""
    return any(min(b, d) > max(a, c) for _, a, b in above.gaps for _, c, d in below.gaps)


def _lines(text: str, places: Sequence[int], textpage: Any) -> list[TextLine]:
    from ctypes import c_double

    import pypdfium2.raw as pdfium

    left, right, bottom, top = (c_double() for _ in range(4))

    def box(offset: int) -> tuple[float, float, float] | None:
        """Left, right and height of a character."""
        if not pdfium.FPDFText_GetCharBox(textpage, places[offset], left, right, bottom, top):
            return None
        size = pdfium.FPDFText_GetFontSize(textpage, places[offset])
        return left.value, right.value, max(size, top.value - bottom.value)

    found = []
    start = 0
    for line in text.split("\n"):
        gaps = []
        for match in re.finditer(r"(?<=\S) (?=\S)", line):
            before, after = box(start + match.start() - 1), box(start + match.end())
            if before and after and after[0] - before[1] > GAP * max(before[2], after[2]):
                gaps.append((start + match.start(), before[1], after[0]))
        found.append(TextLine.of(line, start, gaps))
        start += len(line) + 1
    return found
