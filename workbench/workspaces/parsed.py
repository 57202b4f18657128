"""Documents as JSON in the store, so that a file is parsed once, and objects in memory, so that they are read once."""

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from workbench.documents import Document, Figures, Section, Unread
from workbench.errors import SpecError, StoreError, WorkbenchError
from workbench.memory_cache import cached
from workbench.parsers import Parser
from workbench.spans import Span
from workbench.specs import fingerprint
from workbench.store import Store

log = logging.getLogger(__name__)

Parse = Callable[[str, bytes, Parser], Document]
"""name, bytes, parser → Document; raises DocumentError where the file cannot be read."""

FORMAT = 1
"""Goes up with every change of what `to_json` writes; what an older or newer version kept is parsed anew."""

KIND = "card"
"""The kind under which the store keeps what lists show of parsed documents."""

_PLAIN = ("source", "id", "name", "text", "media_type", "parser", "language")
_LISTED = ("source", "id", "media_type", "parser", "language")
_TOGETHER = 1_000  # cards that are written at a time


@dataclass(frozen=True, slots=True)
class File:
    """What is to be parsed: a label, the sha256 of the bytes, how to get these, and the parser."""

    name: str
    id: str
    read: Callable[[], bytes]
    parser: Parser

    @property
    def key(self) -> str:
        """What decides the document: the bytes, the parser, and the suffix, which can tell it the format."""
        return fingerprint([FORMAT, self.id, _name(self.parser), Path(self.name).suffix.lower()])


@lru_cache(maxsize=64)
def _name(parser: Parser) -> str:
    return parser.fingerprint


def parsed(parse: Parse, store: Store, name: str, id: str, read: Callable[[], bytes], parser: Parser) -> Document:
    """The document of the bytes with this sha256, parsed only where that never happened, and then kept in the store.

    Its text is read from there when it is asked for.
    """
    found = all_parsed(parse, store, [File(name, id, read, parser)])[0]
    if isinstance(found, WorkbenchError):
        raise found
    return found


def all_parsed(
    parse: Parse,
    store: Store,
    files: Sequence[File],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Document | WorkbenchError]:
    """For each file its document, or why there is none: `parsed`, with one look into the store for all.

    Of documents that were parsed before only a card is read (`KIND`): how large they are, and what they are called.
    `progress(done, total)` counts the files that are new.
    """
    keys = [file.key for file in files]
    cards = store.get_many(KIND, store.held("document", keys))  # a card without its document would promise too much
    out: list[Document | WorkbenchError] = []
    new: dict[str, bytes] = {}
    missing, done = sum(key not in cards for key in keys), 0
    for file, key in zip(files, keys, strict=True):
        listed = _listed(cards[key], parse, store, file, key) if key in cards else None
        if listed is None:
            progress(done, missing)
            done += 1
            try:
                whole, is_kept = _whole(parse, store, file, key)
            except WorkbenchError as error:
                out.append(error)
                continue
            listed = whole
            if is_kept:  # else it is larger than the whole store, and would be parsed at every look
                card = new[key] = _card(whole)
                listed = _listed(card, parse, store, file, key) or whole
        out.append(listed)
        if len(new) >= _TOGETHER:
            _keep(store, new)
    _keep(store, new)
    return out


def _keep(store: Store, cards: dict[str, bytes]) -> None:
    try:
        store.put_many(KIND, cards)
    except StoreError as error:  # without them, documents are read whole at the next start
        log.warning("the cards of %d documents are not kept: %s", len(cards), error)
    cards.clear()


def _whole(parse: Parse, store: Store, file: File, key: str) -> tuple[Document, bool]:
    """The document with its text, and whether the store holds it now."""
    with suppress(LookupError):
        return _kept(store, key, file.name), True
    document = parse(file.name, file.read(), file.parser)
    store.put("document", key, to_json(document))
    with suppress(LookupError):
        return _kept(store, key, file.name), True
    return document, False


def _card(document: Document) -> bytes:
    """What a list shows of a document, as JSON."""
    figures = document.figures
    values = {name: getattr(document, name) for name in _LISTED}
    values |= {"figures": (figures.characters, figures.sections, figures.pages), "warnings": document.warnings}
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _listed(card: bytes, parse: Parse, store: Store, file: File, key: str) -> Document | None:
    """The document of this card, its text unread; None where the card is of another form."""
    try:
        values = json.loads(card.decode("utf-8", "surrogatepass"))
        figures, warnings = Figures(*values.pop("figures")), tuple(values.pop("warnings"))
        read = partial(_read, parse, store, file, key, values["id"])
        return Unread(read, figures, **values, name=file.name, warnings=warnings)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _read(parse: Parse, store: Store, file: File, key: str, id: str) -> Document:
    """The document with its text. Was it parsed again, to another text than the card says, that gets a card too."""
    whole, is_kept = _whole(parse, store, file, key)
    if is_kept and whole.id != id:
        _keep(store, {key: _card(whole)})
    return whole


@cached(256 << 20, lambda document: 1_000 + 2 * len(document.text), key=lambda store, key, name: (store, key, name))
def _kept(store: Store, key: str, name: str) -> Document:
    """The document that was parsed before, the same object each time.

    Raises:
        LookupError: the store has none, or one of another form.
    """
    data = store.get("document", key)
    if data is None:
        raise LookupError(key)
    try:
        return from_json(data, name)
    except (TypeError, ValueError, SpecError) as error:
        raise LookupError(key) from error


@lru_cache(maxsize=8)
def store_of(home: Path) -> Store:
    """The cache that all workspaces of a WORKBENCH_HOME share."""
    return Store(home / "store")


def to_json(document: Document) -> bytes:
    """The whole document; `from_json` gives it back."""
    data: dict[str, Any] = {name: getattr(document, name) for name in _PLAIN}
    data["sections"] = [(s.kind, s.level, s.span.start, s.span.end, s.title) for s in document.sections]
    data["pages"] = [(number, span.start, span.end) for number, span in document.pages]
    data["warnings"] = document.warnings
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")


def from_json(data: bytes, name: str) -> Document:
    """The document that `to_json` wrote, under this name."""
    values = json.loads(data.decode("utf-8", "surrogatepass"))
    id = values["id"]
    sections = tuple(Section(kind, level, Span(id, a, b), title) for kind, level, a, b, title in values.pop("sections"))
    pages = tuple((number, Span(id, a, b)) for number, a, b in values.pop("pages"))
    warnings = tuple(values.pop("warnings"))
    return Document(**{**values, "name": name}, sections=sections, pages=pages, warnings=warnings)
