"""What an adapter is learned from and judged by: a corpus's chunks and a golden set's questions, with their vectors."""

from collections.abc import Callable, Sequence
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
        """(len(some),) the metric for some questions, with these vectors of them, and of all chunks where given."""
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
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Material:
    """The pipeline's chunks and questions with their vectors; by default judged by recall at the pipeline's k.

    Raises:
        GoldenError: no question has an answer in the corpus.
        SpecError: the pipeline's retriever needs no vectors, or the metric has no budget of hits.
        Cancelled: `cancelled()` said so.
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
    vectors = embedded(rows, plain.embedder, store, progress, cancelled)
    asked = [embed(plain.embedder, [q.text], store, cancelled=cancelled, queries=True) for q in answerable]
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
    """How many questions an adapter could learn from under this chunking; needs no model."""
    gold, _ = _places(collection(corpus, splitter), [q for q in questions if q.answerable], min_cover)
    return sum(len(rows) > 0 for rows in gold)


def without_adapter(pipeline: Pipeline) -> Pipeline:
    """The same pipeline with its embedder as it is without any adapter."""
    if not to_dict(pipeline.embedder).get("adapter"):
        return pipeline
    return replace(pipeline, embedder=replace(pipeline.embedder, adapter=""))  # type: ignore[call-arg]


def _places(
    rows: Collection, questions: Sequence[Question], min_cover: float
) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """For each question the rows that are relevant as hits, and those that hold any of its passages."""
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
