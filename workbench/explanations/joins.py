"""A lost chunk joined with the text around it: the rest of its passage, its neighbours, or what fits of its section."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.anatomy import PASSAGE
from workbench.retrievers import Collection
from workbench.spans import Ranges, Span

NEIGHBOURS, SECTION = "neighbours", "section"
LONGEST, LONGEST_SECTION = 4_000, 2_000
"""Characters of any join at most, and of one with a section: larger chunks are hardly ever made."""


@dataclass(frozen=True, slots=True)
class Join:
    """A stretch of text that takes the place of the rows in it: `kind` says what row number `row` is joined with."""

    kind: str
    span: Span
    row: int
    rows: range


def joins(rows: Collection, row: int, passage: Span) -> list[Join]:
    """Return the joins of a row that holds some of a passage, the shortest first; none where it stands alone."""
    here = int(rows.document_index[row])
    base, stop = (int(np.searchsorted(rows.document_index, here, side)) for side in ("left", "right"))
    own = rows.spans[base:stop]
    out: list[Join] = []
    for kind, first, last in _around(rows, own, row - base, passage):
        span = Span(passage.document, int(own[first, 0]), int(own[first : last + 1, 1].max()))
        if first < last and len(span) <= LONGEST and span not in (join.span for join in out):
            out.append(Join(kind, span, row, range(base + first, base + last + 1)))
    return out


def _around(rows: Collection, own: Ranges, at: int, passage: Span) -> Iterator[tuple[str, int, int]]:
    """Yield the kind of each join with its first and last chunk, as places among those of the document."""
    holders = np.flatnonzero((own[:, 0] < passage.end) & (own[:, 1] > passage.start))
    yield PASSAGE, min(at, int(holders[0])), max(at, int(holders[-1]))
    yield NEIGHBOURS, max(at - 1, 0), min(at + 1, len(own) - 1)
    document = rows.corpus.document(passage.document)
    bounds = [0, *(h.span.start for h in document.headings), len(document.text)]
    start = max(b for b in bounds if b <= own[at, 0])
    end = min(b for b in bounds if b >= own[at, 1])
    first = last = at
    while True:  # a chunk at a time on either side, as long as some of it stands in the section and all of it fits
        before = first > 0 and own[first - 1, 1] > start and own[last, 1] - own[first - 1, 0] <= LONGEST_SECTION
        first -= int(before)
        after = last + 1 < len(own) and own[last + 1, 0] < end and own[last + 1, 1] - own[first, 0] <= LONGEST_SECTION
        last += int(after)
        if not before and not after:
            break
    yield SECTION, first, last
