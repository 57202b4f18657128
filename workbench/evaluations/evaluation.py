"""A pipeline measured on a golden set: retrieved once, judged within every budget, kept as a run's tidy table."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus
from workbench.embedders import Remote
from workbench.errors import GoldenError
from workbench.evaluations.retrieval import Tokens, columns, retrieved
from workbench.golden import document_groups
from workbench.metrics import (
    FORMULAS,
    MIN_COVER,
    REVISION,
    Abstention,
    Budget,
    Judgement,
    Metric,
    abstention,
    bounds_of,
    first_tokens,
    judge_ranges,
    metric,
    omega_of_ranges,
    published,
    relevant_ranges,
)
from workbench.pipelines import Pipeline, StoredQueries, collected, embedded, indexed, to_mapping
from workbench.records import Asked, Hit, Judging, Question, Run, environment, golden_id, judging
from workbench.retrievers import MAX_K, Collection
from workbench.spans import Ranges, Span, lengths, nonblank
from workbench.statistics import Interval, Population, clusters, mean_intervals, population
from workbench.store import Store


class Line:
    """All documents of a corpus end to end, without their white space: it is neither gold nor a cost.

    Whatever is measured is placed here, so that a passage's line ends, which splitters leave out, are not missed.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        starts = accumulate((d.figures.characters for d in corpus), initial=0)
        self._starts = {d.id: start for d, start in zip(corpus, starts, strict=False)}

    def counted(self, document: str, spans: Ranges) -> Ranges:
        """Return ranges of a document on the line."""
        return nonblank(spans, self._corpus.blanks(document)) + self._starts[document]

    def place(self, spans: Sequence[Span]) -> Ranges:
        """Return (n, 2) spans of any documents on the line."""
        out = np.array([(s.start, s.end) for s in spans], np.int64).reshape(-1, 2)
        names = [s.document for s in spans]
        if len(known := dict.fromkeys(names)) == 1:
            return self.counted(names[0], out)
        number = {document: i for i, document in enumerate(known)}
        numbers = np.array([number[name] for name in names], np.int64)
        order = np.argsort(numbers, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            if len(rows):
                out[rows] = self.counted(names[rows[0]], out[rows])
        return out

    def places(self, rankings: Sequence[Sequence[Hit]]) -> list[Ranges]:
        """Return `place` for each ranking's hits."""
        every = self.place([hit.span for hits in rankings for hit in hits])
        return np.split(every, np.cumsum([len(hits) for hits in rankings])[:-1]) if rankings else []


CONTEXT_TOKENS = 1000

CHROMA = ("recall", "precision", "iou", "precision_omega")
"""The measures of the chunking_evaluation code; its k is the pipeline's."""


def default_metrics(k: int) -> tuple[str, ...]:
    """Return every measure at k hits, and recall and nDCG at equal context, where chunk sizes compare."""
    at_k = [f"{measure}@{k}" for measure in FORMULAS]
    return (*at_k, f"recall@{CONTEXT_TOKENS}tok", f"ndcg@{CONTEXT_TOKENS}tok", "precision_omega")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The values (questions, metrics) of a pipeline on the answerable questions, and the hits at its own k.

    `tokens` (questions,): of the hits at k. `ranks`: of the first relevant hit retrieved, None without one. `seconds`:
    stage → time. Questions without an answer are retrieved too and counted apart: `unanswerable` is their number,
    `refusals` their best scores. `seen` marks questions that a part of the pipeline was trained on; `training_known` is
    False where not all of these are known. `tokens_sent`: of all chunks as a remote model reads them, cached or not; 0
    for a local model.
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
    ranks: tuple[int | None, ...] = ()
    refusals: tuple[float | None, ...] = ()
    index_bytes: int = 0
    definitions: str = "workbench"
    seen: tuple[bool, ...] = ()
    training_known: bool = True
    tokens_sent: int = 0

    @property
    def judging(self) -> Judging:
        """Which questions judge, and the remark to show beside the figures."""
        return judging(self.seen or (False,) * len(self.questions), self.training_known)

    @property
    def judged(self) -> "Evaluation":
        """The same evaluation on the questions that judge alone: means and causes are those of these questions."""
        rows = [i for i, judges in enumerate(self.judging.judges) if judges]
        if len(rows) == len(self.questions):
            return self
        return replace(
            self,
            questions=tuple(self.questions[i] for i in rows),
            values=self.values[rows],
            hits=tuple(self.hits[i] for i in rows),
            tokens=self.tokens[rows],
            ranks=tuple(self.ranks[i] for i in rows) if self.ranks else (),
            seen=(),
        )

    def population(self, unit: str | None = None) -> Population:
        """Return the population that the figures speak of.

        Raises:
            SpecError: as `statistics.population`.
        """
        return population(self.judged.documents, unit)

    def intervals(self, unit: str | None = None, seed: int = 0) -> dict[str, Interval]:
        """Return each metric's mean over the questions that judge, with its 95 % interval; clusters count once."""
        if (some := self.judged) is not self:
            return some.intervals(unit, seed)
        of, documents = clusters(self.questions), self.population(unit).grouped(self.documents)
        return {
            name: mean_intervals(self.values[:, [i]], of, documents=documents, bounds=bounds_of(name), seed=seed)[0]
            for i, name in enumerate(self.metrics)
        }

    @property
    def documents(self) -> NDArray[np.int64]:
        return document_groups(self.questions, {d.name: d.id for d in self.corpus})

    @property
    def abstention(self) -> Abstention | None:
        """How well the best hit's score separates questions with and without an answer; None where one kind lacks."""
        best = [hits[0].score if hits else None for hits in self.judged.hits]
        return abstention(best, self.refusals, _caution(self.pipeline))


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start


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
    rows: Collection | None = None,
) -> Evaluation:
    """Return the pipeline measured on the questions; by default with `default_metrics`.

    `to_the_letter` takes the definitions of the chunking_evaluation code instead, whose metrics are `CHROMA`. Passages
    that are lost in this corpus count as gold that no hit can hold. `rows`, if given, are searched as they are, with
    vectors or those of a preview.

    Raises:
        GoldenError: no question has an answer in the corpus.
        SpecError: a metric is not known.
    """
    names = CHROMA if to_the_letter else tuple(metrics or default_metrics(pipeline.k))
    asked = [] if to_the_letter else [metric(name) for name in names]
    answerable = tuple(q for q in questions if q.answerable)
    if not answerable:
        raise GoldenError("there is no question with an answer to measure by")
    seconds: dict[str, float] = {}
    if rows is None:
        with _timed(seconds, "split"):
            rows = collected(corpus, pipeline.splitter, store)
    if pipeline.retriever.needs_vectors and not rows.has_vectors:
        with _timed(seconds, "embed"):
            vectors = embedded(rows, pipeline.embedder, store, progress)
        with _timed(seconds, "index"):
            rows = indexed(rows, vectors, StoredQueries(pipeline.embedder, store), pipeline.index)
    unanswerable = [q for q in questions if not q.answerable]
    budgets = {m.budget for m in asked if m.budget is not None}
    sizes = Tokens(rows)
    with _timed(seconds, "search"):
        own, deep = retrieved(rows, [q.text for q in answerable], pipeline, budgets, sizes)
        refused = pipeline.retriever(rows, [q.text for q in unanswerable], pipeline.k)
    with _timed(seconds, "measure"):
        line = Line(corpus)
        placed = {"own": line.places(own), "deep": line.places(deep)}
        chunks = columns(rows)
        values = np.empty((len(answerable), len(names)))
        ranks: list[int | None] = []
        for i, question in enumerate(answerable):
            gold = [r.span for r in question.references]
            look = _Looked(
                gold=gold,
                passages=line.place(gold),
                lost=[passage.size for passage in question.lost],
                hits={"own": own[i], "deep": deep[i]},
                ranges={side: ranges[i] for side, ranges in placed.items()},
                k=pipeline.k,
                min_cover=min_cover,
            )
            ranks.append(look.first_relevant())
            if to_the_letter:
                lost = sum(len(passage.quote) for passage in question.lost)
                found = published.chroma_scores(gold, [h.span for h in own[i]], chunks, lost)
                values[i] = [getattr(found, name) for name in names]
            elif look.empty:
                raise GoldenError(
                    f"question {question.id!r}: its passages hold nothing but white space; mark its answer"
                )
            else:
                values[i] = _measured(look, asked, chunks, sizes, line)
        sizes.count([hit for hits in own for hit in hits])
        tokens = np.array([sum(sizes.of(h) for h in hits) for hits in own], np.int64)
    training = pipeline.training
    return Evaluation(
        pipeline=pipeline,
        corpus=corpus,
        questions=answerable,
        metrics=names,
        values=values,
        hits=tuple(map(tuple, own)),
        tokens=tokens,
        chunks=len(rows),
        unanswerable=len(unanswerable),
        seconds=seconds,
        ranks=tuple(ranks),
        refusals=tuple(hits[0].score if hits else None for hits in refused),
        index_bytes=getattr(rows.index, "bytes", 0),
        definitions="chroma" if to_the_letter else "workbench",
        seen=tuple(training.seen(answerable)),
        training_known=training.known,
        tokens_sent=_sent(rows, pipeline),
    )


def _sent(rows: Collection, pipeline: Pipeline) -> int:
    """Return the tokens of the chunks that an endpoint is paid for, each distinct text once."""
    embedder = pipeline.embedder
    if not pipeline.retriever.needs_vectors or not isinstance(embedder, Remote):
        return 0
    return embedder.cost(list(dict.fromkeys(rows.texts()))).tokens


_CAUTIONS = {
    "bm25": "BM25 scores grow with the number and rarity of a query's terms, and do not compare over queries",
    "hybrid": "fused scores follow ranks within a query, and do not compare over queries",
}


def _caution(pipeline: Pipeline) -> str:
    """Return why the retriever's scores may not compare from query to query; "" where they do."""
    kind = pipeline.retriever.kind
    if kind == "dense":
        lengths = pipeline.index.metric == "dot" and not pipeline.embedder.normalised
        return "dot products grow with a query vector's length" if lengths else ""
    return _CAUTIONS.get(kind, f"scores of the retriever {kind} are not known to compare over queries")


@dataclass(frozen=True, slots=True)
class _Looked:
    """A question's passages and hits. `passages` and `ranges` are their places on the line."""

    gold: Sequence[Span]
    passages: Ranges
    lost: Sequence[int]
    hits: Mapping[str, Sequence[Hit]]
    ranges: Mapping[str, Ranges]
    k: int
    min_cover: float

    @property
    def empty(self) -> bool:
        """Return whether nothing but white space is gold."""
        return not lengths(self.passages).any() and not any(self.lost)

    def first_relevant(self) -> int | None:
        """Return the rank of the first relevant hit among all that were looked at."""
        found = relevant_ranges(self.passages, self.ranges["deep"], self.min_cover)
        return self.hits["deep"][int(found.argmax())].rank if found.any() else None


def _measured(
    at: _Looked, asked: Sequence[Metric], chunks: Mapping[str, Ranges], sizes: Tokens, line: Line
) -> list[float]:
    """Return the value of each metric for one question; each budget is judged once."""
    judged: dict[tuple[Budget, bool], Judgement] = {}
    out = []
    for m in asked:
        if m.budget is None:
            near = [line.counted(document, chunks[document]) for document in {span.document for span in at.gold}]
            out.append(omega_of_ranges(at.passages, np.concatenate([np.zeros((0, 2), np.int64), *near]), at.lost))
            continue
        # All budgets of hits are parts of one judgement; each budget of tokens cuts its last hit elsewhere. Up to k
        # the hits are those at k, though they be fewer: merged ones that are asked for deeper hold more.
        side = "own" if not m.budget.tokens and m.budget.amount <= at.k else "deep"
        whole = m.budget if m.budget.tokens else Budget(1 if side == "own" else MAX_K), True
        if whole not in judged:
            hits, ranges = at.hits[side], at.ranges[side]
            counts = [sizes.of(h) for h in hits]
            if m.budget.tokens:
                spans = [h.span for h in hits]
                kept, counts = first_tokens(spans, counts, m.budget.amount, sizes.end)
                ranges = ranges[: len(kept)]
                if kept and kept[-1] is not spans[len(kept) - 1]:
                    ranges = np.concatenate([ranges[:-1], line.place(kept[-1:])])
            judged[whole] = judge_ranges(at.passages, ranges, counts, at.min_cover, at.lost)
        if (cut := (m.budget, m.budget.tokens)) not in judged:
            judged[cut] = judged[whole][: m.budget.amount]
        out.append(m.formula(judged[cut]))
    return out


def run_of(
    found: Evaluation,
    questions: Sequence[Question] | None = None,
    held_out: Iterable[str] = (),
    seed: int = 0,
    anatomy: Mapping[str, Any] | None = None,
) -> Run:
    """Return the evaluation as a run of plain values; of equal evaluations only the seconds differ.

    `questions` is the golden set before its passages were found again under another parser, so that runs of different
    parsers share its clusters and identity; by default, the questions of `found`. `held_out` are ids of questions that
    must not choose a winner, `anatomy` plain values of where answers were lost.
    """
    apart = frozenset(held_out)
    whole = found.questions if questions is None else tuple(questions)
    number = dict(zip((q.id for q in whole), clusters(whole).tolist(), strict=True))
    seen = found.seen or (False,) * len(found.questions)
    rows = zip(found.questions, found.tokens.tolist(), found.ranks, seen, strict=True)
    documents = document_groups(whole, {d.name: d.id for d in found.corpus})
    document = dict(zip((q.id for q in whole), documents.tolist(), strict=True))
    separation = found.abstention
    return Run(
        pipeline=to_mapping(found.pipeline),
        fingerprint=found.pipeline.fingerprint,
        label=found.pipeline.label,
        corpus=found.corpus.id,
        golden=golden_id(whole),
        definitions=found.definitions,
        metrics=found.metrics,
        questions=tuple(
            Asked(q.id, number[q.id], tokens, rank, tuple(q.tags), q.id in apart, document[q.id], trained)
            for q, tokens, rank, trained in rows
        ),
        values=tuple(tuple(row) for row in found.values.tolist()),
        unanswerable=found.unanswerable,
        chunks=found.chunks,
        index_bytes=found.index_bytes,
        seed=seed,
        seconds=dict(found.seconds),
        environment=environment(),
        abstention=asdict(separation) if separation else None,
        anatomy=anatomy,
        training_known=found.training_known,
        tokens_sent=found.tokens_sent,
        measures=REVISION,
    )
