"""Splitters that cut at fixed places: by separators, in windows, and in parents with small chunks inside."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np

from workbench.documents import Chunks, Document
from workbench.errors import SpecError
from workbench.installation import needing
from workbench.memory_cache import cached
from workbench.spans import Ranges
from workbench.specs import option
from workbench.splitters.pieces import (
    CHARACTERS,
    KEPT,
    Cut,
    Pieces,
    Source,
    Tree,
    in_order,
    literal,
    measured,
    stripped,
    tree,
)
from workbench.splitters.splitter import Splitter
from workbench.tokens import token_offsets

SEPARATORS = ("\n\n", "\n", " ", "")

LANGUAGES = (
    "c", "cobol", "cpp", "csharp", "elixir", "go", "haskell", "html", "java", "js", "kotlin", "latex", "lua",
    "markdown", "php", "powershell", "proto", "python", "r", "rst", "ruby", "rust", "scala", "sol", "swift", "ts",
    "visualbasic6",
)  # fmt: skip
"""The languages for which langchain-text-splitters knows separators."""


@dataclass(frozen=True, slots=True)
class Recursive(Splitter):
    """Cuts at the coarsest separator that gives pieces below `chunk_size`, then merges neighbours up to it.

    Gives the chunks of LangChain's RecursiveCharacterTextSplitter with the same parameters, as exact spans.
    """

    kind: ClassVar[str] = "recursive"
    label: ClassVar[str] = "Recursive"

    separators: tuple[str, ...] = option(
        SEPARATORS, "Tried in order, the coarsest first; the empty one cuts anywhere.", advanced=True
    )

    def check(self) -> None:
        Splitter.check(self)
        if not self.separators:
            raise SpecError('recursive.separators must name at least one separator, such as "\\n\\n"')

    def spans(self, document: Document) -> Ranges:
        rules = tuple(literal(s) for s in self.separators)
        return tree(document.text, rules, self.measure).chunks(self.chunk_size, self.chunk_overlap)


@dataclass(frozen=True, slots=True)
class Code(Splitter):
    """Cuts source code at its classes, functions and blocks, by LangChain's separators for the language."""

    kind: ClassVar[str] = "code"
    label: ClassVar[str] = "Code by language"

    language: str = option("python", "The programming language.", choices=LANGUAGES)

    def spans(self, document: Document) -> Ranges:
        rules = tuple(Cut(pattern) for pattern in language_separators(self.language))
        return tree(document.text, rules, self.measure).chunks(self.chunk_size, self.chunk_overlap)

    def identity(self) -> dict[str, Any]:
        return {**Splitter.identity(self), "separators": list(language_separators(self.language))}


@cache
def language_separators(language: str) -> tuple[str, ...]:
    """Return the regular expressions at which LangChain cuts this language, the coarsest first."""
    with needing("exports", "the splitter code"):
        from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    return tuple(RecursiveCharacterTextSplitter.get_separators_for_language(Language(language)))


@dataclass(frozen=True, slots=True)
class Separator(Splitter):
    """Cuts at every occurrence of one separator and merges neighbours up to `chunk_size`; larger pieces stay whole.

    Gives the chunks of LangChain's CharacterTextSplitter. Where LangChain collapses a run of separators inside a chunk,
    so that its text is nowhere in the source, this chunk is the exact span around it.
    """

    kind: ClassVar[str] = "separator"
    label: ClassVar[str] = "One separator"
    revision: ClassVar[int] = 2

    separator: str = option("\n\n", "Where to cut.")

    def check(self) -> None:
        Splitter.check(self)
        if not self.separator:
            raise SpecError('separator.separator must not be empty; kind "fixed" cuts anywhere')

    def spans(self, document: Document) -> Ranges:
        found = separated(document.text, self.separator, self.measure)
        large = np.flatnonzero(found.least > self.chunk_size - found.gap)  # those that have no room for another
        starts, ends = found.merged(large, self.chunk_size, self.chunk_overlap)
        sums = np.array(found.sums)
        over = sums.searchsorted(sums[large] - found.gap)  # a piece of no token before a large one stays with it
        return in_order(np.append(starts, found.bare_starts[over]), np.append(ends, found.bare_ends[large]))


@cached(KEPT, lambda found: found.bytes)
def separated(text: str, separator: str, measure: str) -> Pieces:
    """Return the pieces between the occurrences of a separator, without the empty ones."""
    cuts = np.array([m.span() for m in re.finditer(re.escape(separator), text)], np.int64).reshape(-1, 2)
    starts, ends = np.append(0, cuts[:, 1]), np.append(cuts[:, 0], len(text))
    some = starts < ends
    gap = int(measured(separator, np.array([0]), np.array([len(separator)]), measure)[0])
    return Pieces.single(Source.of(text, measure), starts[some], ends[some], gap)


@dataclass(frozen=True, slots=True)
class Fixed(Splitter):
    """Windows of exactly `chunk_size`, each starting `chunk_size - chunk_overlap` after the one before.

    In tokens, the chunks of LangChain's TokenTextSplitter: windows over the tokens of the whole document. Where a
    window ends inside a character, which LangChain shows as U+FFFD, the chunk is the exact span around it. In
    characters, the chunks of its CharacterTextSplitter with an empty separator, white space at the ends left out.
    """

    kind: ClassVar[str] = "fixed"
    label: ClassVar[str] = "Fixed windows"

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        step = self.chunk_size - self.chunk_overlap
        if self.measure == CHARACTERS:
            for first, last in windows(len(document.text), self.chunk_size, step):
                yield from stripped(document.text, first, last)
        else:
            offsets = token_offsets(document.text, self.tokenizer)
            for first, last in windows(len(offsets), self.chunk_size, step):
                yield int(offsets[first, 0]), int(offsets[first:last, 1].max())


def windows(n: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield half-open windows over n things; the last one ends at n."""
    for first in range(0, n, step):
        yield first, min(first + size, n)
        if first + size >= n:
            return


@dataclass(frozen=True, slots=True)
class ParentChild(Splitter):
    """Chunks of `chunk_size` cut from parents of `parent_size`: the small is found, the large may be returned.

    Both are cut as by the kind `recursive`; parents do not overlap, and no chunk reaches beyond its parent.
    """

    kind: ClassVar[str] = "parent-child"
    label: ClassVar[str] = "Small in large"

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
    """Return the parents, and their tree, each parent cut by itself."""
    parents = tree(text, _RULES, measure).chunks(size, 0)
    return parents, Tree.within(text, _RULES, measure, parents)
