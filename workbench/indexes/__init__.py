"""Indexes: (n, dim) vectors → the k best rows for each query; what they cost, and what they miss."""

from workbench.indexes.built import TOLERANCE, Found, Index, Proposals
from workbench.indexes.lists import IVFPQ, IVFFlat
from workbench.indexes.measurements import CurvePoint, Tradeoff, recall_at, recall_curve, tradeoff
from workbench.indexes.methods import HNSW, INDEXES, SQ8, Binary, Flat
from workbench.indexes.sizes import Suggestion, projected_bytes, suggestion
from workbench.indexes.specs import Built, IndexSpec, real
from workbench.indexes.storages import Plain

__all__ = [
    "HNSW",
    "INDEXES",
    "IVFPQ",
    "SQ8",
    "TOLERANCE",
    "Binary",
    "Built",
    "CurvePoint",
    "Flat",
    "Found",
    "IVFFlat",
    "Index",
    "IndexSpec",
    "Plain",
    "Proposals",
    "Suggestion",
    "Tradeoff",
    "projected_bytes",
    "real",
    "recall_at",
    "recall_curve",
    "suggestion",
    "tradeoff",
]
