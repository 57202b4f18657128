"""The standard measures on graded judgements of whole chunks, for collections that come with them (TREC, BEIR).

A ranking is an order of different chunks: one that is repeated stands where it came first, and the next moves up.
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

Grades = Mapping[Hashable, float]
"""Chunk → grade; a chunk that is not there has grade 0."""


def ndcg(ranked: Sequence[Hashable], grades: Grades, k: int | None = None, exponential: bool = False) -> float:
    """DCG of the first k chunks over that of the best order of all judged chunks; 0 where no grade is above 0.

    A chunk's gain is its grade, as in trec_eval; with `exponential`, 2^grade − 1 (Burges et al. 2005).

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques".
    """
    best = _dcg(sorted(grades.values(), reverse=True)[:k], exponential)
    return _dcg([grades.get(chunk, 0.0) for chunk in _once(ranked)[:k]], exponential) / best if best else 0.0


def _dcg(grades: Sequence[float], exponential: bool) -> float:
    gains = np.maximum(np.asarray(grades, np.float64), 0)  # a grade below 0 is a judgement of harm, not a gain
    gains = np.exp2(gains) - 1 if exponential else gains
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())


def mrr(ranked: Sequence[Hashable], grades: Grades, k: int | None = None, relevant: float = 1) -> float:
    """1 / rank of the first chunk with at least the grade `relevant` among the first k; 0 if there is none.

    Source: Voorhees 1999, "The TREC-8 Question Answering Track Report".
    """
    ranks = (rank for rank, chunk in enumerate(_once(ranked)[:k], 1) if grades.get(chunk, 0) >= relevant)
    return 1 / next(ranks, float("inf"))


def _once(ranked: Sequence[Hashable]) -> list[Hashable]:
    return list(dict.fromkeys(ranked))
