"""Indexes: (n, dim) vectors → the k best rows for each query; what they cost, and what they miss."""

from workbench.indexes.built import TOLERANCE, Found, Index
from workbench.indexes.lists import IVFPQ, IVFFlat
from workbench.indexes.measurements import CurvePoint, Tradeoff, recall_at, recall_curve, tradeoff
from workbench.indexes.methods import HNSW, INDEXES, SQ8, Binary, Flat
from workbench.indexes.sizes import Suggestion, projected_bytes, suggestion
from workbench.indexes.specs import IndexSpec

__all__ = [
    "HNSW",
    "INDEXES",
    "IVFPQ",
    "SQ8",
    "TOLERANCE",
    "Binary",
    "CurvePoint",
    "Flat",
    "Found",
    "IVFFlat",
    "Index",
    "IndexSpec",
    "Suggestion",
    "Tradeoff",
    "projected_bytes",
    "recall_at",
    "recall_curve",
    "suggestion",
    "tradeoff",
]
