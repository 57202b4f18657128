"""How long a model takes here: to load, and to embed."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from workbench import models
from workbench.embedders.protocols import Embedder
from workbench.tokens import tokenizer

_SAMPLE = {"static": 2_000, "sentence-transformer": 48}
"""Texts that a kind embeds in about a second; kinds that are not here cannot be timed on texts alone."""

_loads: dict[str, float] = {}  # the hash of a model's weights → the seconds of its first load in this process
_lock = threading.Lock()


@contextmanager
def timed_load(model: models.Model) -> Iterator[None]:
    """A place where a model is loaded: how long it took is kept, the first time."""
    start = time.perf_counter()
    yield
    with _lock:
        _loads.setdefault(model.sha256, time.perf_counter() - start)


def load_seconds(model: models.Model) -> float | None:
    """What the model's first load in this process took, libraries included; None before it, and for remote models."""
    return _loads.get(model.sha256)


@dataclass(frozen=True, slots=True)
class Speed:
    """Texts embedded in a row, their tokens as the model reads them, and the seconds that took."""

    texts: int
    tokens: int
    seconds: float

    @property
    def texts_a_second(self) -> float:
        """Texts in a second."""
        return self.texts / self.seconds

    @property
    def tokens_a_second(self) -> float:
        """Tokens in a second."""
        return self.tokens / self.seconds


def speed(embedder: Embedder, texts: Sequence[str]) -> Speed | None:
    """How quickly some of these texts are embedded here, the model loaded before; nothing is taken from a cache.

    None where there is no text, and for models that are elsewhere or need whole documents.

    Raises:
        ModelUnavailable: the model is not here.
    """
    most = _SAMPLE.get(embedder.kind)
    if most is None or not texts:
        return None
    places = np.linspace(0, len(texts) - 1, min(most, len(texts))).astype(np.int64)
    some = [texts[i] for i in places.tolist()]
    counts = tokenizer(embedder.tokenizer).counts(some)
    if embedder.max_tokens is not None:
        counts = counts.clip(max=embedder.max_tokens)
    embedder.full.encode_document(some[:1])
    start = time.perf_counter()
    embedder.full.encode_document(some)
    return Speed(len(some), int(counts.sum()), max(time.perf_counter() - start, 1e-9))
