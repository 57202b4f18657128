"""Indexes: (n, dim) vectors → the k best rows for each query; what they cost, and what they miss."""

from workbench.indexes.benchmark import (
    CurvePoint,
    Suggestion,
    Tradeoff,
    projected_bytes,
    recall_at,
    recall_curve,
    suggestion,
    tradeoff,
)
from workbench.indexes.faiss import HNSW, INDEXES, SQ8, Binary, Flat
from workbench.indexes.index import TOLERANCE, Found, Index, IndexSpec
from workbench.indexes.ivf import IVFPQ, IVFFlat

__all__ = [
    "HNSW", "INDEXES", "IVFPQ", "SQ8", "TOLERANCE", "Binary", "CurvePoint", "Flat", "Found", "IVFFlat", "Index",
    "IndexSpec", "Suggestion", "Tradeoff", "projected_bytes", "recall_at", "recall_curve", "suggestion", "tradeoff",
]  # fmt: skip
