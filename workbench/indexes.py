"""Indexes: (n, dim) vectors → the k best rows for each query. A higher score is better, always.

FAISS proposes, and every proposed row is then scored anew in float64, one row at a time, so that a score depends on the
row and the query alone: not on the number of queries in a call, on threads, or on where a row stands. Scores are
rounded to steps of a millionth (`TOLERANCE`), for "dot" a millionth of the greatest score possible; rows whose rounded
scores are equal are ties, and the lower row comes first, at the k-th place too.
"""

from abc import abstractmethod
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.specs import Spec, option
from workbench.vectors import Vectors, norms, unit

TOLERANCE = 1e-6
"""Scores nearer than this are the same score: it is what float32 arithmetic in differing orders can differ by."""

Found = tuple[NDArray[np.float32], NDArray[np.int64]]
"""(q, k) scores, highest first, and (q, k) rows; where fewer than k rows exist, minus infinity and -1."""

_SLACK = 16  # rows asked for beyond k, so that ties at the k-th place show
_METRIC = option("cosine", "cosine: the angle alone counts; dot: length counts too", choices=("cosine", "dot"))


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Vectors that can be searched."""

    metric: str
    vectors: Vectors
    exact: bool
    bytes: int
    _faiss: Any
    _longest: float
    _effort: int = 0

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: NDArray[Any], k: int) -> Found:
        """The k best rows for each query; see `Found`."""
        queries = _checked(queries, "queries", self.vectors.shape[1])
        if self.metric == "cosine":
            queries = unit(queries)
        scores = np.full((len(queries), max(k, 0)), -np.inf, np.float32)
        rows = np.full((len(queries), max(k, 0)), -1, np.int64)
        if k > 0 and len(self) and len(queries):
            for i, candidates in enumerate(self._candidates(queries, k)):
                best, exact = self._ranked(queries[i], candidates, k)
                rows[i, : len(best)], scores[i, : len(best)] = best, exact
        return scores, rows

    def _ranked(self, query: Vectors, rows: NDArray[np.int64], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The best k of `rows` with their rounded scores, equal scores by row."""
        rows = np.sort(rows)
        # A sum along each row, not a matrix product: BLAS adds up in an order that depends on the matrix's size.
        exact = np.multiply(self.vectors[rows], query, dtype=np.float64).sum(axis=1)
        step = self._step(query)
        scores = np.round(exact / step) * step if step else exact
        order = np.argsort(-scores, kind="stable")[:k]
        return rows[order], scores[order]

    def _step(self, query: Vectors) -> float:
        """The distance of two scores that count as different."""
        return TOLERANCE if self.metric == "cosine" else TOLERANCE * self._longest * float(norms(query[None])[0])

    def _candidates(self, queries: Vectors, k: int) -> list[NDArray[np.int64]]:
        """For each query, rows among which the k best are, ties at the k-th place included."""
        fetch = min(len(self), k + _SLACK)
        found, rows = self._faiss_search(queries, fetch)
        out = [r[r >= 0] for r in rows]
        if self.exact and fetch < len(self):
            for i, query in enumerate(queries):
                if found[i, -1] >= found[i, k - 1] - 8 * self._step(query):  # more rows may tie than were asked for
                    out[i] = self._ties(query, k)
        return out

    def _ties(self, query: Vectors, k: int) -> NDArray[np.int64]:
        """Every row that could tie with the k-th best."""
        scores = self.vectors @ query
        kth = np.partition(scores, len(scores) - k)[len(scores) - k]
        return np.flatnonzero(scores >= kth - 8 * self._step(query))

    def _faiss_search(self, queries: Vectors, k: int) -> Found:
        settings = {"params": _faiss().SearchParametersHNSW(efSearch=max(self._effort, k))} if self._effort else {}
        found: Found = self._faiss.search(queries, k, **settings)
        return found


@dataclass(frozen=True, slots=True)
class IndexSpec(Spec):
    """Called with (n, dim) float32 vectors, builds an Index."""

    metric: str = _METRIC

    @abstractmethod
    def __call__(self, vectors: NDArray[Any]) -> Index: ...


@dataclass(frozen=True, slots=True)
class Flat(IndexSpec):
    """Compares with every vector: exact."""

    kind: ClassVar[str] = "flat"

    def __call__(self, vectors: NDArray[Any]) -> Index:
        faiss = _faiss()
        rows = _checked(vectors, "vectors")
        rows = unit(rows) if self.metric == "cosine" else rows
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        return _index(self.metric, index, index, rows.shape, exact=True, extra=0)


@dataclass(frozen=True, slots=True)
class HNSW(IndexSpec):
    """Walks a graph of neighbours: much faster on large collections, and may miss a row. Built the same every time."""

    kind: ClassVar[str] = "hnsw"

    m: int = option(32, "neighbours of each vector: more find better and take more memory", low=2, high=128)
    ef_construction: int = option(200, "candidates weighed while building", low=8, high=2000, advanced=True)
    ef_search: int = option(
        64, "candidates weighed for each query: more find better and take longer", low=1, high=10_000
    )

    def __call__(self, vectors: NDArray[Any]) -> Index:
        faiss = _faiss()
        rows = _checked(vectors, "vectors")
        rows = unit(rows) if self.metric == "cosine" else rows
        index = faiss.IndexHNSWFlat(rows.shape[1], self.m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.ef_construction
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)  # several threads would link the graph in an order that differs each time
        try:
            index.add(rows)
        finally:
            faiss.omp_set_num_threads(threads)
        graph = 4 * index.hnsw.neighbors.size() + 8 * index.hnsw.offsets.size() + 4 * index.hnsw.levels.size()
        storage = faiss.downcast_index(index.storage)
        return _index(self.metric, index, storage, rows.shape, exact=False, extra=graph, effort=self.ef_search)


INDEXES: dict[str, type[IndexSpec]] = {cls.kind: cls for cls in (Flat, HNSW)}
"""kind → class."""


def _index(
    metric: str, index: Any, storage: Any, shape: tuple[int, ...], *, exact: bool, extra: int, effort: int = 0
) -> Index:
    """The built index; its vectors are a view of FAISS' own, not a second copy."""
    faiss = _faiss()
    size = int(np.prod(shape))
    vectors = faiss.rev_swig_ptr(storage.get_xb(), size).reshape(shape) if size else np.empty(shape, np.float32)
    vectors.setflags(write=False)
    longest = float(norms(vectors).max(initial=0.0))
    return Index(metric, vectors, exact, vectors.nbytes + extra, index, longest, effort)


def _faiss() -> Any:
    """The library, loaded on first use; its own types do not know all that it has."""
    return import_module("faiss")


def _checked(rows: NDArray[Any], what: str, width: int | None = None) -> Vectors:
    """The rows as contiguous float32, or SpecError saying what is wrong with them."""
    rows = np.ascontiguousarray(rows, np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0 or (width is not None and rows.shape[1] != width):
        raise SpecError(f"{what} of shape {rows.shape} do not fit: (n, {width or 'dim'}) is needed")
    if not np.isfinite(rows).all():
        raise SpecError(f"{what} hold values that are not finite numbers; the model that made them is broken")
    return rows
