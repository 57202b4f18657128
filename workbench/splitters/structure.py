"""The splitter that follows a document's headings, tables and code blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.documents import Document
from workbench.memory_cache import cached
from workbench.spans import Ranges
from workbench.specs import option
from workbench.splitters.levels import KEPT, Tree, weight
from workbench.splitters.pieces import literal
from workbench.splitters.sizes import HEADER, Splitter

WHOLE = ("table", "code", "list", "quote")
"""Sections that are kept in one piece while they fit."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True, slots=True)
class Structure(Splitter):
    """Starts a chunk at each heading, and keeps paragraphs, tables, lists and code blocks whole while they fit.

    No chunk crosses a heading of `heading_level` or above. What is larger than `chunk_size` is cut between lines (a
    table between its rows), then words. Documents without headings are cut by their blocks alone.
    """

    kind: ClassVar[str] = "structure"

    header: str = option("path", HEADER, choices=("none", "path"))
    heading_level: int = option(3, "Headings of this level and above start a new chunk.", low=1, high=6)

    def spans(self, document: Document) -> Ranges:
        return parts(document, self.heading_level, self.measure).chunks(self.chunk_size, self.chunk_overlap)


@cached(KEPT, weight, grows=True)
def parts(document: Document, level: int, measure: str) -> Tree:
    """The blocks of the parts between headings of `level` or above, measured once."""
    text = document.text
    edges = sorted({0, len(text), *part_starts(document, level)})
    bounds = np.array(sorted({*edges, *block_starts(document)}), np.int64)
    tree = Tree.of(text, (literal("\n"), literal(" "), literal("")), measure, bounds[:-1], bounds[1:])
    return tree.grouped(np.searchsorted(bounds, edges[:-1]))


def part_starts(document: Document, level: int) -> Iterator[int]:
    """Where a part starts: at each heading of `level` or above, unless only white space lies between it and the last.

    A chapter's title stays with its first section so; alone it would be a chunk that answers nothing.
    """
    before = None
    for heading in document.headings:
        if heading.level <= level:
            if before is None or document.text[before : heading.span.start].strip():
                yield heading.span.start
            before = heading.span.end


def block_starts(document: Document) -> Iterator[int]:
    """Where a block may start: after blank lines and at tables and code, but not inside these nor after a heading."""
    text = document.text
    whole = [s.span for s in document.sections if s.kind in WHOLE]
    inside = sorted((s.start, s.end) for s in whole)
    headings = {h.span.end for h in document.headings}
    starts = {m.end() for m in _BLANK_LINE.finditer(text)} | {e for s in whole for e in (s.start, s.end)}
    starts |= {h.span.start for h in document.headings}
    at = 0
    for start in sorted(starts):
        while at < len(inside) and inside[at][1] <= start:
            at += 1
        is_inside = at < len(inside) and inside[at][0] < start < inside[at][1]
        written = start
        while written and text[written - 1].isspace():
            written -= 1
        follows_heading = written in headings
        if not is_inside and not follows_heading:
            yield start
