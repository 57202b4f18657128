"""What the pages draw of a question or a chunking, as plain values: lists of numbers, texts and names."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.anatomy.best_cover import Blanks, GoldLine
from workbench.anatomy.losses import Anatomy
from workbench.anatomy.rankings import Rankings
from workbench.evaluations import Evaluation
from workbench.spans import Ranges, Span, lengths

WHOLE, CUT, MISSED = "whole", "cut", "missed"
"""A passage of which one hit holds all; hits hold some and none holds all; no hit holds any."""


def state(passage: Span, hits: Sequence[Span], blanks: Blanks | None = None) -> str:
    """Return whether the hits hold a passage whole, cut, or have missed it."""
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
    """Return the pieces of one question's picture, each {document, start, end, …} in code points.

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
    """Return one configuration's boundaries in one document, on an axis of its `length` characters.

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


def picture_of(evaluation: Evaluation, anatomy: Anatomy, i: int) -> dict[str, Any]:
    """Return the `picture` of question number i with its text and its losses.

    `unseen` is what the embedder never saw of the chunks that hold gold and of those that are hits.
    """
    evaluation = evaluation.judged  # whose questions the anatomy is of
    one, rankings = anatomy.questions[i], Rankings(evaluation, None)
    gold = [r.span for r in one.question.references]
    blanks = evaluation.corpus.blanks
    chunks = GoldLine.of(gold, blanks).holders(rankings.chunks)
    blind = rankings.unseen(list(dict.fromkeys([*chunks, *(h.span for h in evaluation.hits[i])])))
    pieces = picture(gold, rankings.units, one.hits, one.ladder.best, blind, blanks)
    return {"question": one.question.text, "budget": str(anatomy.budget)} | one.plain() | pieces


def boundary_strips(evaluations: Sequence[Evaluation], document: str) -> list[dict[str, Any]]:
    """Return a strip for each evaluated pipeline over one document, all on its axis; see `anatomy.strip`.

    Pipelines whose corpus does not hold the document, because their parser made another text of the file, are matched
    by the file: each strip has its own document and length.
    """
    source = next((d.source for e in evaluations for d in e.corpus if d.id == document), None)
    out = []
    for e in evaluations:
        chunks = Rankings(e, None).chunks
        for own in e.corpus:
            if own.source == source:
                pairs = zip(e.questions, e.hits, strict=True)
                passages = [(r.span, [h.span for h in hits]) for q, hits in pairs for r in q.references]
                out.append(strip(own.id, len(own.text), chunks[own.id], passages, e.pipeline.label, e.corpus.blanks))
    return out
