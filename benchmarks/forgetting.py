"""Fresh caches, for what is measured as a first time."""

from workbench import joints, pipelines, pooling, tokens
from workbench.retrievers import analysed
from workbench.splitters import levels, parents, pieces, recursive, sentences, structure
from workbench.ui import compute

LOADED = {"_of_model", "_bpe", "_word_marked", "_spaces", "literal"}
"""Caches that hold tokenizers, which are loaded once per process and are no part of a first cut."""


def forget() -> None:
    """Nothing; texts, chunks and collections are as if never seen, tokenizers and models stay loaded."""
    cutting = (pieces, levels, parents, recursive, sentences, structure)
    for module in (*cutting, tokens, joints, pooling, pipelines, compute):
        for name, value in vars(module).items():
            if name not in LOADED and hasattr(value, "cache_clear"):
                value.cache_clear()
    analysed._kept.clear()
    analysed._weight[0] = 0
