"""What an adapter is learned from and judged by: chunks and questions with their vectors, and folds over them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus
from workbench.embedders import embed
from workbench.errors import GoldenError, SpecError
from workbench.metrics import MIN_COVER, judge, metric, relevant_ranges
from workbench.pipelines import Pipeline, collection, embedded, indexed
from workbench.records import Question
from workbench.retrievers import Collection
from workbench.spans import nonblank, ranges
from workbench.specs import to_dict
from workbench.splitters import Splitter
from workbench.statistics import clusters
from workbench.store import Store
from workbench.tasks import QUIET, Task
from workbench.vectors import Vectors

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A pipeline's chunks and the answerable questions, as rows of vectors.

    Of each question, `gold` are the rows that are relevant as hits (`metrics.relevant`), and `touched` those that hold
    any of its passages. `passages` (n,) numbers the rows' texts: equal texts have one number. `clusters` (m,) are the
    questions that share passages. `metric` judges, over the pipeline's own index and retriever. `pipeline` has no
    adapter, whatever it was given with.
    """

    pipeline: Pipeline
    corpus: Corpus
    questions: tuple[Question, ...]
    rows: Collection
    chunks: Vectors
    queries: Vectors
    gold: tuple[Ints, ...]
    touched: tuple[Ints, ...]
    passages: Ints
    clusters: Ints
    metric: str

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def usable(self) -> Ints:
        """The questions that can be learned from: some chunk covers enough of a passage."""
        return np.flatnonzero([len(rows) > 0 for rows in self.gold])

    def values(self, queries: Vectors, some: Ints, chunks: Vectors | None = None) -> Floats:
        """Return (len(some),) the metric for some questions, with these vectors of them, and of all chunks if given."""
        texts = [self.questions[i].text for i in some.tolist()]
        encoder = _Known(dict(zip(texts, queries, strict=True)))
        if chunks is not None:
            rows = indexed(self.rows, chunks, encoder, self.pipeline.index)
        else:
            index = self.rows.index
            assert index is not None  # `material` has made it
            rows = self.rows.with_vectors(index, encoder)
        asked = metric(self.metric)
        assert asked.budget is not None
        out = np.empty(len(some))
        for at, (i, text) in enumerate(zip(some.tolist(), texts, strict=True)):
            hits = self.pipeline.retriever(rows, [text], asked.budget.amount)[0]
            gold = [r.span for r in self.questions[i].references]
            lost = [passage.size for passage in self.questions[i].lost]
            spans = self.corpus.nonblank([h.span for h in hits])
            out[at] = asked(judge(self.corpus.nonblank(gold), spans, lost=lost))
        return out


@dataclass(frozen=True, slots=True)
class _Known:
    """Encodes queries whose vectors are known."""

    vectors: dict[str, Vectors]

    def encode_query(self, texts: Sequence[str], /) -> Vectors:
        return np.stack([self.vectors[text] for text in texts])


def material(
    corpus: Corpus,
    questions: Sequence[Question],
    pipeline: Pipeline,
    metric_name: str | None = None,
    *,
    min_cover: float = MIN_COVER,
    store: Store | None = None,
    task: Task = QUIET,
) -> Material:
    """Return the pipeline's chunks and questions with their vectors; judged by recall at its k by default.

    Raises:
        GoldenError: no question has an answer in the corpus.
        SpecError: the pipeline's retriever needs no vectors, or the metric has no budget of hits.
        Cancelled: the task was stopped.
    """
    if not pipeline.retriever.needs_vectors:
        raise SpecError(
            f"an adapter turns the vectors of queries, and the retriever {pipeline.retriever.kind} uses none; "
            "choose dense or hybrid"
        )
    name = metric_name or f"recall@{pipeline.k}"
    if (budget := metric(name).budget) is None or budget.tokens:
        raise SpecError(f"metric {name!r} cannot judge an adapter: take one of a number of hits, such as recall@5")
    answerable = tuple(q for q in questions if q.answerable)
    if not answerable:
        raise GoldenError("there is no question with an answer to learn from")
    plain = without_adapter(pipeline)
    rows = collection(corpus, plain.splitter)
    vectors = embedded(rows, plain.embedder, store, task.report, task.cancelled)
    asked = [embed(plain.embedder, [q.text], store, cancelled=task.cancelled, queries=True) for q in answerable]
    gold, touched = _places(rows, answerable, min_cover)
    texts = [" ".join(text.split()) for text in rows.texts()]
    return Material(
        pipeline=plain,
        corpus=corpus,
        questions=answerable,
        rows=indexed(rows, vectors, plain.embedder, plain.index),
        chunks=vectors,
        queries=np.concatenate(asked),
        gold=gold,
        touched=touched,
        passages=np.unique(texts, return_inverse=True)[1].astype(np.int64),
        clusters=clusters(answerable),
        metric=name,
    )


def usable_examples(
    corpus: Corpus, questions: Sequence[Question], splitter: Splitter, min_cover: float = MIN_COVER
) -> int:
    """Count the questions that an adapter could learn from under this chunking; needs no model."""
    gold, _ = _places(collection(corpus, splitter), [q for q in questions if q.answerable], min_cover)
    return sum(len(rows) > 0 for rows in gold)


def without_adapter(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline without any adapter in its embedder."""
    if not to_dict(pipeline.embedder).get("adapter"):
        return pipeline
    return replace(pipeline, embedder=replace(pipeline.embedder, adapter=""))  # type: ignore[call-arg]


def _places(
    rows: Collection, questions: Sequence[Question], min_cover: float
) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """Return for each question the rows that are relevant as hits, and those that hold any of its passages."""
    position = {document.id: i for i, document in enumerate(rows.corpus)}
    bounds = np.searchsorted(rows.document_index, np.arange(len(position) + 1))
    gold, touched = [], []
    for question in questions:
        enough, some = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for document in {r.span.document for r in question.references}:
            first, last = bounds[position[document] : position[document] + 2].tolist()
            blanks = rows.corpus.blanks(document)
            own = ranges((r.span.start, r.span.end) for r in question.references if r.span.document == document)
            spans, passages = nonblank(rows.spans[first:last], blanks), nonblank(own, blanks)
            both = np.minimum(spans[:, None, 1], passages[:, 1]) - np.maximum(spans[:, None, 0], passages[:, 0])
            enough.append(first + np.flatnonzero(relevant_ranges(passages, spans, min_cover)))
            some.append(first + np.flatnonzero((both > 0).any(axis=1)))
        gold.append(np.unique(np.concatenate(enough)))
        touched.append(np.unique(np.concatenate(some)))
    return tuple(gold), tuple(touched)


DISTANCE = 1
"""Chunks to either side of a passage that still count as near it."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """The questions that judge, those that may be learned from, and how many of these were left out as too near."""

    test: Ints
    train: Ints
    dropped: int = 0


def grouped_folds(of: Material, some: Ints, folds: int, distance: int = DISTANCE, offset: int = 0) -> list[Fold]:
    """Cut some of the questions into folds by stretches of the corpus; fewer where there are fewer clusters.

    Questions in the order of their passages are cut into stretches, those that share a passage together. Whatever has
    a passage within `distance` chunks of a passage that judges, the same text as one anywhere, or the same question,
    is not learned from. `offset` is the number of the question at which the first stretch begins.

    Source: blocks with a gap, Burman, Chow and Nolan 1994, "A cross-validatory method for dependent data".
    """
    order = _by_place(of, some)
    starts = np.concatenate([[True], of.clusters[order][1:] != of.clusters[order][:-1]])
    number = np.cumsum(starts) - 1  # which cluster, in order of place
    at = int(number[offset % len(order)]) if offset else 0
    turned = (number - at) % (int(number[-1]) + 1)
    order, turned = (column[np.argsort(turned, kind="stable")] for column in (order, turned))
    folds = min(folds, int(turned[-1]) + 1)
    middle = {int(c): float(np.flatnonzero(turned == c).mean()) for c in np.unique(turned)}
    fold_of = np.array([min(folds - 1, int(middle[int(c)] * folds / len(order))) for c in turned])
    out = []
    for f in np.unique(fold_of).tolist():
        test, rest = np.sort(order[fold_of == f]), order[fold_of != f]
        train = np.sort(rest[~_near(of, rest, test, distance)])
        out.append(Fold(test, train, len(rest) - len(train)))
    return out


def random_folds(some: Ints, folds: int, seed: int = 0) -> list[Fold]:
    """Draw folds of questions at random, wherever their passages are: the naive way, which leaks."""
    shuffled = np.random.default_rng(seed).permutation(some)
    parts = [np.sort(part) for part in np.array_split(shuffled, min(folds, len(some)))]
    return [Fold(part, np.setdiff1d(some, part)) for part in parts]


def _by_place(of: Material, some: Ints) -> Ints:
    """Sort questions by their cluster's first row, clusters together; those without a row come last."""
    nowhere = len(of.rows)
    first = np.array([of.touched[i][0] if len(of.touched[i]) else nowhere for i in some.tolist()], np.int64)
    of_cluster = of.clusters[some]
    place = {int(c): int(first[of_cluster == c].min()) for c in np.unique(of_cluster)}
    keys = np.array([place[int(c)] for c in of_cluster], np.int64)
    return some[np.lexsort((some, first, of_cluster, keys))]


def _near(of: Material, rest: Ints, test: Ints, distance: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return (len(rest),) which questions have a passage near one of `test`, or of the same text, or ask the same."""
    taken = np.zeros(len(of.rows) + 1, np.bool_)  # the last for questions without a row
    document = of.rows.document_index
    for row in np.unique(np.concatenate([of.touched[i] for i in test.tolist()])).tolist():
        low, high = max(0, row - distance), min(len(of.rows), row + distance + 1)
        taken[low:high] |= document[low:high] == document[row]
    texts = np.zeros(int(of.passages.max(initial=-1)) + 1, np.bool_)
    texts[of.passages[taken[:-1]]] = True
    taken[:-1] |= texts[of.passages]
    words = {_words(of, i) for i in test.tolist()}
    return np.array([bool(taken[of.touched[i]].any()) or _words(of, i) in words for i in rest.tolist()], np.bool_)


def _words(of: Material, i: int) -> str:
    return " ".join(of.questions[i].text.casefold().split())
