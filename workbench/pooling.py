"""Vectors of chunks pooled from the tokens of their document, which are computed once and serve every chunking.

A mean of token vectors needs to know only which tokens a chunk has. Inside a chunk they are its document's; at its
edges they may differ from those of the chunk alone ("foo" after a line's end, "▁foo" at the start of a text), so the
edges are tokenised anew up to the nearest joint: a place at which a text can be taken apart and its tokens with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Chunks, Document
from workbench.joints import Joints, joints
from workbench.memory_cache import cached
from workbench.store import Store
from workbench.tokens import ModelTokenizer, tokenizer
from workbench.vectors import Vectors

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]

_BLOCK = 2_000_000  # tokens that are gathered at a time: 24 MB of indices and weights


@runtime_checkable
class SpanEncoder(Protocol):
    """An embedder that makes a chunk's vector from what it computed once for the document."""

    def prepare(
        self,
        documents: Iterable[Document],
        store: Store | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Computes what `encode_spans` needs and is not known yet; reports and stops as `embedders.embed` does."""

    def encode_spans(self, document: Document, chunks: Chunks, store: Store | None = None) -> Vectors:
        """(n, dim) float32, a row for each chunk, its header included."""


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTokens:
    """The tokens of a whole text: ids (n,) int32, where each starts (n,) int32, and the text's joints."""

    ids: Ids
    starts: Ids
    joints: Joints

    @property
    def bytes(self) -> int:
        """What it takes in memory: about 8 bytes a token, and 4 a character."""
        found = self.joints
        arrays = (self.ids, self.starts, found.opens, found.closes, found.opening, found.closing)
        return sum(a.nbytes for a in arrays)

    def before(self, places: Ints) -> Ints:
        """How many tokens start before each place: the index of the first one from there on."""
        return np.searchsorted(self.starts, places.astype(np.int32)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class TokenRuns:
    """The tokens of chunks as runs over one pool of ids: `bounds` (n, 3, 2) are head, document and tail of each."""

    ids: Ids
    bounds: Ints

    @property
    def counts(self) -> Ints:
        """(n,) tokens of each chunk."""
        out: Ints = (self.bounds[..., 1] - self.bounds[..., 0]).sum(axis=1)
        return out


@cached(256 << 20, lambda found: found.bytes if found else 64)
def document_tokens(text: str, name: str) -> DocumentTokens | None:
    """The tokens of a text; None where the tokenizer has no known joints in it, so that chunks must be encoded alone.

    Kept for the texts that were looked at last.
    """
    rules = tokenizer(name)
    if not isinstance(rules, ModelTokenizer) or (found := joints(text, rules)) is None:
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
    """The tokens of each chunk exactly as of its text alone, header included; None as `document_tokens`."""
    text = document.text
    tokens = document_tokens(text, name)
    if tokens is None:
        return None
    joints = tokens.joints
    starts, ends = chunks.spans[:, 0], chunks.spans[:, 1]
    headed = (
        np.array([bool(h) for h in chunks.headers], np.bool_) if chunks.headers else np.zeros(len(starts), np.bool_)
    )
    opens, closes = joints.opens[starts] & ~headed, joints.closes[ends]
    # What is tokenised anew: from the start to the next joint (behind a header, the start may be one), and from the
    # last joint to the end.
    after = joints.closing[np.searchsorted(joints.closing, starts + ~headed)]
    last = joints.opening[np.searchsorted(joints.opening, ends) - 1]
    middle, tail = np.where(opens, starts, after), np.where(closes, ends, last)
    first = tokens.before(np.where(opens, starts - joints.lead * (starts > 0), after))
    stop = tokens.before(np.where(closes, ends, last - joints.lead * (last > 0)))
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
        """(2, n) the ids of each text's tokens, and where they start."""
        with self.lock:
            new = [text for text in dict.fromkeys(texts) if text not in self.known]
            made = {
                text: np.stack([ids, offsets[:, 0]])
                for text, (ids, offsets) in zip(new, self.rules.encoded(new), strict=True)
            }
            out = [made[text] if text in made else self.known[text] for text in texts]
            if len(self.known) > _WORDS:
                self.known.clear()
            self.known.update({text: tokens for text, tokens in made.items() if len(text) < 100})
            return out

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of each text's tokens."""
        return [tokens[0] for tokens in self.found(texts)]


_WORDS = 200_000  # about 60 MB


@lru_cache(maxsize=8)
def _edges(name: str) -> _Edges:
    rules = tokenizer(name)
    if not isinstance(rules, ModelTokenizer):
        raise TypeError(f"{name} is no model's tokenizer")  # `token_runs` has looked
    return _Edges(rules)


def pooled(table: Vectors, runs: TokenRuns) -> Vectors:
    """(n, dim) float32, each row the mean of the table's rows of a chunk's tokens; zeros where it has none."""
    counts = runs.counts
    out = np.empty((len(counts), table.shape[1]), np.float32)
    for part in blocks(counts, _BLOCK):
        which = gathered(runs.bounds[part].reshape(-1, 2))
        out[part] = sums(table, runs.ids[which], counts[part])
    out /= np.maximum(counts, 1)[:, None]
    return out


def sums(table: NDArray[np.float32], rows: NDArray[np.integer[Any]], counts: Ints) -> Vectors:
    """(n, dim) sums of consecutive groups of the table's rows, `counts` in each.

    A sparse product: no row is copied. For 225,000 rows of 256: 11 ms, where `numpy.add.reduceat` takes 240.
    """
    from scipy.sparse import csr_array

    ends = np.concatenate([[0], np.cumsum(counts)])
    groups = csr_array((np.ones(len(rows), np.float32), rows, ends), shape=(len(counts), len(table)))
    out: Vectors = groups @ table
    return out


def gathered(bounds: Ints) -> Ints:
    """The indices of every range in turn: `[*range(*bounds[0]), *range(*bounds[1]), …]`."""
    sizes = bounds[:, 1] - bounds[:, 0]
    ends = np.cumsum(sizes)
    out: Ints = np.arange(ends[-1] if len(ends) else 0) + np.repeat(bounds[:, 0] - (ends - sizes), sizes)
    return out


def blocks(counts: Ints, most: int) -> Iterator[slice]:
    """Consecutive rows with at most `most` tokens together, or one row."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, "right")))
        yield slice(start, stop)
        start = stop
