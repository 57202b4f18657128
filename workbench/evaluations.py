"""A pipeline measured on a golden set: retrieved once, judged within every budget, kept as one tidy table."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus
from workbench.embedders import Embedder, embed
from workbench.errors import GoldenError
from workbench.indexes import Flat
from workbench.metrics import MIN_COVER, Budget, Metric, chroma, first_tokens, judge, metric, precision_omega
from workbench.pipelines import Pipeline, collection, embedded, indexed
from workbench.records import Hit, Question
from workbench.retrievers import MAX_K, Collection
from workbench.spans import Ranges, Span
from workbench.statistics import Interval, clusters, mean_intervals
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import Vectors

CONTEXT_TOKENIZER = "cl100k_base"
"""What context is counted in: the same for every pipeline, so that budgets of tokens compare."""

CONTEXT_TOKENS = 1000

CHROMA = ("recall", "precision", "iou", "precision_omega")
"""The measures of the chunking_evaluation code; its k is the pipeline's."""


def default_metrics(k: int) -> tuple[str, ...]:
    """Every measure at k hits, and recall and nDCG at equal context, where chunk sizes compare."""
    at_k = [f"{m}@{k}" for m in ("recall", "precision", "iou", "ndcg", "mrr", "hit_rate", "tokens")]
    return (*at_k, f"recall@{CONTEXT_TOKENS}tok", f"ndcg@{CONTEXT_TOKENS}tok", "precision_omega")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The values (questions, metrics) of a pipeline on the answerable questions, and the hits at its own k.

    `tokens` (questions,) are those of the hits at k, `seconds` the time of each stage, `unanswerable` the number of
    questions that were left out because the corpus holds no answer.
    """

    pipeline: Pipeline
    corpus: Corpus
    questions: tuple[Question, ...]
    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    hits: tuple[tuple[Hit, ...], ...]
    tokens: NDArray[np.int64]
    chunks: int
    unanswerable: int
    seconds: dict[str, float]

    def intervals(self, seed: int = 0) -> dict[str, Interval]:
        """Each metric's mean with its 95 % interval, questions that share a passage resampled together."""
        found = mean_intervals(self.values, clusters(self.questions), seed=seed)
        return dict(zip(self.metrics, found, strict=True))

    def rows(self) -> Iterator[dict[str, Any]]:
        """The tidy table: {pipeline, question, metric, budget, value}; budget "" where a metric has none."""
        pipeline = self.pipeline.fingerprint
        for question, values in zip(self.questions, self.values.tolist(), strict=True):
            for name, value in zip(self.metrics, values, strict=True):
                measure, _, budget = name.partition("@")
                yield {"pipeline": pipeline, "question": question.id} | {
                    "metric": measure,
                    "budget": budget,
                    "value": value,
                }


@dataclass(slots=True)
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def evaluate(
    corpus: Corpus,
    questions: Sequence[Question],
    pipeline: Pipeline,
    metrics: Sequence[str] | None = None,
    *,
    to_the_letter: bool = False,
    min_cover: float = MIN_COVER,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """The pipeline measured on the questions; by default with `default_metrics`.

    `to_the_letter` takes the definitions of the chunking_evaluation code instead, whose metrics are `CHROMA`.

    Raises:
        GoldenError: no question has an answer in the corpus.
        SpecError: a metric is not known.
    """
    names = CHROMA if to_the_letter else tuple(metrics or default_metrics(pipeline.k))
    asked = [] if to_the_letter else [metric(name) for name in names]
    answerable = tuple(q for q in questions if q.answerable)
    if not answerable:
        raise GoldenError("there is no question with an answer to measure by")
    clock = _Clock()
    with clock.stage("split"):
        rows = collection(corpus, pipeline.splitter)
    if pipeline.retriever.needs_vectors:
        with clock.stage("embed"):
            vectors = embedded(rows, pipeline.embedder, store, progress)
        with clock.stage("index"):
            rows = indexed(rows, vectors, _Asker(pipeline.embedder, store), pipeline.index)
    budgets = {m.budget for m in asked if m.budget is not None}
    sizes = _Tokens(rows)
    with clock.stage("search"):
        own, deep = _retrieved(rows, [q.text for q in answerable], pipeline, budgets, sizes)
    with clock.stage("measure"):
        chunks = _columns(rows)
        values = np.empty((len(answerable), len(names)))
        for i, question in enumerate(answerable):
            gold = [r.span for r in question.references]
            if to_the_letter:
                found = chroma.scores(gold, [h.span for h in own[i]], chunks)
                values[i] = [getattr(found, name) for name in names]
            else:
                values[i] = _measured(gold, own[i], deep[i], asked, chunks, sizes, min_cover)
        tokens = np.array([sum(sizes.of(h) for h in hits) for hits in own], np.int64)
    kept = tuple(tuple(hits) for hits in own)
    left_out = len(questions) - len(answerable)
    return Evaluation(pipeline, corpus, answerable, names, values, kept, tokens, len(rows), left_out, clock.seconds)


def _measured(
    gold: list[Span],
    own: Sequence[Hit],
    deep: Sequence[Hit],
    asked: Sequence[Metric],
    chunks: dict[str, Ranges],
    sizes: "_Tokens",
    min_cover: float,
) -> list[float]:
    """The value of each metric for one question; each budget is judged once."""
    judged: dict[Budget | None, Any] = {}
    out = []
    for m in asked:
        if m.budget is None:
            out.append(precision_omega(gold, chunks))
            continue
        # All budgets of hits are parts of one judgement; each budget of tokens cuts its last hit elsewhere.
        shallow = not m.budget.tokens and m.budget.amount <= len(own)
        key = m.budget if m.budget.tokens else Budget(1 if shallow else MAX_K)
        if key not in judged:
            hits = own if shallow else deep
            spans, counts = [h.span for h in hits], [sizes.of(h) for h in hits]
            if m.budget.tokens:
                spans, counts = first_tokens(spans, counts, m.budget.amount, sizes.end)
            judged[key] = judge(gold, spans, counts, min_cover)
        out.append(m(judged[key]))
    return out


def _retrieved(
    rows: Collection, queries: list[str], pipeline: Pipeline, budgets: set[Budget], sizes: "_Tokens"
) -> tuple[list[list[Hit]], list[list[Hit]]]:
    """Each query's hits at the pipeline's own k, and its hits down to what the largest budget needs."""
    ask, k = pipeline.retriever, pipeline.k
    most = max((b.amount for b in budgets if b.tokens), default=0)
    depth = max([k, *(b.amount for b in budgets if not b.tokens)])
    if most and len(rows):
        usual = max(1.0, float(np.diff(rows.spans).mean()) / 4)  # tokens of a chunk, at about 4 characters each
        depth = max(depth, min(int(1.5 * most / usual) + 1, MAX_K))
    deep = ask(rows, queries, depth)
    pending = list(range(len(queries)))
    while pending and depth < min(MAX_K, len(rows)):
        pending = [i for i in pending if len(deep[i]) == depth and sum(sizes.of(h) for h in deep[i]) < most]
        depth = min(2 * depth, MAX_K)
        for i in pending:
            deep[i] = ask(rows, [queries[i]], depth)[0]
    # Asked for more, an approximate index looks further and a fusion weighs more candidates: then k is asked for apart.
    steady = not ask.needs_vectors or isinstance(pipeline.index, Flat)
    if steady and depth <= getattr(ask, "depth", depth):
        return [hits[:k] for hits in deep], deep
    return ask(rows, queries, k), deep


@dataclass(frozen=True, slots=True)
class _Asker:
    """Encodes queries as the embedder does, each alone, and keeps their vectors in the store: sets are asked often."""

    embedder: Embedder
    store: Store | None

    @property
    def fingerprint(self) -> str:
        return self.embedder.fingerprint

    def encode_query(self, texts: Sequence[str], /) -> Vectors:
        return np.concatenate([embed(self.embedder, [text], self.store, queries=True) for text in texts])


def _columns(rows: Collection) -> dict[str, Ranges]:
    """Document → the ranges of its chunks."""
    numbers = rows.document_index
    return {d.id: rows.spans[numbers == i] for i, d in enumerate(rows.corpus)}


class _Tokens:
    """Tokens of hits in `CONTEXT_TOKENIZER`, each chunk's text counted once, its header not."""

    def __init__(self, rows: Collection) -> None:
        self._corpus = rows.corpus
        self._rules = tokenizer(CONTEXT_TOKENIZER)
        self._known: dict[int, int] = {}

    def of(self, hit: Hit) -> int:
        """The tokens of a hit's text."""
        if hit.chunk not in self._known:
            self._known[hit.chunk] = int(self._rules.counts([self._corpus[hit.span]])[0])
        return self._known[hit.chunk]

    def end(self, span: Span, n: int) -> int:
        """Where the first n tokens of a span end; a character that lies in two tokens goes with the second."""
        offsets = self._rules.offsets(self._corpus[span])
        return span.start + int(offsets[n, 0]) if n < len(offsets) else span.end
