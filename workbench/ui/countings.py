"""What a page needs of every document at once: all chunks as rows, and the figures of a corpus.

A small corpus is cut while the page waits. A large one (`cuttings.is_large`) is cut in the background: until that is
done there are no rows, and the figures are an estimate that says of how many documents it is made.
"""

import logging
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import streamlit as st

from workbench import pipelines
from workbench.documents import Corpus, Document
from workbench.embedders import Cancelled
from workbench.errors import StoreError
from workbench.memory_cache import cached
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Collection, Hybrid
from workbench.specs import fingerprint
from workbench.splitters.cuttings import MANY_CHARACTERS, is_large
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.ui import jobs, live
from workbench.ui.shell import guarded, plain

log = logging.getLogger(__name__)

FEW, SOME = 6, 200
"""Documents that an estimate is made of while the page waits, and in the background."""
KIND = "figures"
"""The kind under which the store keeps the figures of a document of a large corpus."""

_FIGURES = struct.Struct("<4q")
_TOGETHER = 256  # documents whose figures are read and written at a time


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
        """The share of the corpus's characters that no chunk shows to the model."""
        return self.unseen_characters / self.characters if self.characters else 0.0

    @property
    def about(self) -> str:
        """What stands before a figure that is an estimate."""
        return "about " if self.sampled else ""


Figures = tuple[int, int, int, int]
"""Chunks, truncated chunks, unseen characters and tokens of a document."""


def figures(found: live.Cut) -> Figures:
    """What `Totals` adds up, of one document."""
    return len(found.chunks), found.truncated, live.invisible(found), int(found.tokens.sum())


def totals(corpus: Corpus, pipeline: Pipeline) -> Totals:
    """The figures of every document together; of a large corpus an estimate until the job of `attend` is done."""
    if not is_large(corpus):
        return _totals(corpus, pipeline)
    job = jobs.find(live.totals_key(corpus, pipeline))
    if job is not None and job.result is not None:
        return job.result  # type: ignore[no-any-return]
    return _estimated.known(corpus, pipeline, SOME) or _estimated(corpus, pipeline, FEW)


@lru_cache(maxsize=64)
def _totals(corpus: Corpus, pipeline: Pipeline) -> Totals:
    return _summed(corpus, [figures(live.cut(document, pipeline)) for document in corpus])


def _summed(corpus: Corpus, each: Sequence[Figures]) -> Totals:
    chunks, truncated, unseen, tokens = (int(n) for n in np.array(each, np.int64).reshape(-1, 4).sum(axis=0))
    return Totals(chunks, truncated, unseen, corpus.characters, tokens)


@cached(64, lambda found: 1, key=lambda corpus, pipeline, most: (live.totals_key(corpus, pipeline), most))
def _estimated(corpus: Corpus, pipeline: Pipeline, most: int) -> Totals:
    """The figures by a sample of documents, the same one for every pipeline, scaled by characters."""
    some = random.Random(0).sample(corpus.documents, min(most, len(corpus)))
    part = sum(document.figures.characters for document in some)
    found = _summed(corpus, [figures(live.cut(document, pipeline)) for document in some])
    by = corpus.characters / part if part else 0.0
    scaled = {name: round(getattr(found, name) * by) for name in ("chunks", "truncated", "unseen_characters", "tokens")}
    return replace(found, **scaled, sampled=len(some))


def begin(corpus: Corpus, pipeline: Pipeline, store: Store) -> jobs.Job | None:
    """The job that cuts a large corpus, or once it is cut counts it, begun if need be; None where nothing is to do."""
    if not is_large(corpus):
        return None

    def cut(report: jobs.Report, cancelled: Callable[[], bool]) -> Collection:
        live.settle(cancelled)
        _estimated(corpus, pipeline, SOME)
        return pipelines.collected(corpus, pipeline.splitter, store, report, cancelled)

    found = live.rows(corpus, pipeline)
    if found is None:
        return jobs.run(live.rows_key(corpus, pipeline), live.visit(), cut)
    here = found

    def count(report: jobs.Report, cancelled: Callable[[], bool]) -> Totals:
        return _counted(here, pipeline, store, report, cancelled)

    job = jobs.run(live.totals_key(corpus, pipeline), live.visit(), count)
    return None if job.finished.is_set() else job


def _counted(
    found: Collection, pipeline: Pipeline, store: Store, report: jobs.Report, cancelled: Callable[[], bool]
) -> Totals:
    """The exact figures of these rows; those of a document are kept in the store."""
    embedder, corpus = pipeline.embedder, found.corpus
    name = [1, pipeline.splitter.fingerprint, tokenizer(embedder.tokenizer).sha256, embedder.max_tokens]
    each: list[Figures] = []
    rest = iter(pipelines.parts(found))
    while some := list(islice(rest, _TOGETHER)):
        named = [fingerprint([name, document.id]) for document, _ in some]
        known, new = store.get_many(KIND, named), {}
        for (document, chunks), key in zip(some, named, strict=True):
            report(len(each), len(corpus))
            if cancelled():
                raise Cancelled
            data = known.get(key, b"")
            if len(data) != _FIGURES.size:
                cut = live.measured(document, chunks, embedder.tokenizer, embedder.max_tokens)
                data = new[key] = _FIGURES.pack(*figures(cut))
            each.append(_FIGURES.unpack(data))
        try:
            store.put_many(KIND, new)
        except StoreError as error:  # they are counted anew the next time
            log.warning("the figures of %d documents are not kept: %s", len(new), error)
    return _summed(corpus, each)


# --- a part of a large corpus


@lru_cache(maxsize=16)
def part(corpus: Corpus, keep: frozenset[str] = frozenset()) -> Corpus:
    """The corpus; of a large one a seeded sample, with the documents that are to be kept in it: one at least.

    For what looks at every text: it takes seconds for the sample, and is said to be of a sample by `said`.
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
    """Of how many documents something was said; "" where of all."""
    return "" if len(some) == len(corpus) else f"By a sample of {len(some):,} of {len(corpus):,} documents."


# --- numbers of rows


class PerRow(Sequence[int]):
    """A number for each row of a collection, found when it is asked for: of half a million rows, a page shows ten."""

    def __init__(self, found: Collection, number: Callable[[Document, int], int]) -> None:
        self._found, self._number = found, number

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, row: Any) -> Any:
        of = int(self._found.document_index[row])
        first = int(np.searchsorted(self._found.document_index, of))
        return self._number(self._found.corpus.documents[of], int(row) - first)


def numbers(corpus: Corpus, pipeline: Pipeline) -> tuple[Sequence[int], Sequence[int]]:
    """For each row of the corpus's collection: its chunk's number in its document, from 1, and its tokens."""
    found = live.rows(corpus, pipeline)
    if found is None:
        return (), ()
    return (
        PerRow(found, lambda document, i: i + 1),
        PerRow(found, lambda document, i: int(live.cut(document, pipeline).tokens[i])),
    )


# --- what is said meanwhile


def progress(corpus: Corpus, pipeline: Pipeline, store: Store) -> None:
    """A bar while a large corpus is cut, its words indexed and its figures counted; the page is drawn again after each.

    To be called after the search, which asks for the words.
    """
    counting = begin(corpus, pipeline, store)
    retrievers = BM25(), Hybrid(), pipeline.retriever
    names = [name for r in retrievers if (name := live.words_key(corpus, pipeline, r))]
    indexing = [job for name in names if (job := jobs.find(name)) is not None and is_large(corpus)]
    if live.rows(corpus, pipeline) is None and counting is not None:
        _told("Cutting", counting)
    elif words := [job for job in indexing if not job.finished.is_set()]:
        _told("Indexing the words of", words[0])
    elif counting is not None:
        _told("Counting", counting)


def cut_first(corpus: Corpus, pipeline: Pipeline, store: Store) -> bool:
    """Whether a page has to wait because a large corpus is being cut; says how far that is, and comes back then."""
    if live.rows(corpus, pipeline) is not None:
        return False
    jobs.attend(live.visit(), {live.rows_key(corpus, pipeline)})
    job = begin(corpus, pipeline, store)
    if job is not None:
        _told("Cutting", job)
    return True


def _told(what: str, job: jobs.Job) -> None:
    if job.finished.is_set():
        if job.error:
            st.caption(plain(job.error))
        return
    _running(what, job)


@st.fragment(run_every=1.0)
def _running(what: str, job: jobs.Job) -> None:
    if job.finished.is_set():
        st.rerun()
    with guarded():
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        st.progress(share, text=f"{what} {job.done:,} of {job.total:,} documents" if job.total else f"{what} documents")
