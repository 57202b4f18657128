"""Vectors kept in the store: each distinct text is embedded once, and large corpora are pooled document by document."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing

import numpy as np

from workbench import endpoints
from workbench.documents import Chunks, Document
from workbench.embedders.embedder import Embedder, SpanEncoder
from workbench.errors import StoreError
from workbench.specs import digest, fingerprint
from workbench.store import Store
from workbench.tasks import Cancelled
from workbench.vectors import Vectors

log = logging.getLogger(__name__)

KIND = "vectors"
"""The kind under which the store keeps them."""

_PAUSE = 0.25  # seconds between two reports of progress, and between two writes to the store


def embed(
    embedder: Embedder,
    texts: Sequence[str],
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    queries: bool = False,
) -> Vectors:
    """Return (n, dim) float32, a row for each text, taken from the store where it was embedded before.

    `progress(done, total)` counts the distinct texts that are new to the store; it is called with (0, total) at the
    start, a few times a second, and with (total, total) at the end. `cancelled()` is called between batches. Where the
    store takes nothing (a full disk), the vectors are made all the same, and not kept. Queries are encoded one at a
    time: a model's figures differ in the last digits with what else is in the batch.

    Raises:
        Cancelled: `cancelled()` returned True; the vectors that were ready are in the store.
    """
    if embedder.full is not embedder:
        full = embed(embedder.full, texts, store, progress, cancelled, queries=queries)
        return embedder.finished(full, queries)
    width = embedder.dimensions
    keys = _keys(embedder, texts, queries)
    by_key = dict(zip(keys, texts, strict=True))
    rows: dict[str, Vectors] = {}
    for key, data in (store.get_many(KIND, by_key) if store else {}).items():
        if len(data) == 4 * width:
            rows[key] = np.frombuffer(data, "<f4")
    new = [key for key in by_key if key not in rows]

    report = progress or (lambda done, total: None)
    report(0, len(new))
    unsaved: dict[str, bytes] = {}
    done, last = 0, time.monotonic()
    wanted = [by_key[key] for key in new]
    try:
        for batch in np.arange(len(wanted)).reshape(-1, 1) if queries else embedder.batches(wanted):
            if cancelled and cancelled():
                raise Cancelled(f"stopped after {done} of {len(new)} texts; what was done is kept")
            vectors = embedder.encode_batch([wanted[i] for i in batch.tolist()], queries)
            for i, vector in zip(batch.tolist(), vectors, strict=True):
                rows[new[i]] = vector
                if store:
                    unsaved[new[i]] = _encoded(vector)
            done += len(batch)
            if time.monotonic() - last >= _PAUSE and done < len(new):
                if store and not store.keep(KIND, unsaved):
                    store = None  # a disk that refuses once is not asked again
                unsaved.clear()
                report(done, len(new))
                last = time.monotonic()
    finally:
        if store and store.keep(KIND, unsaved):
            try:
                endpoints.keep_usage(store)
            except StoreError as error:
                log.warning("what the endpoint was asked for is not noted: %s", error)
    if new:
        report(len(new), len(new))
    return np.stack([rows[key] for key in keys]) if keys else np.empty((0, width), np.float32)


def copy_vectors(embedder: Embedder, like: Mapping[str, str], store: Store) -> None:
    """Keep for each passage (key) the vector of one that the model cannot tell from it (value), where that is kept.

    Raises:
        StoreError: the disk refuses.
    """
    keys = dict(zip(_keys(embedder, [*like], False), _keys(embedder, [*like.values()], False), strict=True))
    here = store.get_many(KIND, keys)
    found = store.get_many(KIND, {model for key, model in keys.items() if key not in here})
    store.put_many(KIND, {key: found[model] for key, model in keys.items() if key not in here and model in found})


def missing(embedder: Embedder, texts: Sequence[str], store: Store, *, queries: bool = False) -> int:
    """Return how many distinct passages, or queries, are not embedded yet."""
    return len(new_texts(embedder, texts, store, queries=queries))


def new_texts(embedder: Embedder, texts: Sequence[str], store: Store, *, queries: bool = False) -> list[str]:
    """Return the distinct passages, or queries, that are not embedded yet, in order: what a remote model would get."""
    by_key = dict(zip(_keys(embedder, texts, queries), texts, strict=True))
    here = store.get_many(KIND, by_key)
    return [text for key, text in by_key.items() if key not in here]


def _keys(embedder: Embedder, texts: Sequence[str], queries: bool) -> list[str]:
    space = f"{embedder.full.fingerprint}:{'query' if queries else 'document'}:"
    return [space + digest(text.encode("utf-8", "surrogatepass")) for text in texts]


BLOCKS = "blocks"
"""The kind under which the store keeps them."""

LARGE = 20_000
"""Chunks from which on pooling takes seconds, so that their vectors are worth the disk."""

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
    """Return (n, dim) float32 of this `shape`: the vectors of each document's chunks in turn.

    From `LARGE` chunks on, a document's vectors are kept in the store, under the `name` of their embedder, and taken
    from there; `progress(done, total)` then counts chunks.

    Raises:
        Cancelled: `cancelled()` returned True; what was done is in the store.
    """

    def made(part: tuple[Document, Chunks]) -> Vectors:
        return embedder.encode_spans(*part, store)

    def decoded(data: bytes, part: tuple[Document, Chunks]) -> Vectors | None:
        rows = np.frombuffer(data, "<f4") if len(data) == 4 * len(part[1]) * shape[1] else None
        return rows if rows is None else rows.reshape(-1, shape[1])

    each = (made(part) for part in parts)
    if store and shape[0] >= LARGE:
        each = store.memo(BLOCKS, parts, lambda part: _key(name, *part), made, _encoded, decoded, _TOGETHER)
    else:
        progress = None
    found, done = np.empty(shape, np.float32), 0

    def tell() -> None:
        if cancelled and cancelled():
            raise Cancelled(f"stopped after {done} of {shape[0]} chunks")
        if progress:
            progress(done, shape[0])

    with closing(each):  # so that what was done is kept before `Cancelled` leaves here
        tell()
        for number, rows in enumerate(each, 1):
            found[done : done + len(rows)] = rows
            done += len(rows)
            if number % _TOGETHER == 0 and done < shape[0]:
                tell()
    if progress:
        progress(done, shape[0])
    return found


def _key(name: str, document: Document, chunks: Chunks) -> str:
    """Return a hash of what decides the vectors: the model, the text, where it is cut, and headers."""
    return fingerprint([name, document.id, digest(chunks.spans.astype("<i8").tobytes()), list(chunks.headers)])


def _encoded(rows: Vectors) -> bytes:
    return rows.astype("<f4").tobytes()
