"""Retrievers: from chunks and queries to ranked hits; the context that hits make, and how two hit lists differ."""

from workbench.retrievers.agreements import Agreement, agreement, overlap_at, rank_biased_overlap
from workbench.retrievers.collections import Collection, Ranking, VectorIndex, VectorsMissing, best
from workbench.retrievers.comparisons import Movement, movements
from workbench.retrievers.contexts import Context, Passage, context
from workbench.retrievers.filters import Mask, Where
from workbench.retrievers.methods import BM25, MAX_K, MMR, RETRIEVERS, Dense, Hybrid, Rerank, Retriever
from workbench.retrievers.queries import QueryEncoder
from workbench.retrievers.words import STEMMERS, STOP_WORDS, Words

__all__ = [
    "BM25",
    "MAX_K",
    "MMR",
    "RETRIEVERS",
    "STEMMERS",
    "STOP_WORDS",
    "Agreement",
    "Collection",
    "Context",
    "Dense",
    "Hybrid",
    "Mask",
    "Movement",
    "Passage",
    "QueryEncoder",
    "Ranking",
    "Rerank",
    "Retriever",
    "VectorIndex",
    "VectorsMissing",
    "Where",
    "Words",
    "agreement",
    "best",
    "context",
    "movements",
    "overlap_at",
    "rank_biased_overlap",
]
