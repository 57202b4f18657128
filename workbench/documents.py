"""Documents as one text with sections at exact spans, corpora of them, and the chunks that splitters cut."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DocumentError
from workbench.memory_cache import cached
from workbench.spans import Ranges, Span, nonblank, ranges
from workbench.specs import fingerprint

SECTION_KINDS = ("heading", "table", "row", "code", "list", "caption", "slide", "sheet", "quote", "header", "footer")
"""What a section can be. Pages stand apart, in `Document.pages`."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What a parser made of a file. `text` never changes, and every offset in the workbench counts its code points.

    `source` is the sha256 of the file's bytes; `id` a hash of source, parser and text, so that two parsers' texts of
    one file are two documents. `name` is a label. `pages` holds the page number and span of each page, in order.
    `warnings` says in plain words what the parser could not read or had to guess.
    """

    source: str
    id: str
    name: str
    text: str
    sections: tuple[Section, ...] = ()
    pages: tuple[tuple[int, Span], ...] = ()
    media_type: str = "text/plain"
    parser: str = "text"
    language: str = ""
    warnings: tuple[str, ...] = ()
    _headings: list[Section] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headings = sorted((s for s in self.sections if s.kind == "heading"), key=lambda s: s.span.start)
        object.__setattr__(self, "_headings", headings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __getitem__(self, span: Span) -> str:
        if span.document != self.id:
            raise DocumentError(f"span of document {span.document[:8]} does not belong to {self.name} ({self.id[:8]})")
        return self.text[span.start : span.end]

    @property
    def figures(self) -> "Figures":
        """How large it is, known without its text."""
        return Figures(len(self.text), len(self.sections), len(self.pages))

    @property
    def blanks(self) -> NDArray[np.int64]:
        """(b,) where its white space stands, in text order."""
        return _blanks(self)

    @property
    def headings(self) -> Sequence[Section]:
        """The headings in text order."""
        return self._headings

    def heading_path(self, offset: int) -> tuple[str, ...]:
        """The titles of `headings_over` an offset: where it stands, in words."""
        return tuple(h.title for h in self.headings_over(offset))

    def headings_over(self, offset: int) -> list[Section]:
        """The headings that `offset` stands under, the highest first; a heading stands under itself."""
        path: list[Section] = []
        for heading in self._headings[: bisect_right(self._headings, offset, key=lambda s: s.span.start)]:
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
        return path

    def page_at(self, offset: int) -> int | None:
        """The number of the page that `offset` stands on; None where the format has no pages."""
        i = bisect_right(self.pages, offset, key=lambda page: page[1].start) - 1
        return self.pages[i][0] if i >= 0 else None


@dataclass(frozen=True, slots=True)
class Figures:
    """How large a document is."""

    characters: int
    sections: int
    pages: int


class Unread(Document):
    """A document whose text, sections and pages are read when they are asked for: of many, most are only listed.

    `read` gives the whole document, the same at every call; what it read last is its to keep. Everything else is known.
    """

    __slots__ = ("_figures", "_read")

    def __init__(
        self,
        read: Callable[[], Document],
        figures: Figures,
        *,
        source: str,
        id: str,
        name: str,
        media_type: str,
        parser: str,
        language: str,
        warnings: tuple[str, ...],
    ) -> None:
        known = {"source": source, "id": id, "name": name, "media_type": media_type, "parser": parser}
        known |= {"language": language}
        for field_, value in {**known, "warnings": warnings, "_read": read, "_figures": figures}.items():
            object.__setattr__(self, field_, value)

    @property
    def figures(self) -> Figures:
        return self._figures  # type: ignore[no-any-return, attr-defined]

    @property
    def text(self) -> str:
        return self._whole().text

    @property
    def sections(self) -> tuple[Section, ...]:
        return self._whole().sections

    @property
    def pages(self) -> tuple[tuple[int, Span], ...]:
        return self._whole().pages

    @property
    def headings(self) -> Sequence[Section]:
        return self._whole().headings

    def headings_over(self, offset: int) -> list[Section]:
        return self._whole().headings_over(offset)

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process: the whole document."""
        return Document, tuple(getattr(self, f.name) for f in fields(Document) if f.init)

    def _whole(self) -> Document:
        found: Document = self._read()  # type: ignore[attr-defined]
        if found.id != self.id:
            raise DocumentError(f"{self.name} was read again, and is another text now; remove it and add it again")
        return found


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
        """The text of a span."""
        return self.document(span.document)[span]

    def document(self, id: str) -> Document:
        """The document with this id.

        Raises:
            DocumentError: it is not in this corpus.
        """
        try:
            return self._by_id[id]
        except KeyError:
            raise DocumentError(f"document {id[:8]} is not in this corpus of {len(self)} documents") from None

    def blanks(self, id: str) -> NDArray[np.int64]:
        """(b,) where the white space of a document stands; none in a document that is not here."""
        return self._by_id[id].blanks if id in self._by_id else np.zeros(0, np.int64)

    def nonblank(self, spans: Sequence[Span]) -> list[Span]:
        """The spans counted in characters that are not white space: so gold and hits are measured."""
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

    `parents` (n, 2) int64 are the larger spans that chunks were cut from and that a retriever may return for them
    (`expand: parent`); each holds its chunk. None where the splitter knows none.
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
        """What they take in memory, about."""
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
        """What is embedded for each chunk: its header, a blank line, and its text."""
        text = document.text
        bodies = [text[start:end] for start, end in self.spans.tolist()]
        if not self.headers:
            return bodies
        return [f"{header}\n\n{body}" if header else body for header, body in zip(self.headers, bodies, strict=True)]
