"""Tables of a PDF page whose cells stand between drawn lines, as pdfplumber finds them."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

MAX_SHAPES = 20_000  # of a page: a plan or a chart rather than tables
MAX_CROSSINGS = 200_000  # pairs of a vertical and a horizontal line that are looked at
MAX_CORNERS = 1_500  # the search for cells takes the square of these
_NEAR = 3  # points within which lines are one, or meet

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in points from the page's upper left corner."""

Ruled = list[list[Box | None]]
"""Rows from the top, each with a box a column, or None where a cell reaches over from another."""


def ruled(page: Any) -> list[Ruled]:
    """The tables of a page by its lines and the edges of its rectangles; none of a page that is a drawing."""
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
    """For each row and column the characters whose middle lies in that cell, in the order given."""
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
