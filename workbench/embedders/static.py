"""Static embedding: a text's vector is the mean of its tokens' fixed vectors. Needs numpy and a tokenizer, no torch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.documents import Chunks, Document
from workbench.embedders.protocols import ADAPTER, TRUNCATE_DIM, Embedder, readable
from workbench.embedders.speeds import timed_load
from workbench.pooling import pooled, token_runs
from workbench.specs import option
from workbench.store import Store
from workbench.vectors import Vectors, unit

_BLOCK = 500_000  # characters of text in one batch: about 0.1 s of work, and 30 MB of tokens
_PIECE = 8_192  # tokens of one text that are gathered at a time, so that a text of any length takes little memory


@dataclass(frozen=True, slots=True)
class Static(Embedder):
    """The mean of token vectors, as sentence-transformers' StaticEmbedding computes it; zeros for an empty text."""

    kind: ClassVar[str] = "static"

    model: str = option("wordllama-256", "a packaged static model, or a folder or hub id of one")
    truncate_dim: int = TRUNCATE_DIM
    adapter: str = ADAPTER

    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        sizes = np.cumsum([0, *(len(text) for text in texts)])
        start = 0
        while start < len(texts):
            end = max(start + 1, int(np.searchsorted(sizes, sizes[start] + _BLOCK, "right")) - 1)
            yield np.arange(start, end)
            start = end

    def prepare(
        self,
        documents: Iterable[Document],
        store: Store | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Nothing: a document's tokens are quickly made, and are kept when they are first pooled."""
        if progress:
            progress(0, 0)

    def encode_spans(self, document: Document, chunks: Chunks, store: Store | None = None) -> Vectors:
        """(n, dim) float32, what `encode_document` gives for the chunks' texts, pooled from the document's tokens."""
        runs = token_runs(document, chunks, self.tokenizer) if self.source.max_tokens is None else None
        if runs is None:  # no tokens to share: a tokenizer of another kind, or one that cuts texts off
            return self.encode_document(chunks.texts(document))
        out = pooled(_load(self.source)[1], runs)
        return self.truncated(unit(out) if self.normalised else out)

    def encode_batch(self, texts: list[str], query: bool) -> Vectors:
        rules, table = _load(self.source)
        out = np.zeros((len(texts), table.shape[1]), np.float32)
        for i, encoding in enumerate(rules.encode_batch_fast(readable(texts), add_special_tokens=False)):
            ids = encoding.ids
            for start in range(0, len(ids), _PIECE):
                out[i] += table[ids[start : start + _PIECE]].sum(axis=0)
            if ids:
                out[i] /= len(ids)
        return unit(out) if self.normalised else out


@lru_cache(maxsize=4)
def _load(model: models.Model) -> tuple[Any, Vectors]:
    """The tokenizer, and the (vocabulary, dim) table of token vectors."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    with timed_load(model):
        models.verify(model)
        rules = Tokenizer.from_file(str(model.tokenizer))
        rules.no_padding()  # a truncation in its file stays: StaticEmbedding obeys it, and `max_tokens` tells it
        tensors = load_file(model.weights[0])
    table = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
    return rules, np.ascontiguousarray(table, np.float32)
