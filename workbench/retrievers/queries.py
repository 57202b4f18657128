"""What encodes queries, and the vectors that were made of them, kept across collections."""

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class QueryEncoder(Protocol):
    """What turns queries into vectors: an embedder. One that has a true `alone` encodes each as if it came alone."""

    def encode_query(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """(n, dim) float32."""


_known_lock = threading.Lock()
_known: dict[str, dict[str, NDArray[np.float32]]] = {}


def query_vectors(encoder: QueryEncoder) -> dict[str, NDArray[np.float32]]:
    """The vectors of queries that this embedder has made, across collections: a sweep asks each the same questions."""
    fingerprint = getattr(encoder, "fingerprint", None)
    if not isinstance(fingerprint, str):
        return {}
    with _known_lock:
        while len(_known) >= 8 and fingerprint not in _known:
            _known.pop(next(iter(_known)))
        return _known.setdefault(fingerprint, {})
