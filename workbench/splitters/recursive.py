"""Splitters by separators: recursive, by one separator, and by the syntax of a programming language."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from workbench.documents import Document
from workbench.errors import SpecError
from workbench.memory_cache import cached
from workbench.spans import Ranges
from workbench.specs import option
from workbench.splitters.levels import KEPT, Pieces, in_order, tree
from workbench.splitters.pieces import Cut, Source, literal, measured
from workbench.splitters.sizes import Splitter

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

    language: str = option("python", "The programming language.", choices=LANGUAGES)

    def spans(self, document: Document) -> Ranges:
        rules = tuple(Cut(pattern) for pattern in language_separators(self.language))
        return tree(document.text, rules, self.measure).chunks(self.chunk_size, self.chunk_overlap)

    def identity(self) -> dict[str, Any]:
        return {**Splitter.identity(self), "separators": list(language_separators(self.language))}


@cache
def language_separators(language: str) -> tuple[str, ...]:
    """The regular expressions at which LangChain cuts this language, the coarsest first."""
    from langchain_text_splitters import Language, RecursiveCharacterTextSplitter

    return tuple(RecursiveCharacterTextSplitter.get_separators_for_language(Language(language)))


@dataclass(frozen=True, slots=True)
class Separator(Splitter):
    """Cuts at every occurrence of one separator and merges neighbours up to `chunk_size`; larger pieces stay whole.

    Gives the chunks of LangChain's CharacterTextSplitter. Where LangChain collapses a run of separators inside a chunk,
    so that its text stands nowhere in the source, this chunk is the exact span around it.
    """

    kind: ClassVar[str] = "separator"
    revision: ClassVar[int] = 2

    separator: str = option("\n\n", "Where to cut.")

    def check(self) -> None:
        Splitter.check(self)
        if not self.separator:
            raise SpecError('separator.separator must not be empty; kind "fixed" cuts anywhere')

    def spans(self, document: Document) -> Ranges:
        found = separated(document.text, self.separator, self.measure)
        large = np.flatnonzero(found.least > self.chunk_size - found.joint)  # those that have no room for another
        starts, ends = found.merged(large, self.chunk_size, self.chunk_overlap)
        sums = np.array(found.sums)
        over = sums.searchsorted(sums[large] - found.joint)  # a piece of no token before a large one stays with it
        return in_order(np.append(starts, found.bare_starts[over]), np.append(ends, found.bare_ends[large]))


@cached(KEPT, lambda found: found.bytes)
def separated(text: str, separator: str, measure: str) -> Pieces:
    """The pieces between the occurrences of a separator, the empty ones left out."""
    cuts = np.array([m.span() for m in re.finditer(re.escape(separator), text)], np.int64).reshape(-1, 2)
    starts, ends = np.append(0, cuts[:, 1]), np.append(cuts[:, 0], len(text))
    some = starts < ends
    joint = int(measured(separator, np.array([0]), np.array([len(separator)]), measure)[0])
    return Pieces.single(Source.of(text, measure), starts[some], ends[some], joint)
