"""What the pages compute again and again, kept by content: chunks with their figures, and collections with vectors."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench import pipelines
from workbench.diagnostics import chunk_tokens, unseen
from workbench.documents import Chunks, Corpus, Document
from workbench.embedders import Cancelled, Embedder, SentenceTransformer, can_preview, missing, prepare_preview
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Collection, Hybrid, Rerank, Retriever
from workbench.retrievers.words import Words
from workbench.spans import Ranges, covered, lengths
from workbench.splitters import Splitter
from workbench.splitters.cuttings import is_large
from workbench.splitters.pieces import CHARACTERS
from workbench.store import Store
from workbench.ui import jobs, preload


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


def visit() -> str:
    """What tells this visit from others among those that watch jobs."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    return context.session_id if context else "test"


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

    job = jobs.run(name, visit(), work)
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
    jobs.attend(visit(), {name for p in here for name in _keys(corpus, p)} | set(also))


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
            preload.wait()
        if is_slow and missing(embedder, cut.texts(), store):
            settle(cancelled)
        found = pipelines.searchable(cut, pipeline, store, _timed(embedder, report), cancelled)
        if embedder.kind != "remote":
            embedder.encode_query([""])  # loads the model here, where nobody waits, if the vectors were cached
        return found

    return jobs.run(name, visit(), work, again=asked)


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

    return jobs.run(states_key(corpus, pipeline), visit(), work)


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
