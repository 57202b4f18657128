"""The chunks of a corpus, kept document by document where there are many: another document costs its own alone."""

import json
import logging
from collections.abc import Callable, Sequence

import numpy as np

from workbench.documents import Chunks, Corpus, Document
from workbench.embedders import Cancelled
from workbench.errors import StoreError
from workbench.specs import fingerprint
from workbench.splitters.splitter import Splitter
from workbench.store import Store

log = logging.getLogger(__name__)

KIND = "chunks"
"""The kind under which the store keeps them."""

VERSION = 1
"""Goes up with every change of what `encoded` writes. What one splitter makes of a text is told by its `revision`."""

MANY_CHARACTERS, MANY_DOCUMENTS = 4_000_000, 500
"""A corpus with more is large: its chunks are worth the disk, and a page does not wait for them."""

_TOGETHER = 256  # documents that are read and written at a time


def is_large(corpus: Corpus) -> bool:
    """Whether cutting all of it takes longer than somebody who moves a slider should wait."""
    return corpus.characters > MANY_CHARACTERS or len(corpus) > MANY_DOCUMENTS


def all_chunks(
    corpus: Corpus,
    splitter: Splitter,
    split: Callable[[Document, Splitter], Chunks],
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Chunks]:
    """The chunks of each document in turn, by `split`; of a large corpus taken from the store where they are there.

    `progress(done, total)` counts documents.

    Raises:
        Cancelled: `cancelled()` said so; what was cut is in the store.
    """
    kept, name = store if is_large(corpus) else None, splitter.fingerprint
    report = progress or (lambda done, total: None)
    out: list[Chunks] = []
    for first in range(0, len(corpus), _TOGETHER):
        some = corpus.documents[first : first + _TOGETHER]
        keys = [fingerprint([VERSION, name, document.id]) for document in some] if kept else []
        known = kept.get_many(KIND, keys) if kept else {}
        new: dict[str, bytes] = {}
        for i, document in enumerate(some):
            report(len(out), len(corpus))
            if cancelled and cancelled():
                _keep(kept, new)
                raise Cancelled(f"stopped after {len(out):,} of {len(corpus):,} documents")
            data = known.get(keys[i]) if kept else None
            found = None if data is None else decoded(data, document)
            if found is None:
                found = split(document, splitter)
                if kept:
                    new[keys[i]] = encoded(found)
            out.append(found)
        kept = _keep(kept, new)
    report(len(out), len(corpus))
    return out


def _keep(store: Store | None, new: dict[str, bytes]) -> Store | None:
    """The store; None once it refused: the chunks are made again the next time."""
    if store and new:
        try:
            store.put_many(KIND, new)
        except StoreError as error:
            log.warning("chunks are not kept: %s", error)
            return None
    return store


def encoded(chunks: Chunks) -> bytes:
    """The chunks as a line of JSON, then spans and parents as int32; `decoded` gives them back."""
    about = {"n": len(chunks), "headers": chunks.headers, "parents": chunks.parents is not None}
    columns: Sequence[np.ndarray] = [chunks.spans, *([] if chunks.parents is None else [chunks.parents])]
    line = json.dumps(about, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"".join([line, b"\n", *(column.astype("<i4").tobytes() for column in columns)])


def decoded(data: bytes, document: Document) -> Chunks | None:
    """The chunks of this document that `encoded` wrote; None where they are of another form, or do not fit it."""
    line, _, rest = data.partition(b"\n")
    try:
        about = json.loads(line.decode("utf-8", "surrogatepass"))
        n, headers = int(about["n"]), tuple(map(str, about["headers"]))
        columns = np.frombuffer(rest, "<i4").astype(np.int64).reshape(2 if about["parents"] else 1, n, 2)
        chunks = Chunks(document.id, columns[0], headers, columns[1] if about["parents"] else None)
    except (KeyError, TypeError, ValueError):
        return None
    spans, size = chunks.spans, document.figures.characters
    fits = not n or bool(spans.min() >= 0 and spans.max() <= size and (spans[:, 0] <= spans[:, 1]).all())
    return chunks if fits else None
