"""What is known of a corpus under a pipeline (rows, figures, words, vectors), and the jobs that make the rest.

A page asks once in a run (`ask`, which starts what is missing, or `look`, which starts nothing), and draws from that.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import Embedder, Remote, SentenceTransformer, can_preview, missing, new_texts, prepare_preview
from workbench.memory_cache import MemoryCache
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Collection, Hybrid, Rerank, Retriever
from workbench.retrievers.analyser import Words
from workbench.splitters.chunk_cache import is_large
from workbench.store import Store
from workbench.tasks import Task
from workbench.ui import corpus_stats, jobs, preload, state
from workbench.ui.corpus_stats import Totals, totals_key
from workbench.ui.layout import duration, guarded, plain

MANY = 100_000
"""Chunks that a static model embeds only when asked: a minute of both cores."""
LARGE = 3000
"""Chunks that a transformer embeds only when asked: minutes of work that a moving slider should not start."""
SETTLING = 0.7
"""Seconds for which a configuration must stand still before a transformer begins to embed it."""
ENOUGH = 50
"""Chunks from which on a rate is worth showing."""
STATES = 2_000_000
"""Characters of a corpus whose token states are made unasked: about six minutes of work, and 100 MB."""

State = Literal["exact", "preview", "words"]
"""What can be searched: exact vectors, those of a preview, or words alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of a corpus under a pipeline, at one moment of a page's run."""

    corpus: Corpus
    pipeline: Pipeline
    rows: Collection | None
    """Every chunk; None while a large corpus is cut."""
    counting: jobs.Job | None
    """The job that cuts a large corpus or counts it; None where neither is under way."""
    indexing: jobs.Job | None
    """The job that indexes the words of a large corpus; None where none is under way."""
    embedding: jobs.Job | None
    """The job of the vectors, running or done; None where it was not begun."""
    searchable: Collection | None
    """The best that can be searched now, by `state`; None where there are not even rows."""
    state: State

    @property
    def exact(self) -> Collection | None:
        """The collection with exact vectors; None until it is there."""
        return self.embedding.result if self.embedding is not None else None

    @property
    def totals(self) -> Totals:
        """The figures of the corpus, exact or estimated."""
        return corpus_stats.totals(self.corpus, self.pipeline)

    def has_words(self, retriever: Retriever) -> bool:
        """Return whether the words that a retriever needs are indexed; start that where it was not begun."""
        return self.rows is not None and words(self.corpus, self.pipeline, self.rows, retriever)

    @property
    def waits_for(self) -> str:
        """What dense search waits for, in words; "" where it waits for nothing."""
        if self.rows is None:
            return "Waits until all documents are cut"
        if self.embedding is None:
            return f"Not embedded yet: {self.totals.about}{self.totals.chunks:,} chunks"
        if self.embedding.error:
            return self.embedding.error
        return _embedding_words("", self.embedding) if self.embedding.running else ""


def ask(corpus: Corpus, pipeline: Pipeline, store: Store, needed: Sequence[Retriever] = ()) -> Known:
    """Return what is known now, and start what is missing: rows, figures, the words that `needed` search, vectors."""
    job, found = dense(corpus, pipeline, store), rows(corpus, pipeline)
    if found is not None:
        for retriever in needed:
            words(corpus, pipeline, found, retriever)
    quick = preview(corpus, pipeline, store) if job is None or job.running else None
    if quick is None and job is not None:
        job.wait()  # what is done in a moment needs no bar, no poll and no further run
    if job is not None and job.result is not None:
        states(corpus, pipeline, store)
    return _known(corpus, pipeline, begin(corpus, pipeline, store), job, quick)


def look(corpus: Corpus, pipeline: Pipeline) -> Known:
    """Return what is known now; start nothing."""
    counting = jobs.find(totals_key(corpus, pipeline)) or jobs.find(rows_key(corpus, pipeline))
    return _known(corpus, pipeline, counting, embedding(corpus, pipeline), None)


def _known(
    corpus: Corpus, pipeline: Pipeline, counting: jobs.Job | None, job: jobs.Job | None, quick: Collection | None
) -> Known:
    here = rows(corpus, pipeline)
    indexing = [jobs.find(name) for name in _word_keys(corpus, pipeline)] if is_large(corpus) else []
    running = [one for one in indexing if one is not None and one.running]
    best: tuple[Collection | None, State] = (quick, "preview") if quick is not None else (here, "words")
    if job is not None and job.result is not None:
        best = job.result, "exact"
    if counting is not None and not counting.running and not counting.error:
        counting = None
    return Known(corpus, pipeline, here, counting, running[0] if running else None, job, *best)


# --- rows


def rows_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """Return what decides the rows."""
    return "rows", corpus, pipeline.splitter


def rows(corpus: Corpus, pipeline: Pipeline) -> Collection | None:
    """Return every chunk as a row; None while a large corpus is cut in the background (`begin`)."""
    if not is_large(corpus):
        return pipelines.collection(corpus, pipeline.splitter)
    job = jobs.find(rows_key(corpus, pipeline))
    if job is not None and job.result is not None:  # first, since its words may be indexed
        return job.result  # type: ignore[no-any-return]
    return pipelines.collected.known(corpus, pipeline.splitter)


def every_row(corpus: Corpus, pipeline: Pipeline) -> Collection:
    """Return `rows`; cut them now where there are none yet."""
    found = rows(corpus, pipeline)
    return pipelines.collection(corpus, pipeline.splitter) if found is None else found


def begin(corpus: Corpus, pipeline: Pipeline, store: Store) -> jobs.Job | None:
    """Return the job that cuts a large corpus, or once it is cut counts it; None where nothing is to do."""
    if not is_large(corpus):
        return None

    def cut(task: Task) -> Collection:
        settle(task)
        corpus_stats.estimated(corpus, pipeline, corpus_stats.SOME)
        return pipelines.collected(corpus, pipeline.splitter, store, task.report, task.cancelled)

    found = rows(corpus, pipeline)
    if found is None:
        return jobs.run(rows_key(corpus, pipeline), state.visit(), cut)
    here = found
    count: jobs.Work = lambda task: corpus_stats.counted(here, pipeline, store, task)  # noqa: E731
    job = jobs.run(totals_key(corpus, pipeline), state.visit(), count)
    return job if job.running else None


# --- words


def words_key(corpus: Corpus, pipeline: Pipeline, retriever: Retriever) -> tuple[Any, ...] | None:
    """Return what decides the index of words that a retriever needs; None where it needs none."""
    fields = _words(retriever)
    return fields and ("words", corpus, pipeline.splitter, *fields)


def _words(retriever: Retriever) -> tuple[float, float, Words] | None:
    first = retriever.candidates if isinstance(retriever, Rerank) else retriever
    if not isinstance(first, BM25 | Hybrid):
        return None
    return first.k1, first.b, Words(first.stemmer, first.stop_words)


def _word_keys(corpus: Corpus, pipeline: Pipeline) -> list[Hashable]:
    retrievers = BM25(), Hybrid(), pipeline.retriever
    return [name for one in retrievers if (name := words_key(corpus, pipeline, one))]


def words(corpus: Corpus, pipeline: Pipeline, found: Collection, retriever: Retriever) -> bool:
    """Return whether the words that a retriever needs are indexed; those of a large corpus are, in the background."""
    name, fields = words_key(corpus, pipeline, retriever), _words(retriever)
    if name is None or fields is None or not is_large(corpus):
        return True

    def work(task: Task) -> bool:
        found.lexical("", 1, fields[0], fields[1], None, fields[2])
        return True

    job = jobs.run(name, state.visit(), work)
    job.wait()
    return job.result is not None


# --- vectors


def key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """Return what decides a collection with vectors."""
    return ("dense", corpus, pipeline.splitter, pipeline.embedder, pipeline.index)


def attend(corpus: Corpus, *pipelines: Pipeline | None, also: Iterable[Hashable] = ()) -> None:
    """Stop the work for other configurations than these, at the start of a run, before it slows that down."""
    here = [p for p in pipelines if p]
    names = (key, states_key, rows_key, totals_key)
    wanted = {name for p in here for name in [*(n(corpus, p) for n in names), *_word_keys(corpus, p)]}
    jobs.attend(state.visit(), wanted | set(also))


def dense(corpus: Corpus, pipeline: Pipeline, store: Store, asked: bool = False) -> jobs.Job | None:
    """Return the job that makes the collection with vectors.

    None where nobody has `asked` for it and it is large, or text would leave this machine, or there are no rows yet.
    """
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

    def work(task: Task) -> Collection:
        if is_slow:
            preload.wait()
        if is_slow and missing(embedder, cut.texts(), store):
            settle(task)
        found = pipelines.searchable(cut, pipeline, store, _timed(embedder, task), task.cancelled)
        if embedder.kind != "remote":
            embedder.encode_query([""])  # loads the model here, where nobody waits, if the vectors were cached
        return found

    return jobs.run(name, state.visit(), work, again=asked)


def embedding(corpus: Corpus, pipeline: Pipeline) -> jobs.Job | None:
    """Return the job of `dense` if it was started; start none."""
    return jobs.find(key(corpus, pipeline))


_rates: dict[str, tuple[int, float]] = {}


def _timed(embedder: Embedder, task: Task) -> Callable[[int, int], None]:
    """Return a report that also notes the embedder's rate, from the end of its first batch on, when it is loaded."""
    first: list[tuple[int, float]] = []

    def timed(done: int, total: int) -> None:
        now = time.monotonic()
        if done and not first:
            first.append((done, now))
        elif first and done - first[0][0] >= max(ENOUGH, _rates.get(embedder.fingerprint, (0, 0.0))[0]):
            count, since = first[0]
            _rates[embedder.fingerprint] = done - count, (done - count) / max(now - since, 1e-9)
        task.report(done, total)

    return timed


def rate(embedder: Embedder) -> float | None:
    """Return chunks/s in the largest run of this process; None before one of `ENOUGH`."""
    return _rates[embedder.fingerprint][1] if embedder.fingerprint in _rates else None


def settle(task: Task) -> None:
    """Wait until a configuration stands still.

    Raises:
        Cancelled: another one took its place meanwhile.
    """
    for _ in range(10):
        task.check()
        time.sleep(SETTLING / 10)


# --- previews


def states_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """Return what decides the token states behind previews."""
    return "states", corpus, pipeline.embedder.full


def states(corpus: Corpus, pipeline: Pipeline, store: Store) -> jobs.Job | None:
    """Return the job that computes every document's token states; None where the model has no preview.

    To be called once the vectors of the current configuration are there: these come first.
    """
    embedder = pipeline.embedder
    if not isinstance(embedder, SentenceTransformer) or not can_preview(embedder) or corpus.characters > STATES:
        return None
    chosen = embedder

    def work(task: Task) -> bool:
        prepare_preview(corpus, chosen, store, task.report, task.cancelled)
        return True

    return jobs.run(states_key(corpus, pipeline), state.visit(), work)


_previews: MemoryCache[Collection] = MemoryCache(6, lambda found: 1)


def preview(corpus: Corpus, pipeline: Pipeline, store: Store) -> Collection | None:
    """Return the collection with vectors pooled from token states; None where these, or the rows, are not there."""
    job, cut, embedder = jobs.find(states_key(corpus, pipeline)), rows(corpus, pipeline), pipeline.embedder
    if job is None or job.result is None or cut is None or not isinstance(embedder, SentenceTransformer):
        return None
    here, model = cut, embedder
    return _previews.get_or_make(
        (corpus, pipeline),
        lambda: pipelines.indexed(here, pipelines.previewed(here, model, store), model, pipeline.index),
    )


def preview_seen(corpus: Corpus, pipeline: Pipeline) -> Collection | None:
    """Return the preview of a pipeline that was shown lately, if one was."""
    return _previews.get((corpus, pipeline))


# --- how far it is, on a page


def cut_first(corpus: Corpus, pipeline: Pipeline, store: Store) -> bool:
    """Return whether a page has to wait because a large corpus is being cut; draw how far that is."""
    if rows(corpus, pipeline) is not None:
        return False
    jobs.attend(state.visit(), {rows_key(corpus, pipeline)})
    if (job := begin(corpus, pipeline, store)) is not None:
        _documents_bar("Cutting", job)
    return True


def corpus_progress(known: Known) -> None:
    """Draw a bar while a large corpus is cut, its words are indexed and its figures counted, in this order."""
    if known.rows is None and known.counting is not None:
        _documents_bar("Cutting", known.counting)
    elif known.indexing is not None:
        _documents_bar("Indexing the words of", known.indexing)
    elif known.counting is not None:
        _documents_bar("Counting", known.counting)


def _documents_bar(what: str, job: jobs.Job) -> None:
    if job.error and not job.running:
        st.caption(plain(job.error))
    words = lambda _, job: f"{what} {f'{job.done:,} of {job.total:,} ' if job.total else ''}documents"  # noqa: E731
    jobs.watch([(what, what, job)], words, "")


def _embedding_words(_: str, job: jobs.Job) -> str:
    """Say how far embedding is."""
    if job.stopped:
        return "Stopping after this batch"
    if job.counted and job.done == job.total:
        return "Loading the model and building the index"
    rate, seconds = job.rate, job.left  # read once: the job goes on meanwhile
    if not rate or seconds is None:
        return f"Loading the model, then {job.total:,} new chunks" if job.total else "Looking for what is new"
    speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
    return f"Embedding {job.done:,} of {job.total:,} new chunks, {speed} chunks/s, about {duration(seconds)} left"


def progress(known: Known) -> None:
    """Draw how far embedding is, and the button that stops it, starts it, or tries again."""
    corpus, pipeline, job = known.corpus, known.pipeline, known.embedding
    if known.rows is None:
        return  # `corpus_progress` says how far that is
    if job is not None and job.running:
        jobs.watch([("", key(corpus, pipeline), job)], _embedding_words, "stop-embedding")
    elif job is None or job.result is None:

        def start() -> None:
            with guarded():
                dense(corpus, pipeline, state.store(), asked=True)

        found = known.totals
        if job is not None:
            st.caption(plain(job.error))
        if isinstance(pipeline.embedder, Remote):
            new = new_texts(pipeline.embedder, known.rows.texts(), state.store())
            leaves = f"Pressing the button {pipeline.embedder.disclosure(new, 'chunks')}."
            st.caption(f"{plain(leaves)} Queries and questions follow there.")
        label = (
            f"Embed the other {job.total - job.done:,}"
            if job and job.done
            else f"Embed {found.about}{found.chunks:,} chunks"
        )
        st.button(label, on_click=start, icon=":material/play_arrow:", key="embed", help=found.cost(pipeline))
