"""Splitters that cut where the meaning turns, as an embedding model sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Chunks, Document
from workbench.embedders import embedder_for
from workbench.embedders.embedder import SpanEncoder
from workbench.memory_cache import cached
from workbench.spans import Ranges
from workbench.specs import option
from workbench.splitters.pieces import literal, measured, tree
from workbench.splitters.sentences import sentences
from workbench.splitters.splitter import Splitter
from workbench.vectors import Vectors, unit

MODEL = "wordllama-256"
MODEL_HELP = "Which model judges what belongs together: static ones are instant, transformers take long."
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Semantic(Splitter):
    """Starts a chunk where neighbouring sentences are unlike each other, and never above `chunk_size`.

    Each sentence is embedded with `buffer` neighbours on both sides. A break is a cosine distance to the next one that
    stands out among all of the document. What lies between two breaks is merged up to `chunk_size`.
    Source: the four rules are those of LangChain's SemanticChunker, after Greg Kamradt's "5 levels of text splitting".
    """

    kind: ClassVar[str] = "semantic"
    label: ClassVar[str] = "Semantic breaks"

    breakpoint: str = option(
        "percentile",
        "A break is a distance above: a percentile of all; the mean and so many standard deviations, or interquartile "
        "ranges; or one whose rise is above a percentile of all rises.",
        choices=("percentile", "standard_deviation", "interquartile", "gradient"),
    )
    threshold: float = option(
        0.0, "How far it must stand out. 0: the usual 95, 3, 1.5 or 95.", low=0.0, high=100.0, advanced=True
    )
    buffer: int = option(1, "Neighbours on each side that a sentence is embedded with.", low=0, high=20, advanced=True)
    model: str = option(MODEL, MODEL_HELP)

    def check(self) -> None:
        Splitter.check(self)
        embedder_for(self.model)

    def identity(self) -> dict[str, Any]:
        return _with_model(Splitter.identity(self), self.model)

    def cost(self, document: Document) -> int:
        return len(sentences(document.text, self.measure).spans)

    def spans(self, document: Document) -> Ranges:
        found = sentences(document.text, self.measure)
        jumps = distances(document, self.model, self.buffer)
        first = np.append(0, np.flatnonzero(breaks(jumps, self.breakpoint, self.threshold)) + 1)
        return found.grouped(first).chunks(self.chunk_size, self.chunk_overlap)


def breaks(jumps: Floats, rule: str, threshold: float = 0.0) -> NDArray[np.bool_]:
    """Return (n,) which distances are breaks by a rule of `Semantic`; of fewer than two distances, none is."""
    if len(jumps) < 2:
        return np.zeros(len(jumps), np.bool_)
    amount = threshold or USUAL[rule]
    if rule == "gradient":
        jumps = np.gradient(jumps)
    if rule in ("percentile", "gradient"):
        limit = np.percentile(jumps, amount)
    elif rule == "standard_deviation":
        limit = jumps.mean() + amount * jumps.std()
    else:
        low, high = np.percentile(jumps, [25, 75])
        limit = jumps.mean() + amount * (high - low)
    out: NDArray[np.bool_] = jumps > limit
    return out


USUAL = {"percentile": 95.0, "standard_deviation": 3.0, "interquartile": 1.5, "gradient": 95.0}
"""The threshold of each rule where none is given."""


@cached(32 << 20, lambda found: found.nbytes)
def distances(document: Document, model: str, buffer: int) -> Floats:
    """Return (sentences - 1,) the cosine distance from each sentence, with its neighbours, to the next."""
    found = sentences(document.text, "characters")
    n = len(found.spans)
    near = np.arange(n)
    first, last = np.maximum(near - buffer, 0), np.minimum(near + buffer, n - 1)
    starts, ends = found.spans[first, 0], found.spans[last, 1]
    rows = piece_vectors(document, np.column_stack([starts, ends]), model)
    # Rounded, so that equal neighbours are equally far from each other in whatever order their sums were made.
    out: Floats = np.round(1 - np.einsum("ij,ij->i", rows[:-1], rows[1:], dtype=np.float64), 6)
    return out


@dataclass(frozen=True, slots=True)
class Cluster(Splitter):
    """Divides a document into chunks of at most `chunk_size` so that the pieces within chunks are most alike overall.

    Pieces of at most `piece_size` are embedded; a chunk has at most `chunk_size // piece_size` of them. Repeats as
    many whole pieces of the chunk before as `chunk_overlap` and `chunk_size` allow.
    Source: Smith & Troynikov 2024, "Evaluating chunking strategies for retrieval" (ClusterSemanticChunker).
    """

    kind: ClassVar[str] = "cluster"
    label: ClassVar[str] = "Semantic clusters"

    piece_size: int = option(50, "Largest piece that is embedded by itself, in the unit.", low=1, high=10_000)
    model: str = option(MODEL, MODEL_HELP)

    def check(self) -> None:
        Splitter.check(self)
        embedder_for(self.model)

    def identity(self) -> dict[str, Any]:
        return _with_model(Splitter.identity(self), self.model)

    @property
    def _piece(self) -> int:
        return min(self.piece_size, self.chunk_size)

    def cost(self, document: Document) -> int:
        return len(_small(document, self.measure, self._piece)[0])

    def spans(self, document: Document) -> Iterable[tuple[int, int]]:
        spans, sizes = _small(document, self.measure, self._piece)
        if not len(spans):
            return
        rows = _small_vectors(document, self.measure, self._piece, self.model)
        ends = np.concatenate([[0], np.cumsum(sizes)])
        before = -1
        for first, last in pairwise(clusters(rows, sizes, self.chunk_size, self.chunk_size // self._piece)):
            room = min(self.chunk_overlap, self.chunk_size - (ends[last] - ends[first]))
            start = max(before + 1, int(np.searchsorted(ends, ends[first] - room))) if before >= 0 else first
            yield int(spans[min(start, first), 0]), int(spans[last - 1, 1])
            before = first


def clusters(rows: Vectors, sizes: NDArray[np.int64], most: int, pieces: int) -> list[int]:
    """Return the bounds of the division into runs of at most `pieces` pieces and `most` in size that has the highest
    likeness; of equal divisions the one with the shorter last run.

    A run's likeness is the sum over its pairs of their cosine less the mean cosine of all pairs of the document.
    Dynamic programming takes O(n · pieces) time and no matrix of all pairs.
    """
    n, pieces = len(rows), max(1, min(pieces, len(rows)))
    wide = rows.astype(np.float64)
    pairs = max(n * (n - 1), 1)
    mean = (np.square(wide.sum(axis=0)).sum() - np.square(wide).sum()) / pairs
    gain = np.zeros((pieces + 1, n))  # gain[s, a]: the likeness of the run of s pieces from a
    column = np.zeros(n)  # likeness of the run's last piece to those before it
    for size in range(2, pieces + 1):
        count = n - size + 1
        likeness = np.einsum("ij,ij->i", wide[:count], wide[size - 1 :]) - mean
        column = column[1 : count + 1] + likeness
        gain[size, :count] = gain[size - 1, :count] + 2 * column
    ends = np.concatenate([[0], np.cumsum(sizes)])
    best, start = np.zeros(n + 1), [0] * (n + 1)
    lengths = np.arange(1, pieces + 1)
    for end in range(1, n + 1):
        sizes_ = lengths[:end]
        starts = end - sizes_
        value = gain[sizes_, starts] + best[starts]
        value[1:][ends[end] - ends[starts[1:]] > most] = -np.inf  # a single piece always goes
        chosen = int(np.argmax(value))
        best[end], start[end] = value[chosen], end - chosen - 1
    bounds = [n]
    while bounds[-1]:
        bounds.append(start[bounds[-1]])
    return bounds[::-1]


_FINE = tuple(literal(separator) for separator in ("\n\n", "\n", ".", "?", "!", " ", ""))


@cached(32 << 20, lambda found: found[0].nbytes + found[1].nbytes)
def _small(document: Document, measure: str, size: int) -> tuple[Ranges, NDArray[np.int64]]:
    """Return the pieces of at most `size`, and the size of each."""
    spans = tree(document.text, _FINE, measure).chunks(size, 0)
    return spans, measured(document.text, spans[:, 0], spans[:, 1], measure)


@cached(64 << 20, lambda found: found.nbytes)
def _small_vectors(document: Document, measure: str, size: int, model: str) -> Vectors:
    return piece_vectors(document, _small(document, measure, size)[0], model)


def piece_vectors(document: Document, spans: Ranges, model: str) -> Vectors:
    """Return (n, dim) float32 unit rows: each span as the model sees its text alone."""
    embedder, found = embedder_for(model), Chunks(document.id, spans)
    if isinstance(embedder, SpanEncoder):
        return unit(embedder.encode_spans(document, found))
    return unit(embedder.encode_document(found.texts(document)))


def _with_model(fields: dict[str, Any], model: str) -> dict[str, Any]:
    """Return the identity with the model's files in place of its name."""
    return {**{k: v for k, v in fields.items() if k != "model"}, "embedder": embedder_for(model).identity()}
