"""How good a ranking is, measured on spans in characters.

    judgement = judge(gold, hits)            # once for a question
    recall(judgement[:5]), metric("ndcg@10")(judgement)

`chroma` holds the definitions of the chunking_evaluation code, `graded` those for graded judgements of whole chunks.
"""

from workbench.metrics.abstention import Abstention, abstention
from workbench.metrics.judgements import MIN_COVER, Judgement, first_tokens, holding, judge
from workbench.metrics.measures import (
    FORMULAS,
    UNRANKED,
    Budget,
    Metric,
    bounds_of,
    budget,
    hit_rate,
    iou,
    metric,
    mrr,
    ndcg,
    precision,
    precision_omega,
    recall,
    tokens,
)

__all__ = [
    "FORMULAS",
    "MIN_COVER",
    "UNRANKED",
    "Abstention",
    "Budget",
    "Judgement",
    "Metric",
    "abstention",
    "bounds_of",
    "budget",
    "first_tokens",
    "hit_rate",
    "holding",
    "iou",
    "judge",
    "metric",
    "mrr",
    "ndcg",
    "precision",
    "precision_omega",
    "recall",
    "tokens",
]
