"""Fresh caches, for what is measured as a first time."""

import sys

from workbench.memory_cache import MemoryCache

LOADED = {"_of_model", "_bpe", "_word_marked", "_spaces", "literal"}
"""Caches that hold tokenizers, which are loaded once per process and are no part of a first cut."""

STAYING = ("models", "embedders", "endpoints", "catalogue", "exports", "workspaces", "parsers")
"""Packages of `workbench` whose caches hold models, files and connections."""


def forget() -> None:
    """Forget texts, chunks and collections as if never seen; tokenizers and models stay loaded."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("workbench.") or name.split(".")[1] in STAYING:
            continue
        for key, value in vars(module).items():
            if isinstance(value, MemoryCache):
                value.clear()
            elif key not in LOADED and not isinstance(value, type) and hasattr(value, "cache_clear"):
                value.cache_clear()
