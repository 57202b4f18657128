"""The rankings that a pipeline's own is compared with, over the same chunks: exact, BM25, dense, and both fused.

A lost chunk is also ranked joined with the text around it: the rest of its passage, its neighbours, or its section.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypeVar

import numpy as np

from workbench.anatomy.best_cover import GoldLine
from workbench.anatomy.causes import PASSAGE
from workbench.diagnostics import unseen
from workbench.documents import Chunks
from workbench.embedders import Embedder, Remote, Static, missing
from workbench.evaluations import Evaluation
from workbench.evaluations.retrieval import Tokens, columns, retrieved
from workbench.indexes import Flat, IndexSpec
from workbench.metrics import Budget, metric
from workbench.pipelines import StoredQueries, collection, embedded, indexed
from workbench.records import Hit
from workbench.retrievers import BM25, Collection, Dense, Hybrid, Retriever, Words
from workbench.retrievers.contexts import expanded
from workbench.spans import Ranges, Span
from workbench.splitters.pieces import CHARACTERS
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import Vectors

NEIGHBOURS, SECTION = "neighbours", "section"
LONGEST, LONGEST_SECTION = 4_000, 2_000
"""Characters of any join at most, and of one with a section: larger chunks are hardly ever made."""


@dataclass(frozen=True, slots=True)
class Join:
    """A stretch of text that takes the place of the rows in it: `kind` says what row number `row` is joined with."""

    kind: str
    span: Span
    row: int
    rows: range


def joins(rows: Collection, chunk: Span, passage: Span) -> list[Join]:
    """Return the joins of a chunk that holds some of a passage, the shortest first, if any.

    A join of more than half of all chunks would be found whatever it holds, and is left out.
    """
    here = next(i for i, d in enumerate(rows.corpus) if d.id == chunk.document)
    base, stop = (int(np.searchsorted(rows.document_index, here, side)) for side in ("left", "right"))
    own = rows.spans[base:stop]
    at = int((own == (chunk.start, chunk.end)).all(axis=1).argmax())
    out: list[Join] = []
    for kind, first, last in _around(rows, own, at, passage):
        span = Span(passage.document, int(own[first, 0]), int(own[first : last + 1, 1].max()))
        if first < last and len(span) <= LONGEST and span not in (join.span for join in out):
            out.append(Join(kind, span, base + at, range(base + first, base + last + 1)))
    return [join for join in out if 2 * len(join.rows) <= len(rows)]


def _around(rows: Collection, own: Ranges, at: int, passage: Span) -> Iterator[tuple[str, int, int]]:
    """Yield the kind of each join with its first and last chunk, as places among those of the document."""
    holders = np.flatnonzero((own[:, 0] < passage.end) & (own[:, 1] > passage.start))
    yield PASSAGE, min(at, int(holders[0])), max(at, int(holders[-1]))
    yield NEIGHBOURS, max(at - 1, 0), min(at + 1, len(own) - 1)
    document = rows.corpus.document(passage.document)
    bounds = [0, *(h.span.start for h in document.headings), len(document.text)]
    start = max(b for b in bounds if b <= own[at, 0])
    end = min(b for b in bounds if b >= own[at, 1])
    first = last = at
    while True:  # a chunk at a time on either side, as long as some of it is in the section and all of it fits
        before = first > 0 and own[first - 1, 1] > start and own[last, 1] - own[first - 1, 0] <= LONGEST_SECTION
        first -= int(before)
        after = last + 1 < len(own) and own[last + 1, 0] < end and own[last + 1, 1] - own[first, 0] <= LONGEST_SECTION
        last += int(after)
        if not before and not after:
            break
    yield SECTION, first, last


Kind = TypeVar("Kind", bound=Retriever)

_SHARED = ("k1", "b", "stemmer", "stop_words", "expand", "window", "merge")


MOST_WIDE = 50_000
"""Chunks up to which all are joined with their neighbours, where that costs next to nothing."""


class Rankings:
    """What other ways of searching find in the chunks of an evaluated pipeline, each prepared on first use.

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
        """Return whether the pipeline as run ranks with an exact index, or needs none."""
        return not self._pipeline.retriever.needs_vectors or isinstance(self._pipeline.index, Flat)

    def can(self, side: str) -> bool:
        """Return whether a side is tried: it needs no vectors or can afford them, and is not what runs anyway."""
        if side == "hybrid" and self._pipeline.retriever.kind == "hybrid":
            return False
        return not self._retrievers[side].needs_vectors or self._affordable

    @cached_property
    def _affordable(self) -> bool:
        """Return whether vectors were made for the pipeline itself, are in the store, or cost next to nothing."""
        embedder = self._pipeline.embedder
        if self._pipeline.retriever.needs_vectors or _is_cheap(embedder):
            return True
        store = self._store
        return store is not None and not (
            missing(embedder, self._rows.texts(), store) or missing(embedder, self._queries, store, queries=True)
        )

    def ranked(self, side: str, budget: Budget) -> list[list[Span]]:
        """Return each question's hits of "own" or "exact" within the budget, as the evaluation asked for them.

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
                ours = evaluation.definitions == "workbench"  # whose metrics' names hold their budgets
                known = {m.budget for m in map(metric, evaluation.metrics) if m.budget} if ours else set()
                found = retrieved(rows, self._queries, self._pipeline, known | {budget}, Tokens(rows))[1]
            most = None if budget.tokens else budget.amount
            self._ranked[key] = [[hit.span for hit in hits[:most]] for hits in found]
        return self._ranked[key]

    def hits(self, side: str, query: str, k: int, join: Join | None = None) -> list[Span]:
        """Return the spans that "exact", "bm25", "dense" or "hybrid" finds, best first, at most k.

        With a join, what "exact", "bm25" or "wide" finds with that in place of its chunks.
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
        """Return a chunk that holds some of a passage joined with the text around it, in each way."""
        return joins(self._rows, chunk, passage)

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
        """Return the joins as rows of their own, each span once."""
        headers, corpus = {join.span: self._rows.headers[join.rows.start] for join in some}, self._rows.corpus
        chunks = []
        for document in dict.fromkeys(span.document for span in headers):
            own = {(s.start, s.end): header for s, header in headers.items() if s.document == document}
            chunks.append(Chunks.of(corpus.document(document), own, own.values() if any(own.values()) else ()))
        return Collection(corpus, chunks)

    def _joined_hits(self, side: str, query: str, join: Join, k: int) -> list[Span]:
        """Return the spans that a side finds with a join in place of its rows."""
        retriever, rows, index = self._retrievers[side], self._rows, None
        if retriever.needs_vectors:
            rows = self._wide if side == "wide" else self._exact
            index = Flat(metric=self._pipeline.index.metric)(self._join_vectors[join.span][None])
        allowed = np.ones(len(rows) + 1, np.bool_)
        allowed[join.rows.start : join.rows.stop] = False
        return [hit.span for hit in retriever(rows.with_row(join.rows, index), [query], k, allowed)[0]]

    def shares(self, query: str, join: Join) -> tuple[float, float]:
        """Return the shares of the question in a chunk alone and in its join: 0 to 1, by BM25's weights."""
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
        """Return what the embedder saw of the chunks that hold gold of a line; all of it without an embedder."""
        holders = line.holders(self.chunks)
        self._see([s for s in holders if s not in self._seen])
        return [self._seen[s] for s in holders]

    def unseen(self, spans: list[Span]) -> list[Span]:
        """Return the end of each chunk that the embedder never saw; empty spans where it saw all."""
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
        return self._with(Flat(metric=self._pipeline.index.metric), wide)

    @cached_property
    def _as_run(self) -> Collection:
        if not self._pipeline.retriever.needs_vectors:
            return self._rows
        return self._exact if self.is_exact else self._with(self._pipeline.index)

    def _with(self, index: IndexSpec, vectors: Vectors | None = None) -> Collection:
        given = self._vectors if vectors is None else vectors
        return indexed(self._rows, given, StoredQueries(self._pipeline.embedder, self._store), index)


def like(own: Retriever, kind: type[Kind]) -> Kind:
    """Return a retriever of another kind that analyses words and expands its hits as the pipeline's own does."""
    shared = {f.name for f in fields(kind)} & {f.name for f in fields(own)} & set(_SHARED)
    return kind(**{name: getattr(own, name) for name in shared})


def _is_cheap(embedder: Embedder) -> bool:
    """Return whether embedding takes next to no time, and calls nobody."""
    return isinstance(embedder, Static)
