"""What the anatomy view and the boundary strips draw, as plain values."""

from collections.abc import Sequence
from typing import Any

from workbench.anatomy import GoldLine, picture, strip
from workbench.evaluations import Evaluation
from workbench.explanations.anatomies import Anatomy
from workbench.explanations.rankings import Rankings


def picture_of(evaluation: Evaluation, anatomy: Anatomy, i: int) -> dict[str, Any]:
    """What the anatomy view draws of question number i: `anatomy.picture`'s pieces with its question and its losses.

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
    """A strip for each evaluated pipeline over one document, all on its axis; see `anatomy.strip`.

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
