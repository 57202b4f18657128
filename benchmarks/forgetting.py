"""Fresh caches, for what is measured as a first time."""

from workbench import pipelines, tokens
from workbench.embedders import static
from workbench.retrievers import term_cache
from workbench.splitters import pieces, sentences, separators, structure
from workbench.ui import compute

LOADED = {"_of_model", "_bpe", "_word_marked", "_spaces", "literal"}
"""Caches that hold tokenizers, which are loaded once per process and are no part of a first cut."""


def forget() -> None:
    """Forget texts, chunks and collections; tokenizers and models stay loaded."""
    cutting = (pieces, separators, sentences, structure)
    for module in (*cutting, tokens, static, pipelines, compute, compute):
        for name, value in vars(module).items():
            if name not in LOADED and hasattr(value, "cache_clear"):
                value.cache_clear()
    term_cache._kept.clear()
