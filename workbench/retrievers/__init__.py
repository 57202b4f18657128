"""Retrievers: from chunks and queries to ranked hits; the context that hits make, and how two hit lists differ."""

from workbench.retrievers.collections import Collection, QueryEncoder, VectorIndex, VectorsMissing, Where
from workbench.retrievers.comparisons import Movement, movements
from workbench.retrievers.contexts import Context, Passage, context
from workbench.retrievers.methods import BM25, MAX_K, RETRIEVERS, Dense, Hybrid, Retriever

__all__ = [
    "BM25",
    "MAX_K",
    "RETRIEVERS",
    "Collection",
    "Context",
    "Dense",
    "Hybrid",
    "Movement",
    "Passage",
    "QueryEncoder",
    "Retriever",
    "VectorIndex",
    "VectorsMissing",
    "Where",
    "context",
    "movements",
]
