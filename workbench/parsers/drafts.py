"""What an engine makes of a file before it has an identity: plain values that can cross to another process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.documents import SECTION_KINDS, Document, Section
from workbench.errors import DocumentError
from workbench.spans import Span
from workbench.specs import digest, fingerprint


@dataclass(slots=True)
class Draft:
    """A text with sections (kind, level, start, end, title) and pages (number, start, end)."""

    text: str
    sections: list[tuple[str, int, int, int, str]]
    pages: list[tuple[int, int, int]]
    warnings: list[str]
    media_type: str
    engine: str
    """The engine that ran, with its version: a part of the document's identity."""
    language: str = ""

    def document(self, name: str, data: bytes) -> Document:
        """The document that this draft of `data` becomes."""
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
        """Plain JSON values."""
        return {
            "text": self.text,
            "sections": self.sections,
            "pages": self.pages,
            "warnings": self.warnings,
            "media_type": self.media_type,
            "engine": self.engine,
            "language": self.language,
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any], name: str) -> "Draft":
        """The draft that `to_plain` wrote, checked: it comes from a process that has read the foreign file `name`.

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
                f"{name}: the process that read it gave an answer of another form ({error}). Save it anew."
            ) from None
        spans = [(s, e) for _, _, s, e, _ in sections] + [(s, e) for _, s, e in pages]
        if any(not 0 <= s <= e <= len(text) for s, e in spans) or any(k not in SECTION_KINDS for k, *_ in sections):
            raise DocumentError(
                f"{name}: the process that read it gave sections that do not fit its text. Save it anew, or choose "
                "another parser."
            )
        return draft
