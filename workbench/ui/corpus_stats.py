"""What a pipeline does to texts, in figures: of a document, of a whole corpus, of each row of a collection.

A small corpus is counted while the page waits. Of a large one (`cuttings.is_large`) the figures are an estimate, which
says of how many documents it is made, until a job has counted all of them.
"""

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import pipelines
from workbench.diagnostics import chunk_tokens, unseen
from workbench.documents import Chunks, Corpus, Document
from workbench.memory_cache import cached
from workbench.pipelines import Pipeline
from workbench.retrievers import Collection
from workbench.spans import Ranges, covered, lengths
from workbench.specs import fingerprint
from workbench.splitters import Splitter
from workbench.splitters.chunk_cache import MANY_CHARACTERS, is_large
from workbench.splitters.pieces import CHARACTERS
from workbench.store import Store
from workbench.tasks import Task
from workbench.tokens import tokenizer
from workbench.ui import jobs
from workbench.ui.layout import size_label

FEW, SOME = 6, 200
"""Documents that an estimate is made of while the page waits, and in the background."""
KIND = "figures"
"""The kind under which the store keeps the figures of a document of a large corpus."""
_FIGURES = struct.Struct("<4q")
_CACHE = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A document's chunks, their tokens in the model's tokenizer, and the part of each that the model truncates."""

    chunks: Chunks
    tokens: NDArray[np.int64]
    unseen: Ranges

    @property
    def hidden(self) -> Ranges:
        """(m, 2) the truncated parts that there are."""
        return self.unseen[lengths(self.unseen) > 0]

    @property
    def truncated(self) -> int:
        """How many chunks have a truncated part."""
        return len(self.hidden)

    @property
    def invisible(self) -> int:
        """Characters truncated in every chunk that holds them: an overlap can show in one what another cuts off."""
        if not self.truncated:
            return 0
        seen = np.column_stack([self.chunks.spans[:, 0], self.unseen[:, 0]])
        return covered(self.chunks.spans) - covered(seen)

    @property
    def figures(self) -> "Figures":
        """What `Totals` adds up."""
        return len(self.chunks), self.truncated, self.invisible, int(self.tokens.sum())


def cut(document: Document, pipeline: Pipeline) -> Cut:
    """Return the document under the pipeline's splitter, as its model sees it."""
    embedder = pipeline.embedder
    return _cut(document, pipeline.splitter, embedder.tokenizer, embedder.max_tokens)


@cached(_CACHE, lambda found: 1_000 + 50 * len(found.chunks))
def _cut(document: Document, splitter: Splitter, tokenizer: str, limit: int | None) -> Cut:
    return measured(document, pipelines.split(document, splitter), tokenizer, limit)


def measured(document: Document, chunks: Chunks, tokenizer: str, limit: int | None) -> Cut:
    """Return the chunks of a document as a model with this tokenizer and limit sees them."""
    tokens = chunk_tokens(document, chunks, tokenizer)
    return Cut(chunks, tokens, unseen(document, chunks, tokenizer, limit, tokens))


@cached(_CACHE, lambda found: 200 + found.nbytes)
def sizes(document: Document, splitter: Splitter) -> NDArray[np.int64]:
    """Return (n,) each chunk's size in the unit in which it was asked for; a header is no part of it."""
    spans = pipelines.split(document, splitter).spans
    if splitter.measure == CHARACTERS:
        return lengths(spans)
    return chunk_tokens(document, Chunks(document.id, spans), splitter.measure)


# --- figures of a whole corpus


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures of a whole corpus under a pipeline. Equal chunk texts are embedded once and counted each time.

    `sampled`: of how many documents they were estimated; 0 where they are exact.
    """

    chunks: int
    truncated: int
    unseen_characters: int
    characters: int
    tokens: int
    sampled: int = 0

    @property
    def unseen_share(self) -> float:
        """The share of the corpus's characters that are truncated in every chunk."""
        return self.unseen_characters / self.characters if self.characters else 0.0

    @property
    def about(self) -> str:
        """What stands before a figure that is an estimate."""
        return "about " if self.sampled else ""

    def cost(self, pipeline: Pipeline) -> str:
        """Say what the whole corpus takes to embed and to store."""
        size = self.chunks * pipeline.embedder.dimensions * np.dtype(np.float32).itemsize
        return f"{self.about}{self.tokens:,} tokens to embed, {size_label(size)} of vectors"


Figures = tuple[int, int, int, int]
"""Chunks, truncated chunks, truncated characters and tokens of a document."""


def totals_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """Return what decides the figures of a corpus."""
    return "totals", corpus, pipeline.splitter, pipeline.embedder.tokenizer, pipeline.embedder.max_tokens


def totals(corpus: Corpus, pipeline: Pipeline) -> Totals:
    """Return the figures of every document together; of a large corpus an estimate until they are counted."""
    if not is_large(corpus):
        return _totals(corpus, pipeline)
    job = jobs.find(totals_key(corpus, pipeline))
    if job is not None and job.result is not None:
        return job.result  # type: ignore[no-any-return]
    return estimated.known(corpus, pipeline, SOME) or estimated(corpus, pipeline, FEW)


@cached(64, lambda found: 1, key=totals_key)
def _totals(corpus: Corpus, pipeline: Pipeline) -> Totals:
    return _summed(corpus, [cut(document, pipeline).figures for document in corpus])


def _summed(corpus: Corpus, each: Sequence[Figures]) -> Totals:
    chunks, truncated, unseen, tokens = (int(n) for n in np.array(each, np.int64).reshape(-1, 4).sum(axis=0))
    return Totals(chunks, truncated, unseen, corpus.characters, tokens)


@cached(64, lambda found: 1, key=lambda corpus, pipeline, most: (totals_key(corpus, pipeline), most))
def estimated(corpus: Corpus, pipeline: Pipeline, most: int) -> Totals:
    """Return the figures by a sample of `most` documents, the same for every pipeline, scaled by characters."""
    some = random.Random(0).sample(corpus.documents, min(most, len(corpus)))
    part = sum(document.figures.characters for document in some)
    found = _summed(corpus, [cut(document, pipeline).figures for document in some])
    by = corpus.characters / part if part else 0.0
    scaled = {name: round(getattr(found, name) * by) for name in ("chunks", "truncated", "unseen_characters", "tokens")}
    return replace(found, **scaled, sampled=len(some))


def counted(found: Collection, pipeline: Pipeline, store: Store, task: Task) -> Totals:
    """Return the exact figures of these rows; those of each document are kept in the store.

    Raises:
        Cancelled: the task was stopped.
    """
    embedder = pipeline.embedder
    name = [1, pipeline.splitter.fingerprint, tokenizer(embedder.tokenizer).sha256, embedder.max_tokens]
    each: list[Figures] = []
    for figures in store.memo(
        KIND,
        pipelines.parts(found),
        key=lambda item: fingerprint([name, item[0].id]),
        make=lambda item: measured(*item, embedder.tokenizer, embedder.max_tokens).figures,
        encode=lambda figures: _FIGURES.pack(*figures),
        decode=lambda data, item: _FIGURES.unpack(data) if len(data) == _FIGURES.size else None,
    ):
        each.append(figures)
        task.report(len(each), len(found.corpus))
        task.check()
    return _summed(found.corpus, each)


# --- a part of a large corpus


@cached(16, lambda found: 1)
def part(corpus: Corpus, keep: frozenset[str] = frozenset()) -> Corpus:
    """Return the corpus; of a large one a seeded sample that holds the documents to `keep`, and one at least.

    For what looks at every text: that takes seconds for the sample. `said` says that it is one.
    """
    if not is_large(corpus):
        return corpus
    chosen = [corpus.document(id) for id in sorted(keep) if id in corpus]
    room = MANY_CHARACTERS - sum(document.figures.characters for document in chosen)
    some = random.Random(0).sample(corpus.documents, min(SOME, len(corpus)))
    for document in some:
        if document.figures.characters <= room:  # one that is too large leaves the room to those after it
            chosen.append(document)
            room -= document.figures.characters
    return Corpus(tuple(chosen or [min(some, key=lambda document: document.figures.characters)]))


def said(some: Corpus, corpus: Corpus) -> str:
    """Say of how many documents something holds; "" where of all."""
    return "" if len(some) == len(corpus) else f"By a sample of {len(some):,} of {len(corpus):,} documents."


# --- numbers of rows


class PerRow(Sequence[int]):
    """A number for each row of a collection, computed when it is read: of half a million rows, a page shows ten."""

    def __init__(self, found: Collection, number: Callable[[Document, int], int]) -> None:
        self._found, self._number = found, number

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, row: Any) -> Any:
        of = int(self._found.document_index[row])
        first = int(np.searchsorted(self._found.document_index, of))
        return self._number(self._found.corpus.documents[of], int(row) - first)


def numbers(found: Collection | None, pipeline: Pipeline) -> tuple[Sequence[int], Sequence[int]]:
    """Return for each row its chunk's number in its document, from 1, and its tokens."""
    if found is None:
        return (), ()
    return (
        PerRow(found, lambda document, i: i + 1),
        PerRow(found, lambda document, i: int(cut(document, pipeline).tokens[i])),
    )
