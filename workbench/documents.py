"""Documents as one text with sections at exact spans, corpora of them, and the chunks that splitters cut."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DocumentError
from workbench.memory_cache import cached
from workbench.spans import Ranges, Span, nonblank, ranges
from workbench.specs import fingerprint

SECTION_KINDS = ("heading", "table", "row", "code", "list", "caption", "slide", "sheet", "quote", "header", "footer")
"""The kinds of section. Pages are apart, in `Document.pages`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document that its format marks: a heading's own line, a whole table, a code block …

    `level` is 1 to 6 for headings (1 is the highest) and the depth of nesting, from 1, for the others. `title` is a
    heading's text, a code block's language, a sheet's or slide's name, else "".
    """

    kind: str
    level: int
    span: Span
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """The size of a document."""

    characters: int
    sections: int
    pages: int


@dataclass(frozen=True, slots=True)
class _Content:
    text: str
    sections: tuple[Section, ...]
    pages: tuple[tuple[int, Span], ...]
    headings: list[Section]


class Document:
    """What a parser made of a file. `text` never changes, and every offset in the workbench counts its code points.

    `source` is the sha256 of the file's bytes; `id` a hash of source, parser and text, so that two parsers' texts of
    one file are two documents. `name` is a label. `pages` holds the page number and span of each page, in order.
    `warnings` says in plain words what the parser could not read or had to guess.

    Text, sections and pages are given, or read when they are asked for: then `read` returns the whole document, the
    same at every call, and caches it as it likes; everything else is known, the `figures` too.
    """

    __slots__ = (
        "_content", "_read", "figures", "id", "language", "media_type", "name", "parser", "source", "warnings",
    )  # fmt: skip

    def __init__(
        self,
        source: str,
        id: str,
        name: str,
        text: str = "",
        sections: tuple[Section, ...] = (),
        pages: tuple[tuple[int, Span], ...] = (),
        media_type: str = "text/plain",
        parser: str = "text",
        language: str = "",
        warnings: tuple[str, ...] = (),
        *,
        figures: Figures | None = None,
        read: "Callable[[], Document] | None" = None,
    ) -> None:
        self.source: Final = source
        self.id: Final = id
        self.name: Final = name
        self.media_type: Final = media_type
        self.parser: Final = parser
        self.language: Final = language
        self.warnings: Final = warnings
        self.figures: Final = figures or Figures(len(text), len(sections), len(pages))
        self._read: Final = read
        headings = sorted((s for s in sections if s.kind == "heading"), key=lambda s: s.span.start)
        self._content: Final = _Content(text, sections, pages, headings)

    def __repr__(self) -> str:
        return f"Document({self.name!r}, id={self.id!r}, {self.figures.characters} characters)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __getitem__(self, span: Span) -> str:
        if span.document != self.id:
            raise DocumentError(f"span of document {span.document[:8]} does not belong to {self.name} ({self.id[:8]})")
        return self.text[span.start : span.end]

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process: the whole document, read here."""
        content = self._whole()
        about = self.media_type, self.parser, self.language, self.warnings
        return Document, (self.source, self.id, self.name, content.text, content.sections, content.pages, *about)

    def _whole(self) -> _Content:
        """Return the content, read where it was not given.

        Raises:
            DocumentError: it was read again and is another text now.
        """
        if self._read is None:
            return self._content
        found = self._read()
        if found.id != self.id:
            raise DocumentError(f"{self.name} was read again, and is another text now; remove it and add it again")
        return found._whole()

    @property
    def text(self) -> str:
        """The whole text."""
        return self._whole().text

    @property
    def sections(self) -> tuple[Section, ...]:
        """The parts that the format marks, in text order, the outer before the inner."""
        return self._whole().sections

    @property
    def pages(self) -> tuple[tuple[int, Span], ...]:
        """Page number and span of each page, in order."""
        return self._whole().pages

    @property
    def headings(self) -> Sequence[Section]:
        """The headings in text order."""
        return self._whole().headings

    @property
    def blanks(self) -> NDArray[np.int64]:
        """Offsets (b,) of its white space, ascending."""
        return _blanks(self)

    def heading_path(self, offset: int) -> tuple[str, ...]:
        """Return the titles of `headings_over(offset)`."""
        return tuple(h.title for h in self.headings_over(offset))

    def headings_over(self, offset: int) -> list[Section]:
        """Return the headings over `offset`, the highest first; a heading is over its own line too."""
        path: list[Section] = []
        headings = self.headings
        for heading in headings[: bisect_right(headings, offset, key=lambda s: s.span.start)]:
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
        return path

    def page_at(self, offset: int) -> int | None:
        """Return the number of the page that holds `offset`; None where the format has no pages."""
        pages = self.pages
        i = bisect_right(pages, offset, key=lambda page: page[1].start) - 1
        return pages[i][0] if i >= 0 else None


_WHITE = np.array([chr(code).isspace() for code in range(0x3001)])  # U+3000 is the last of them


@cached(
    budget=64_000_000,
    weigh=lambda places: places.nbytes + 200,
    key=lambda document: (document.id, document.figures.characters),
)
def _blanks(document: Document) -> NDArray[np.int64]:
    codes = np.frombuffer(document.text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.flatnonzero(_WHITE[np.minimum(codes, len(_WHITE) - 1)] & (codes < len(_WHITE)))


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Documents in the order of their names, each content once. Ties in a ranking go by this order."""

    documents: tuple[Document, ...]
    id: str = field(init=False)
    _by_id: Mapping[str, Document] = field(init=False, repr=False)
    _characters: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_id = {d.id: d for d in sorted(self.documents, key=lambda d: (d.name, d.id))}
        object.__setattr__(self, "documents", tuple(by_id.values()))
        object.__setattr__(self, "id", fingerprint(list(by_id)))
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_characters", sum(d.figures.characters for d in by_id.values()))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Corpus) and self.id == other.id and self._labels() == other._labels()
        )

    def __hash__(self) -> int:
        return hash(self.id)

    def _labels(self) -> list[tuple[str, str]]:
        return [(d.id, d.name) for d in self.documents]

    def __len__(self) -> int:
        return len(self.documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)

    def __contains__(self, document: str) -> bool:
        return document in self._by_id

    def __getitem__(self, span: Span) -> str:
        return self.document(span.document)[span]

    def document(self, id: str) -> Document:
        """Return the document with this id.

        Raises:
            DocumentError: it is not in this corpus.
        """
        try:
            return self._by_id[id]
        except KeyError:
            raise DocumentError(f"document {id[:8]} is not in this corpus of {len(self)} documents") from None

    def blanks(self, id: str) -> NDArray[np.int64]:
        """Return the offsets (b,) of a document's white space; none of a document that is not here."""
        return self._by_id[id].blanks if id in self._by_id else np.zeros(0, np.int64)

    def nonblank(self, spans: Sequence[Span]) -> list[Span]:
        """Return the spans counted in characters other than white space, as gold and hits are measured."""
        counted: dict[Span, Span] = {}
        by_document: dict[str, list[Span]] = {}
        for span in dict.fromkeys(spans):
            by_document.setdefault(span.document, []).append(span)
        for document, some in by_document.items():
            both = nonblank(ranges((s.start, s.end) for s in some), self.blanks(document)).tolist()
            counted |= {span: Span(document, start, end) for span, (start, end) in zip(some, both, strict=True)}
        return [counted[span] for span in spans]

    @property
    def characters(self) -> int:
        """The length of all texts together."""
        return self._characters


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span that is embedded and retrieved as one; `header`, a heading path, is embedded before it."""

    span: Span
    header: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Chunks:
    """The chunks of one document as columns: `spans` (n, 2) int64, and a header for each or none at all.

    `parents` (n, 2) int64 are the larger spans that chunks were cut from, which a retriever may return in their place
    (`expand: parent`); each holds its chunk. None where the splitter has none.
    """

    document: str
    spans: Ranges
    headers: tuple[str, ...] = ()
    parents: Ranges | None = None

    @classmethod
    def of(cls, document: Document, pairs: Iterable[tuple[int, int]], headers: Iterable[str] = ()) -> "Chunks":
        return cls(document.id, ranges(pairs), tuple(headers))

    def __post_init__(self) -> None:
        if self.headers and len(self.headers) != len(self.spans):
            raise ValueError(f"{len(self.headers)} headers for {len(self.spans)} chunks")
        if self.parents is not None:
            held = self.parents.shape == self.spans.shape and bool(
                ((self.parents[:, 0] <= self.spans[:, 0]) & (self.spans[:, 1] <= self.parents[:, 1])).all()
            )
            if not held:
                raise ValueError("each chunk needs a parent that holds it")
            self.parents.setflags(write=False)
        self.spans.setflags(write=False)

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def bytes(self) -> int:
        """About what they take in memory."""
        parents = 0 if self.parents is None else self.parents.nbytes
        return 500 + self.spans.nbytes + parents + sum(map(len, self.headers))

    def __getitem__(self, i: int) -> Chunk:
        start, end = self.spans[i].tolist()
        return Chunk(Span(self.document, start, end), self.headers[i] if self.headers else "")

    def __iter__(self) -> Iterator[Chunk]:
        headers = self.headers or ("",) * len(self)
        for (start, end), header in zip(self.spans.tolist(), headers, strict=True):
            yield Chunk(Span(self.document, start, end), header)

    def texts(self, document: Document) -> list[str]:
        """Return what is embedded for each chunk: its header, a blank line, and its text."""
        text = document.text
        bodies = [text[start:end] for start, end in self.spans.tolist()]
        if not self.headers:
            return bodies
        return [f"{header}\n\n{body}" if header else body for header, body in zip(self.headers, bodies, strict=True)]
