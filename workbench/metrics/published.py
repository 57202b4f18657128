"""Published definitions: those of the chunking_evaluation code, and those for graded judgements of whole chunks.

chunking_evaluation counts overlap twice in precision and IoU, and in Ω also chunks that only touch a passage.

Source: Smith and Troynikov 2024, "Evaluating Chunking Strategies for Retrieval" (Chroma technical report).

In a graded ranking (TREC, BEIR) a chunk that is repeated counts where it came first, and the next moves up.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.metrics.judgements import holding, judge
from workbench.metrics.measures import iou
from workbench.spans import Ranges, Span

MOST_HITS = 20
"""The limit of k where k is "min"."""


@dataclass(frozen=True, slots=True)
class ChromaScores:
    """The four measures of one question; their names are those of the published table."""

    recall: float
    precision: float
    iou: float
    precision_omega: float


def chroma_scores(
    gold: Sequence[Span], hits: Sequence[Span], chunks: Mapping[str, Ranges], lost: int = 0
) -> ChromaScores:
    """Return a question's scores for its hits, given every document's chunks (document → ranges).

    recall = hit / Σ|passage|; precision = hit / Σ|chunk|; iou = hit / (Σ|chunk| + gold characters not hit), where hit
    is the number of gold characters that the hits hold, each once, and chunks of any document count in full.

    White space counts as any character, as in their code. `lost` is the number of gold characters without a place in
    this corpus; their code knows none.
    """
    of = judge(gold, hits, lost=[lost])
    hit = int(of.found.sum())
    held = sum(len(span) for span in hits)
    return ChromaScores(
        recall=hit / (sum(len(span) for span in gold) + lost),
        precision=hit / held if held else 0.0,
        iou=hit / (held + of.gold - hit),
        precision_omega=iou(judge(gold, touching(gold, chunks), lost=[lost])),
    )


def touching(gold: Sequence[Span], chunks: Mapping[str, Ranges]) -> list[Span]:
    """Return the chunks with max(starts) ≤ min(ends) for some passage: also those that only touch one."""
    return holding(gold, chunks, at_least=0)


def least_hits(gold: Sequence[Span], chunks: Mapping[str, Ranges]) -> int:
    """Return k where k is "min": the number of chunks that touch the gold, at most 20. It leaks the answer."""
    return min(len(touching(gold, chunks)), MOST_HITS)


Grades = Mapping[Hashable, float]
"""Chunk → grade; a chunk that is not there has grade 0."""


def graded_ndcg(ranked: Sequence[Hashable], grades: Grades, k: int | None = None, exponential: bool = False) -> float:
    """Return the DCG of the first k chunks divided by that of the best order; 0 where no grade is above 0.

    A chunk's gain is its grade, as in trec_eval; with `exponential`, 2^grade − 1 (Burges et al. 2005).

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".
    """
    best = _dcg(sorted(grades.values(), reverse=True)[:k], exponential)
    return _dcg([grades.get(chunk, 0.0) for chunk in _once(ranked)[:k]], exponential) / best if best else 0.0


def _dcg(grades: Sequence[float], exponential: bool) -> float:
    gains = np.maximum(np.asarray(grades, np.float64), 0)  # a grade below 0 is a judgement of harm, not a gain
    gains = np.exp2(gains) - 1 if exponential else gains
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def graded_mrr(ranked: Sequence[Hashable], grades: Grades, k: int | None = None, relevant: float = 1) -> float:
    """Return 1 / rank of the first of k chunks with at least the grade `relevant`; 0 if there is none.

    Source: Voorhees 1999, "The TREC-8 Question Answering Track Report".
    """
    ranks = (rank for rank, chunk in enumerate(_once(ranked)[:k], 1) if grades.get(chunk, 0) >= relevant)
    return 1 / next(ranks, float("inf"))


def _once(ranked: Sequence[Hashable]) -> list[Hashable]:
    return list(dict.fromkeys(ranked))
