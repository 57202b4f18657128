"""Passages of documents with gold, hits, chunk edges and what the embedder never saw, cut from their spans."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.documents import Corpus, Document
from workbench.reports.blocks import Passage, Piece
from workbench.spans import Span

AROUND = 160
"""Characters shown before and after a passage."""

LONGEST = 900
"""Characters of an excerpt."""


def excerpt(document: Document, span: Span, layers: Mapping[str, Sequence[Span]], edges: Sequence[Span]) -> Passage:
    """The text of `span`, in which every layer's spans are marked by its name and every chunk's edges by signs."""
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
    """The span with some text before and after it; of a long one, its beginning."""
    start = max(0, span.start - AROUND)
    return Span(document.id, start, min(len(document.text), span.end + AROUND, start + LONGEST))


def where(document: Document, span: Span) -> str:
    """`handbook.pdf, page 3, characters 120 to 310`."""
    page = document.page_at(span.start)
    return f"{document.name}{f', page {page}' if page else ''}, characters {span.start:,} to {span.end:,}"


def of_picture(picture: Mapping[str, Any], corpus: Corpus, most: int = 2) -> list[Passage]:
    """The gold passages of a question's picture in their text, at most so many, with all that is known there."""

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
