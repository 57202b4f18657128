"""Retrievers: from chunks and queries to ranked hits; the context that hits make, and how two hit lists differ."""

from workbench.retrievers.analyser import STEMMERS, STOP_WORDS, Words
from workbench.retrievers.collection import (
    Collection,
    Mask,
    QueryEncoder,
    Ranking,
    VectorIndex,
    VectorsMissing,
    Where,
    best,
)
from workbench.retrievers.contexts import Context, Passage, context
from workbench.retrievers.methods import BM25, MAX_K, MMR, RETRIEVERS, Dense, Hybrid, Rerank, Retriever
from workbench.retrievers.rank_agreement import (
    Agreement,
    Movement,
    agreement,
    movements,
    overlap_at,
    rank_biased_overlap,
)

__all__ = [
    "BM25", "MAX_K", "MMR", "RETRIEVERS", "STEMMERS", "STOP_WORDS", "Agreement", "Collection", "Context", "Dense",
    "Hybrid", "Mask", "Movement", "Passage", "QueryEncoder", "Ranking", "Rerank", "Retriever", "VectorIndex",
    "VectorsMissing", "Where", "Words", "agreement", "best", "context", "movements", "overlap_at",
    "rank_biased_overlap",
]  # fmt: skip
