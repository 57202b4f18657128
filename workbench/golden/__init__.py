"""Golden sets: questions with the passages that answer them, read from JSON lines or CSV, written as JSON lines.

A row is taken whole or not at all, and every row that is not taken is named with the reason.
"""

from workbench.golden.anchors import anchored, read_golden, reread_golden
from workbench.golden.jsonl import LONGEST_LINE, write_golden
from workbench.golden.quotes import APPROXIMATE, MOST_PLACES, find_quote
from workbench.golden.reports import HOW, Anchor, Anchoring, Problem

__all__ = [
    "APPROXIMATE",
    "HOW",
    "LONGEST_LINE",
    "MOST_PLACES",
    "Anchor",
    "Anchoring",
    "Problem",
    "anchored",
    "find_quote",
    "read_golden",
    "reread_golden",
    "write_golden",
]
