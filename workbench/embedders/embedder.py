"""The base of all embedders: texts in, rows of vectors out; an identity made of its files' hashes; and its speed."""

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.documents import Chunks, Document
from workbench.embedders.adapters import find_adapter, training_beside
from workbench.errors import SpecError
from workbench.records import Training
from workbench.specs import Spec, option, to_dict
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import Vectors, truncated

TRUNCATE_DIM: int = option(
    0, "only the first so many dimensions are kept (Matryoshka models lose little by it); 0: all", low=0, advanced=True
)
"""The field `truncate_dim` of an embedder that can truncate; put last but one."""

DTYPE: str = option(
    "float32",
    "the number format of the computation; bfloat16 is about three times as fast on processors that have it",
    choices=("float32", "bfloat16", "float16"),
    advanced=True,
)
QUERY_PREFIX: str | None = option(None, "text put before each query; open: the model's own", advanced=True)
ADAPTER: str = option("", "a query-side adapter, by the name that `adapt` gave it; empty: none", advanced=True)
"""The field `adapter` of an embedder whose queries can be turned; put last."""


@dataclass(frozen=True, slots=True)
class Embedder(Spec):
    """Turns texts into vectors; a subclass has a field `model` and implements `batches` and `encode_batch`.

    With a field `truncate_dim` above 0, vectors are cut to so many dimensions, and brought back to length 1 where the
    model's have it. A field `adapter` turns the vectors of queries, never of passages. Caches hold the vectors of
    `full`, so that no text is embedded twice for two lengths or two adapters.
    """

    @property
    def source(self) -> models.Model:
        """The model behind the name."""
        return models.find(getattr(self, "model"))  # noqa: B009 — a field of each subclass, with its own default

    def check(self) -> None:
        if self.source.kind != self.kind:
            raise SpecError(f"{self.kind}.model ({self.source.name!r}) is a {self.source.kind} model; choose that kind")
        if self._kept > (most := self.full.dimensions):
            raise SpecError(f"{self.kind}.truncate_dim ({self._kept}) must be at most {most}, the model's own length")
        for field, query in (("passage_prefix", False), ("query_prefix", True)):
            self._check_room(field, self.prefix(query))
        self._check_adapter()

    def _check_adapter(self) -> None:
        if not self._adapter:
            return
        base = replace(self, adapter="")  # type: ignore[call-arg]
        if find_adapter(self._adapter).origin.base != base.fingerprint:
            raise SpecError(
                f"{self.kind}.adapter ({self._adapter}) was learned for the vectors of another model, or of this one "
                f"with other settings than {self.source.name} has here; restore those, or leave the field empty"
            )

    def _check_room(self, field: str, prefix: str) -> None:
        """Refuse a prefix after which the model would see nothing of the text itself."""
        limit = self.source.max_tokens
        if limit is None or not prefix:
            return
        from workbench.tokens import count

        if (taken := count(self.tokenizer, prefix)) >= limit:
            raise SpecError(
                f"{self.kind}.{field} takes {taken} tokens, but {self.source.name} reads {limit}, prefix included: "
                "nothing of the text would be seen; shorten the prefix"
            )

    @property
    def dimensions(self) -> int:
        return self._kept or self.source.dimensions

    @property
    def _kept(self) -> int:
        return getattr(self, "truncate_dim", 0)

    @property
    def _adapter(self) -> str:
        return getattr(self, "adapter", "")

    @property
    def training(self) -> Training:
        """What the model and the adapter were trained on, as the model's folder and the adapter record it."""
        source = self.source
        found = training_beside(source.folder) if source.weights else Training()
        if not self._adapter:
            return found
        learned = find_adapter(self._adapter).origin.training
        return found | (Training((learned,)) if learned else Training(known=False))

    @property
    def full(self) -> "Embedder":
        """The same embedder without truncation and adapter, whose vectors are computed and cached."""
        off: dict[str, Any] = {"truncate_dim": 0, "adapter": ""}
        plain = {name: value for name, value in off.items() if getattr(self, name, value) != value}
        return replace(self, **plain) if plain else self

    def truncated(self, rows: Vectors) -> Vectors:
        """Return (n, dimensions) float32 of this embedder, from the rows of `full`."""
        return truncated(rows, self._kept, normalised=self.normalised) if self._kept else rows

    def finished(self, rows: Vectors, query: bool) -> Vectors:
        """Return (n, dimensions) float32 of this embedder, from the rows of `full`: truncated, and queries turned."""
        rows = self.truncated(rows)
        return find_adapter(self._adapter)(rows, normalised=self.normalised) if query and self._adapter else rows

    @property
    def tokenizer(self) -> str:
        """The name under which `tokens.tokenizer` gives this model's tokenizer."""
        return self.source.name

    @property
    def normalised(self) -> bool:
        """Return whether every row has length 1, as the model's own configuration says; zero rows apart."""
        return self.source.normalised

    @property
    def max_tokens(self) -> int | None:
        """The tokens after which a text is truncated, without special tokens and prefix; None: no limit."""
        limit, prefix = self.source.max_tokens, self.prefix(query=False)
        if limit is None or not prefix:
            return limit
        from workbench.tokens import count

        return max(0, limit - count(self.tokenizer, prefix))

    def prefix(self, query: bool) -> str:
        """Return what is put before each query, or before each passage: the field's text, or else the model's own."""
        name = "query_prefix" if query else "passage_prefix"
        if not hasattr(self, name):
            return ""
        given: str | None = getattr(self, name)
        own = self.source.query_prompt if query else self.source.passage_prompt
        return own if given is None else given

    def identity(self) -> dict[str, Any]:
        fields = {**to_dict(self), "prefixes": [self.prefix(query=True), self.prefix(query=False)]}
        for name in ("model", "query_prefix", "passage_prefix"):  # their files and effective prefixes are used instead
            fields.pop(name, None)
        if not self._kept:  # so that what was made before there was truncation is still known
            fields.pop("truncate_dim", None)
        if not self._adapter:
            fields.pop("adapter", None)
        return {**fields, **self.source.identity()}

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, a row for each passage."""
        return self._rows(texts, query=False)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, a row for each query."""
        return self._rows(texts, query=True)

    def _rows(self, texts: Sequence[str], query: bool) -> Vectors:
        out = np.zeros((len(texts), self.full.dimensions), np.float32)
        for batch in self.batches(texts):
            out[batch] = self.encode_batch([texts[i] for i in batch.tolist()], query)
        return self.finished(out, query)

    def seen(self, texts: Sequence[str]) -> list[str]:
        """Return for each passage a name of what the model reads of it: where that is equal, the vectors are."""
        return list(texts)

    @abstractmethod
    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        """Yield indices into `texts`, each once, in groups that are quick to encode and small enough to cancel."""

    @abstractmethod
    def encode_batch(self, texts: list[str], query: bool) -> Vectors:
        """Return (n, dim) float32 of one batch, before any truncation."""


@runtime_checkable
class SpanEncoder(Protocol):
    """An embedder that makes a chunk's vector from what it computes once per document."""

    def prepare(
        self,
        documents: Iterable[Document],
        store: Store | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Compute what `encode_spans` needs and is not known yet; report and stop as `embedders.embed` does."""

    def encode_spans(self, document: Document, chunks: Chunks, store: Store | None = None) -> Vectors:
        """Return (n, dim) float32, a row for each chunk, its header included."""


def readable(texts: Sequence[str]) -> list[str]:
    """Return the texts with lone surrogates, which no tokenizer takes, replaced by U+FFFD."""
    try:
        "".join(texts).encode()
        return list(texts)
    except UnicodeEncodeError:
        return [text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in texts]


_SAMPLE = {"static": 2_000, "sentence-transformer": 48}
"""Texts that a kind embeds in about a second; kinds that are not here cannot be timed on texts alone."""

_loads: dict[str, float] = {}  # the hash of a model's weights → the seconds of its first load in this process
_lock = threading.Lock()


@contextmanager
def timed_load(model: models.Model) -> Iterator[None]:
    """Time a block in which a model is loaded; the first time in this process is kept."""
    start = time.perf_counter()
    yield
    with _lock:
        _loads.setdefault(model.sha256, time.perf_counter() - start)


def load_seconds(model: models.Model) -> float | None:
    """Return the seconds of the model's first load in this process, with libraries; None before it, or if remote."""
    return _loads.get(model.sha256)


@dataclass(frozen=True, slots=True)
class Speed:
    """Texts embedded, their tokens as the model reads them, and the seconds that it took."""

    texts: int
    tokens: int
    seconds: float

    @property
    def texts_a_second(self) -> float:
        return self.texts / self.seconds

    @property
    def tokens_a_second(self) -> float:
        return self.tokens / self.seconds


def speed(embedder: Embedder, texts: Sequence[str]) -> Speed | None:
    """Measure how fast some of these texts are embedded here, once the model is loaded and without any cache.

    Return None where there is no text, and for models that are remote or need whole documents.

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
