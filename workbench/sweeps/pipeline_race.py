"""A race of pipelines: size × overlap × splitters filled by previews, and embedded exactly only where it matters."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import numpy as np

from workbench.documents import Corpus
from workbench.embedders import (
    SentenceTransformer,
    can_preview,
    copy_vectors,
    prepare_preview,
    preview_tokens,
)
from workbench.embedders.embedder import SpanEncoder
from workbench.errors import GoldenError, SpecError
from workbench.evaluations import evaluate, run_of
from workbench.memory_cache import MemoryCache
from workbench.pipelines import Pipeline, StoredQueries, collection, embedded, indexed, previewed
from workbench.records import Judging, Question, Run, golden_id, judging
from workbench.retrievers import Collection as Rows
from workbench.statistics import clusters
from workbench.store import Store
from workbench.sweeps.embedding_cost import Reading, reading
from workbench.sweeps.folder import Folder, Wanted
from workbench.sweeps.race_state import Race, RaceRules, RaceStanding
from workbench.sweeps.race_statistics import Floats, Ints, places
from workbench.sweeps.results import METRIC
from workbench.sweeps.run import sweep_metrics
from workbench.sweeps.shares import Share, embed_share, shares
from workbench.tasks import QUIET, Cancelled, Task

KEPT_BYTES = 256 << 20
"""Budget for vectors between two looks; what is evicted is pooled again."""


@dataclass(frozen=True, slots=True)
class RaceStep:
    """How far a race is. While a model works, `done` of `total` texts or windows are."""

    stage: str
    standing: RaceStanding
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Raced:
    """A race that ended or was stopped: the candidates, their standing, and the exact runs, in the candidates' order.

    `asked` questions decided; those held out did not, and are in the runs.
    """

    pipelines: tuple[Pipeline, ...]
    standing: RaceStanding
    runs: tuple[Run, ...]
    metric: str
    asked: int
    seed: int
    tolerance: float | None
    budget: float
    seconds: float
    judging: Judging

    @property
    def leader(self) -> Pipeline | None:
        """The best pipeline so far."""
        return None if self.standing.leader is None else self.pipelines[self.standing.leader]

    @property
    def sentence(self) -> str:
        """The result in words, its leader first."""
        cells, leader = self.standing.cells, self.leader
        if leader is None or self.standing.leader is None:
            return "nothing is known yet"
        best = cells[self.standing.leader]
        exact, out = (sum(c.state == state for c in cells) for state in ("exact", "left out"))
        if best.state == "exact" and best.exact is not None and self.standing.finished:
            first = f"{leader.label} leads with {self.metric} {best.exact:.3f} on all {self.asked} questions"
        elif best.state == "exact" and best.exact is not None:
            first = f"so far {leader.label} leads with {self.metric} {best.exact:.3f}, exact on {self.asked} questions"
        else:
            value = best.exact if best.exact is not None else best.preview or 0.0
            kind = "preview" if best.exact is None else "a part of the questions"
            first = f"so far {leader.label} leads with {self.metric} {value:.3f} ({kind}; nothing is settled)"
        measured = f"{exact} of {len(cells)} configurations measured exactly"
        trained = f"; {self.judging.note}" if self.judging.note else ""
        return f"{first}; {measured}, {out} left out because they cannot be better{self._undecided}{trained}"

    @property
    def _undecided(self) -> str:
        """What to say of candidates that could be better and were not measured."""
        beyond, n = self.standing.beyond, sum(c.state == "not decided" for c in self.standing.cells)
        told = "these questions can tell apart" if self.tolerance is None else f"{self.tolerance:g}, which is tolerated"
        lines = [f"{n - beyond} not decided: if they are better, then by no more than {told}"] if n > beyond else []
        if beyond:
            lines.append(f"{beyond} not decided because the budget of {100 * self.budget:.0f} % was spent")
        return "".join(f", {line}" for line in lines)


def race(
    corpus: Corpus,
    questions: Sequence[Question],
    pipelines: Sequence[Pipeline],
    out: Path | None = None,
    *,
    store: Store | None = None,
    metric: str = METRIC,
    metrics: Sequence[str] | None = None,
    held_out: Collection[str] = (),
    rules: RaceRules | None = None,
    task: Task = QUIET,
) -> Raced:
    """Find the best of the pipelines by the metric and embed only few; `Race` says what is dropped and when.

    Exact runs are kept in the folder `out`, as by a sweep, and reused: a race that was stopped goes on from there. When
    the task is stopped, the best known so far is returned. A static model and late chunking need no preview; a model
    whose vectors cannot be pooled from token states has none, and as many of its pipelines are measured as the budget
    allows.

    The budget of `rules` is a share of the tokens that embedding every pipeline by itself would read; the pass over the
    documents counts. What is not measured although it could be better is reported as "not decided". With a tolerance
    of 0 and an infinite budget, the best mean on these questions is found.

    Raises:
        GoldenError: no question with an answer is left to choose by.
        SpecError: no pipeline, or pipelines of several parsers.
        RunError: the folder cannot be written.
    """
    given = tuple({p.fingerprint: p for p in pipelines}.values())
    if not given:
        raise SpecError("there is no pipeline to race")
    if len({p.parser.fingerprint for p in given}) > 1:
        raise SpecError("a race is of pipelines with one parser, whose corpus is given; sweep over parsers instead")
    asked = tuple(q for q in questions if q.answerable and q.id not in held_out)
    if not asked:
        raise GoldenError("no question with an answer is left to choose by: they are all held out")
    trained = [p.training for p in given]
    seen = [any(one) for one in zip(*(t.seen(asked) for t in trained), strict=True)]
    rule = judging(seen, all(t.known for t in trained))
    asked = tuple(q for q, judges in zip(asked, rule.judges, strict=True) if judges)
    own = store or Store(None)
    all_metrics = tuple(dict.fromkeys([metric, *(metrics or sweep_metrics(given))]))
    folder, rules, began = Folder(out), rules or RaceRules(), time.monotonic()
    track = _Field(corpus, tuple(questions), asked, given, metric, all_metrics, frozenset(held_out), own, folder)
    going = Race(track, places(given), len(asked), rules, clusters(asked))

    def tell(stage: str, done: int = 0, total: int = 0) -> None:
        if task.on_report:  # a standing takes a moment
            task.report(done, total, RaceStep(stage, going.standing(), done, total))

    track.states = Task(lambda done, total, note: tell("states", done, total), task.cancelled)
    track.embedding = Task(lambda done, total, note: tell("embedding", done, total), task.cancelled)
    try:
        try:
            track.prepare()
            going.spent += track.before()
            for stage in going:
                tell(stage)
                task.check()
        except Cancelled:
            pass  # what is known is returned
        standing = going.standing(with_agreement=True)
        runs = track.finished(standing)
    finally:
        folder.close()
    seconds = time.monotonic() - began
    how = rules.seed, rules.tolerance, rules.budget
    return Raced(given, standing, runs, metric, len(asked), *how, seconds, rule)


@dataclass(slots=True)
class _Field:
    """The candidates of a race as its track: previews pooled from token states, exact values by embedding."""

    corpus: Corpus
    questions: tuple[Question, ...]
    asked: tuple[Question, ...]
    pipelines: tuple[Pipeline, ...]
    metric: str
    metrics: tuple[str, ...]
    held_out: frozenset[str]
    store: Store
    folder: Folder
    states: Task = QUIET
    embedding: Task = QUIET
    runs: dict[int, Run] = field(default_factory=dict)
    kept: MemoryCache[tuple[Rows, int]] = field(default_factory=lambda: MemoryCache(KEPT_BYTES, itemgetter(1)))
    seen: dict[tuple[str, str], str] = field(default_factory=dict)
    readings: dict[int, Reading] = field(default_factory=dict)

    def is_cheap(self, candidate: int) -> bool:
        pipeline = self.pipelines[candidate]
        pooled = not pipeline.retriever.needs_vectors or isinstance(pipeline.embedder, SpanEncoder)
        return pooled and pipeline.retriever.kind != "rerank"

    def has_preview(self, candidate: int) -> bool:
        pipeline = self.pipelines[candidate]
        needs = pipeline.retriever.needs_vectors and pipeline.retriever.kind != "rerank"
        return needs and can_preview(pipeline.embedder)

    def prepare(self) -> None:
        """Compute the token states of every document once."""
        for embedder in self._previewers():
            prepare_preview(self.corpus, embedder, self.store, self.states.report, self.states.cancelled)

    def before(self) -> int:
        """Return the tokens that `prepare` reads where the store holds nothing."""
        return sum(preview_tokens(self.corpus, embedder) for embedder in self._previewers())

    def _previewers(self) -> list[SentenceTransformer]:
        """Return one embedder for each model that has previews."""
        some = [p.embedder for i, p in enumerate(self.pipelines) if self.has_preview(i)]
        return list({e.full.fingerprint: e for e in some if isinstance(e, SentenceTransformer)}.values())

    def price(self, candidate: int, measured: Sequence[int]) -> float:
        """Return the tokens of its texts, less those of measured candidates, whatever the store holds."""
        if self.is_cheap(candidate):
            return 0.0
        if not measured:
            return self._reading(candidate).total
        model = self.pipelines[candidate].embedder.full
        like = [c for c in measured if self.pipelines[c].embedder.full == model]
        return self._reading(candidate).new(
            np.concatenate([np.empty(0, np.int64), *(self._reading(c).texts for c in like)])
        )

    def _reading(self, candidate: int) -> Reading:
        if candidate not in self.readings:
            pipeline = self.pipelines[candidate]
            self.readings[candidate] = reading(collection(self.corpus, pipeline.splitter), pipeline.embedder)
        return self.readings[candidate]

    def preview(self, candidate: int, questions: Ints) -> Floats:
        return self._values(candidate, self._rows(candidate, preview=True), questions)

    def exact(self, candidate: int, questions: Ints) -> Floats:
        if self.is_cheap(candidate):
            return self._values(candidate, self._rows(candidate, preview=False), questions)
        return self._column(self._run(candidate))[questions]

    def finished(self, standing: RaceStanding) -> tuple[Run, ...]:
        """Return the runs of candidates that are exact on all questions; those of cheap candidates are made now."""
        exact = [i for i, cell in enumerate(standing.cells) if cell.state == "exact"]
        return tuple(self._run(i) for i in exact if standing.finished or i in self.runs)

    def _values(self, candidate: int, rows: Rows, questions: Ints) -> Floats:
        some = [self.asked[i] for i in questions.tolist()]
        found = evaluate(self.corpus, some, self.pipelines[candidate], [self.metric], store=self.store, rows=rows)
        return found.values[:, 0]

    def _column(self, run: Run) -> Floats:
        """Return (asked,) the metric's values of a run."""
        known = dict(zip((q.id for q in run.questions), run.column(self.metric).tolist(), strict=True))
        return np.array([known[q.id] for q in self.asked])

    def _run(self, candidate: int) -> Run:
        """Return the exact run on every question, from the folder or newly made."""
        if candidate not in self.runs:
            pipeline = self.pipelines[candidate]
            wanted = Wanted(self.corpus.id, golden_id(self.questions), self.metrics)
            run = self.folder.read(pipeline.fingerprint, wanted)
            if run is None:
                if pipeline.retriever.needs_vectors and not isinstance(pipeline.embedder, SpanEncoder):
                    self._embed(pipeline)
                found = evaluate(self.corpus, self.questions, pipeline, self.metrics, store=self.store)
                run = run_of(found, self.questions, self.held_out)
                self.folder.write(run)
            self.runs[candidate] = run.holding_out(self.held_out)
        return self.runs[candidate]

    def _embed(self, pipeline: Pipeline) -> None:
        """Put every vector of the pipeline into the store; texts that the model cannot tell apart share theirs."""
        for share in shares([(pipeline, self.corpus)]):
            embedder = share.embedder
            what = [(embedder.fingerprint, seen) for seen in embedder.seen(share.texts)]
            like = {
                text: self.seen[key]
                for text, key in zip(share.texts, what, strict=True)
                if self.seen.get(key, text) != text
            }
            copy_vectors(embedder, like, self.store)
            rest = Share(embedder, tuple(text for text in share.texts if text not in like))
            embed_share(rest, self.store, self.folder, self.embedding)
            for text, key in zip(share.texts, what, strict=True):
                self.seen.setdefault(key, text)

    def _rows(self, candidate: int, preview: bool) -> Rows:
        """Return what is searched, with its vectors; the most recent stay in memory."""
        return self.kept.get_or_make((candidate, preview), lambda: self._searchable(candidate, preview))[0]

    def _searchable(self, candidate: int, preview: bool) -> tuple[Rows, int]:
        """Return the rows and the bytes of their vectors."""
        pipeline = self.pipelines[candidate]
        embedder = pipeline.embedder
        rows = collection(self.corpus, pipeline.splitter)
        if not pipeline.retriever.needs_vectors:
            return rows, 0
        if preview and isinstance(embedder, SentenceTransformer):
            vectors = previewed(rows, embedder, self.store)
        else:
            vectors = embedded(rows, embedder, self.store)
        return indexed(rows, vectors, StoredQueries(embedder, self.store), pipeline.index), vectors.nbytes
