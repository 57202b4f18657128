"""Fixed windows over a document's characters or tokens."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from workbench.documents import Document
from workbench.splitters.pieces import CHARACTERS, stripped
from workbench.splitters.sizes import Splitter
from workbench.tokens import token_offsets


@dataclass(frozen=True, slots=True)
class Fixed(Splitter):
    """Windows of exactly `chunk_size`, each starting `chunk_size - chunk_overlap` after the one before.

    In tokens, the chunks of LangChain's TokenTextSplitter: windows over the tokens of the whole document. Where a
    window ends inside a character, which LangChain shows as U+FFFD, the chunk is the exact span around it. In
    characters, the chunks of its CharacterTextSplitter with an empty separator, white space at the ends left out.
    """

    kind: ClassVar[str] = "fixed"

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
    """Half-open windows over n things; the last one ends at n."""
    for first in range(0, n, step):
        yield first, min(first + size, n)
        if first + size >= n:
            return
