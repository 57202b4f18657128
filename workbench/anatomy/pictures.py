"""What the pages draw of a question or a chunking, as plain values: lists of numbers, texts and names."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.anatomy.covers import Blanks, GoldLine
from workbench.spans import Ranges, Span, lengths

WHOLE, CUT, MISSED = "whole", "cut", "missed"
"""A passage of which one hit holds all; hits hold some and none holds all; no hit holds any."""


def state(passage: Span, hits: Sequence[Span], blanks: Blanks | None = None) -> str:
    """Whether the hits hold a passage whole, cut, or have missed it."""
    line = GoldLine.of([passage], blanks)
    held = lengths(line.places(hits))
    if (held == line.length).any():
        return WHOLE
    return CUT if held.any() else MISSED


def picture(
    gold: Sequence[Span],
    units: Mapping[str, Ranges],
    hits: Sequence[Span],
    best: Sequence[Span] = (),
    unseen: Sequence[Span] = (),
    blanks: Blanks | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """The pieces of one question's picture, each {document, start, end} in code points and what else is known of it.

    `gold` with its state and the number of its reference, `units` that hold gold and whether one hit is that unit,
    `hits` by rank and the gold characters that each holds, `best` the units that hold most, `unseen` the text of units
    that the embedder never saw.
    """
    line = GoldLine.of(gold, blanks)
    among = set(hits)
    return {
        "gold": [_at(s) | {"reference": i, "state": state(s, hits, blanks)} for i, s in enumerate(gold)],
        "units": [_at(s) | {"hit": s in among} for s in line.holders(units)],
        "hits": [_at(s) | {"rank": rank, "gold": line.held([s])} for rank, s in enumerate(hits, 1)],
        "best": [_at(s) for s in best],
        "unseen": [_at(s) for s in unseen if len(s)],
    }


def strip(
    document: str,
    length: int,
    chunks: Ranges,
    passages: Sequence[tuple[Span, Sequence[Span]]] = (),
    label: str = "",
    blanks: Blanks | None = None,
) -> dict[str, Any]:
    """One configuration's boundaries in one document, on an axis of its `length` characters that all of them share.

    `chunks` are the document's; `passages` gold with the hits of its question. {label, document, length, chunks:
    [[start, end] …], gold: [{start, end, state} …]}; divide by `length` for an axis from 0 to 1.
    """
    ticks = [(s, state(s, hits, blanks)) for s, hits in passages if s.document == document]
    return {
        "label": label,
        "document": document,
        "length": length,
        "chunks": chunks.tolist(),
        "gold": [{"start": s.start, "end": s.end, "state": one} for s, one in ticks],
    }


def _at(span: Span) -> dict[str, Any]:
    return {"document": span.document, "start": span.start, "end": span.end}
