"""What is embedded before a chunk: the path of its headings, and the head row of a table of which it holds a part."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from workbench.documents import Document, Section

REVISION = 2
"""Goes up where the same chunks get other headers."""
MAX_HEAD = 500
"""Characters of a head row; a longer one is a row like others, and would crowd out the chunk."""


def headers(document: Document, pairs: Iterable[tuple[int, int]]) -> Iterator[str]:
    """For each chunk the titles of the headings above it (those inside it are in its text already) and, on a line of
    its own, the first row of the table in which it begins, where it begins below that row.
    """
    heads = _heads(document)
    starts = [table.span.start for table, _ in heads]
    for start, _ in pairs:
        path = " > ".join(h.title for h in document.headings_over(start) if h.span.start < start)
        row = _head(document, heads, starts, start)
        yield "\n".join(part for part in (path, row) if part)


def _heads(document: Document) -> list[tuple[Section, Section]]:
    """Each outermost table of two rows and more with its first row, in text order."""
    rows = [s for s in document.sections if s.kind == "row" and s.level == 1]
    starts = [row.span.start for row in rows]
    found = []
    for table in document.sections:
        if table.kind == "table" and table.level == 1:
            first = bisect_right(starts, table.span.start - 1)
            if first + 1 < len(rows) and table.span.covers(rows[first + 1].span):
                found.append((table, rows[first]))
    return found


def _head(document: Document, heads: list[tuple[Section, Section]], starts: list[int], offset: int) -> str:
    i = bisect_right(starts, offset) - 1
    if i < 0:
        return ""
    table, row = heads[i]
    if not row.span.end <= offset < table.span.end or len(row.span) > MAX_HEAD:
        return ""
    return " ".join(document[row.span].split("\n")).strip()
