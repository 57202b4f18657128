"""Chunks examined without labels: their sizes, what a model never sees, what is cut, and how vectors lie.

found = examine(corpus, pipeline.splitter, chunks, tokenizer, limit)     # one finding per check, with counts of 0 too
lie = neighbourhoods(vectors)                                            # hubs, orphans, near-duplicates, outliers
"""

from workbench.diagnostics.checks import Finding, chunk_tokens, examine, split_answers, unseen
from workbench.diagnostics.geometry import Neighbourhoods, hubs_among_misses, neighbourhoods

__all__ = [
    "Finding",
    "Neighbourhoods",
    "chunk_tokens",
    "examine",
    "hubs_among_misses",
    "neighbourhoods",
    "split_answers",
    "unseen",
]
