"""What is searched: the chunks of a whole corpus as numbered rows, with the search structures over them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Chunks, Corpus, Document, Section
from workbench.errors import DocumentError, SpecError, WorkbenchError
from workbench.records import Hit
from workbench.retrievers.expansions import expanded
from workbench.retrievers.lexical import Lexical, Terms, counted, row_terms
from workbench.retrievers.words import PLAIN, Words
from workbench.spans import Ranges, Span
from workbench.vectors import top_k

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Ranking = tuple[Rows, NDArray[np.float64]]
"""Rows and their scores, the best first."""


class VectorsMissing(WorkbenchError):
    """The retriever needs vectors that have not been computed yet; lexical search works without them."""


class QueryEncoder(Protocol):
    """What turns queries into vectors: an embedder."""

    def encode_query(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """(n, dim) float32."""


class VectorIndex(Protocol):
    """What finds the nearest rows: an index over the vectors of all rows, or of some of them."""

    def search(self, queries: NDArray[np.float32], k: int, /) -> tuple[NDArray[np.float32], Rows]:
        """Scores and rows, both (q, k), the best first, row -1 where there are no more."""

    def decoded(self, rows: Rows, /) -> NDArray[np.float32]:
        """(len(rows), dim) these rows' vectors as they are kept."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows a search may return: chunks of these documents, and of the sections under this heading path.

    `documents` None stands for all; `section` is the beginning of a heading path, highest first, and a chunk belongs to
    a section if any of its characters stands there.
    """

    documents: tuple[str, ...] | None = None
    section: tuple[str, ...] = ()


class Collection:
    """The chunks of a corpus as rows: in the order of its documents, within a document by start and end.

    Row order is the order in which equal scores are ranked. The lexical index is built on the first lexical search and
    needs nothing else; vectors are given later by `with_vectors`. A collection never changes, so threads may share it.
    """

    def __init__(self, corpus: Corpus, chunks: Iterable[Chunks]) -> None:
        self.corpus = corpus
        given: dict[str, Chunks] = {}
        for c in chunks:
            if corpus.document(c.document).id in given:
                raise DocumentError(f"document {c.document[:8]} came with chunks twice; once is enough")
            given[c.document] = c
        self._parts: list[tuple[Document, Ranges, Sequence[str]]] = []
        self._parents: list[Ranges | None] = []
        for document in corpus:
            if document.id in given:
                c = given[document.id]
                order = np.lexsort((c.spans[:, 1], c.spans[:, 0]))
                self._parts.append((document, c.spans[order], [c.headers[i] for i in order] if c.headers else []))
                self._parents.append(None if c.parents is None else c.parents[order])
        sizes = [len(spans) for _, spans, _ in self._parts]
        position = {d.id: i for i, d in enumerate(corpus)}
        self.document_index: Rows = np.repeat(np.array([position[d.id] for d, _, _ in self._parts], np.int64), sizes)
        """(n,) which document of the corpus each row is of."""
        self.spans: Ranges = np.concatenate([np.empty((0, 2), np.int64), *(spans for _, spans, _ in self._parts)])
        """(n, 2) start and end of each row in its document."""
        self.headers: list[str] = [h for (_, s, headers) in self._parts for h in (headers or [""] * len(s))]
        self._lock = threading.RLock()
        self._terms: Terms | None = None
        self._lexical: dict[tuple[float, float, Words], Lexical] = {}
        self._units: dict[tuple[str, int], dict[str, Ranges]] = {}
        self._index: VectorIndex | None = None
        self._encoder: QueryEncoder | None = None
        self._subset: Callable[[Rows], VectorIndex] | None = None
        self._subsets: dict[bytes, VectorIndex] = {}
        self._queries: dict[str, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return len(self.spans)

    def span(self, row: int, spans: Ranges | None = None) -> Span:
        """The characters of a row; by other spans of the rows, where they are given."""
        start, end = (self.spans if spans is None else spans)[row].tolist()
        return Span(self.corpus.documents[int(self.document_index[row])].id, start, end)

    def text(self, row: int) -> str:
        """What is embedded and searched for a row: its header, where it has one, a blank line, and its text."""
        body = self.corpus[self.span(row)]
        return f"{self.headers[row]}\n\n{body}" if self.headers[row] else body

    def texts(self) -> list[str]:
        """`text` of every row, in order: what an embedder is given."""
        return [self.text(row) for row in range(len(self))]

    def with_vectors(
        self, index: VectorIndex, encoder: QueryEncoder, subset: Callable[[Rows], VectorIndex] | None = None
    ) -> "Collection":
        """The same rows with a dense index over them, and what encodes queries for it; lexical indexes are shared.

        `subset` makes an exact index over some of the rows, and is used where a search is filtered. Without it the
        index itself is asked for more and more until enough of what it finds is allowed: exact if the index is.
        """
        out = Collection.__new__(Collection)
        out.__dict__.update(self.__dict__)
        out._index, out._encoder, out._subset = index, encoder, subset
        out._subsets, out._queries = {}, _query_vectors(encoder)
        return out

    @property
    def index(self) -> VectorIndex | None:
        """The dense index over all rows; None until `with_vectors` gave one."""
        return self._index

    @property
    def has_vectors(self) -> bool:
        """Whether dense search is possible now."""
        return self._index is not None

    def mask(self, where: Where | Mask | None) -> Mask | None:
        """(n,) which rows are allowed; None where all are.

        Raises:
            SpecError: a mask of the wrong length or type.
            DocumentError: a document that is not in the corpus.
        """
        if where is None:
            return None
        if isinstance(where, Where):
            out = np.ones(len(self), np.bool_)
            if where.documents is not None:
                wanted = {self.corpus.document(id).id for id in where.documents}
                of = np.array([d.id in wanted for d in self.corpus], np.bool_)
                out &= of[self.document_index] if len(of) else out
            if where.section:
                out &= self._under(where.section)
            return out
        if where.shape != (len(self),) or where.dtype != np.bool_:
            raise SpecError(f"a row filter must be {len(self)} booleans, not {where.dtype} of shape {where.shape}")
        return where

    def _under(self, section: tuple[str, ...]) -> Mask:
        """(n,) whether some character of the row stands under this heading path."""
        parts = [np.empty(0, np.bool_)]
        for document, spans, _ in self._parts:
            starts = np.array([0, *(h.span.start for h in document.headings)], np.int64)
            inside = np.concatenate([[0], np.cumsum([path[: len(section)] == section for path in _paths(document)])])
            first = np.searchsorted(starts, spans[:, 0], side="right") - 1
            last = np.searchsorted(starts, np.maximum(spans[:, 1], spans[:, 0] + 1), side="left")
            parts.append(inside[last] > inside[first])
        return np.concatenate(parts)

    def lexical(
        self, query: str, k: int, k1: float, b: float, mask: Mask | None = None, words: Words = PLAIN
    ) -> Ranking:
        """The best k allowed rows by BM25; rows that share no term with the query are left out."""
        with self._lock:
            index = self._lexical.pop((k1, b, words), None)
            if index is None:
                self._terms = self._terms or row_terms(self._parts)
                index = Lexical(counted(self._terms, words), k1, b, words)
            self._lexical[k1, b, words] = index  # the last used stands last
            if len(self._lexical) > _MAX_LEXICAL:
                self._lexical.pop(next(iter(self._lexical)))
        scores = index.scores(query)
        allowed = scores > 0 if mask is None else (scores > 0) & mask
        rows = np.flatnonzero(allowed)
        return best(rows, scores[rows], k)

    def dense(self, query: str, k: int, mask: Mask | None = None) -> Ranking:
        """The best k allowed rows by the dense index.

        Raises:
            VectorsMissing: no index has been given yet.
        """
        if self._index is None or self._encoder is None:
            raise VectorsMissing(
                f"the {len(self)} chunks have no vectors yet; embed them, or use the bm25 retriever, which needs none"
            )
        allowed = len(self) if mask is None else int(mask.sum())
        k = min(k, allowed)
        if k == 0:
            return np.empty(0, np.int64), np.empty(0)
        vector = self._encoded(query)
        if mask is None or allowed == len(self):
            return _found(self._index, vector, k)
        if self._subset is not None:
            rows = np.flatnonzero(mask)
            key = mask.tobytes()
            with self._lock:
                if key not in self._subsets:
                    if len(self._subsets) >= 8:  # filters change as a user clicks; the last few suffice
                        self._subsets.pop(next(iter(self._subsets)))
                    self._subsets[key] = self._subset(rows)
                index = self._subsets[key]
            found, scores = _found(index, vector, k)
            return rows[found], scores
        wide = k
        while True:
            wide = min(2 * wide, len(self))
            found, scores = _found(self._index, vector, wide)
            keep = mask[found]
            if keep.sum() >= k or wide == len(self):
                return found[keep][:k], scores[keep][:k]

    def _encoded(self, query: str) -> NDArray[np.float32]:
        """(1, dim) the query's vector.

        Queries are encoded one at a time: a model's figures differ in the last digits with what else is in the batch,
        and a ranking must not.
        """
        vector = self._queries.get(query)
        if vector is None:
            assert self._encoder is not None  # `dense` has looked
            vector = np.asarray(self._encoder.encode_query([query]), np.float32)
            if len(self._queries) >= _MAX_QUERIES:
                self._queries.clear()
            self._queries[query] = vector
        return vector

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(len(rows), dim) what the dense index keeps of these rows.

        Raises:
            VectorsMissing: no index has been given yet.
        """
        if self._index is None:
            raise VectorsMissing("the chunks have no vectors yet; embed them first")
        return self._index.decoded(rows)

    def units(self, expand: str, window: int) -> dict[str, Ranges]:
        """Document → (n, 2) what comes back for each of its rows, in order; see `expansions.expanded`."""
        key = expand, window if expand == "neighbours" else 0
        known = self._units.get(key)
        if known is None:
            known = self._units[key] = {
                document.id: expanded(document, spans, parents, expand, window)
                for (document, spans, _), parents in zip(self._parts, self._parents, strict=True)
            }
        return known

    def hits(self, ranking: Ranking, expand: str = "none", window: int = 1) -> list[Hit]:
        """The ranking as hits, rank from 1; each the span that comes back for its row."""
        rows, scores = ranking
        spans = self.spans
        if expand != "none":
            units = self.units(expand, window)
            spans = np.concatenate([np.empty((0, 2), np.int64), *units.values()])
        return [
            Hit(self.span(row, spans), score, rank, row, self.headers[row])
            for rank, (row, score) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True), 1)
        ]


_MAX_LEXICAL = 2  # parameters whose index is kept: a comparison needs two, and each holds a score for every term
_MAX_QUERIES = 20_000
_known_lock = threading.Lock()
_known: dict[str, dict[str, NDArray[np.float32]]] = {}


def _query_vectors(encoder: QueryEncoder) -> dict[str, NDArray[np.float32]]:
    """The vectors of queries that this embedder has made, across collections: a sweep asks each the same questions."""
    fingerprint = getattr(encoder, "fingerprint", None)
    if not isinstance(fingerprint, str):
        return {}
    with _known_lock:
        while len(_known) >= 8 and fingerprint not in _known:
            _known.pop(next(iter(_known)))
        return _known.setdefault(fingerprint, {})


def _paths(document: Document) -> list[tuple[str, ...]]:
    """The heading path before the first heading, which is empty, and from each heading on."""
    out: list[tuple[str, ...]] = [()]
    open_: list[Section] = []
    for heading in document.headings:
        while open_ and open_[-1].level >= heading.level:
            open_.pop()
        open_.append(heading)
        out.append(tuple(h.title for h in open_))
    return out


def _found(index: VectorIndex, vector: NDArray[np.float32], k: int) -> Ranking:
    scores, rows = index.search(vector, k)
    real = rows[0] >= 0
    return best(rows[0][real], scores[0][real].astype(np.float64), k)


def best(rows: Rows, scores: NDArray[np.float64], k: int) -> Ranking:
    """The k rows with the highest scores; equal scores in row order."""
    order = np.argsort(rows, kind="stable")
    order = order[top_k(scores[order], k)[0]]
    return rows[order], scores[order]
