"""The rankings that a pipeline's own is held against, over the same chunks: exact, BM25, dense, and both fused."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np

from workbench.anatomy import GoldLine
from workbench.diagnostics import unseen
from workbench.documents import Chunks
from workbench.embedders import Embedder, Static, missing
from workbench.evaluations import Evaluation
from workbench.evaluations.contexts import Tokens
from workbench.evaluations.retrieving import Asker, columns, retrieved
from workbench.indexes import Flat
from workbench.metrics import Budget, metric
from workbench.pipelines import collection, embedded, indexed
from workbench.records import Hit
from workbench.retrievers import BM25, Collection, Dense, Hybrid, Retriever
from workbench.spans import Ranges, Span
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import Vectors

_SHARED = ("k1", "b", "stemmer", "stop_words", "expand", "window", "merge")


class Rankings:
    """What other ways of searching find in the chunks of an evaluated pipeline. Each is prepared when first asked for.

    The sides: "own" as run, "exact" the same retriever over an exact index, "bm25", "dense" (exact), "hybrid" by
    reciprocal ranks.
    """

    def __init__(self, evaluation: Evaluation, store: Store | None) -> None:
        self._pipeline, self._store = evaluation.pipeline, store
        self._queries = [q.text for q in evaluation.questions]
        self._rows = collection(evaluation.corpus, evaluation.pipeline.splitter)
        own = self._pipeline.retriever
        self._retrievers: dict[str, Retriever] = {
            "own": own,
            "exact": own,
            "bm25": _like(own, BM25),
            "dense": _like(own, Dense),
            "hybrid": _like(own, Hybrid),
        }
        self._evaluation = evaluation
        self._ranked: dict[tuple[str, Budget], list[list[Span]]] = {}
        self._seen: dict[Span, Span] = {}
        self._answers: dict[tuple[str, str, int], tuple[int, list[Span]]] = {}
        self._asked: set[tuple[str, int]] = set()

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

    def hits(self, side: str, query: str, k: int) -> list[Span]:
        """The spans that "exact", "bm25", "dense" or "hybrid" finds, best first, at most k."""
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
    def _as_run(self) -> Collection:
        if not self._pipeline.retriever.needs_vectors:
            return self._rows
        return self._exact if self.is_exact else self._with(self._pipeline.index)

    def _with(self, index: Any) -> Collection:
        return indexed(self._rows, self._vectors, Asker(self._pipeline.embedder, self._store), index)


def _like(own: Retriever, kind: type[Retriever]) -> Retriever:
    """A retriever of another kind that analyses words and expands its hits as the pipeline's own does."""
    shared = {f.name for f in fields(kind)} & {f.name for f in fields(own)} & set(_SHARED)
    return kind(**{name: getattr(own, name) for name in shared})


def _is_cheap(embedder: Embedder) -> bool:
    """Whether embedding takes next to no time, and calls nobody."""
    return isinstance(embedder, Static)


def _ours(evaluation: Evaluation) -> bool:
    """Whether its metrics are ours, whose names hold their budgets."""
    return evaluation.definitions == "workbench"
