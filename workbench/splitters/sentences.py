"""Sentence boundaries, and the splitters that keep sentences whole."""

import re
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from workbench.documents import Chunks, Document
from workbench.memory_cache import cached
from workbench.spans import Ranges, ranges
from workbench.specs import option
from workbench.splitters.pieces import KEPT, Tree, literal, stripped
from workbench.splitters.splitter import Splitter

ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr jr vs etc e.g i.e cf al approx dept est fig figs eq eqs no nos vol vols pp ed eds sec ch "
    "art inc ltd co corp jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m u.s u.k "
    "d.c z.b d.h bzw ca nr str usw vgl abs bd evtl ggf inkl m.e p.ex env av".split()
)
"""Words whose full stop seldom ends a sentence (English, German, French)."""

# A terminator with closing quotes and brackets, then white space. The ideographic terminators need no white space.
_END = re.compile(
    r"(?P<stop>[.!?…]+[\"'”’»)\]]*)(?=\s)"
    r"|[。！？｡]+[」』”’）]*"
    r"|\n[^\S\n]*(?=\n)"
    r"|\n(?=[^\S\n]*(?:[-*+•‣◦]|\d{1,3}[.)])[^\S\n])"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«]+$")


def sentence_starts(text: str) -> list[int]:
    """Return where each sentence after the first one starts; white space between two belongs to the first.

    A sentence ends at . ! ? … and their ideographic forms, at a blank line and before a list item. A full stop does not
    end one after an abbreviation, an initial or a list number, nor before a lower-case letter.
    """
    starts = []
    for end in _END.finditer(text):
        start = end.end()
        while start < len(text) and text[start].isspace():
            start += 1
        if start < len(text) and not (end["stop"] and _continues(text, end.start(), end["stop"], start)):
            starts.append(start)
    return sorted(set(starts))


def _continues(text: str, at: int, stop: str, after: int) -> bool:
    """Return whether the stop at `at` is inside a sentence that goes on at `after`."""
    if "\n" in text[at:after] and text[at + len(stop) : after].count("\n") > 1:
        return False  # a blank line always ends a sentence
    if text[after].islower():
        return True
    if not stop.startswith(".") or stop.startswith(".."):
        return False
    word = _LAST_WORD.search(text, max(0, at - 24), at)
    last = word.group().lower() if word else ""
    line_start = word is not None and (word.start() == 0 or text[word.start() - 1] == "\n")
    is_initial = len(last) == 1 and last.isalpha()
    is_list_number = line_start and last.isdigit()
    return last in ABBREVIATIONS or is_initial or is_list_number


@dataclass(frozen=True, slots=True)
class Sentences(Splitter):
    """Merges whole sentences up to `chunk_size`; a sentence that is longer is cut between words."""

    kind: ClassVar[str] = "sentences"
    label: ClassVar[str] = "Sentences"

    def spans(self, document: Document) -> Ranges:
        return sentences(document.text, self.measure).chunks(self.chunk_size, self.chunk_overlap)


@cached(KEPT, lambda tree: tree.bytes, grows=True)
def sentences(text: str, measure: str) -> Tree:
    """Return the sentences of a text; those that are too long are cut between words, then characters."""
    bounds = np.array([0, *sentence_starts(text), len(text)] if text else [0], np.int64)
    return Tree.of(text, (literal(" "), literal("")), measure, bounds[:-1], bounds[1:])


@dataclass(frozen=True, slots=True)
class SentenceWindow(Splitter):
    """Each sentence is a chunk, and its parent reaches over `window` sentences on both sides.

    A sentence above `chunk_size` is cut between words.
    """

    kind: ClassVar[str] = "sentence-window"
    label: ClassVar[str] = "Sentence windows"

    window: int = option(3, "Sentences on each side that its parent has.", low=0, high=50)

    def spans(self, document: Document) -> Ranges:
        found = sentences(document.text, self.measure)
        return found.grouped(np.arange(len(found.spans))).chunks(self.chunk_size, self.chunk_overlap)

    def __call__(self, document: Document) -> Chunks:
        found, all_ = Splitter.__call__(self, document), sentences(document.text, self.measure)
        starts, ends = all_.spans.T
        own = np.searchsorted(starts, found.spans[:, 0], "right") - 1
        first, last = np.maximum(own - self.window, 0), np.minimum(own + self.window, len(starts) - 1)
        wide = zip(starts[first].tolist(), ends[last].tolist(), strict=True)
        bare = ranges(next(stripped(document.text, *pair), pair) for pair in wide)
        held = [np.minimum(bare[:, 0], found.spans[:, 0]), np.maximum(bare[:, 1], found.spans[:, 1])]
        return replace(found, parents=np.column_stack(held))
