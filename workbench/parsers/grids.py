"""Tables of a PDF page: lines whose words stand in columns, told by the gaps between the words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GAP = 0.8  # of a character's height: wider is the gap between two cells, not between two words
LEAST_ROWS = 3
MAX_CONTINUED = 2  # lines of one cell that may stand between two rows
MAX_CHARACTERS = 30_000  # of a page
_MARKER = re.compile(r"[^\w\s]{1,3}|\(?\w{1,4}[.)]|\d{1,3}(\.\d{1,3})*\.?")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: start and end of each row in the page's text, and the blanks that part its cells."""

    rows: tuple[tuple[int, int], ...]
    gaps: tuple[int, ...]

    def moved(self, by: int) -> "Grid":
        """The same table so many characters further on."""
        return Grid(tuple((s + by, e + by) for s, e in self.rows), tuple(g + by for g in self.gaps))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page's text, with the gaps in it that are wider than between words."""

    start: int
    end: int
    gaps: tuple[tuple[int, float, float], ...]  # offset of the blank, and from where to where it reaches
    listed: bool  # whether it is an item of a list rather than a row

    @classmethod
    def of(cls, text: str, start: int, gaps: Sequence[tuple[int, float, float]]) -> "Line":
        """The line with this text, which stands at `start`."""
        marker = text[: gaps[0][0] - start] if len(gaps) == 1 else ""
        return cls(start, start + len(text), tuple(gaps), bool(_MARKER.fullmatch(marker)))


def grids(text: str, places: Sequence[int], textpage: Any) -> list[Grid]:
    """The tables of a page. `places` gives for each character of `text` its index by pdfium."""
    return [] if len(text) > MAX_CHARACTERS else aligned(_lines(text, places, textpage))


def aligned(lines: Sequence["Line | None"]) -> list[Grid]:
    """The tables among the lines of a page; None stands where no table goes on."""
    found: list[Grid] = []
    rows: list[Line] = []
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


def tabbed(text: str, tables: Sequence[Grid]) -> str:
    """The text with a tab for each blank between two cells; as long as before."""
    signs = list(text)
    for table in tables:
        for gap in table.gaps:
            signs[gap] = "\t"
    return "".join(signs)


def _grid(rows: list[Line]) -> list[Grid]:
    """A table of these lines, each with the lines of one cell that follow it; none of too few."""
    if len(rows) < LEAST_ROWS:
        return []
    ends = [following.start - 1 for following in rows[1:]] + [rows[-1].end]
    return [
        Grid(
            tuple((row.start, end) for row, end in zip(rows, ends, strict=True)),
            tuple(gap for row in rows for gap, _, _ in row.gaps),
        )
    ]


def _aligned(above: Line, below: Line) -> bool:
    """Whether a gap of one stands above a gap of the other."""
    return any(min(b, d) > max(a, c) for _, a, b in above.gaps for _, c, d in below.gaps)


def _lines(text: str, places: Sequence[int], textpage: Any) -> list[Line]:
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
        found.append(Line.of(line, start, gaps))
        start += len(line) + 1
    return found
