"""Sentence boundaries, and the splitter that never cuts a sentence which fits."""

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.documents import Document
from workbench.memory_cache import cached
from workbench.spans import Ranges
from workbench.splitters.levels import KEPT, Tree, weight
from workbench.splitters.pieces import literal
from workbench.splitters.sizes import Splitter

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
    """Where each sentence after the first one starts, white space between them counted to the one before.

    A sentence ends at . ! ? … and their ideographic kin, at a blank line and before a list item. A full stop does not
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
    """Whether the stop at `at` stands inside a sentence that goes on at `after`."""
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

    def spans(self, document: Document) -> Ranges:
        return sentences(document.text, self.measure).chunks(self.chunk_size, self.chunk_overlap)


@cached(KEPT, weight, grows=True)
def sentences(text: str, measure: str) -> Tree:
    """The sentences of a text, to be cut between words and then characters where they are too long."""
    bounds = np.array([0, *sentence_starts(text), len(text)] if text else [0], np.int64)
    return Tree.of(text, (literal(" "), literal("")), measure, bounds[:-1], bounds[1:])
