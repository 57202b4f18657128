"""Static embedding: a text's vector is the mean of its tokens' fixed vectors. Needs numpy and a tokenizer, no torch.

Vectors of chunks are pooled from the tokens of their document, which are computed once and serve every chunking. A mean
of token vectors needs only which tokens a chunk has. Inside a chunk they are its document's; at its edges they may
differ from those of the chunk alone ("foo" after a line's end, "▁foo" at the start of a text), so the edges are
tokenised again, up to the nearest place where a text can be taken apart (`tokens.TokenBoundaries`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.documents import Chunks, Document
from workbench.embedders.embedder import ADAPTER, TRUNCATE_DIM, Embedder, readable, timed_load
from workbench.memory_cache import cached
from workbench.specs import option
from workbench.store import Store
from workbench.tokens import ModelTokenizer, TokenBoundaries, token_boundaries, tokenizer
from workbench.vectors import Vectors, blocks, gathered, unit

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]

_GATHERED = 2_000_000  # tokens that are gathered at a time: 24 MB of indices and weights


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTokens:
    """The tokens of a whole text: ids (n,) int32, where each starts (n,) int32, and where it can be taken apart."""

    ids: Ids
    starts: Ids
    boundaries: TokenBoundaries

    @property
    def bytes(self) -> int:
        """The bytes in memory: about 8 per token, and 4 per character."""
        found = self.boundaries
        arrays = (self.ids, self.starts, found.opens, found.closes, found.opening, found.closing)
        return sum(a.nbytes for a in arrays)

    def before(self, places: Ints) -> Ints:
        """Return how many tokens start before each place: the index of the first one from there on."""
        return np.searchsorted(self.starts, places.astype(np.int32)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class TokenRuns:
    """The tokens of chunks as ranges of one pool of ids: `bounds` (n, 3, 2) are head, document and tail of each."""

    ids: Ids
    bounds: Ints

    @property
    def counts(self) -> Ints:
        """(n,) tokens of each chunk."""
        out: Ints = (self.bounds[..., 1] - self.bounds[..., 0]).sum(axis=1)
        return out


@cached(256 << 20, lambda found: found.bytes if found else 64)
def document_tokens(text: str, name: str) -> DocumentTokens | None:
    """Return the tokens of a text, kept for the texts used last; None where its `TokenBoundaries` are unknown, so that
    chunks must be encoded alone.
    """
    rules = tokenizer(name)
    if not isinstance(rules, ModelTokenizer) or (found := token_boundaries(text, rules)) is None:
        return None
    cuts = found.opening[found.opening < len(text)]
    bounds = zip(cuts.tolist(), [*(cuts[1:] - found.lead).tolist(), len(text)], strict=False)
    numbers: dict[str, int] = {}
    which = np.array([numbers.setdefault(text[start:end], len(numbers)) for start, end in bounds], np.int64)
    words = _edges(name).found(list(numbers))
    first = np.concatenate([[0], np.cumsum([word.shape[1] for word in words], dtype=np.int64)])
    tokens = np.concatenate([np.empty((2, 0), np.int32), *words], axis=1)
    places = np.column_stack([first[which], first[which + 1]]) if len(which) else np.empty((0, 2), np.int64)
    tokens = tokens[:, gathered(places)]
    sizes = places[:, 1] - places[:, 0]
    starts = tokens[1] + np.repeat(cuts, sizes).astype(np.int32)
    led = (sizes > 0) & (cuts > 0)
    starts[(np.cumsum(sizes) - sizes)[led]] -= found.lead  # the space belongs to the word
    return DocumentTokens(np.ascontiguousarray(tokens[0]), starts, found)


def token_runs(document: Document, chunks: Chunks, name: str) -> TokenRuns | None:
    """Return the tokens of each chunk exactly as of its text alone, header included; None as `document_tokens`."""
    text = document.text
    tokens = document_tokens(text, name)
    if tokens is None:
        return None
    boundaries = tokens.boundaries
    starts, ends = chunks.spans[:, 0], chunks.spans[:, 1]
    headed = (
        np.array([bool(h) for h in chunks.headers], np.bool_) if chunks.headers else np.zeros(len(starts), np.bool_)
    )
    opens, closes = boundaries.opens[starts] & ~headed, boundaries.closes[ends]
    # What is tokenised again: from the start to the next boundary (behind a header, the start may be one), and from
    # the last boundary to the end.
    after = boundaries.closing[np.searchsorted(boundaries.closing, starts + ~headed)]
    last = boundaries.opening[np.searchsorted(boundaries.opening, ends) - 1]
    middle, tail = np.where(opens, starts, after), np.where(closes, ends, last)
    first = tokens.before(np.where(opens, starts - boundaries.lead * (starts > 0), after))
    stop = tokens.before(np.where(closes, ends, last - boundaries.lead * (last > 0)))
    whole = (middle > ends) | (tail < middle) | (stop < first)
    middle, tail = np.where(whole, ends, middle), np.where(whole, ends, tail)
    first, stop = np.where(whole, 0, first), np.where(whole, 0, stop)

    bounds = np.zeros((len(starts), 3, 2), np.int64)
    bounds[:, 1, 0], bounds[:, 1, 1] = first, stop
    edges: list[str] = []
    places: list[tuple[int, int]] = []
    opens &= ~whole
    for i in np.flatnonzero(~opens).tolist():
        header = f"{chunks.headers[i]}\n\n" if headed[i] else ""
        edges.append(header + text[starts[i] : middle[i]])
        places.append((i, 0))
    for i in np.flatnonzero(tail < ends).tolist():
        edges.append(text[tail[i] : ends[i]])
        places.append((i, 2))
    found = _edges(name).ids(edges)
    sizes = np.cumsum([len(tokens.ids), *(len(ids) for ids in found)])
    if places:
        rows, runs = np.array(places).T
        bounds[rows, runs, 0], bounds[rows, runs, 1] = sizes[:-1], sizes[1:]
    return TokenRuns(np.concatenate([tokens.ids, *found]), bounds)


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The tokens of short texts, kept: words come again in every document, the edges of chunks at every setting."""

    rules: ModelTokenizer
    known: dict[str, Ids] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def found(self, texts: Sequence[str]) -> list[Ids]:
        """Return (2, n) the ids of each text's tokens, and where they start."""
        with self.lock:
            new = [text for text in dict.fromkeys(texts) if text not in self.known]
            made = {
                text: np.stack([ids, offsets[:, 0]])
                for text, (ids, offsets) in zip(new, self.rules.encoded(new), strict=True)
            }
            out = [made[text] if text in made else self.known[text] for text in texts]
            if len(self.known) > _MOST_EDGES:
                self.known.clear()
            self.known.update({text: tokens for text, tokens in made.items() if len(text) < 100})
            return out

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        return [tokens[0] for tokens in self.found(texts)]


_MOST_EDGES = 200_000  # about 60 MB


@cache
def _edges(name: str) -> _Edges:
    rules = tokenizer(name)
    if not isinstance(rules, ModelTokenizer):
        raise TypeError(f"{name} is no model's tokenizer")  # `token_runs` has looked
    return _Edges(rules)


def pooled(table: Vectors, runs: TokenRuns) -> Vectors:
    """Return (n, dim) float32, each row the mean of the table's rows of a chunk's tokens; zeros where it has none."""
    counts = runs.counts
    out = np.empty((len(counts), table.shape[1]), np.float32)
    for part in blocks(counts, _GATHERED):
        which = gathered(runs.bounds[part].reshape(-1, 2))
        out[part] = sums(table, runs.ids[which], counts[part])
    out /= np.maximum(counts, 1)[:, None]
    return out


def sums(table: NDArray[np.float32], rows: NDArray[np.integer[Any]], counts: Ints) -> Vectors:
    """Return (n, dim) sums of consecutive groups of the table's rows, `counts` in each.

    A sparse product: no row is copied. For 225,000 rows of 256: 11 ms, where `numpy.add.reduceat` takes 240.
    """
    from scipy.sparse import csr_array

    ends = np.concatenate([[0], np.cumsum(counts)])
    groups = csr_array((np.ones(len(rows), np.float32), rows, ends), shape=(len(counts), len(table)))
    out: Vectors = groups @ table
    return out


_BLOCK = 500_000  # characters of text in one batch: about 0.1 s of work, and 30 MB of tokens
_PIECE = 8_192  # tokens of one text that are gathered at a time, so that a text of any length takes little memory


@dataclass(frozen=True, slots=True)
class Static(Embedder):
    """The mean of token vectors, as sentence-transformers' StaticEmbedding computes it; zeros for an empty text."""

    kind: ClassVar[str] = "static"
    label: ClassVar[str] = "Static vectors"

    model: str = option("wordllama-256", "a packaged static model, or a folder or hub id of one")
    truncate_dim: int = TRUNCATE_DIM
    adapter: str = ADAPTER

    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        for part in blocks(np.array([len(text) for text in texts], np.int64), _BLOCK):
            yield np.arange(part.start, part.stop)

    def prepare(
        self,
        documents: Iterable[Document],
        store: Store | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Do nothing: a document's tokens are quickly made, and are kept when they are first pooled."""
        if progress:
            progress(0, 0)

    def encode_spans(self, document: Document, chunks: Chunks, store: Store | None = None) -> Vectors:
        """Return what `encode_document` gives for the chunks' texts, pooled from the document's tokens."""
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


@cached(2 << 30, lambda found: found[1].nbytes)
def _load(model: models.Model) -> tuple[Any, Vectors]:
    """Return the tokenizer, and the (vocabulary, dim) table of token vectors."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    with timed_load(model):
        models.verify(model)
        rules = Tokenizer.from_file(str(model.tokenizer))
        rules.no_padding()  # a truncation in its file stays: StaticEmbedding obeys it, and `max_tokens` says it
        tensors = load_file(model.weights[0])
    table = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
    return rules, np.ascontiguousarray(table, np.float32)
