"""Documents as JSON in the store, so that a file is parsed once, and objects in memory, so that they are read once."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.caches import kept
from workbench.documents import Corpus, Document, Section
from workbench.errors import SpecError
from workbench.parsers import Parser
from workbench.spans import Span
from workbench.specs import fingerprint
from workbench.store import Store

Parse = Callable[[str, bytes, Parser], Document]
"""name, bytes, parser → Document; raises DocumentError where the file cannot be read."""

FORMAT = 1
"""Goes up with every change of what `to_json` writes; what an older or newer version kept is parsed anew."""

_PLAIN = ("source", "id", "name", "text", "media_type", "parser", "language")


def parsed(parse: Parse, store: Store, name: str, id: str, read: Callable[[], bytes], parser: Parser) -> Document:
    """The document of the bytes with this sha256, parsed only where that never happened, and then kept in the store."""
    suffix = Path(name).suffix.lower()  # can tell a parser the format
    key = fingerprint([FORMAT, id, parser.fingerprint, suffix])
    with suppress(LookupError):
        return _kept(store, key, name)
    document = parse(name, read(), parser)
    store.put("document", key, to_json(document))
    try:
        return _kept(store, key, name)
    except LookupError:  # larger than the whole store
        return document


@kept(1 << 30, lambda document: 1_000 + 2 * len(document.text))
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


CORPORA: dict[Any, Corpus] = {}
"""The corpora put together last, by what decides them."""

_MOST_CORPORA = 4


def remember(name: Any, corpus: Corpus) -> None:
    """Keep a corpus, so that a page of a large one need not look at every document at each run."""
    while len(CORPORA) >= _MOST_CORPORA:
        CORPORA.pop(next(iter(CORPORA)), None)
    CORPORA[name] = corpus


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
