"""Pooled vectors of large corpora, kept document by document: another document costs its own alone."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from workbench.documents import Chunks, Document
from workbench.errors import StoreError
from workbench.pooling import SpanEncoder
from workbench.specs import digest, fingerprint
from workbench.store import Store
from workbench.tasks import Cancelled
from workbench.vectors import Vectors

log = logging.getLogger(__name__)

KIND = "blocks"
"""The kind under which the store keeps them."""

LARGE = 20_000
"""Chunks from which on pooling them anew takes seconds, so that their vectors are worth the disk."""

_TOGETHER = 64  # documents that are read and written at a time: a few megabytes


def pooled_vectors(
    embedder: SpanEncoder,
    name: str,
    parts: Iterable[tuple[Document, Chunks]],
    shape: tuple[int, int],
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Vectors:
    """(n, dim) float32 of this `shape`: the vectors of each document's chunks in turn.

    From `LARGE` chunks on, a document's vectors are taken from the store where they were made before, by the embedder
    with this `name`, and kept there; `progress(done, total)` then counts chunks.

    Raises:
        Cancelled: `cancelled()` said so; what was done is in the store.
    """
    kept = store if shape[0] >= LARGE else None
    report = (progress if kept else None) or (lambda done, total: None)
    found = np.empty(shape, np.float32)
    done = 0
    for some in _batches(parts):
        if cancelled and cancelled():
            raise Cancelled(f"stopped after {done} of {shape[0]} chunks")
        report(done, shape[0])
        keys = [_key(name, document, chunks) for document, chunks in some] if kept else []
        known = kept.get_many(KIND, keys) if kept else {}
        new: dict[str, bytes] = {}
        for i, (document, chunks) in enumerate(some):
            rows = found[done : done + len(chunks)]
            data = known.get(keys[i]) if kept else None
            if data is not None and len(data) == rows.nbytes:
                rows[:] = np.frombuffer(data, "<f4").reshape(rows.shape)
            else:
                rows[:] = embedder.encode_spans(document, chunks, store)
                if kept:
                    new[keys[i]] = rows.astype("<f4").tobytes()
            done += len(chunks)
        if kept and new:
            try:
                kept.put_many(KIND, new)
            except StoreError as error:  # vectors are worth more than their cache
                log.warning("vectors are not kept, and will be made again the next time: %s", error)
                kept = None
    report(done, shape[0])
    return found


def _key(name: str, document: Document, chunks: Chunks) -> str:
    """What decides the vectors: the model, the text, where it is cut, and headers."""
    return fingerprint([name, document.id, digest(chunks.spans.astype("<i8").tobytes()), list(chunks.headers)])


def _batches(parts: Iterable[tuple[Document, Chunks]]) -> Iterator[Sequence[tuple[Document, Chunks]]]:
    rest = iter(parts)
    while some := list(islice(rest, _TOGETHER)):
        yield some
