"""What the kinds of the registries are called on the pages, and which of them need what is not here."""

from workbench import models
from workbench.errors import ModelUnavailable
from workbench.parsers import Parser
from workbench.retrievers import Rerank, Retriever

EMBEDDERS = {
    "sentence-transformer": "Transformer",
    "static": "Static vectors",
    "late": "Late chunking",
    "remote": "Behind an endpoint",
}
INDEXES = {
    "flat": "Flat: compares with all",
    "hnsw": "HNSW: a graph of neighbours",
    "ivf-flat": "IVF-flat: lists around centres",
    "ivf-pq": "IVF-PQ: lists of product codes",
    "sq8": "SQ8: a byte a dimension",
    "binary": "Binary: a bit a dimension",
}
RETRIEVERS = {"dense": "Dense", "bm25": "BM25", "hybrid": "Hybrid", "mmr": "MMR", "rerank": "Rerank"}


def missing(cls: type) -> str:
    """What a kind needs and is not installed, with the remedy; "" where nothing is missing."""
    return cls.missing() if issubclass(cls, Parser) else ""


def unavailable(retriever: Retriever) -> str:
    """Why it cannot search here, and what to do about it; "" where it can, once there are vectors."""
    if not isinstance(retriever, Rerank):
        return ""
    try:
        models.find(retriever.model)
    except ModelUnavailable as error:
        return str(error)
    return ""
