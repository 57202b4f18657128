"""How good a ranking is, measured on spans in characters.

    judgement = judge(gold, hits)            # once for a question
    recall(judgement[:5]), metric("ndcg@10")(judgement)

`published` holds the definitions of the chunking_evaluation code, and those for graded judgements of whole chunks.
"""

from workbench.metrics.judgements import (
    MIN_COVER,
    Judgement,
    first_tokens,
    holding,
    judge,
    judge_ranges,
    relevant,
    relevant_ranges,
)
from workbench.metrics.measures import (
    DEFINITIONS,
    FORMULAS,
    REVISION,
    UNRANKED,
    Abstention,
    Budget,
    Metric,
    abstention,
    all_passages,
    average_precision,
    bounds_of,
    budget,
    hit_rate,
    iou,
    metric,
    mrr,
    ndcg,
    omega_of_ranges,
    passage_recall,
    precision,
    precision_omega,
    recall,
    tokens,
)

__all__ = [
    "DEFINITIONS",
    "FORMULAS",
    "MIN_COVER",
    "REVISION",
    "UNRANKED",
    "Abstention",
    "Budget",
    "Judgement",
    "Metric",
    "abstention",
    "all_passages",
    "average_precision",
    "bounds_of",
    "budget",
    "first_tokens",
    "hit_rate",
    "holding",
    "iou",
    "judge",
    "judge_ranges",
    "metric",
    "mrr",
    "ndcg",
    "omega_of_ranges",
    "passage_recall",
    "precision",
    "precision_omega",
    "recall",
    "relevant",
    "relevant_ranges",
    "tokens",
]
