"""Where passages went that the parsed text does not hold: whether another parser finds them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.documents import Corpus, Document
from workbench.errors import DocumentError
from workbench.golden import find_quote
from workbench.parsers import PARSERS, Parser, parse_safely
from workbench.records import Lost

ORIGINS: dict[str, str] = {
    "parser": "another parser finds it",
    "unanchored": "no parser finds it: lost by all, or never in the file; a person decides",
    "ambiguous": "it stands in several places",
    "gone": "its document is not in the corpus",
    "untried": "other parsers were not tried",
}
"""What is known of a passage without a place, in words."""

Original = Callable[[str], bytes | None]
"""The bytes of the file with a sha256; None where they are not at hand."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A passage without a place, a key of `ORIGINS`, and the kind of the parser that finds it, if one does."""

    lost: Lost
    kind: str
    parser: str = ""


def origins(lost: Sequence[Lost], corpus: Corpus, own: Parser, original: Original | None = None) -> list[Origin]:
    """For each passage whether one of the other parsers that are installed finds it, the first in the registry's order.

    Each file is read at most once by each parser, in a process apart. `own` is the parser that lost the passages.
    """
    texts: dict[tuple[str, str], str] = {}
    others = [kind for kind, cls in PARSERS.items() if kind != own.kind and not cls.missing()]

    def text(document: Document, data: bytes, kind: str) -> str:
        key = document.source, kind
        if key not in texts:
            try:
                texts[key] = parse_safely(document.name, data, PARSERS[kind]()).text
            except DocumentError:  # this parser does not read such files, or not this one: it finds nothing there
                texts[key] = ""
        return texts[key]

    def origin(one: Lost) -> Origin:
        if one.kind in ("ambiguous", "gone"):
            return Origin(one, one.kind)
        document = _document(one, corpus)
        data = original(document.source) if original and document else None
        if document is None or data is None:
            return Origin(one, "untried")
        for kind in others:
            if find_quote(text(document, data, kind), one.quote):
                return Origin(one, "parser", kind)
        return Origin(one, "unanchored")

    return [origin(one) for one in lost]


def _document(lost: Lost, corpus: Corpus) -> Document | None:
    """The document that held the passage: of the same file, else the only one of that name."""
    named = [d for d in corpus if d.name == lost.document]
    same = [d for d in corpus if lost.source and d.source == lost.source]
    return same[0] if same else named[0] if len(named) == 1 else None
