"""Documents parsed once and kept in the store; corpora put together once and held in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from workbench.documents import Corpus, Document, Figures, Section
from workbench.errors import SpecError, WorkbenchError
from workbench.memory_cache import MemoryCache, cached
from workbench.parsers import Parser
from workbench.spans import Span
from workbench.specs import fingerprint
from workbench.store import Store
from workbench.workspaces.manifest import Source

Parse = Callable[[str, bytes, Parser], Document]
"""name, bytes, parser → Document; raises DocumentError where the file cannot be read."""

FORMAT = 1
"""Goes up with every change of what `to_json` writes; entries of another version are parsed again."""

KIND = "card"
"""The store's kind of entry for what a list shows of a parsed document: everything but its text."""

_CARD = ("source", "id", "media_type", "parser", "language")
_WHOLE = ("source", "id", "name", "text", "media_type", "parser", "language")
_TOGETHER = 1_000  # cards that are written at a time


@dataclass(frozen=True, slots=True)
class File:
    """What is to be parsed: a label, the sha256 of the bytes, a way to get them, and the parser."""

    name: str
    id: str
    read: Callable[[], bytes]
    parser: Parser

    @property
    def key(self) -> str:
        """The identity of its document: bytes, parser, and the suffix, which can decide the format."""
        return fingerprint([FORMAT, self.id, _fingerprint(self.parser), Path(self.name).suffix.lower()])


@lru_cache(maxsize=64)
def _fingerprint(parser: Parser) -> str:
    return parser.fingerprint


@lru_cache(maxsize=8)
def store_of(home: Path) -> Store:
    """Return the store that all workspaces of a WORKBENCH_HOME share."""
    return Store(home / "store")


def parsed(parse: Parse, store: Store, name: str, id: str, read: Callable[[], bytes], parser: Parser) -> Document:
    """Return the document of the bytes with this sha256: from the store, or else parsed and kept there."""
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
    """Return for each file its document, or why there is none: `parsed`, with one look into the store for all.

    Of documents that were parsed before only the card is read; their text is read when it is asked for.
    `progress(done, total)` counts the files that are new.
    """
    keys = [file.key for file in files]
    cards = store.get_many(KIND, store.held("document", keys))  # a card without its document would promise too much
    out: list[Document | WorkbenchError] = []
    new: dict[str, bytes] = {}
    missing, done = sum(key not in cards for key in keys), 0
    for file, key in zip(files, keys, strict=True):
        document = _listed(cards[key], parse, store, file, key) if key in cards else None
        if document is None:
            progress(done, missing)
            done += 1
            try:
                document, is_kept = _whole(parse, store, file, key)
            except WorkbenchError as error:
                out.append(error)
                continue
            if is_kept:  # else it is larger than the whole store, and would be parsed at every look
                new[key] = _card(document)
                document = _listed(new[key], parse, store, file, key) or document
        out.append(document)
        if len(new) >= _TOGETHER:
            store.keep(KIND, new)
            new = {}
    store.keep(KIND, new)
    return out


def _whole(parse: Parse, store: Store, file: File, key: str) -> tuple[Document, bool]:
    """Return the document with its text, and whether the store holds it now."""
    with suppress(LookupError):
        return _kept(store, key, file.name), True
    document = parse(file.name, file.read(), file.parser)
    store.put("document", key, to_json(document))
    with suppress(LookupError):
        return _kept(store, key, file.name), True
    return document, False


@cached(256 << 20, lambda document: 1_000 + 2 * len(document.text))
def _kept(store: Store, key: str, name: str) -> Document:
    """Return the document that was parsed before.

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


def _card(document: Document) -> bytes:
    figures = document.figures
    values = {name: getattr(document, name) for name in _CARD}
    values |= {"figures": (figures.characters, figures.sections, figures.pages), "warnings": document.warnings}
    return _json(values)


def _listed(card: bytes, parse: Parse, store: Store, file: File, key: str) -> Document | None:
    """Return the document of this card, its text unread; None for a card of another form."""
    try:
        values = json.loads(card.decode("utf-8", "surrogatepass"))
        figures, warnings = Figures(*values.pop("figures")), tuple(values.pop("warnings"))
        read = partial(_read, parse, store, file, key, values["id"])
        return Document(**values, name=file.name, warnings=warnings, figures=figures, read=read)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _read(parse: Parse, store: Store, file: File, key: str, id: str) -> Document:
    """Return the whole document. If it was parsed again to another text than its card says, renew the card."""
    whole, is_kept = _whole(parse, store, file, key)
    if is_kept and whole.id != id:
        store.keep(KIND, {key: _card(whole)})
    return whole


def to_json(document: Document) -> bytes:
    """Encode the whole document for `from_json`."""
    data: dict[str, Any] = {name: getattr(document, name) for name in _WHOLE}
    data["sections"] = [(s.kind, s.level, s.span.start, s.span.end, s.title) for s in document.sections]
    data["pages"] = [(number, span.start, span.end) for number, span in document.pages]
    return _json(data | {"warnings": document.warnings})


def from_json(data: bytes, name: str) -> Document:
    """Decode the document that `to_json` wrote, under this name."""
    values = json.loads(data.decode("utf-8", "surrogatepass"))
    id = values["id"]
    sections = tuple(Section(kind, level, Span(id, a, b), title) for kind, level, a, b, title in values.pop("sections"))
    pages = tuple((number, Span(id, a, b)) for number, a, b in values.pop("pages"))
    warnings = tuple(values.pop("warnings"))
    return Document(**{**values, "name": name}, sections=sections, pages=pages, warnings=warnings)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that could not be read, and why; the others of its corpus stay."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A corpus, the sources that it was put together from, and its documents by (id, name, parser) of their file."""

    sources: Sequence[Source]
    documents: Mapping[tuple[str, str, str], Document]
    corpus: Corpus


OPENED: MemoryCache[Opened] = MemoryCache(200 << 20, lambda opened: 2_000 * (1 + len(opened.documents)))
"""The corpora put together last, by workspace and parser: a page need not look at every document at each run.

Weighed at 2 kB a document: texts are not held here.
"""


def opened(
    name: Any,
    sources: Sequence[Source],
    file: Callable[[Source], File],
    read: Callable[[Sequence[File]], Sequence[Document | WorkbenchError]],
) -> tuple[Corpus, tuple[Refusal, ...]]:
    """Return the corpus of these sources, and what could not be read.

    Documents that were opened before under this `name` are taken as they are; the others are read by `read`, all at
    once. What could not be read is tried again at every call.
    """
    known = OPENED.get(name)
    if known is not None and known.sources is sources and len(known.documents) == len(sources):
        return known.corpus, ()
    before = known.documents if known else {}
    here: dict[tuple[str, str, str], Document] = {}
    refusals: list[Refusal] = []
    new: list[tuple[tuple[str, str, str], Source, File]] = []
    for source in sources:
        key = source.id, source.name, repr(source.parser)
        if key in before:
            here[key] = before[key]
            continue
        try:
            new.append((key, source, file(source)))
        except WorkbenchError as error:
            refusals.append(Refusal(source, str(error)))
    for (key, source, _), found in zip(new, read([one for *_, one in new]), strict=True):
        if isinstance(found, Document):
            here[key] = found
        else:
            refusals.append(Refusal(source, str(found)))
    corpus = known.corpus if known and here == before else Corpus(tuple(here.values()))
    OPENED.put(name, Opened(sources, here, corpus))
    return corpus, tuple(refusals)
