"""What a report is made of, once for every form that it is written in: sections of a few kinds of blocks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.documents import Corpus, Document
from workbench.spans import Span
from workbench.statistics import Interval


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text; `strong` where it is what a reader must not miss."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A list of plain lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain texts under a header. `numbers` are right-aligned columns, `marked` a row to highlight."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    marked: int | None = None

    @classmethod
    def of(cls, head: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = ()) -> "Table":
        """Make a table of any values, as texts."""
        return cls(tuple(head), tuple(tuple(str(v) for v in row) for row in rows), frozenset(numbers))


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as inline SVG, whose every text is escaped already, with a caption; `data` says the same in words."""

    svg: str
    caption: str
    data: Table


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a document and what is known of it: gold, hit, unseen; or an edge, "begins" or "ends", without text."""

    text: str
    marks: tuple[str, ...] = ()

    @property
    def ranks(self) -> str:
        """The ranks of the hits that begin here, such as `#1 #3`."""
        return " ".join(mark for mark in self.marks if mark.startswith("#"))

    @property
    def names(self) -> str:
        """The layers that the text is in, such as `gold hit`."""
        return " ".join(mark for mark in self.marks if mark in ("gold", "hit", "unseen"))


@dataclass(frozen=True, slots=True)
class Passage:
    """Text of a document under a line that says where it is."""

    where: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is shown verbatim."""

    text: str


Block = Text | Points | Table | Figure | Passage | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its blocks; `level` 2 for a part of a report, 3 within one."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A report: a title, a line under it, and its sections."""

    title: str
    about: str
    sections: tuple[Section, ...]


AROUND = 160
"""Characters shown before and after a passage."""

LONGEST = 900
"""Characters of an excerpt."""


def excerpt(document: Document, span: Span, layers: Mapping[str, Sequence[Span]], edges: Sequence[Span]) -> Passage:
    """Return the text of `span`, with every layer's spans marked by name and every chunk's edges by signs."""
    own = {name: [s for s in spans if s.document == document.id] for name, spans in layers.items()}
    chunks = [s for s in edges if s.document == document.id]
    cuts = {span.start, span.end}
    for one in (*chunks, *(s for spans in own.values() for s in spans)):
        cuts |= {at for at in (one.start, one.end) if span.start <= at <= span.end}
    places = sorted(cuts)
    pieces: list[Piece] = []
    begun: set[str] = set()
    for at, end in zip(places, [*places[1:], None], strict=True):
        pieces += [Piece("", ("ends",))] * any(s.end == at for s in chunks if s.end > span.start)
        pieces += [Piece("", ("begins",))] * any(s.start == at for s in chunks if s.start < span.end)
        if end is None:
            break
        here = [name for name, spans in own.items() if any(s.start <= at and end <= s.end for s in spans)]
        ranks = tuple(name for name in here if name.startswith("#"))
        marks = (*(name for name in here if not name.startswith("#")), *(("hit",) if ranks else ()))
        new = tuple(rank for rank in ranks if rank not in begun)  # a rank is written where its hit begins to be seen
        begun |= set(ranks)
        pieces.append(Piece(document.text[at:end], (*marks, *new)))
    return Passage(where(document, span), tuple(pieces))


def around(document: Document, span: Span) -> Span:
    """Return the span with some text before and after it; of a long one, its beginning."""
    start = max(0, span.start - AROUND)
    return Span(document.id, start, min(len(document.text), span.end + AROUND, start + LONGEST))


def where(document: Document, span: Span) -> str:
    """Return such as `handbook.pdf, page 3, characters 120 to 310`."""
    page = document.page_at(span.start)
    return f"{document.name}{f', page {page}' if page else ''}, characters {span.start:,} to {span.end:,}"


def of_picture(picture: Mapping[str, Any], corpus: Corpus, most: int = 2) -> list[Passage]:
    """Return up to `most` gold passages of a question's picture in their text, with all that is known there."""

    def spans(name: str) -> list[Span]:
        return [Span(one["document"], one["start"], one["end"]) for one in picture[name]]

    layers = {"gold": spans("gold"), "unseen": spans("unseen")}
    layers |= {f"#{hit['rank']}": [Span(hit["document"], hit["start"], hit["end"])] for hit in picture["hits"]}
    edges = [*spans("units"), *spans("hits")]
    out = []
    for gold in layers["gold"][:most]:
        document = corpus.document(gold.document)
        out.append(excerpt(document, around(document, gold), layers, edges))
    return out


def span(one: Interval) -> str:
    """Format an interval: `0.812 [0.760, 0.861]`."""
    return f"{one.mean:.3f} {ends(one.low, one.high)}".rstrip()


def count(n: int, things: str) -> str:
    """Return `1 question` or `1,204 questions` for "questions"."""
    return f"1 {things.removesuffix('s')}" if n == 1 else f"{n:,} {things}"


def ends(low: float | None, high: float | None) -> str:
    """Format the ends of an interval, `[0.760, 0.861]`; "" where they cannot be known."""
    known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
    return f"[{low:.3f}, {high:.3f}]".replace("-", "−") if known else ""
