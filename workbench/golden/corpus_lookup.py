"""A corpus as golden sets name it: documents by label and by content, quotes found in them, and values checked."""

import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden.quotes import MOST_PLACES, Quotable, approximate, squeezed


def is_text(value: Any) -> bool:
    """Return whether it is text that can be written down again: not empty, no half of a surrogate pair."""
    return isinstance(value, str) and bool(value.strip()) and not any("\ud800" <= c <= "\udfff" for c in value)


def is_whole(value: Any) -> bool:
    """Return whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """Return what kind of JSON value it is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def short(value: Any, bare: bool = False) -> str:
    """Return a value of any size for a message of one line; text in quotation marks unless bare."""
    if isinstance(value, list | dict):
        return kind(value)
    text = " ".join(value.split()) if bare else json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 60 else f"{text[:57]}…"


SHA256_DIGITS = 64


class Unanchored(GoldenError):
    """A reference has no place in this corpus; `kind` as in `records.Lost`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote is now, and how it was found: a key of `anchors.HOW`, and the likeness up to 100."""

    start: int
    end: int
    how: str = "kept"
    score: float = 100.0


class CorpusLookup:
    """Finds documents and quotes in a corpus; each document is prepared for searching once.

    `successors` maps the sha256 of a file to that of the file that replaced it.
    """

    def __init__(self, corpus: Corpus, successors: Mapping[str, str] | None = None) -> None:
        self.documents = corpus.documents
        self._successors = successors or {}
        self._texts: dict[str, Quotable] = {}
        self._named: dict[str, list[Document]] = {}
        for document in corpus:
            self._named.setdefault(document.name, []).append(document)

    def text(self, document: Document) -> Quotable:
        """Return the document's text, ready for searching."""
        if document.id not in self._texts:
            self._texts[document.id] = Quotable(document.text)
        return self._texts[document.id]

    def document(self, name: Any, source: Any) -> Document:
        """Return the one document that the label means; the file's sha256 settles it where the label does not.

        Raises:
            Unanchored: there is no such document, or more than one.
            GoldenError: the label or the source is not valid.
        """
        if not is_text(name):
            raise GoldenError(f"document must be a name, not {short(name)}")
        if source is not None and not (isinstance(source, str) and len(source) == SHA256_DIGITS):
            raise GoldenError(f"source must be a sha256 of {SHA256_DIGITS} hex digits, not {short(source)}")
        named = self._named.get(name, [])
        if len(named) == 1:
            return named[0]
        same = [d for d in named or self.documents if source is not None and d.source == source]
        if not named and not same and source is not None:
            source = self._latest(source)
            same = [d for d in self.documents if d.source == source]
        if len(same) == 1:
            return same[0]  # with no document of this name: the file was renamed or replaced
        if not named and not same:
            raise Unanchored("gone", f"document {short(name)} is not in the corpus of {len(self.documents)} documents")
        if same:
            raise Unanchored(
                "ambiguous", f"document {short(name)} is in the corpus {len(same)} times; remove all but one"
            )
        remedy = "their source (sha256) is another" if source else "give its source, the file's sha256"
        raise Unanchored("ambiguous", f"document {short(name)} is the name of {len(named)} documents; {remedy}")

    def labelled(self, label: str) -> list[Document]:
        """Return the documents with this name, or with this name but for its suffix."""
        return self._named.get(label) or [d for d in self.documents if PurePath(d.name).stem == label]

    def place(
        self,
        document: Document,
        quote: str,
        at: tuple[int, int] | None = None,
        context: tuple[str, str] = ("", ""),
        nearly: bool = False,
    ) -> Place:
        """Return where the quote is in the document now; `nearly` also finds it approximately.

        Raises:
            Unanchored: it is not found, or its place is ambiguous.
        """
        text = self.text(document)
        stands = document.text[slice(*at)] if at is not None and at[1] <= len(document.text) else ""
        if at is not None and stands == quote:
            return Place(*at)
        # Equal but for blanks is in its place: where a parser breaks lines makes no repeated passage ambiguous.
        if at is not None and stands and squeezed(stands) == squeezed(quote):
            return Place(*at, "respaced")
        # Offsets of a text whose line ends were read as one character each, as Python's open() does.
        if at is not None and "\r\n" in document.text:
            start, end = _with_returns(document.text, at)
            if squeezed(document.text[start:end]) == squeezed(quote):
                return Place(start, end, "moved")
        places = text.find(quote)
        one = places[0] if len(places) == 1 else text.by_context(places, *context)
        if one is not None:
            same = document.text[slice(*one)] == quote
            return Place(*one, "respaced" if not same else "moved" if at is not None else "kept")
        why = ""
        if nearly and not places:
            near, why = approximate(text, quote)
            if near is not None:
                return Place(near.start, near.end, "approximate", near.score)
        raise self._unanchored(document, quote, at, len(places), why)

    def _unanchored(
        self, document: Document, quote: str, at: tuple[int, int] | None, found: int, why: str
    ) -> Unanchored:
        size = len(document.text)
        if at is None:
            what = "has no offsets, and its quote"
        else:
            where = "does not hold its quote" if at[1] <= size else f"is outside the {size:,} characters"
            what = f"{short(at[0])}..{short(at[1])} {where}, and the quote"
        times = f"{found} times" if found < MOST_PLACES else f"{MOST_PLACES} times or more"
        found_in = f"is found {times} in" if found else "is not in"
        kind = "ambiguous" if found or "as much like" in why else "lost"
        return Unanchored(kind, f"{what} {short(quote)} {found_in} {short(document.name)}{why}")

    def _latest(self, source: str) -> str:
        """Return the file that took this one's place, or the place of the one that did."""
        seen = {source}
        while (following := self._successors.get(source)) is not None and following not in seen:
            seen.add(source := following)
        return source


def _with_returns(text: str, at: tuple[int, int]) -> tuple[int, int]:
    """Map offsets of the text with a line feed for each CR LF to offsets of the text itself."""
    ends = [m.start() - i for i, m in enumerate(re.finditer("\r\n", text))]  # of line feeds, counted without returns
    return at[0] + bisect_left(ends, at[0]), at[1] + bisect_left(ends, at[1])
