"""Golden sets: questions with the passages that answer them, read from JSON lines, CSV or BEIR, written as JSON lines.

A row is taken whole or not at all, and each row that is refused is listed with the reason.
"""

from workbench.golden.anchors import HOW, Anchor, Anchoring, Problem, anchored, read_golden, reread_golden, write_golden
from workbench.golden.clusters import clusters, connected, document_groups, present, split, usual_split
from workbench.golden.drafts import DRAFTED, draft
from workbench.golden.edits import Merged, added, fresh_id, merge, removed, replaced
from workbench.golden.formats import LONGEST_LINE
from workbench.golden.lints import KINDS, Finding, lint
from workbench.golden.llm_drafts import asked_characters, draft_with
from workbench.golden.quotes import APPROXIMATE, MOST_PLACES, find_quote

__all__ = [
    "APPROXIMATE",
    "DRAFTED",
    "HOW",
    "KINDS",
    "LONGEST_LINE",
    "MOST_PLACES",
    "Anchor",
    "Anchoring",
    "Finding",
    "Merged",
    "Problem",
    "added",
    "anchored",
    "asked_characters",
    "clusters",
    "connected",
    "document_groups",
    "draft",
    "draft_with",
    "find_quote",
    "fresh_id",
    "lint",
    "merge",
    "present",
    "read_golden",
    "removed",
    "replaced",
    "reread_golden",
    "split",
    "usual_split",
    "write_golden",
]
