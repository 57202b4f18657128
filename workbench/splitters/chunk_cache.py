"""The chunks of a corpus, kept document by document where there are many: a new document costs its own alone."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np

from workbench.documents import Chunks, Corpus, Document
from workbench.specs import fingerprint
from workbench.splitters.splitter import Splitter
from workbench.store import Store
from workbench.tasks import Cancelled

KIND = "chunks"
"""The kind under which the store keeps them."""

VERSION = 1
"""Raised with each change of what `encoded` writes. What one splitter makes of a text depends on its `revision`."""

MANY_CHARACTERS, MANY_DOCUMENTS = 4_000_000, 500
"""A corpus with more is large: its chunks are worth the disk, and a page does not wait for them."""


def is_large(corpus: Corpus) -> bool:
    """Return whether cutting all of it takes longer than somebody who moves a slider should wait."""
    return corpus.characters > MANY_CHARACTERS or len(corpus) > MANY_DOCUMENTS


def all_chunks(
    corpus: Corpus,
    splitter: Splitter,
    split: Callable[[Document, Splitter], Chunks],
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Chunks]:
    """Return the chunks of each document in turn, by `split`; those of a large corpus from the store if they are there.

    `progress(done, total)` counts documents.

    Raises:
        Cancelled: `cancelled()` returned True; what was cut is in the store.
    """
    total, name, out = len(corpus), splitter.fingerprint, list[Chunks]()

    def tell() -> None:
        if progress:
            progress(len(out), total)
        if len(out) < total and cancelled and cancelled():
            raise Cancelled(f"stopped after {len(out):,} of {total:,} documents")

    def cut(document: Document) -> Chunks:
        return split(document, splitter)

    found = (cut(document) for document in corpus)
    if store and is_large(corpus):
        found = store.memo(KIND, corpus, lambda d: fingerprint([VERSION, name, d.id]), cut, encoded, decoded)
    with closing(found):  # so that what was cut is kept before `Cancelled` leaves here
        tell()
        for chunks in found:
            out.append(chunks)
            tell()
    return out


def encoded(chunks: Chunks) -> bytes:
    """Return the chunks as a line of JSON, then spans and parents as int32; `decoded` reads it."""
    about = {"n": len(chunks), "headers": chunks.headers, "parents": chunks.parents is not None}
    columns: Sequence[np.ndarray] = [chunks.spans, *([] if chunks.parents is None else [chunks.parents])]
    line = json.dumps(about, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"".join([line, b"\n", *(column.astype("<i4").tobytes() for column in columns)])


def decoded(data: bytes, document: Document) -> Chunks | None:
    """Return the chunks of this document that `encoded` wrote; None for another form, or spans that do not fit it."""
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
