"""What is known of a corpus under a pipeline: chunks, figures, rows, words and vectors; and the work behind it."""

import logging
import random
import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from workbench import pipelines
from workbench.diagnostics import chunk_tokens, unseen
from workbench.documents import Chunks, Corpus, Document
from workbench.embedders import Cancelled, Embedder, SentenceTransformer, can_preview, missing, prepare_preview
from workbench.errors import StoreError
from workbench.memory_cache import cached
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Collection, Hybrid, Rerank, Retriever
from workbench.retrievers.words import Words
from workbench.spans import Ranges, covered, lengths
from workbench.specs import fingerprint
from workbench.splitters import Splitter
from workbench.splitters.cuttings import MANY_CHARACTERS, is_large
from workbench.splitters.pieces import CHARACTERS
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.ui import jobs, state, warming
from workbench.ui.layout import guarded, plain


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A document's chunks, their tokens in the model's tokenizer, and the part of each that the model never sees."""

    chunks: Chunks
    tokens: NDArray[np.int64]
    unseen: Ranges

    @property
    def hidden(self) -> Ranges:
        """(m, 2) the unseen parts that there are."""
        return self.unseen[lengths(self.unseen) > 0]

    @property
    def truncated(self) -> int:
        """How many chunks have an unseen part."""
        return len(self.hidden)


def cut(document: Document, pipeline: Pipeline) -> Cut:
    """The document under the pipeline's splitter, as its model sees it."""
    embedder = pipeline.embedder
    return _cut(document, pipeline.splitter, embedder.tokenizer, embedder.max_tokens)


@lru_cache(maxsize=512)
def _cut(document: Document, splitter: Splitter, tokenizer: str, limit: int | None) -> Cut:
    return measured(document, pipelines.split(document, splitter), tokenizer, limit)


def measured(document: Document, chunks: Chunks, tokenizer: str, limit: int | None) -> Cut:
    """The chunks of a document as a model with this tokenizer and limit sees them."""
    tokens = chunk_tokens(document, chunks, tokenizer)
    return Cut(chunks, tokens, unseen(document, chunks, tokenizer, limit, tokens))


@lru_cache(maxsize=512)
def sizes(document: Document, splitter: Splitter) -> NDArray[np.int64]:
    """(n,) each chunk's size in the unit in which it was asked for; a header is no part of it."""
    spans = pipelines.split(document, splitter).spans
    if splitter.measure == CHARACTERS:
        return lengths(spans)
    return chunk_tokens(document, Chunks(document.id, spans), splitter.measure)


def invisible(found: Cut) -> int:
    """Characters that are unseen in every chunk that holds them: an overlap can show in one what another cuts off."""
    if not found.truncated:
        return 0
    seen = np.column_stack([found.chunks.spans[:, 0], found.unseen[:, 0]])
    return covered(found.chunks.spans) - covered(seen)


def key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """What decides a collection with vectors."""
    return ("dense", corpus, pipeline.splitter, pipeline.embedder, pipeline.index)


def rows(corpus: Corpus, pipeline: Pipeline) -> Collection | None:
    """Every chunk as a row; None while a large corpus is cut in the background (`countings.begin`)."""
    if not is_large(corpus):
        return pipelines.collection(corpus, pipeline.splitter)
    job = jobs.find(rows_key(corpus, pipeline))
    if job is not None and job.result is not None:  # first, since its words may be indexed
        return job.result  # type: ignore[no-any-return]
    return pipelines.collected.known(corpus, pipeline.splitter)


def every_row(corpus: Corpus, pipeline: Pipeline) -> Collection:
    """`rows`; cut now where there are none yet."""
    found = rows(corpus, pipeline)
    return pipelines.collection(corpus, pipeline.splitter) if found is None else found


def rows_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """What decides the rows."""
    return "rows", corpus, pipeline.splitter


def totals_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """What decides the figures of a corpus."""
    return "totals", corpus, pipeline.splitter, pipeline.embedder.tokenizer, pipeline.embedder.max_tokens


def words_key(corpus: Corpus, pipeline: Pipeline, retriever: Retriever) -> tuple[Any, ...] | None:
    """What decides the index of words that a retriever needs; None where it needs none."""
    fields = _words(retriever)
    return fields and ("words", corpus, pipeline.splitter, *fields)


def _words(retriever: Retriever) -> tuple[float, float, Words] | None:
    first = retriever.candidates if isinstance(retriever, Rerank) else retriever
    if not isinstance(first, BM25 | Hybrid):
        return None
    return first.k1, first.b, Words(first.stemmer, first.stop_words)


def words(corpus: Corpus, pipeline: Pipeline, found: Collection, retriever: Retriever) -> bool:
    """Whether the words that the retriever needs are indexed; those of a large corpus are, in the background."""
    name, fields = words_key(corpus, pipeline, retriever), _words(retriever)
    if name is None or fields is None or not is_large(corpus):
        return True

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> bool:
        found.lexical("", 1, fields[0], fields[1], None, fields[2])
        return True

    job = jobs.run(name, state.visit(), work)
    job.wait()
    return job.result is not None


MANY = 100_000
"""Chunks that a static model embeds only when asked: a minute of both cores."""
LARGE = 3000
"""Chunks that a transformer embeds only when asked: minutes of work that a moving slider should not start."""
SETTLING = 0.7
"""Seconds for which a configuration must stand still before a transformer begins to embed it."""


def _keys(corpus: Corpus, pipeline: Pipeline) -> list[Hashable]:
    retrievers = BM25(), Hybrid(), pipeline.retriever
    return [
        *(name(corpus, pipeline) for name in (key, states_key, rows_key, totals_key)),
        *(words_key(corpus, pipeline, retriever) for retriever in retrievers),
    ]


def attend(corpus: Corpus, *pipelines: Pipeline | None, also: Iterable[Hashable] = ()) -> None:
    """Nothing; embedding for other configurations than these ends, at the start of a run, before it slows that down."""
    here = [p for p in pipelines if p]
    jobs.attend(state.visit(), {name for p in here for name in _keys(corpus, p)} | set(also))


def dense(corpus: Corpus, pipeline: Pipeline, store: Store, asked: bool = False) -> jobs.Job | None:
    """The job that makes the collection with vectors; None where it was not asked for and is large, or text leaves."""
    name, embedder = key(corpus, pipeline), pipeline.embedder
    found = rows(corpus, pipeline)
    if found is None:
        return jobs.find(name)
    cut, is_slow = found, embedder.kind != "static"
    if not asked and jobs.find(name) is None:
        if len(cut) > (LARGE if is_slow else MANY):
            return None
        if embedder.kind == "remote" and missing(embedder, cut.texts(), store):
            return None

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Collection:
        if is_slow:
            warming.wait()
        if is_slow and missing(embedder, cut.texts(), store):
            settle(cancelled)
        found = pipelines.searchable(cut, pipeline, store, _timed(embedder, report), cancelled)
        if embedder.kind != "remote":
            embedder.encode_query([""])  # loads the model here, where nobody waits, if the vectors were cached
        return found

    return jobs.run(name, state.visit(), work, again=asked)


_rates: dict[str, tuple[int, float]] = {}
ENOUGH = 50
"""Chunks from which on a rate is worth showing."""


def _timed(embedder: Embedder, report: jobs.Report) -> jobs.Report:
    """The report, which also notes the embedder's rate from the end of its first batch on: loading is no part of it."""
    first: list[tuple[int, float]] = []

    def timed(done: int, total: int) -> None:
        now = time.monotonic()
        if done and not first:
            first.append((done, now))
        elif first and done - first[0][0] >= max(ENOUGH, _rates.get(embedder.fingerprint, (0, 0.0))[0]):
            count, since = first[0]
            _rates[embedder.fingerprint] = done - count, (done - count) / max(now - since, 1e-9)
        report(done, total)

    return timed


def rate(embedder: Embedder) -> float | None:
    """Chunks a second in the largest run of this process; None before one of `ENOUGH`."""
    return _rates[embedder.fingerprint][1] if embedder.fingerprint in _rates else None


def settle(cancelled: Callable[[], bool]) -> None:
    """Nothing; waits until a configuration stands still.

    Raises:
        Cancelled: another one took its place meanwhile.
    """
    for _ in range(10):
        if cancelled():
            raise Cancelled
        time.sleep(SETTLING / 10)


def known(corpus: Corpus, pipeline: Pipeline) -> jobs.Job | None:
    """The job of `dense`, if it was started; starts none."""
    return jobs.find(key(corpus, pipeline))


STATES = 2_000_000
"""Characters of a corpus whose token states are made unasked: about six minutes of work, and 100 MB."""


def states_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """What decides the token states behind previews."""
    return "states", corpus, pipeline.embedder.full


def states(corpus: Corpus, pipeline: Pipeline, store: Store) -> jobs.Job | None:
    """The job that computes every document's token states, once; None where the model has no preview.

    To be called once the vectors in hand are there: these come first.
    """
    embedder = pipeline.embedder
    if not isinstance(embedder, SentenceTransformer) or not can_preview(embedder) or corpus.characters > STATES:
        return None
    chosen = embedder

    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> bool:
        prepare_preview(corpus, chosen, store, report, cancelled)
        return True

    return jobs.run(states_key(corpus, pipeline), state.visit(), work)


def preview(corpus: Corpus, pipeline: Pipeline, store: Store) -> Collection | None:
    """The collection with vectors pooled from token states; None where these, or the rows, are not here yet."""
    job, cut = jobs.find(states_key(corpus, pipeline)), rows(corpus, pipeline)
    if job is None or job.result is None or cut is None or not isinstance(pipeline.embedder, SentenceTransformer):
        return None
    return _preview(cut, pipeline, pipeline.embedder, store)


_previews: OrderedDict[tuple[Corpus, Pipeline], Collection] = OrderedDict()


def _preview(cut: Collection, pipeline: Pipeline, embedder: SentenceTransformer, store: Store) -> Collection:
    found = _previews.pop((cut.corpus, pipeline), None)
    if found is None:
        found = pipelines.indexed(cut, pipelines.previewed(cut, embedder, store), embedder, pipeline.index)
    _previews[cut.corpus, pipeline] = found
    while len(_previews) > 6:
        _previews.popitem(last=False)
    return found


def preview_seen(corpus: Corpus, pipeline: Pipeline) -> Collection | None:
    """The preview that was shown of a pipeline lately, if one was."""
    return _previews.get((corpus, pipeline))


State = Literal["exact", "preview", "words"]


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What can be searched now: with exact vectors, with those of a preview, or by words alone; None: nothing yet."""

    rows: Collection | None
    state: State


def searched(corpus: Corpus, pipeline: Pipeline, job: jobs.Job | None, store: Store) -> Searched:
    """The best that there is for a pipeline; quick work is waited for where there is no preview."""
    quick = None
    if job is None or not job.finished.is_set():
        quick = preview(corpus, pipeline, store)
        if quick is None and job is not None:
            job.wait()
    if job is not None and job.result is not None:
        return Searched(job.result, "exact")
    return Searched(quick, "preview") if quick else Searched(rows(corpus, pipeline), "words")


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


def figures(found: Cut) -> Figures:
    """What `Totals` adds up, of one document."""
    return len(found.chunks), found.truncated, invisible(found), int(found.tokens.sum())


def totals(corpus: Corpus, pipeline: Pipeline) -> Totals:
    """The figures of every document together; of a large corpus an estimate until the job of `attend` is done."""
    if not is_large(corpus):
        return _totals(corpus, pipeline)
    job = jobs.find(totals_key(corpus, pipeline))
    if job is not None and job.result is not None:
        return job.result  # type: ignore[no-any-return]
    return _estimated.known(corpus, pipeline, SOME) or _estimated(corpus, pipeline, FEW)


@lru_cache(maxsize=64)
def _totals(corpus: Corpus, pipeline: Pipeline) -> Totals:
    return _summed(corpus, [figures(cut(document, pipeline)) for document in corpus])


def _summed(corpus: Corpus, each: Sequence[Figures]) -> Totals:
    chunks, truncated, unseen, tokens = (int(n) for n in np.array(each, np.int64).reshape(-1, 4).sum(axis=0))
    return Totals(chunks, truncated, unseen, corpus.characters, tokens)


@cached(64, lambda found: 1, key=lambda corpus, pipeline, most: (totals_key(corpus, pipeline), most))
def _estimated(corpus: Corpus, pipeline: Pipeline, most: int) -> Totals:
    """The figures by a sample of documents, the same one for every pipeline, scaled by characters."""
    some = random.Random(0).sample(corpus.documents, min(most, len(corpus)))
    part = sum(document.figures.characters for document in some)
    found = _summed(corpus, [figures(cut(document, pipeline)) for document in some])
    by = corpus.characters / part if part else 0.0
    scaled = {name: round(getattr(found, name) * by) for name in ("chunks", "truncated", "unseen_characters", "tokens")}
    return replace(found, **scaled, sampled=len(some))


def begin(corpus: Corpus, pipeline: Pipeline, store: Store) -> jobs.Job | None:
    """The job that cuts a large corpus, or once it is cut counts it, begun if need be; None where nothing is to do."""
    if not is_large(corpus):
        return None

    def cut(report: jobs.Report, cancelled: Callable[[], bool]) -> Collection:
        settle(cancelled)
        _estimated(corpus, pipeline, SOME)
        return pipelines.collected(corpus, pipeline.splitter, store, report, cancelled)

    found = rows(corpus, pipeline)
    if found is None:
        return jobs.run(rows_key(corpus, pipeline), state.visit(), cut)
    here = found

    def count(report: jobs.Report, cancelled: Callable[[], bool]) -> Totals:
        return _counted(here, pipeline, store, report, cancelled)

    job = jobs.run(totals_key(corpus, pipeline), state.visit(), count)
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
                cut = measured(document, chunks, embedder.tokenizer, embedder.max_tokens)
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
    found = rows(corpus, pipeline)
    if found is None:
        return (), ()
    return (
        PerRow(found, lambda document, i: i + 1),
        PerRow(found, lambda document, i: int(cut(document, pipeline).tokens[i])),
    )


# --- what is said meanwhile


def progress(corpus: Corpus, pipeline: Pipeline, store: Store) -> None:
    """A bar while a large corpus is cut, its words indexed and its figures counted; the page is drawn again after each.

    To be called after the search, which asks for the words.
    """
    counting = begin(corpus, pipeline, store)
    retrievers = BM25(), Hybrid(), pipeline.retriever
    names = [name for r in retrievers if (name := words_key(corpus, pipeline, r))]
    indexing = [job for name in names if (job := jobs.find(name)) is not None and is_large(corpus)]
    if rows(corpus, pipeline) is None and counting is not None:
        _told("Cutting", counting)
    elif words := [job for job in indexing if not job.finished.is_set()]:
        _told("Indexing the words of", words[0])
    elif counting is not None:
        _told("Counting", counting)


def cut_first(corpus: Corpus, pipeline: Pipeline, store: Store) -> bool:
    """Whether a page has to wait because a large corpus is being cut; says how far that is, and comes back then."""
    if rows(corpus, pipeline) is not None:
        return False
    jobs.attend(state.visit(), {rows_key(corpus, pipeline)})
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
