"""Late chunking: a chunk's vector is the mean of its tokens' states in the context of the whole document.

What a chunk alone leaves open ("it", "the pump above") is settled by the text around it, and a new chunking costs
milliseconds. It is an embedder of its own kind, not a faster way to the plain model's vectors: how near it comes to
them is measured (`agreement`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.documents import Chunks, Document
from workbench.embedders import token_states
from workbench.embedders.embedder import ADAPTER, DTYPE, QUERY_PREFIX, TRUNCATE_DIM, Embedder
from workbench.embedders.sentence_transformer import SentenceTransformer, loaded_network
from workbench.errors import SpecError
from workbench.models.layouts import is_mean_pooled
from workbench.specs import digest, fingerprint, option
from workbench.store import Store
from workbench.tasks import Cancelled
from workbench.tokens import tokenizer
from workbench.vectors import Vectors, top_k, unit

_UNLIMITED = 512  # tokens in a window of a model without a limit


@dataclass(frozen=True, slots=True)
class Late(Embedder):
    """Late chunking with a mean-pooled transformer: passages pooled from token states, queries encoded plainly.

    The states are computed once per document, in overlapping windows of the model's length, so no text is truncated. A
    chunk's header is encoded by itself and weighs by its tokens; a passage prefix is put before each window and is not
    pooled. Source: Günther et al. 2024, arXiv 2409.04701.
    """

    kind: ClassVar[str] = "late"
    label: ClassVar[str] = "Late chunking"

    model: str = option(models.DEFAULT, "a mean-pooled transformer: a packaged model, a folder, or a hub id")
    dtype: str = DTYPE
    query_prefix: str | None = QUERY_PREFIX
    passage_prefix: str | None = option(None, "text put before each window; open: the model's own", advanced=True)
    truncate_dim: int = TRUNCATE_DIM
    adapter: str = ADAPTER

    def check(self) -> None:
        source = self.source
        if source.kind != SentenceTransformer.kind or not is_mean_pooled(source.name, source.folder):
            raise SpecError(
                f"late.model ({source.name!r}) must be a transformer whose vectors are the mean of its tokens' states; "
                f"choose {models.DEFAULT}, or the kind {source.kind}"
            )
        self.plain.check()
        self._check_adapter()

    @property
    def plain(self) -> SentenceTransformer:
        """The same model, used plainly, which encodes the queries."""
        return SentenceTransformer(
            self.model, self.dtype, self.query_prefix, self.passage_prefix, truncate_dim=self.truncate_dim
        )

    @property
    def max_tokens(self) -> int | None:
        """None: windows cover the whole text."""
        return None

    @property
    def room(self) -> int:
        """The tokens of a window, without prefix and special tokens."""
        return self.plain.max_tokens or _UNLIMITED

    @property
    def stride(self) -> int:
        """The tokens from the start of a window to that of the next."""
        return max(1, self.room // 2)

    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        return self.plain.batches(texts)

    def encode_batch(self, texts: list[str], query: bool) -> Vectors:
        """Encode queries as the plain model does; a passage as a document of its own, pooled as one chunk."""
        if query:
            return self.plain.encode_batch(texts, query=True)
        return self._finished(*map(np.stack, zip(*(self._alone(text) for text in texts), strict=True)))

    def prepare(
        self,
        documents: Iterable[Document],
        store: Store | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Compute the token states that are not kept yet; `progress` counts windows of half the model's length.

        Raises:
            Cancelled: `cancelled()` returned True; the documents that were ready are kept.
        """
        folder = store.folder if store else None
        new = [d.text for d in documents if token_states.known(self._key(d.text), folder) is None]
        total = sum(len([*token_states.windows(text, self.tokenizer, self.room, self.stride)]) for text in new)
        done = 0

        def report(windows: int) -> None:
            nonlocal done
            done += windows
            if progress:
                progress(done, total)
            if cancelled and cancelled():
                raise Cancelled(f"stopped after {done} of {total} windows; whole documents are kept")

        report(0)
        for text in new:
            self._states(text, store, report)

    def encode_spans(self, document: Document, chunks: Chunks, store: Store | None = None) -> Vectors:
        """Return (n, dim) float32, pooled from the document's token states."""
        found = self._states(document.text, store)
        return self._pooled(found, chunks, found.bounds(chunks.spans))

    def preview(self, document: Document, chunks: Chunks, limit: int | None, store: Store | None = None) -> Vectors:
        """Return `encode_spans` of the first `limit` tokens alone, header included: what plain encoding would read."""
        found = self._states(document.text, store)
        bounds = found.bounds(chunks.spans)
        if limit is not None:
            left = np.maximum(limit - tokenizer(self.tokenizer).counts(chunks.headers or [""] * len(chunks)), 0)
            bounds[:, 1] = np.minimum(bounds[:, 1], bounds[:, 0] + left)
        return self._pooled(found, chunks, bounds)

    def _pooled(self, found: token_states.TokenStates, chunks: Chunks, bounds: NDArray[np.int64]) -> Vectors:
        total, counts = found.summed(bounds), bounds[:, 1] - bounds[:, 0]
        for header in set(chunks.headers) - {""}:
            mine = np.flatnonzero(np.array(chunks.headers) == header)
            header_sum, header_count = self._alone(header)
            total[mine] += header_sum
            counts[mine] += header_count
        return self.truncated(self._finished(total, counts))

    def _finished(self, total: NDArray[Any], counts: NDArray[Any]) -> Vectors:
        rows = np.asarray(total / np.maximum(counts, 1)[:, None], np.float32)
        return unit(rows) if self.normalised else rows

    def _alone(self, text: str) -> tuple[NDArray[np.float32], np.int64]:
        """Return the sum of a short text's states, and their number."""
        found = token_states.known(self._key(text), None) or self._states(text, None)
        return found.states.sum(axis=0, dtype=np.float32), np.int64(len(found.states))

    def _states(
        self, text: str, store: Store | None, done: Callable[[int], None] = lambda windows: None
    ) -> token_states.TokenStates:
        key, folder = self._key(text), store.folder if store else None
        if (found := token_states.known(key, folder)) is not None:
            return found
        loaded = loaded_network(self.source, dtype=self.dtype)
        made = token_states.compute(
            text, self.tokenizer, loaded, self.room, self.stride, self.prefix(query=False), done
        )
        return token_states.keep(key, *made, folder)

    def _key(self, text: str) -> str:
        """Return a name of what decides a text's states: model files, number format, prefix, windows and the text."""
        made_by = {**self.source.identity(), "dtype": self.dtype, "prefix": self.prefix(query=False)}
        windows = {"room": self.room, "stride": self.stride}
        return f"{fingerprint({**made_by, **windows})}-{digest(text.encode('utf-8', 'surrogatepass'))[:32]}"


def preview_vectors(
    document: Document, chunks: Chunks, embedder: SentenceTransformer, store: Store | None = None
) -> Vectors:
    """Return (n, dim) about what plain encoding will give, pooled from token states at once. See `agreement`.

    Raises:
        SpecError: the model's vectors are not means of its tokens' states.
    """
    return _late(embedder).preview(document, chunks, embedder.max_tokens, store)


def prepare_preview(
    documents: Iterable[Document],
    embedder: SentenceTransformer,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Compute the token states that `preview_vectors` needs and that are not kept yet; as `Late.prepare`."""
    _late(embedder).prepare(documents, store, progress, cancelled)


def preview_tokens(documents: Iterable[Document], embedder: SentenceTransformer) -> int:
    """Return how many tokens `prepare_preview` reads where nothing is kept, without special tokens."""
    late = _late(embedder)
    each = (token_states.windows(d.text, late.tokenizer, late.room, late.stride) for d in documents)
    return sum(end - start for some in each for start, end, _, _ in some)


@dataclass(frozen=True, slots=True)
class _Preview(Late):
    """Late chunking in windows that overlap by a quarter: two thirds of the work, and previews as good."""

    @property
    def stride(self) -> int:
        return max(1, self.room * 3 // 4)


def _late(embedder: SentenceTransformer) -> _Preview:
    return _Preview(
        embedder.model,
        embedder.dtype,
        embedder.query_prefix,
        embedder.passage_prefix,
        truncate_dim=embedder.truncate_dim,
    )


def agreement(queries: Vectors, exact: Vectors, preview: Vectors, k: int) -> NDArray[np.float64]:
    """Return (q,), 0 to 1: the share of each query's k nearest rows, by cosine, that both have in common."""
    asked = unit(queries)
    best = [top_k(asked @ unit(rows).T, k) for rows in (exact, preview)]
    return np.array([np.isin(a, b).mean() for a, b in zip(*best, strict=True)])


def can_preview(embedder: Embedder) -> bool:
    """Return whether `preview_vectors` can use this embedder's model."""
    return isinstance(embedder, SentenceTransformer) and is_mean_pooled(embedder.source.name, embedder.source.folder)
