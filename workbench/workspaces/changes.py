"""What changed where a file took the place of another: text, sections, and the golden passages that stood in it."""

import re
from collections import Counter
from dataclasses import dataclass

from workbench.documents import Document
from workbench.golden import HOW, Anchoring
from workbench.parsers.comparisons import opcodes

_WORD = re.compile(r"\w+|[^\w\s]")
MOST_WORDS = 60_000
"""Words of a text up to which texts are compared word by word; beyond them line by line."""


@dataclass(frozen=True, slots=True)
class Change:
    """Characters added and removed, the number of sections before and after, and what became of golden passages.

    `passages` is how many golden passages stand in the file, or stood; `counts` how many of them went which way, by the
    keys of `workbench.golden.HOW`. `by_words` tells whether texts were compared word by word, or else by lines.
    """

    old: str
    new: str
    added: int
    removed: int
    sections: tuple[int, int]
    passages: int
    counts: tuple[tuple[str, int], ...]
    by_words: bool = True

    @property
    def summary(self) -> str:
        """One line for people, as of an Anchoring: "2 moved, 1 were not found"; "" where all stand as they stood."""
        return ", ".join(f"{n:,} {HOW[how]}" for how, n in self.counts if how != "kept")


def change(old: Document, new: Document, golden: Anchoring) -> Change:
    """What changed from `old` to `new`; `golden` is the golden set as it stands with `new` in the corpus.

    Blanks and line breaks do not count as changes.
    """
    before, after = _WORD.findall(old.text), _WORD.findall(new.text)
    by_words = max(len(before), len(after)) <= MOST_WORDS
    if not by_words:
        before, after = (
            [" ".join(line.split()) for line in text.splitlines() if line.strip()] for text in (old.text, new.text)
        )
    added = removed = 0
    for kind, i, j, k, m in opcodes(before, after):
        if kind != "equal":
            removed += sum(map(len, before[i:j]))
            added += sum(map(len, after[k:m]))
    here = [a for a in golden.anchors if (a.span.document == new.id if a.span else a.document in (old.name, new.name))]
    number = Counter(a.how for a in here)
    return Change(
        old=old.name,
        new=new.name,
        added=added,
        removed=removed,
        sections=(len(old.sections), len(new.sections)),
        passages=len(here),
        counts=tuple((how, number[how]) for how in HOW if number[how]),
        by_words=by_words,
    )
