"""Splitters that cut small chunks to be found, each with the larger span around it to be read."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from workbench.documents import Chunks, Document
from workbench.errors import SpecError
from workbench.memory_cache import cached
from workbench.spans import Ranges, ranges
from workbench.specs import option
from workbench.splitters.levels import KEPT, Tree, tree
from workbench.splitters.pieces import Cut, literal, stripped
from workbench.splitters.recursive import SEPARATORS
from workbench.splitters.sentences import sentences
from workbench.splitters.sizes import Splitter


@dataclass(frozen=True, slots=True)
class ParentChild(Splitter):
    """Chunks of `chunk_size` cut from parents of `parent_size`: the small is found, the large may be returned.

    Both are cut recursively, as by the kind `recursive`; parents do not overlap, and no chunk reaches out of its own.
    """

    kind: ClassVar[str] = "parent-child"

    parent_size: int = option(800, "Largest parent, in the unit.", low=1, high=1_000_000)

    def check(self) -> None:
        Splitter.check(self)
        if self.parent_size < self.chunk_size:
            raise SpecError(f"parent_size ({self.parent_size}) must be at least chunk_size ({self.chunk_size})")

    def spans(self, document: Document) -> Ranges:
        inside = _inside(document.text, self.measure, self.parent_size)[1]
        return inside.chunks(self.chunk_size, self.chunk_overlap)

    def __call__(self, document: Document) -> Chunks:
        found = Splitter.__call__(self, document)
        parents = _inside(document.text, self.measure, self.parent_size)[0]
        return replace(found, parents=parents[np.searchsorted(parents[:, 0], found.spans[:, 0], "right") - 1])


_RULES: tuple[Cut, ...] = tuple(literal(separator) for separator in SEPARATORS)


@cached(KEPT, lambda found: found[1].bytes, grows=True)
def _inside(text: str, measure: str, size: int) -> tuple[Ranges, Tree]:
    """The parents, and the tree of each by itself."""
    parents = tree(text, _RULES, measure).chunks(size, 0)
    return parents, Tree.within(text, _RULES, measure, parents)


@dataclass(frozen=True, slots=True)
class SentenceWindow(Splitter):
    """Each sentence is a chunk, and its parent reaches over `window` sentences on both sides.

    A sentence above `chunk_size` is cut between words.
    """

    kind: ClassVar[str] = "sentence-window"

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
