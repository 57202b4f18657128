"""Splitters that cut small chunks to be found, each with the larger span around it to be read."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np

from workbench.documents import Chunks, Document
from workbench.errors import SpecError
from workbench.spans import Ranges, ranges
from workbench.specs import option
from workbench.splitters.pieces import Cut, Pieces, chunked, cut, literal, pieces, stripped
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

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        for part in _inside(document.text, self.measure, self.parent_size)[1]:
            yield from chunked(part, self.chunk_size, self.chunk_overlap)

    def __call__(self, document: Document) -> Chunks:
        found = Splitter.__call__(self, document)
        parents = _inside(document.text, self.measure, self.parent_size)[0]
        return replace(found, parents=parents[np.searchsorted(parents[:, 0], found.spans[:, 0], "right") - 1])


_RULES: tuple[Cut, ...] = tuple(literal(separator) for separator in SEPARATORS)


@lru_cache(maxsize=64)
def _inside(text: str, measure: str, size: int) -> tuple[Ranges, tuple[Pieces, ...]]:
    """The parents, and the pieces of each."""
    parents = ranges(chunked(pieces(text, _RULES, measure), size, 0))
    return parents, tuple(cut(text, start, end, _RULES, measure) for start, end in parents.tolist())


@dataclass(frozen=True, slots=True)
class SentenceWindow(Splitter):
    """Each sentence is a chunk, and its parent reaches over `window` sentences on both sides.

    A sentence above `chunk_size` is cut between words.
    """

    kind: ClassVar[str] = "sentence-window"

    window: int = option(3, "Sentences on each side that its parent has.", low=0, high=50)

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        found = sentences(document.text, self.measure)
        for i, length in enumerate(found.lengths.tolist()):
            if length < self.chunk_size:
                yield from stripped(found.text, found.starts[i], found.ends[i])
            else:
                yield from chunked(found.child(i), self.chunk_size, self.chunk_overlap)

    def __call__(self, document: Document) -> Chunks:
        found, all_ = Splitter.__call__(self, document), sentences(document.text, self.measure)
        starts, ends = np.array(all_.starts, np.int64), np.array(all_.ends, np.int64)
        own = np.searchsorted(starts, found.spans[:, 0], "right") - 1
        first, last = np.maximum(own - self.window, 0), np.minimum(own + self.window, len(starts) - 1)
        wide = zip(starts[first].tolist(), ends[last].tolist(), strict=True)
        bare = ranges(next(stripped(document.text, *pair), pair) for pair in wide)
        held = [np.minimum(bare[:, 0], found.spans[:, 0]), np.maximum(bare[:, 1], found.spans[:, 1])]
        return replace(found, parents=np.column_stack(held))
