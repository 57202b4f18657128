"""Rules of thumb as places to start from, each to be tested; and which of them a document's own structure suggests."""

import re
from dataclasses import dataclass

from workbench.documents import Document

LABEL = "rule of thumb, to be tested"


@dataclass(frozen=True, slots=True)
class Preset:
    """A chunk size and an overlap in tokens that many begin with, and for what."""

    name: str
    chunk_size: int
    chunk_overlap: int
    about: str


PRESETS: dict[str, Preset] = {
    "procedural": Preset("procedural", 256, 32, f"steps, lists, tables of faults: 256 tokens, 32 overlap ({LABEL})"),
    "narrative": Preset("narrative", 512, 64, f"connected prose: 512 tokens, 64 overlap ({LABEL})"),
}

PROCEDURAL = 0.25
"""The share of text in steps, lists, tables and code from which a document counts as procedural; our own guess."""

_STEP = re.compile(r"^[ \t]*(?:[-*•‣–]|\(?\d{1,3}[.)]|\(?[a-z][.)]|step\s+\d+|schritt\s+\d+)[ \t]+\S.*$", re.M | re.I)
_KINDS = ("list", "table", "row", "code")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A preset for a document, the share of its text that is steps, lists, tables or code, and the reason in words."""

    document: str
    preset: Preset
    share: float
    reason: str


def suggest(document: Document) -> Suggestion:
    """Return the preset that the document's structure suggests. It knows nothing of questions: measure both."""
    covered = bytearray(len(document.text))
    places = [(s.span.start, s.span.end) for s in document.sections if s.kind in _KINDS]
    places += [match.span() for match in _STEP.finditer(document.text)]
    for start, end in places:
        covered[start:end] = b"\1" * (end - start)
    share = sum(covered) / len(document.text) if document.text else 0.0
    name = "procedural" if share >= PROCEDURAL else "narrative"
    reason = (
        f"{share:.0%} of its text is steps, lists, tables or code; from {PROCEDURAL:.0%} on it counts as procedural"
    )
    return Suggestion(document.name, PRESETS[name], share, reason)
