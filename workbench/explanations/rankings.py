"""The rankings that a pipeline's own is held against, over the same chunks: exact, BM25, dense, and both fused."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from workbench.anatomy import GoldLine
from workbench.diagnostics import unseen
from workbench.documents import Chunks
from workbench.embedders import Embedder, Remote, Static, missing
from workbench.evaluations import Evaluation
from workbench.evaluations.contexts import Tokens
from workbench.evaluations.retrieving import Asker, columns, retrieved
from workbench.explanations.joins import Join, joins
from workbench.indexes import Flat
from workbench.metrics import Budget, metric
from workbench.pipelines import collection, embedded, indexed
from workbench.records import Hit
from workbench.retrievers import BM25, Collection, Dense, Hybrid, Retriever, Words
from workbench.retrievers.contexts import expanded
from workbench.spans import Ranges, Span
from workbench.splitters.pieces import CHARACTERS
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import Vectors

Kind = TypeVar("Kind", bound=Retriever)

_SHARED = ("k1", "b", "stemmer", "stop_words", "expand", "window", "merge")


MOST_WIDE = 50_000
"""Chunks up to which all are joined with their neighbours, where that costs next to nothing."""


class Rankings:
    """What other ways of searching find in the chunks of an evaluated pipeline. Each is prepared when first asked for.

    The sides: "own" as run, "exact" the same retriever over an exact index, "wide" the same over every chunk joined
    with its neighbours, "bm25", "dense" (exact), "hybrid" by reciprocal ranks.
    """

    def __init__(self, evaluation: Evaluation, store: Store | None) -> None:
        self._pipeline, self._store = evaluation.pipeline, store
        self._queries = [q.text for q in evaluation.questions]
        self._rows = collection(evaluation.corpus, evaluation.pipeline.splitter)
        own = self._pipeline.retriever
        self._bm25 = like(own, BM25)
        self._retrievers: dict[str, Retriever] = {
            "own": own,
            "exact": own,
            "wide": own,
            "bm25": self._bm25,
            "dense": like(own, Dense),
            "hybrid": like(own, Hybrid),
        }
        self._evaluation = evaluation
        self._ranked: dict[tuple[str, Budget], list[list[Span]]] = {}
        self._seen: dict[Span, Span] = {}
        self._answers: dict[tuple[str, str, int], tuple[int, list[Span]]] = {}
        self._asked: set[tuple[str, int]] = set()
        self._join_vectors: dict[Span, Vectors] = {}
        self.joining: tuple[str, ...] = ("exact",)
        """The sides that rank joins, in turn: see `embed`."""

    @property
    def is_exact(self) -> bool:
        """Whether the pipeline as run ranks with an exact index, or needs none."""
        return not self._pipeline.retriever.needs_vectors or isinstance(self._pipeline.index, Flat)

    def can(self, side: str) -> bool:
        """Whether a side is tried: it needs no vectors, or they are there or cheap; and hybrid is not what runs."""
        if side == "hybrid" and self._pipeline.retriever.kind == "hybrid":
            return False
        return not self._retrievers[side].needs_vectors or self._affordable

    @cached_property
    def _affordable(self) -> bool:
        """Whether vectors were made for the pipeline itself, stand in the store, or cost next to nothing."""
        embedder = self._pipeline.embedder
        if self._pipeline.retriever.needs_vectors or _is_cheap(embedder):
            return True
        store = self._store
        return store is not None and not (
            missing(embedder, self._rows.texts(), store) or missing(embedder, self._queries, store, queries=True)
        )

    def ranked(self, side: str, budget: Budget) -> list[list[Span]]:
        """Each question's hits of "own" or "exact" down to what the budget needs, as the evaluation asked for them.

        The depth matters where an index is approximate, or a fusion weighs more candidates the more are asked for.
        """
        key = side, budget
        if key not in self._ranked:
            evaluation, k = self._evaluation, self._pipeline.k
            shallow = not budget.tokens and budget.amount <= k
            found: Sequence[Sequence[Hit]]
            if shallow:
                found = evaluation.hits if side == "own" else self._pipeline.retriever(self._exact, self._queries, k)
            else:
                rows = self._as_run if side == "own" else self._exact
                known = {m.budget for m in map(metric, evaluation.metrics) if m.budget} if _ours(evaluation) else set()
                found = retrieved(rows, self._queries, self._pipeline, known | {budget}, Tokens(rows))[1]
            most = None if budget.tokens else budget.amount
            self._ranked[key] = [[hit.span for hit in hits[:most]] for hits in found]
        return self._ranked[key]

    def hits(self, side: str, query: str, k: int, join: Join | None = None) -> list[Span]:
        """The spans that "exact", "bm25", "dense" or "hybrid" finds, best first, at most k.

        With a join, what "exact", "bm25" or "wide" finds where that stands in place of its chunks.
        """
        if join is not None:
            return self._joined_hits(side, query, join, k)
        same = side if side in ("bm25", "hybrid") or not isinstance(self._retrievers["own"], Dense) else "exact"
        retriever = self._retrievers[same]
        # One search serves every smaller k where fewer hits are the first of more: not so in every fusion.
        steady = isinstance(retriever, Dense | BM25) and not retriever.merge
        key = same, query, 0 if steady else k
        depth, answer = self._answers.get(key, (0, []))
        if depth < k:
            rows = self._exact if retriever.needs_vectors else self._rows
            # Of every question hybrid is asked, and at first at one k; the others of those alone whose ranking lost.
            first = same == "hybrid" and query in self._queries and (same, k) not in self._asked
            together = self._queries if first else [query]
            self._asked.add((same, k))
            for one, hits in zip(together, retriever(rows, together, k), strict=True):
                self._answers[same, one, 0 if steady else k] = k, [hit.span for hit in hits]
            answer = self._answers[key][1]
        return answer[:k]

    def joins(self, chunk: Span, passage: Span) -> list[Join]:
        """Return a chunk that holds some of a passage joined with the text around it, in each way.

        A join of more than half of all chunks would be found whatever it holds, and is left out.
        """
        rows = self._rows
        here = next(i for i, d in enumerate(rows.corpus) if d.id == chunk.document)
        base, stop = (int(np.searchsorted(rows.document_index, here, side)) for side in ("left", "right"))
        row = base + int((rows.spans[base:stop] == (chunk.start, chunk.end)).all(axis=1).argmax())
        return [join for join in joins(rows, row, passage) if 2 * len(join.rows) <= len(rows)]

    def embed(self, some: Sequence[Join], progress: Callable[[int, int], None] | None = None) -> int:
        """Embed the texts of joins, each once, where vectors rank them; return how many there are.

        `joining` are the sides that then rank joins, in turn. A remote model is sent nothing: where the store does not
        hold all the vectors, BM25 alone is asked. Where vectors cost next to nothing, joins are ranked a second time
        among the other chunks joined likewise ("wide"): a short text has a sharper vector than a long one, which alone
        can keep a join from being found. BM25 comes last, since not every model knows codes and names.
        """
        embedder, store = self._pipeline.embedder, self._store
        if not some or not self._pipeline.retriever.needs_vectors:
            return 0
        rows = self._joined(some)
        if isinstance(embedder, Remote) and (store is None or missing(embedder, rows.texts(), store)):
            self.joining = ("bm25",)
            return 0
        wide = ("wide",) if _is_cheap(embedder) and len(self._rows) <= MOST_WIDE else ()
        self.joining = ("exact", *wide, "bm25")
        vectors = embedded(rows, embedder, store, progress)
        self._join_vectors = {rows.span(i): vectors[i] for i in range(len(rows))}
        return len(rows)

    def _joined(self, some: Sequence[Join]) -> Collection:
        """The joins as rows of their own, each span once."""
        headers = {join.span: self._rows.headers[join.rows.start] for join in some}
        chunks = []
        for document in dict.fromkeys(span.document for span in headers):
            own = {span: header for span, header in headers.items() if span.document == document}
            pairs = [(span.start, span.end) for span in own]
            chunks.append(
                Chunks.of(self._rows.corpus.document(document), pairs, own.values() if any(own.values()) else ())
            )
        return Collection(self._rows.corpus, chunks)

    def _joined_hits(self, side: str, query: str, join: Join, k: int) -> list[Span]:
        """The spans that a side finds where a join stands in place of its rows."""
        retriever, rows, index = self._retrievers[side], self._rows, None
        if retriever.needs_vectors:
            rows = self._wide if side == "wide" else self._exact
            index = Flat(metric=self._pipeline.index.metric)(self._join_vectors[join.span][None])
        allowed = np.ones(len(rows) + 1, np.bool_)
        allowed[join.rows.start : join.rows.stop] = False
        return [hit.span for hit in retriever(rows.with_row(join.rows, index), [query], k, allowed)[0]]

    def shares(self, query: str, join: Join) -> tuple[float, float]:
        """Return how much of the question stands in a chunk alone, and in its join: 0 to 1, by BM25's weights."""
        bm25 = self._bm25
        with_row = self._rows.with_row(join.rows)
        texts = [with_row.text(join.row), with_row.text(len(self._rows))]
        own, whole = self._rows.shares(query, texts, bm25.k1, bm25.b, Words(bm25.stemmer, bm25.stop_words))
        return own, whole

    def size(self, span: Span) -> int:
        """Return how long a span is in the unit in which the splitter measures chunks."""
        splitter = self._pipeline.splitter
        if splitter.measure == CHARACTERS:
            return len(span)
        return int(tokenizer(splitter.measure).counts([self._rows.corpus[span]])[0])

    @cached_property
    def units(self) -> dict[str, Ranges]:
        """Document → all that the retriever can return: chunks, unless it says otherwise in `units(collection)`."""
        expand: Callable[[Collection], dict[str, Ranges]] = getattr(self._pipeline.retriever, "units", columns)
        return expand(self._rows)

    @cached_property
    def longest(self) -> int:
        """Characters of the longest unit."""
        return max((int(np.diff(spans).max()) for spans in self.units.values() if len(spans)), default=0)

    def seen(self, line: GoldLine) -> list[Span]:
        """What the embedder saw of the chunks that hold gold of a line; all of it where no embedder takes part."""
        holders = line.holders(self.chunks)
        self._see([s for s in holders if s not in self._seen])
        return [self._seen[s] for s in holders]

    def unseen(self, spans: list[Span]) -> list[Span]:
        """The end of each chunk that the embedder never saw; empty spans where it saw all."""
        self._see([s for s in spans if s not in self._seen])
        return [Span(s.document, self._seen[s].end, s.end) for s in spans]

    def _see(self, spans: list[Span]) -> None:
        embedder = self._pipeline.embedder
        limit = embedder.max_tokens if self._pipeline.retriever.needs_vectors else None
        for document in dict.fromkeys(s.document for s in spans):
            some = [s for s in spans if s.document == document]
            self._seen |= dict(zip(some, some, strict=True))
            if limit is None:
                continue
            text = self._rows.corpus.document(document)
            headers = [self._headers.get(s, "") for s in some]
            chunks = Chunks.of(text, [(s.start, s.end) for s in some], headers if any(headers) else ())
            tokens = tokenizer(embedder.tokenizer).counts(chunks.texts(text))
            for span, start in zip(some, unseen(text, chunks, embedder.tokenizer, limit, tokens)[:, 0], strict=True):
                self._seen[span] = Span(document, span.start, int(start))

    @cached_property
    def chunks(self) -> dict[str, Ranges]:
        """Document → its chunks."""
        return columns(self._rows)

    @cached_property
    def _headers(self) -> dict[Span, str]:
        rows = self._rows
        return {rows.span(i): header for i, header in enumerate(rows.headers) if header}

    @cached_property
    def _vectors(self) -> Vectors:
        return embedded(self._rows, self._pipeline.embedder, self._store)

    @cached_property
    def _exact(self) -> Collection:
        return self._with(Flat(metric=self._pipeline.index.metric))

    @cached_property
    def _wide(self) -> Collection:
        """The rows with the vectors of each joined with its neighbours."""
        rows, chunks, first = self._rows, [], 0
        for document in rows.corpus:
            own = self.chunks[document.id]
            pairs = expanded(document, own, None, "neighbours", 1)
            # Each has the header of its first row, as the joins that are ranked among them.
            headers = [rows.headers[max(row - 1, first)] for row in range(first, first + len(own))]
            chunks.append(Chunks(document.id, pairs, tuple(headers) if any(headers) else ()))
            first += len(own)
        wide = embedded(Collection(rows.corpus, chunks), self._pipeline.embedder, self._store)
        return indexed(
            rows, wide, Asker(self._pipeline.embedder, self._store), Flat(metric=self._pipeline.index.metric)
        )

    @cached_property
    def _as_run(self) -> Collection:
        if not self._pipeline.retriever.needs_vectors:
            return self._rows
        return self._exact if self.is_exact else self._with(self._pipeline.index)

    def _with(self, index: Any) -> Collection:
        return indexed(self._rows, self._vectors, Asker(self._pipeline.embedder, self._store), index)


def like(own: Retriever, kind: type[Kind]) -> Kind:
    """A retriever of another kind that analyses words and expands its hits as the pipeline's own does."""
    shared = {f.name for f in fields(kind)} & {f.name for f in fields(own)} & set(_SHARED)
    return kind(**{name: getattr(own, name) for name in shared})


def _is_cheap(embedder: Embedder) -> bool:
    """Whether embedding takes next to no time, and calls nobody."""
    return isinstance(embedder, Static)


def _ours(evaluation: Evaluation) -> bool:
    """Whether its metrics are ours, whose names hold their budgets."""
    return evaluation.definitions == "workbench"
