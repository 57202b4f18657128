"""The one writer through which every parser makes a text with sections at exact spans.

A section is opened before its text is written and closed after it, so `text[start:end]` holds by construction. Breaks
between blocks are kept back until something follows them; a section therefore neither starts nor ends with one.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from workbench.documents import SECTION_KINDS, Document, Section
from workbench.errors import DocumentError
from workbench.parsers.detect import decode
from workbench.spans import Span
from workbench.specs import digest, fingerprint


@dataclass(slots=True)
class RawDocument:
    """What a parser makes of a file before it has an identity: plain values that can cross to another process.

    Sections are (kind, level, start, end, title), pages (number, start, end).
    """

    text: str
    sections: list[tuple[str, int, int, int, str]]
    pages: list[tuple[int, int, int]]
    warnings: list[str]
    media_type: str
    engine: str
    """The engine that ran, with its version: a part of the document's identity."""
    language: str = ""

    def document(self, name: str, data: bytes) -> Document:
        """Return the document that this reading of the file `data` becomes."""
        source = digest(data)
        id = fingerprint([source, self.engine, self.text])
        return Document(
            source=source,
            id=id,
            name=name,
            text=self.text,
            sections=tuple(Section(k, level, Span(id, s, e), title) for k, level, s, e, title in self.sections),
            pages=tuple((number, Span(id, s, e)) for number, s, e in self.pages),
            media_type=self.media_type,
            parser=self.engine,
            language=self.language,
            warnings=tuple(self.warnings),
        )

    def to_plain(self) -> dict[str, Any]:
        """Return plain JSON values for `from_plain`."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any], name: str) -> "RawDocument":
        """Check and decode what `to_plain` wrote in a process that has read the foreign file `name`.

        Raises:
            DocumentError: naming the file: a value of another type, or a span outside the text.
        """
        try:
            text = str(data["text"])
            sections = [(str(k), int(level), int(s), int(e), str(t)) for k, level, s, e, t in data["sections"]]
            pages = [(int(n), int(s), int(e)) for n, s, e in data["pages"]]
            warnings = [str(w) for w in data["warnings"]]
            draft = cls(
                text, sections, pages, warnings, str(data["media_type"]), str(data["engine"]), str(data["language"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DocumentError(
                f"{name}: the process that read it gave an answer of another form ({error}). Save it again."
            ) from None
        spans = [(s, e) for _, _, s, e, _ in sections] + [(s, e) for _, s, e in pages]
        if any(not 0 <= s <= e <= len(text) for s, e in spans) or any(k not in SECTION_KINDS for k, *_ in sections):
            raise DocumentError(
                f"{name}: the process that read it gave sections that do not fit its text. Save it again, or choose "
                "another parser."
            )
        return draft


MAX_CHARACTERS = 50_000_000
MAX_SECTIONS = 300_000

_UNSAFE = re.compile("[\0\ud800-\udfff]")
_BLANKS = re.compile(r"[ \t\n\r\f]+")


def clean(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced by U+FFFD, one for one."""
    return _UNSAFE.sub("\ufffd", text)


class Writer:
    """Collects text, sections, pages and warnings for a `RawDocument`."""

    def __init__(self, encoding: str = "", limit: int = MAX_CHARACTERS) -> None:
        self.encoding = encoding
        """The encoding that the user named for text formats; "" to detect it."""
        self.length = 0
        self._sections: list[tuple[int, int, int, tuple[str, int, int, int, str]]] = []  # start, -end, order, section
        self.pages: list[tuple[int, int, int]] = []
        self.warnings: list[str] = []
        self._limit = limit
        self._parts: list[str] = []
        self._newlines = 0
        self._tabs = 0
        self._marker = ""
        self._blank = False
        self._fresh_cell = False
        self._cells: list[bool] = []  # of each cell of the open row: whether it holds several lines
        self._waiting: list[_Open] = []
        self._unmarked = 0
        self._order = 0

    def decoded(self, data: bytes, declared: str = "") -> str:
        """Return `data` as text in the user's, the declared or a detected encoding; warn of what was guessed."""
        text, warnings = decode(data, self.encoding, declared)
        for warning in warnings:
            self.warn(warning)
        return text

    def write(self, text: str) -> None:
        """Append `text` as it is, after any break that was kept back."""
        if not text:
            return
        self._flush()
        if self._cells and "\n" in text:
            self._cells[-1] = True
        self._append(clean(text))

    def verbatim(self, text: str) -> None:
        """Append `text` as it is, its last line breaks only if something follows."""
        body = text.rstrip("\n")
        self.write(body)
        if self.length:
            self._newlines += len(text) - len(body)

    def flow(self, text: str) -> None:
        """Append `text` with each run of white space folded to one blank, as a browser does."""
        if not text:
            return
        words = _BLANKS.sub(" ", text)
        if words[0] == " ":
            self.blank()
            words = words[1:]
        if not words.strip():  # nothing, or no-break spaces that only keep a place open
            self.blank()
            return
        trailing = words[-1] == " "
        self.write(words[:-1] if trailing else words)
        if trailing:
            self.blank()

    def blank(self) -> None:
        """Put one blank before what follows, unless there is a break."""
        self._blank = True

    def separate(self, newlines: int) -> None:
        """Put at least so many newlines before what follows; inside a cell at most one, none at its start."""
        if self._fresh_cell or self._marker:
            return
        self._forget_tabs()
        self._newlines = max(self._newlines, min(newlines, 1) if self._cells else newlines)

    def hold(self, marker: str) -> None:
        """Keep a list item's marker until its text comes; "" drops it."""
        self._marker = marker

    @contextmanager
    def section(self, kind: str, level: int = 1, title: str = "") -> Iterator[None]:
        """A section around what is written inside; dropped if that is nothing. A heading's title is its text."""
        place = self.anchor()
        yield
        if place.start is None:
            self._waiting.remove(place)
        elif self.length > place.start:
            text = "" if kind != "heading" or title else "".join(self._parts[place.part :])
            if kind != "heading" or title or text.strip():
                self.mark(kind, level, place.start, self.length, title or text, place.order)

    @contextmanager
    def row(self, level: int = 1) -> Iterator[None]:
        """A row of a table, on a line of its own."""
        outer, self._cells = self._cells, []
        fresh, self._fresh_cell = self._fresh_cell, False
        if not (outer and fresh):
            self.separate(1)
        with self.section("row", level):
            yield
            self._forget_tabs()
            self._fresh_cell = False
        self._cells = outer
        if outer:
            outer[-1] = True
        self.separate(1)

    @contextmanager
    def cell(self, first: bool) -> Iterator[None]:
        """A cell of a row, after a tab, or after a line break if a cell before it has several lines."""
        if not first:
            if any(self._cells):
                self._cells.clear()
                self.separate(1)
            else:
                self._tabs += 1
                self._blank = False
        self._cells.append(False)
        self._fresh_cell = True
        start, newlines = self.length, self._newlines
        yield
        self._fresh_cell = False
        self._newlines = newlines if self.length == start else 0

    @contextmanager
    def page(self, number: int) -> Iterator[None]:
        """A page around what is written inside; an empty span if that is nothing."""
        place = self.anchor()
        yield
        if place.start is None:
            self._waiting.remove(place)
            place.start = self.length
        self.pages.append((number, place.start, self.length))

    def anchor(self) -> "_Open":
        """Return a place whose `start` is set when the next text is written; None until then."""
        self._order += 1
        place = _Open(self._tabs + len(self._marker), self._order)
        self._waiting.append(place)
        return place

    def forget(self, place: "_Open") -> None:
        """Drop an anchor, if nothing was written."""
        if place in self._waiting:
            self._waiting.remove(place)

    def mark(self, kind: str, level: int, start: int, end: int, title: str = "", order: int = 0) -> None:
        """Mark a section around text already written; of two with the same span mark the outer one first."""
        if not order:
            self._order += 1
            order = self._order
        if len(self._sections) < MAX_SECTIONS:
            section = (kind, level, start, end, clean(" ".join(title.split()))[:1000])
            self._sections.append((start, -end, order, section))
        else:
            self._unmarked += 1

    def warn(self, message: str) -> None:
        """Add a line for the user, each once."""
        message = clean(message)
        if message not in self.warnings:
            self.warnings.append(message)

    def draft(self, engine: str, media_type: str) -> RawDocument:
        """Return what was written. Sections are in text order, the outer before the inner."""
        if self._unmarked:
            self.warn(
                f"{self._unmarked:,} sections beyond the first {MAX_SECTIONS:,} (most likely rows) are not marked"
            )
        sections = [section for *_, section in sorted(self._sections)]
        return RawDocument("".join(self._parts), sections, self.pages, self.warnings, media_type, engine)

    def _flush(self) -> None:
        gap = "\n" * self._newlines if self.length else ""
        if gap and self._cells and not self._fresh_cell:
            self._cells[-1] = True
        lead = "\t" * self._tabs + self._marker
        if not (gap or lead) and self._blank and self.length and self._parts[-1][-1] not in " \n\t":
            gap = " "
        self._append(gap)
        start = self.length
        for place in self._waiting:
            place.start = start + min(place.lead, len(lead))
            place.part = len(self._parts)
        self._append(lead)
        self._waiting.clear()
        self._newlines, self._tabs, self._marker = 0, 0, ""
        self._blank = self._fresh_cell = False

    def _append(self, text: str) -> None:
        if text:
            self.length += len(text)
            if self.length > self._limit:
                raise DocumentError(
                    f"it holds more than {self._limit:,} characters of text, the limit. Split it into parts."
                )
            self._parts.append(text)

    def _forget_tabs(self) -> None:
        self._tabs = 0
        for place in self._waiting:
            place.lead = 0


class _Open:
    """A place set when text is written there; `lead`: the characters of tabs and marker before it."""

    __slots__ = ("lead", "order", "part", "start")

    def __init__(self, lead: int, order: int) -> None:
        self.order = order
        self.start: int | None = None
        self.lead = lead
        self.part = 0
