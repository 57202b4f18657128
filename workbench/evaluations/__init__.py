"""A pipeline measured on a golden set: retrieved once, judged within every budget, kept as one tidy table.

found = evaluate(corpus, questions, pipeline)
run_of(found).rows()
"""

from workbench.evaluations.evaluation import CHROMA, Evaluation, default_metrics, evaluate, run_of
from workbench.evaluations.retrieval import CONTEXT_TOKENIZER

__all__ = [
    "CHROMA",
    "CONTEXT_TOKENIZER",
    "Evaluation",
    "default_metrics",
    "evaluate",
    "run_of",
]
