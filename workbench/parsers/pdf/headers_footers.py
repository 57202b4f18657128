"""Headers, footers and page numbers: lines at the edges of pages that come again from page to page."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

DEPTH = 3  # lines at each edge that are looked at
LEAST = 3  # pages on which a line must come again …
DENSITY = 0.4  # … and of the pages between its first and its last the share: left and right pages may differ
MAX_LINE = 200
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_NUMBER = re.compile(r"\d{1,6}")


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """A line of a page: its start and end in the page's text, and the edge where it was found."""

    start: int
    end: int
    edge: str  # "header" or "footer"


def edge_lines(pages: Sequence[str], height: Callable[[int, int], float | None] | None = None) -> list[list[EdgeLine]]:
    """Return for each page its headers and footers, in order.

    A line counts if it repeats word for word, or with one number that rises with the page, on at least LEAST pages and
    DENSITY of those between; and only if all lines outside of it count too.

    `height(page, offset)` is the height of a character on its page, 0 at the bottom to 1; it decides between header and
    footer. Without it the order of the text does, though programs may write a footer before the page's text.
    """
    edges = [_edges(page) for page in pages]
    seen: dict[Hashable, list[int]] = defaultdict(list)
    for number, (page, lines) in enumerate(zip(pages, edges, strict=True)):
        for line in lines:
            for mark in set(_marks(page[line.start : line.end], line.edge, number)):
                seen[mark].append(number)
    usual = {
        mark for mark, on in seen.items() if len(set(on)) >= LEAST and len(set(on)) >= DENSITY * (max(on) - min(on) + 1)
    }
    found = []
    placed: dict[Hashable, str] = {}
    for number, (page, lines) in enumerate(zip(pages, edges, strict=True)):
        kept: dict[int, EdgeLine] = {}
        for edge in ("header", "footer"):
            inward = [line for line in lines if line.edge == edge]
            for line in inward if edge == "header" else reversed(inward):
                if usual.isdisjoint(_marks(page[line.start : line.end], edge, number)):
                    break
                kept.setdefault(line.start, line)
        if height is not None:
            for start, line in kept.items():
                form = (line.edge, _NUMBER.sub("#", page[line.start : line.end]))
                if form not in placed:  # one of a kind tells for all
                    at = height(number, start)
                    placed[form] = line.edge if at is None else "header" if at > 0.5 else "footer"
                kept[start] = replace(line, edge=placed[form])
        found.append(sorted(kept.values(), key=lambda line: line.start))
    return found


def without(page: str, lines: Sequence[EdgeLine]) -> str:
    """Return the page's text without these lines."""
    parts, at = [], 0
    for line in lines:
        parts.append(page[at : line.start])
        at = line.end + (page[line.end : line.end + 1] == "\n")
    return "".join([*parts, page[at:]]).strip("\n").rstrip()


def shift(page: str, lines: Sequence[EdgeLine], start: int, end: int) -> int | None:
    """Return by how much `without` moves a stretch of the page; None if it removes a line in it."""
    if any(line.start < end and line.end > start for line in lines):
        return None
    taken = [line for line in lines if line.end <= start]
    kept = without(page[:start] + "x", taken)
    return len(kept) - 1 - start


def _edges(page: str) -> list[EdgeLine]:
    """Return the first and last lines that are not blank; on a short page, one may be at both edges."""
    first: list[EdgeLine] = []
    last: list[EdgeLine] = []
    for match in _LINE.finditer(page):
        if len(first) == DEPTH:
            break
        first.append(EdgeLine(*match.span(), "header"))
    end = len(page)
    while end > 0 and len(last) < DEPTH:
        start = page.rfind("\n", 0, end) + 1
        if page[start:end].strip():
            last.append(EdgeLine(start, end, "footer"))
        end = start - 1
    return [*first, *reversed(last)]


def _marks(line: str, edge: str, page: int) -> Iterator[Hashable]:
    """Yield what a line has in common with similar ones on other pages."""
    text = " ".join(line.split()).casefold()
    if len(text) > MAX_LINE:
        return
    if any(c.isalpha() for c in text):
        yield (edge, text)
    form = _NUMBER.sub("#", text)
    for i, match in enumerate(_NUMBER.finditer(text)):
        yield (edge, form, i, int(match[0]) - page)
