"""What is searched: the chunks of a whole corpus as numbered rows, with the search structures over them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Chunks, Corpus, Document, Section
from workbench.errors import DocumentError, SpecError, WorkbenchError
from workbench.memory_cache import MemoryCache
from workbench.records import Hit
from workbench.retrievers.analyser import PLAIN, Words
from workbench.retrievers.bm25 import Lexical, Terms, counted, row_terms
from workbench.retrievers.contexts import expanded
from workbench.spans import Ranges, Span
from workbench.specs import digest, fingerprint
from workbench.store import Store
from workbench.vectors import top_k

Mask = NDArray[np.bool_]
"""(n,) whether a row is allowed."""

Parts = Sequence[tuple[Document, Ranges, Sequence[str]]]
"""Each document with the spans and headers of its rows."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows a search may return: chunks of these documents, and of the sections under this heading path.

    `documents` None means all; `section` is the beginning of a heading path, highest first, and a chunk belongs to
    a section if any of its characters is there.
    """

    documents: tuple[str, ...] | None = None
    section: tuple[str, ...] = ()


def allowed_rows(where: Where | Mask | None, corpus: Corpus, parts: Parts, documents: NDArray[np.int64]) -> Mask | None:
    """Return (n,) which rows are allowed, None where all are; `documents` (n,) is the place of each row's document.

    Raises:
        SpecError: a mask of the wrong length or type.
        DocumentError: a document that is not in the corpus.
    """
    n = len(documents)
    if where is None:
        return None
    if isinstance(where, Where):
        out = np.ones(n, np.bool_)
        if where.documents is not None:
            wanted = {corpus.document(id).id for id in where.documents}
            of = np.array([d.id in wanted for d in corpus], np.bool_)
            out &= of[documents] if len(of) else out
        if where.section:
            out &= _under(where.section, parts)
        return out
    if where.shape != (n,) or where.dtype != np.bool_:
        raise SpecError(f"a row filter must be {n} booleans, not {where.dtype} of shape {where.shape}")
    return where


def _under(section: tuple[str, ...], parts: Parts) -> Mask:
    """Return (n,) whether some character of the row is under this heading path."""
    found = [np.empty(0, np.bool_)]
    for document, spans, _ in parts:
        starts = np.array([0, *(h.span.start for h in document.headings)], np.int64)
        inside = np.concatenate([[0], np.cumsum([path[: len(section)] == section for path in _paths(document)])])
        first = np.searchsorted(starts, spans[:, 0], side="right") - 1
        last = np.searchsorted(starts, np.maximum(spans[:, 1], spans[:, 0] + 1), side="left")
        found.append(inside[last] > inside[first])
    return np.concatenate(found)


def _paths(document: Document) -> list[tuple[str, ...]]:
    """Return the heading path before the first heading, which is empty, and from each heading on."""
    out: list[tuple[str, ...]] = [()]
    open_: list[Section] = []
    for heading in document.headings:
        while open_ and open_[-1].level >= heading.level:
            open_.pop()
        open_.append(heading)
        out.append(tuple(h.title for h in open_))
    return out


class Texts(Sequence[str]):
    """The text of each of `count` rows, cut out when it is read: together they are larger than the corpus."""

    def __init__(self, parts: Parts, count: int, text: Callable[[int], str]) -> None:
        self._parts, self._count, self._text = parts, count, text

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for document, spans, headers in self._parts:
            yield from Chunks(document.id, spans, tuple(headers)).texts(document)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self._text(row) for row in range(*at.indices(len(self)))]
        row = int(at)
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self._text(row % len(self))


class QueryEncoder(Protocol):
    """Turns queries into vectors; with a true attribute `alone`, each as if it came alone."""

    def encode_query(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """(n, dim) float32."""


_known: MemoryCache[NDArray[np.float32]] = MemoryCache(128 << 20, lambda vector: vector.nbytes)
"""(embedder, query) → its vector, across collections: a sweep asks each the same questions."""

Rows = NDArray[np.int64]
Ranking = tuple[Rows, NDArray[np.float64]]
"""Rows and their scores, the best first."""


class VectorsMissing(WorkbenchError):
    """The retriever needs vectors that have not been computed yet; lexical search works without them."""


class VectorIndex(Protocol):
    """What finds the nearest rows: an index over the vectors of all rows, or of some of them."""

    def search(self, queries: NDArray[np.float32], k: int, /) -> tuple[NDArray[np.float32], Rows]:
        """Scores and rows, both (q, k), the best first, row -1 where there are no more."""

    def decoded(self, rows: Rows, /) -> NDArray[np.float32]:
        """(len(rows), dim) these rows' vectors as they are kept."""


class Collection:
    """The chunks of a corpus as rows: in the order of its documents, within a document by start and end.

    Row order is the order in which equal scores are ranked. The lexical index is built on the first lexical search and
    needs nothing else; vectors are given later by `with_vectors`. A collection never changes, so threads may share it.
    """

    def __init__(self, corpus: Corpus, chunks: Iterable[Chunks], store: Store | None = None) -> None:
        self.corpus = corpus
        self._store = store  # where the terms of documents are kept, if they are worth the disk
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
        self._building = threading.Lock()
        self._terms: Terms | None = None
        self._lexical: MemoryCache[Lexical] = MemoryCache(_MAX_LEXICAL, lambda index: 1)
        self._units: dict[tuple[str, int], dict[str, Ranges]] = {}
        self._index: VectorIndex | None = None
        self._encoder: QueryEncoder | None = None
        self._subset: Callable[[Rows], VectorIndex] | None = None
        self._subsets: MemoryCache[VectorIndex] = MemoryCache(_MAX_SUBSETS, lambda index: 1)
        self._queries, self._space = _known, ""  # where queries' vectors are kept, and whose
        self._asking: _Asking | None = None
        self._key: str | None = None
        self._further = np.empty((0, 2), np.int64)  # the span of a row that `with_row` put after the others
        self._times = 1  # and of how many rows it is made

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def key(self) -> str:
        """A hash of what decides the text of every row: documents, places, headers."""
        if self._key is None:
            about = [[d.id for d, _, _ in self._parts], digest(self.spans.astype("<i4").tobytes())]
            about += [
                digest(self.document_index.astype("<i4").tobytes()),
                digest("\0".join(self.headers).encode("utf-8", "surrogatepass")),
            ]
            self._key = fingerprint(about)
        return self._key

    def span(self, row: int, spans: Ranges | None = None) -> Span:
        """Return the characters of a row, by `spans` where other spans of the rows are given."""
        start, end = (self.spans if spans is None else spans)[row].tolist()
        return Span(self.corpus.documents[int(self.document_index[row])].id, start, end)

    def text(self, row: int) -> str:
        """Return what is embedded and searched for a row: its header, if any, with a blank line, and its text."""
        body = self.corpus[self.span(row)]
        return f"{self.headers[row]}\n\n{body}" if self.headers[row] else body

    def texts(self) -> Texts:
        """Return the `text` of every row, in order: what an embedder is given."""
        return Texts(self._parts, len(self), self.text)

    def with_vectors(
        self, index: VectorIndex, encoder: QueryEncoder, subset: Callable[[Rows], VectorIndex] | None = None
    ) -> "Collection":
        """Return the same rows with a dense index over them, and what encodes queries for it; BM25's are shared.

        `subset` makes an exact index over some of the rows, and is used where a search is filtered. Without it the
        index is searched ever deeper until enough of what it finds is allowed: exact if the index is.
        """
        out = self._copy()
        out._index, out._encoder, out._subset = index, encoder, subset
        out._subsets = MemoryCache(_MAX_SUBSETS, lambda index: 1)
        space = getattr(encoder, "fingerprint", None)
        out._space = space if isinstance(space, str) else ""
        out._queries = _known if out._space else MemoryCache(_known.budget, lambda vector: vector.nbytes)
        return out

    def _copy(self) -> "Collection":
        out = Collection.__new__(Collection)
        out.__dict__.update(self.__dict__)
        return out

    def with_row(self, joined: range, index: VectorIndex | None = None) -> "Collection":
        """Return the same rows and one more after them: these consecutive rows of a document, joined to one.

        It has the first one's header. BM25 weighs it by the other rows; see `Lexical.text_score`. `index` holds its
        vector alone, by the metric of the collection's own index; it is needed where that is searched. What comes back
        for the row is the row itself, whatever the retriever makes of the others.
        """
        out = self._copy()
        spans = self.spans[joined.start : joined.stop]
        out._further, out._times = np.array([[spans[:, 0].min(), spans[:, 1].max()]], np.int64), len(joined)
        out.spans = np.concatenate([self.spans, out._further])
        out.document_index = np.append(self.document_index, self.document_index[joined.start])
        out.headers = [*self.headers, self.headers[joined.start]]
        out._index = _OneMore(self._index, index, len(self)) if self._index is not None and index is not None else None
        out._subset = None
        return out

    @property
    def index(self) -> VectorIndex | None:
        """The dense index over all rows; None until `with_vectors` gave one."""
        return self._index

    @property
    def has_vectors(self) -> bool:
        """Return whether dense search is possible now."""
        return self._index is not None

    def mask(self, where: Where | Mask | None) -> Mask | None:
        """Return (n,) which rows are allowed; None where all are.

        Raises:
            SpecError: a mask of the wrong length or type.
            DocumentError: a document that is not in the corpus.
        """
        return allowed_rows(where, self.corpus, self._parts, self.document_index)

    def lexical(
        self, query: str, k: int, k1: float, b: float, mask: Mask | None = None, words: Words = PLAIN
    ) -> Ranking:
        """Return the best k allowed rows by BM25, without rows that share no term with the query."""
        index = self._lexical_index(k1, b, words)
        scores = index.scores(query)
        if len(self._further):
            scores = np.append(scores, index.text_score(query, self.text(len(self) - 1), self._times))
        allowed = scores > 0 if mask is None else (scores > 0) & mask
        rows = np.flatnonzero(allowed)
        return best(rows, scores[rows], k)

    def shares(self, query: str, texts: Sequence[str], k1: float, b: float, words: Words = PLAIN) -> list[float]:
        """Return how much of the query is in each text; see `Lexical.shares`."""
        return self._lexical_index(k1, b, words).shares(query, texts)

    def _lexical_index(self, k1: float, b: float, words: Words) -> Lexical:
        """Return the BM25 index for these parameters, built on first use."""
        if (known := self._lexical.get((k1, b, words))) is not None:
            return known
        with self._building:  # of many rows that takes a while: searches by an index that is there do not wait for it

            def made() -> Lexical:
                found = self._terms or row_terms(self._parts, self._store)
                self._terms = found if len(found.ids) <= _MOST_TERMS else None
                return Lexical(counted(found, words), k1, b, words)

            return self._lexical.get_or_make((k1, b, words), made)

    def asking(self, queries: Sequence[str]) -> "Collection":
        """Return the same rows, for these queries: the first search by vectors is made for all of them at once."""
        out = self._copy()
        out._asking = _Asking(tuple(dict.fromkeys(queries)))
        return out

    def dense(self, query: str, k: int, mask: Mask | None = None) -> Ranking:
        """Return the best k allowed rows by the dense index.

        Raises:
            VectorsMissing: no index has been given yet.
        """
        if self._asking is None:
            return self._nearest([query], k, mask)[0]
        return self._asking(query, k, mask, self._nearest)

    def _nearest(self, queries: Sequence[str], k: int, mask: Mask | None) -> list[Ranking]:
        if self._index is None or self._encoder is None:
            raise VectorsMissing(
                f"the {len(self)} chunks have no vectors yet; embed them, or use the bm25 retriever, which needs none"
            )
        allowed = len(self) if mask is None else int(mask.sum())
        k = min(k, allowed)
        if k == 0:
            return [(np.empty(0, np.int64), np.empty(0)) for _ in queries]
        vectors = self._encoded(queries, self._encoder)
        if mask is None or allowed == len(self):
            return _found(self._index, vectors, k)
        if self._subset is not None:
            rows, subset = np.flatnonzero(mask), self._subset
            index = self._subsets.get_or_make(mask.tobytes(), lambda: subset(rows))
            return [(rows[found], scores) for found, scores in _found(index, vectors, k)]
        return [_allowed(self._index, vectors[i : i + 1], k, mask) for i in range(len(queries))]

    def _encoded(self, queries: Sequence[str], encoder: QueryEncoder) -> NDArray[np.float32]:
        """Return (n, dim) the queries' vectors, each encoded alone.

        A model's figures differ in the last digits with what else is in the batch, and a ranking must not.
        """
        known = {query: self._queries.get((self._space, query)) for query in queries}
        new = [query for query, vector in known.items() if vector is None]
        if new and getattr(encoder, "alone", False):  # it does so itself
            known |= zip(new, np.asarray(encoder.encode_query(new), np.float32), strict=True)
        else:
            known |= {query: np.asarray(encoder.encode_query([query]), np.float32)[0] for query in new}
        for query in new:
            if (vector := known[query]) is not None:
                self._queries.put((self._space, query), vector)
        return np.stack([vector for query in queries if (vector := known[query]) is not None])

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """Return (len(rows), dim) what the dense index keeps of these rows.

        Raises:
            VectorsMissing: no index has been given yet.
        """
        if self._index is None:
            raise VectorsMissing("the chunks have no vectors yet; embed them first")
        return self._index.decoded(rows)

    def units(self, expand: str, window: int) -> dict[str, Ranges]:
        """Return document → (n, 2) what comes back for each of its rows, in order; see `contexts.expanded`."""
        key = expand, window if expand == "neighbours" else 0
        known = self._units.get(key)
        if known is None:
            known = self._units[key] = {
                document.id: expanded(document, spans, parents, expand, window)
                for (document, spans, _), parents in zip(self._parts, self._parents, strict=True)
            }
        return known

    def hits(self, ranking: Ranking, expand: str = "none", window: int = 1) -> list[Hit]:
        """Return the ranking as hits, rank from 1; each has the span that comes back for its row."""
        rows, scores = ranking
        spans = self.spans
        if expand != "none":
            units = self.units(expand, window)
            spans = np.concatenate([np.empty((0, 2), np.int64), *units.values(), self._further])
        return [
            Hit(self.span(row, spans), score, rank, row, self.headers[row])
            for rank, (row, score) in enumerate(zip(rows.tolist(), scores.tolist(), strict=True), 1)
        ]


_MAX_LEXICAL = 2  # parameters whose index is kept: a comparison needs two, and each holds a score for every term
_MAX_SUBSETS = 8  # filters whose rows are indexed: they change as a user clicks, and the last few suffice
_MOST_TERMS = 20_000_000  # kept beside the indexes over them, for further parameters: 80 MB


def _found(index: VectorIndex, vectors: NDArray[np.float32], k: int) -> list[Ranking]:
    scores, rows = index.search(vectors, k)
    return [best(r[r >= 0], s[r >= 0].astype(np.float64), k) for s, r in zip(scores, rows, strict=True)]


class _OneMore:
    """An index and one more row, which has an index of its own."""

    def __init__(self, index: VectorIndex, more: VectorIndex, row: int) -> None:
        self._index, self._more, self._row = index, more, row

    def search(self, queries: NDArray[np.float32], k: int, /) -> tuple[NDArray[np.float32], Rows]:
        """Return the k best rows of both, which the caller puts in order."""
        scores, rows = self._index.search(queries, min(k, self._row))
        score, row = self._more.search(queries, 1)
        return np.hstack([scores, score]), np.hstack([rows, np.where(row < 0, row, self._row)])

    def decoded(self, rows: Rows, /) -> NDArray[np.float32]:
        """Return (len(rows), dim) these rows' vectors as they are kept."""
        out = self._index.decoded(np.where(rows == self._row, 0, rows))
        own = rows == self._row
        out[own] = self._more.decoded(np.zeros(int(own.sum()), np.int64))
        return out


def _allowed(index: VectorIndex, vector: NDArray[np.float32], k: int, mask: Mask) -> Ranking:
    """Return the best k allowed rows of an index that knows no filter, searched deeper until enough are allowed."""
    wide = k
    while True:
        wide = min(2 * wide, len(mask))
        found, scores = _found(index, vector, wide)[0]
        keep = mask[found]
        if keep.sum() >= k or wide == len(mask):
            return found[keep][:k], scores[keep][:k]


class _Asking:
    """The rankings of queries that are searched together, each returned when its turn comes.

    Only the first depth is searched for all: a query that needs more, because some of its hits lay in others, is
    searched alone.
    """

    def __init__(self, queries: tuple[str, ...]) -> None:
        self._queries = queries
        self._first: tuple[int, Mask | None] | None = None
        self._found: dict[str, Ranking] = {}

    def __call__(
        self, query: str, k: int, mask: Mask | None, search: Callable[[Sequence[str], int, Mask | None], list[Ranking]]
    ) -> Ranking:
        if self._first is None:
            self._first = k, mask
            self._found = dict(zip(self._queries, search(self._queries, k, mask), strict=True))
        if self._first[0] == k and self._first[1] is mask and query in self._found:
            return self._found[query]
        return search([query], k, mask)[0]


def best(rows: Rows, scores: NDArray[np.float64], k: int) -> Ranking:
    """Return the k rows with the highest scores; equal scores in row order."""
    order = np.argsort(rows, kind="stable")
    order = order[top_k(scores[order], k)[0]]
    return rows[order], scores[order]
