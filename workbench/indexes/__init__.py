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
from workbench.indexes.index import TOLERANCE, Built, Found, Index, IndexSpec, Proposals, real
from workbench.indexes.ivf import IVFPQ, IVFFlat
from workbench.indexes.storage import Plain

__all__ = [
    "HNSW", "INDEXES", "IVFPQ", "SQ8", "TOLERANCE", "Binary", "Built", "CurvePoint", "Flat", "Found", "IVFFlat",
    "Index", "IndexSpec", "Plain", "Proposals", "Suggestion", "Tradeoff", "projected_bytes", "real", "recall_at",
    "recall_curve", "suggestion", "tradeoff",
]  # fmt: skip
