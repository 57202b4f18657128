"""Embedding with a cache: each distinct text once, ever, whatever configuration asked for it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from workbench import endpoints
from workbench.embedders.protocols import Embedder
from workbench.errors import StoreError
from workbench.specs import digest
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
    """(n, dim) float32, a row for each text, taken from the store where it was embedded before.

    `progress(done, total)` counts the texts that are new to the store, each distinct one once; it is called with
    (0, total) at the start, a few times a second, and with (total, total) at the end. `cancelled()` is asked between
    batches. Where the store takes nothing (a full disk), the vectors are made all the same, and not kept. Queries are
    encoded one at a time: a model's figures differ in the last digits with what else is in the batch.

    Raises:
        Cancelled: `cancelled()` said so; the vectors that were ready are in the store.
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
                    unsaved[new[i]] = vector.astype("<f4").tobytes()
            done += len(batch)
            if time.monotonic() - last >= _PAUSE and done < len(new):
                store = _save(store, unsaved)
                report(done, len(new))
                last = time.monotonic()
    finally:
        _keep_usage(_save(store, unsaved))
    if new:
        report(len(new), len(new))
    return np.stack([rows[key] for key in keys]) if keys else np.empty((0, width), np.float32)


def copy_vectors(embedder: Embedder, like: Mapping[str, str], store: Store) -> None:
    """Keep for each passage (key) the vector of one that the model cannot tell from it (value), where that is kept.

    Raises:
        StoreError: the disk refuses.
    """
    keys = dict(
        zip(_keys(embedder, list(like), queries=False), _keys(embedder, list(like.values()), False), strict=True)
    )
    here = store.get_many(KIND, keys)
    found = store.get_many(KIND, {model for key, model in keys.items() if key not in here})
    store.put_many(KIND, {key: found[model] for key, model in keys.items() if key not in here and model in found})


def missing(embedder: Embedder, texts: Sequence[str], store: Store, *, queries: bool = False) -> int:
    """How many distinct passages, or queries, are not embedded yet."""
    return len(new_texts(embedder, texts, store, queries=queries))


def new_texts(embedder: Embedder, texts: Sequence[str], store: Store, *, queries: bool = False) -> list[str]:
    """The distinct passages, or queries, that are not embedded yet, in order: what a remote model would be sent."""
    by_key = dict(zip(_keys(embedder, texts, queries), texts, strict=True))
    here = store.get_many(KIND, by_key)
    return [text for key, text in by_key.items() if key not in here]


def _keys(embedder: Embedder, texts: Sequence[str], queries: bool) -> list[str]:
    """Under which key each text's vector is kept."""
    space = f"{embedder.full.fingerprint}:{'query' if queries else 'document'}:"
    return [space + digest(text.encode("utf-8", "surrogatepass")) for text in texts]


def _keep_usage(store: Store | None) -> None:
    """Note in the store what remote models were asked for, if anything."""
    if store:
        try:
            endpoints.keep_usage(store)
        except StoreError as error:
            log.warning("what the endpoint was asked for is not noted: %s", error)


def _save(store: Store | None, unsaved: dict[str, bytes]) -> Store | None:
    """The store; None, so that nothing more is kept, once it refused: vectors are worth more than their cache."""
    if store and unsaved:
        try:
            store.put_many(KIND, unsaved)
        except StoreError as error:
            log.warning("vectors are not kept, and will be made again the next time: %s", error)
            store = None
        unsaved.clear()
    return store
