"""What all splitters share: a size and an overlap in a unit, and the heading path as a chunk's header."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench import models
from workbench.documents import Chunks, Document
from workbench.errors import ModelUnavailable, SpecError
from workbench.spans import Ranges, ranges
from workbench.specs import Spec, option, to_dict
from workbench.splitters.headers import REVISION as HEADERS
from workbench.splitters.headers import headers
from workbench.splitters.pieces import CHARACTERS
from workbench.tokens import BPE_ENCODINGS, tokenizer

HEADER = "What is embedded before each chunk: nothing, or its heading path and the head row of a table it continues."
UNITS = ("tokens", CHARACTERS)


@dataclass(frozen=True, slots=True)
class Splitter(Spec):
    """Cuts a document into chunks of at most `chunk_size`, each repeating up to `chunk_overlap` of the one before."""

    revision: ClassVar[int] = 1
    """Goes up with every change of the code after which the same fields may give other chunks."""

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
        """The fields and the revision; the tokenizer by its hash, and only where tokens are counted."""
        fields = {**to_dict(self), "revision": self.revision}
        if self.header == "path":
            fields["headers"] = HEADERS
        name = fields.pop("tokenizer")
        return {**fields, "tokenizer": tokenizer(name).sha256} if self.unit == "tokens" else fields

    @property
    def measure(self) -> str:
        """The tokenizer's name, or "characters"."""
        return self.tokenizer if self.unit == "tokens" else CHARACTERS

    def cost(self, document: Document) -> int:
        """How many texts a model must embed before this document can be cut; 0 where none is needed."""
        return 0

    def spans(self, document: Document) -> Iterable[tuple[int, int]] | Ranges:
        """Start and end of each chunk, in order."""
        raise NotImplementedError

    def __call__(self, document: Document) -> Chunks:
        """The chunks of a document, in order; every chunk is `document.text[start:end]`."""
        found = self.spans(document)
        spans = found if isinstance(found, np.ndarray) else ranges(found)
        return Chunks(document.id, spans, tuple(headers(document, spans.tolist())) if self.header == "path" else ())
