"""Which questions share passages, and which of them a corpus can be asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.records import Question
from workbench.spans import Span


def clusters(questions: Sequence[Question]) -> NDArray[np.int64]:
    """(n,) the number of each question's cluster, from 0: questions with overlapping passages share one.

    Chains count: if a overlaps b and b overlaps c, all three are one cluster. A passage without a place in the corpus
    is shared where document and quote are the same. A question without passages is alone.
    """
    parent = list(range(len(questions)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    passages = sorted((r.span, i) for i, q in enumerate(questions) for r in q.references)
    furthest: tuple[Span, int] | None = None  # of the passages so far, the one that ends last in this document
    for span, i in passages:
        if furthest is not None and span.overlap(furthest[0]):
            parent[root(i)] = root(furthest[1])
        if furthest is None or span.document != furthest[0].document or span.end > furthest[0].end:
            furthest = span, i
    first: dict[tuple[str, str], int] = {}
    for i, question in enumerate(questions):
        for lost in question.lost:
            parent[root(i)] = root(first.setdefault((lost.document, lost.quote), i))
    return np.unique([root(i) for i in range(len(questions))], return_inverse=True)[1].astype(np.int64)


def present(questions: Sequence[Question]) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """(questions whose documents are all in the corpus, the others), each in the order given.

    What a pipeline loses of a document that is not there says nothing of the pipeline. A passage that its document
    does not hold is another matter: its question stays, and the passage counts as lost.
    """
    away = {q.id for q in questions if any(lost.kind == "gone" for lost in q.lost)}
    return tuple(q for q in questions if q.id not in away), tuple(q for q in questions if q.id in away)
