"""The texts of all rows of a collection, cut out of their documents one by one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workbench.documents import Chunks
from workbench.retrievers.filters import Parts


class Texts(Sequence[str]):
    """The text of each of `count` rows, cut out when it is asked for: together they are larger than the corpus."""

    def __init__(self, parts: Parts, count: int, text: Callable[[int], str]) -> None:
        self._parts, self._count, self._text = parts, count, text

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for document, spans, headers in self._parts:
            yield from Chunks(document.id, spans, tuple(headers)).texts(document)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self._text(row) for row in range(*at.indices(len(self)))]
        row = int(at)
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self._text(row % len(self))
