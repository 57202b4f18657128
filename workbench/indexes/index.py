"""Indexes: `Index`, vectors that can be searched, and `IndexSpec`, the base of the kinds that build one."""

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.indexes.storage import Kept, Plain, Rows, Signs, faiss, written_bytes
from workbench.specs import Spec, option, to_dict
from workbench.vectors import Vectors, norms, unit

TOLERANCE = 1e-6
"""Scores nearer than this are the same score: it is what float32 arithmetic in differing orders can differ by."""

Found = tuple[NDArray[np.float32], Rows]
"""(q, k) scores, highest first, and (q, k) rows; where fewer than k rows were found, minus infinity and -1."""

Proposals = tuple[NDArray[np.float32] | None, list[Rows], list[Vectors] | None]
"""For each query: FAISS's scores (q, k) where they can show ties, rows, and these decoded where they are at hand."""

_BLOCK = 16_384  # rows decoded at a time
_SLACK = 16  # rows asked for beyond k, so that ties at the k-th place show


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Vectors that can be searched. `bytes` are measured, as FAISS writes the index; `build_seconds` too.

    `exact`: no row is missed, and each is kept as it came. `complete`: no row is missed, by the scores of what is kept.
    `warnings` say in plain words which parameters do not suit this number of vectors.
    """

    metric: str
    dimensions: int
    exact: bool
    complete: bool
    bytes: int
    build_seconds: float
    warnings: tuple[str, ...]
    _count: int
    _kept: Kept
    _propose: Callable[[Vectors, int], Proposals]
    _longest: float
    _asked: Callable[[Vectors], Vectors] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def vectors(self) -> Vectors:
        """(n, dim) float32 every row as it is kept; decoded at each call unless it is kept as float32."""
        return self._kept(slice(None))

    def decoded(self, rows: Rows) -> Vectors:
        """Return (len(rows), dim) float32 these rows as they are kept."""
        return self._kept(rows)

    def search(self, queries: NDArray[Any], k: int) -> Found:
        """Return the k best rows for each query; see `Found`."""
        queries = self._queries(queries)
        scores = np.full((len(queries), max(k, 0)), -np.inf, np.float32)
        rows = np.full((len(queries), max(k, 0)), -1, np.int64)
        if k <= 0 or not len(self):
            return scores, rows
        for start in range(0, len(queries), _BATCH):
            part = queries[start : start + _BATCH]
            candidates, decoded = self._candidates(part, k)
            for i, (query, proposed) in enumerate(zip(part, candidates, strict=True)):
                exact = self._scored(query, self._kept(proposed) if decoded is None else decoded[i])
                order = np.lexsort((proposed, -exact))[:k]
                rows[start + i, : len(order)], scores[start + i, : len(order)] = proposed[order], exact[order]
        return scores, rows

    def scores(self, query: NDArray[Any], rows: Rows) -> NDArray[np.float64]:
        """Return (len(rows),) the rounded scores of these rows for one query (dim,)."""
        return self._scored(self._queries(query[None])[0], self._kept(rows))

    def subset(self, rows: Rows) -> "Index":
        """Return a complete index over some of the rows, as they are kept here: same scores, rows counted from 0."""
        kept = Plain(self._kept(rows))
        part = replace(self, complete=True, exact=False, bytes=kept.vectors.nbytes, build_seconds=0.0, warnings=())
        return replace(part, _count=len(rows), _kept=kept, _propose=all_tied(kept, self._longest))

    def _queries(self, queries: NDArray[Any]) -> Vectors:
        queries = checked(queries, "queries", self.dimensions)
        if self.metric == "cosine":
            queries = unit(queries)
        return self._asked(queries) if self._asked else queries

    def _scored(self, query: Vectors, kept: Vectors) -> NDArray[np.float64]:
        # A sum along each row, not a matrix product: BLAS adds up in an order that depends on the matrix's size.
        exact: NDArray[np.float64] = np.multiply(kept, query, dtype=np.float64).sum(axis=1)
        step = self._step(query)
        return np.round(exact / step) * step if step else exact

    def _step(self, query: Vectors) -> float:
        """Return the least difference between two scores that count as different."""
        return TOLERANCE if self.metric == "cosine" else TOLERANCE * self._longest * float(norms(query[None])[0])

    def _candidates(self, queries: Vectors, k: int) -> tuple[list[Rows], list[Vectors] | None]:
        """Return for each query rows that include the k best and all that tie with the k-th; and these decoded."""
        fetch = min(len(self), k + _SLACK)
        found, rows, decoded = self._propose(queries, fetch)
        if found is not None and fetch < len(self):
            for i, query in enumerate(queries):
                if found[i, -1] >= found[i, k - 1] - 8 * self._step(query):  # more rows may tie than were asked for
                    rows[i] = tied(self._kept, len(self), query, k, 8 * self._step(query))
        return rows, decoded


_BATCH = 256  # queries whose candidates are held at a time


def tied(kept: Kept, n: int, query: Vectors, k: int, margin: float) -> Rows:
    """Return every row whose score is at least the k-th best less the margin."""
    scores = np.concatenate([kept(slice(start, start + _BLOCK)) @ query for start in range(0, n, _BLOCK)])
    if k >= n:
        return np.arange(n)
    return np.flatnonzero(scores >= np.partition(scores, n - k)[n - k] - margin)


def all_tied(kept: Kept, longest: float) -> Callable[[Vectors, int], Proposals]:
    """Return a proposer that compares with every row, block by block; what it leaves out cannot be among the k best.

    `longest` is the length of the longest row, which bounds what rounding can hide a tie by. By numpy, whose matrix
    products took a half (many queries) to a third (one) of the processor time of FAISS's, as measured.
    """

    def propose(queries: Vectors, k: int) -> Proposals:
        n, q = len(kept), len(queries)
        k = min(k, n)
        best = np.full((q, k), -np.inf, np.float32)
        parts: list[list[tuple[Rows, NDArray[np.float32]]]] = [[] for _ in range(q)]
        margin = (16 * TOLERANCE * longest * norms(queries)).astype(np.float32)
        size = n if q == 1 and isinstance(kept, Plain) else _BLOCK  # nothing to decode: one product
        for start in range(0, n, size or 1):
            block = kept(slice(start, start + size))
            scores = (block @ queries[0])[None] if q == 1 else queries @ block.T  # a third of the time for one
            if start == 0 and len(block) > k:
                best = np.partition(scores, len(block) - k, axis=1)[:, len(block) - k :]
            hits = scores >= (best.min(axis=1) - margin)[:, None]
            for i in np.flatnonzero(hits.any(axis=1)).tolist():
                columns = np.flatnonzero(hits[i])
                parts[i].append((columns + start, scores[i, columns]))
                if start or len(block) <= k:
                    best[i] = np.sort(np.concatenate([best[i], scores[i, columns]]))[-k:]
        return None, [_near(found, float(b.min() - m)) for found, b, m in zip(parts, best, margin, strict=True)], None

    return propose


def _near(found: list[tuple[Rows, NDArray[np.float32]]], least: float) -> Rows:
    rows, scores = (np.concatenate(column) for column in zip(*found, strict=True))
    return rows[scores >= least]


def checked(rows: NDArray[Any], what: str, width: int | None = None) -> Vectors:
    """Return the rows as contiguous float32, or raise SpecError saying what is wrong with them."""
    rows = np.ascontiguousarray(rows, np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0 or (width is not None and rows.shape[1] != width):
        raise SpecError(f"{what} of shape {rows.shape} do not fit: (n, {width or 'dim'}) is needed")
    if not np.isfinite(rows).all():
        raise SpecError(f"{what} hold values that are not finite numbers; the model that made them is broken")
    return rows


_METRIC = option("cosine", "cosine: the angle alone counts; dot: length counts too", choices=("cosine", "dot"))

# What fields of several kinds mean.
STORAGE = "what is kept of each number, and scored: float32, half of it, or a byte"
RERANK = "kept beside the codes to score the rows they propose again; none: the codes' own scores"
OVERSAMPLE = "rows proposed for each one wanted, where they are scored again"

ALONE = 16
"""Queries that FAISS compares one by one, so that each has the same neighbours alone and among others."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a kind makes of rows: what proposes candidates, what scores them, and the FAISS indexes that hold it all."""

    propose: Callable[[Vectors, int], Proposals]
    kept: Kept
    parts: tuple[Any, ...]
    complete: bool = False
    exact: bool = False
    asked: Callable[[Vectors], Vectors] | None = None


@dataclass(frozen=True, slots=True)
class IndexSpec(Spec):
    """Called with (n, dim) float32 vectors, builds an Index."""

    metric: str = _METRIC

    def identity(self) -> dict[str, Any]:
        # float32 is left out, so that what was known before there were other storages keeps its identity
        return {name: value for name, value in to_dict(self).items() if (name, value) != ("storage", "float32")}

    def __call__(self, vectors: NDArray[Any]) -> Index:
        """Return the index over these vectors.

        Raises:
            SpecError: they are no vectors, or the parameters cannot work for this many of them.
        """
        rows = self.ready(vectors)
        n, dim = rows.shape
        start = time.perf_counter()
        warnings = self.warnings(n, dim) if n else ()
        empty = Plain(rows)
        built = self._build(rows) if n else Built(all_tied(empty, 0.0), empty, (), True, True)
        seconds = time.perf_counter() - start
        most = 1.0 if isinstance(built.kept, Signs) else longest(rows)
        return Index(
            metric=self.metric,
            dimensions=dim,
            exact=built.exact,
            complete=built.complete,
            bytes=written_bytes(*built.parts),
            build_seconds=seconds,
            warnings=warnings,
            _count=n,
            _kept=built.kept,
            _propose=built.propose,
            _longest=most,
            _asked=built.asked,
        )

    def ready(self, vectors: NDArray[Any]) -> Vectors:
        """Return (n, dim) float32 the vectors as they are searched: at length 1 where the angle alone counts.

        Raises:
            SpecError: they are no vectors.
        """
        rows = checked(vectors, "vectors")
        return unit(rows) if self.metric == "cosine" else rows

    def warnings(self, n: int, dim: int) -> tuple[str, ...]:
        """Return what does not suit n vectors of this length, in plain words.

        Raises:
            SpecError: it cannot work for them; the message has the number that would.
        """
        return ()

    @abstractmethod
    def projected_bytes(self, n: int, dim: int) -> int:
        """Return the bytes of an index over n vectors, by FAISS's layout, without a header of a few hundred."""

    @abstractmethod
    def _build(self, rows: Vectors) -> Built: ...


def range_bytes(storage: str, dim: int) -> int:
    """Return the bytes for the least value and the width of each dimension, where a byte counts steps between them."""
    return 8 * dim if storage == "int8" else 0


def longest(rows: Vectors) -> float:
    """Return the length of the longest row; 0 where there is none."""
    return float(norms(rows).max(initial=0.0))


def real(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return each query's rows, without the places that FAISS could not fill."""
    return [r[r >= 0] for r in rows]


@contextmanager
def one_thread() -> Iterator[None]:
    """Run FAISS on one thread: several would link a graph, or sum a centre, in an order that differs each time."""
    lib = faiss()
    threads = lib.omp_get_max_threads()
    lib.omp_set_num_threads(1)
    try:
        yield
    finally:
        lib.omp_set_num_threads(threads)
