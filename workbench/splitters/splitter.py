"""The base of all splitters: a size and an overlap in a unit, and the header that is embedded before a chunk."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench import models
from workbench.documents import Chunks, Document, Section
from workbench.errors import ModelUnavailable, SpecError
from workbench.spans import Ranges, ranges
from workbench.specs import Spec, option, to_dict
from workbench.splitters.pieces import CHARACTERS
from workbench.tokens import BPE_ENCODINGS, tokenizer

HEADER_REVISION = 2
"""Raised with each change that gives the same chunks other headers."""

MAX_HEAD = 500
"""Characters of a head row; a longer row is taken for a row like the others, and would crowd out the chunk."""


def chunk_headers(document: Document, pairs: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Yield for each chunk the titles of the headings above it (those inside are in its text already) and, on a line
    of its own, the head row of the table in which it begins, if it begins below that row.
    """
    heads = _heads(document)
    starts = [table.span.start for table, _ in heads]
    for start, _ in pairs:
        path = " > ".join(h.title for h in document.headings_over(start) if h.span.start < start)
        row = _head(document, heads, starts, start)
        yield "\n".join(part for part in (path, row) if part)


def _heads(document: Document) -> list[tuple[Section, Section]]:
    """Return each outermost table of at least two rows with its first row, in text order."""
    rows = [s for s in document.sections if s.kind == "row" and s.level == 1]
    starts = [row.span.start for row in rows]
    found = []
    for table in document.sections:
        if table.kind == "table" and table.level == 1:
            first = bisect_right(starts, table.span.start - 1)
            if first + 1 < len(rows) and table.span.covers(rows[first + 1].span):
                found.append((table, rows[first]))
    return found


def _head(document: Document, heads: list[tuple[Section, Section]], starts: list[int], offset: int) -> str:
    i = bisect_right(starts, offset) - 1
    if i < 0:
        return ""
    table, row = heads[i]
    if not row.span.end <= offset < table.span.end or len(row.span) > MAX_HEAD:
        return ""
    return " ".join(document[row.span].split("\n")).strip()


HEADER = "What is embedded before each chunk: nothing, or its heading path and the head row of a table it continues."
UNITS = ("tokens", CHARACTERS)


@dataclass(frozen=True, slots=True)
class Splitter(Spec):
    """A method that cuts a document into chunks of at most `chunk_size`, each repeating up to `chunk_overlap` of the
    one before.
    """

    revision: ClassVar[int] = 1
    """Raised with each change of the code after which the same fields may give other chunks."""

    chunk_size: int = option(200, "Largest chunk, in the unit below.", low=1, high=100_000)
    chunk_overlap: int = option(20, "How much of a chunk the next one repeats.", low=0, high=99_999)
    unit: str = option("tokens", "What size and overlap count.", choices=UNITS)
    tokenizer: str = option(
        models.DEFAULT, "Whose tokens are counted, special tokens left out: a model's, cl100k_base or o200k_base."
    )
    header: str = option("none", HEADER, choices=("none", "path"))

    def check(self) -> None:
        if self.chunk_overlap >= self.chunk_size:
            raise SpecError(f"chunk_overlap ({self.chunk_overlap}) must be smaller than chunk_size ({self.chunk_size})")
        if self.unit == "tokens" and self.tokenizer not in BPE_ENCODINGS:
            try:
                models.find(self.tokenizer)
            except ModelUnavailable as error:
                raise ModelUnavailable(
                    f"{self.kind}.tokenizer: {error}. Or name {' or '.join(BPE_ENCODINGS)}, which need no model, or "
                    f"count in {CHARACTERS}"
                ) from None

    def identity(self) -> dict[str, Any]:
        """Return the fields and the revision; the tokenizer by its hash, and only where tokens are counted."""
        fields = {**to_dict(self), "revision": self.revision}
        if self.header == "path":
            fields["headers"] = HEADER_REVISION
        name = fields.pop("tokenizer")
        return {**fields, "tokenizer": tokenizer(name).sha256} if self.unit == "tokens" else fields

    @property
    def measure(self) -> str:
        """The tokenizer's name, or "characters"."""
        return self.tokenizer if self.unit == "tokens" else CHARACTERS

    def cost(self, document: Document) -> int:
        """Return how many texts a model must embed before this document can be cut."""
        return 0

    def spans(self, document: Document) -> Iterable[tuple[int, int]] | Ranges:
        """Return or yield the start and end of each chunk, in order."""
        raise NotImplementedError

    def __call__(self, document: Document) -> Chunks:
        """Return the chunks of a document, in order; the text of each is `document.text[start:end]`."""
        found = self.spans(document)
        spans = found if isinstance(found, np.ndarray) else ranges(found)
        return Chunks(
            document.id, spans, tuple(chunk_headers(document, spans.tolist())) if self.header == "path" else ()
        )
