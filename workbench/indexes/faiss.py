"""The kinds of index without lists. Each, called with (n, dim) float32 vectors, builds the same `Index` every time."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.extensions import methods
from workbench.indexes.index import (
    ALONE,
    OVERSAMPLE,
    RERANK,
    STORAGE,
    Built,
    Index,
    IndexSpec,
    Proposals,
    all_tied,
    longest,
    one_thread,
    range_bytes,
    real,
)
from workbench.indexes.ivf import IVFPQ, IVFFlat
from workbench.indexes.storage import (
    STORAGES,
    Kept,
    Plain,
    Signs,
    check_range,
    code_bytes,
    faiss,
    kept,
    packed,
    scalar_type,
    signs,
    stored,
    view,
)
from workbench.specs import option
from workbench.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Flat(IndexSpec):
    """Compares with every vector: exact. Kept smaller, it is exact for what is kept."""

    kind: ClassVar[str] = "flat"
    label: ClassVar[str] = "Flat: compares with all"

    storage: str = option("float32", f"{STORAGE}; binary: the sign alone, a bit", choices=STORAGES)

    def projected_bytes(self, n: int, dim: int) -> int:
        return n * code_bytes(self.storage, dim) + range_bytes(self.storage, dim)

    @property
    def mappable(self) -> bool:
        """Return whether `over` can search rows where they are."""
        return self.storage == "float32"

    def over(self, rows: Vectors, longest: float) -> Index:
        """Return the index that a call makes, over rows that are `ready`, such as a mapped file, without a copy.

        `longest` is the length of the longest row. `bytes` are those of the rows.
        """
        held = Plain(rows)
        return Index(
            metric=self.metric,
            dimensions=rows.shape[1],
            exact=True,
            complete=True,
            bytes=self.projected_bytes(*rows.shape),
            build_seconds=0.0,
            warnings=self.warnings(*rows.shape),
            _count=len(rows),
            _kept=held,
            _propose=all_tied(held, longest),
            _longest=longest,
        )

    def _build(self, rows: Vectors) -> Built:
        if self.storage == "binary":
            bits, low = _bits(rows)
            return Built(all_tied(low, 1.0), low, (bits,), complete=True)
        index = stored(rows, self.storage)
        held = kept(index)
        propose = all_tied(held, longest(rows)) if self.storage == "float32" else _scan(index, held, longest(rows))
        return Built(propose, held, (index,), True, self.storage == "float32")


@dataclass(frozen=True, slots=True)
class HNSW(IndexSpec):
    """Walks a graph of neighbours: much faster on large collections, and may miss a row."""

    kind: ClassVar[str] = "hnsw"
    label: ClassVar[str] = "HNSW: a graph of neighbours"

    m: int = option(32, "neighbours of each vector: more find better and take more memory", low=2, high=128)
    ef_construction: int = option(200, "candidates weighed while building", low=8, high=2000, advanced=True)
    ef_search: int = option(
        64, "candidates weighed for each query: more find better and take longer", low=1, high=10_000
    )
    storage: str = option("float32", STORAGE, choices=STORAGES[:3])

    def projected_bytes(self, n: int, dim: int) -> int:
        # At the lowest level 2·m neighbours of 4 bytes; a row is in each further level with odds of 1/m, with m there.
        graph = 8 * self.m + 4 * self.m / (self.m - 1) + 4 + 8  # … and 4 for its level, 8 for where its links begin
        return round(n * (code_bytes(self.storage, dim) + graph)) + range_bytes(self.storage, dim)

    def _build(self, rows: Vectors) -> Built:
        lib, dim = faiss(), rows.shape[1]
        check_range(rows, self.storage)
        if self.storage == "float32":
            index = lib.IndexHNSWFlat(dim, self.m, lib.METRIC_INNER_PRODUCT)
        else:
            index = lib.IndexHNSWSQ(dim, scalar_type(self.storage), self.m, lib.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.ef_construction
        with one_thread():
            index.train(rows)
            index.add(rows)

        def propose(queries: Vectors, k: int) -> Proposals:
            effort = lib.SearchParametersHNSW(efSearch=max(self.ef_search, k))
            return None, real(index.search(queries, k, params=effort)[1]), None

        return Built(propose, kept(lib.downcast_index(index.storage), index), (index,))


@dataclass(frozen=True, slots=True)
class SQ8(IndexSpec):
    """A byte for each dimension (scalar quantiser); compares with every code, and may score the best again."""

    kind: ClassVar[str] = "sq8"
    label: ClassVar[str] = "SQ8: a byte a dimension"

    rerank: str = option("none", RERANK, choices=("none", "float32", "float16"))
    oversample: int = option(4, OVERSAMPLE, low=1, high=100, advanced=True)

    def projected_bytes(self, n: int, dim: int) -> int:
        beside = 0 if self.rerank == "none" else Flat(storage=self.rerank).projected_bytes(n, dim)
        return Flat(storage="int8").projected_bytes(n, dim) + beside

    def _build(self, rows: Vectors) -> Built:
        index = stored(rows, "int8")
        if self.rerank == "none":
            held = kept(index)
            return Built(_scan(index, held, longest(rows)), held, (index,), complete=True)
        beside = stored(rows, self.rerank)

        def propose(queries: Vectors, k: int) -> Proposals:
            return None, real(_compared(index, queries, min(k * self.oversample, index.ntotal))[1]), None

        return Built(propose, kept(beside), (index, beside))


@dataclass(frozen=True, slots=True)
class Binary(IndexSpec):
    """A bit for each dimension, its sign: rows are proposed by Hamming distance, which is very quick and very small."""

    kind: ClassVar[str] = "binary"
    label: ClassVar[str] = "Binary: a bit a dimension"

    rerank: str = option(
        "signs",
        "how proposed rows are scored: none: by Hamming distance alone; signs: the query's own numbers against the "
        "bits; or by vectors kept beside them",
        choices=("none", "signs", *STORAGES[:3]),
    )
    oversample: int = option(4, OVERSAMPLE, low=1, high=100, advanced=True)

    def projected_bytes(self, n: int, dim: int) -> int:
        beside = 0 if self.rerank in ("none", "signs") else Flat(storage=self.rerank).projected_bytes(n, dim)
        return Flat(storage="binary").projected_bytes(n, dim) + beside

    def _build(self, rows: Vectors) -> Built:
        bits, held = _bits(rows)
        many = 1 if self.rerank == "none" else self.oversample

        def propose(queries: Vectors, k: int) -> Proposals:
            return None, [held.nearest(query, min(k * many, len(rows))) for query in packed(queries)], None

        if self.rerank == "none":
            return Built(propose, held, (bits,), complete=True, asked=signs)
        if self.rerank == "signs":
            return Built(propose, held, (bits,))
        beside = stored(rows, self.rerank)
        return Built(propose, kept(beside), (bits, beside))


INDEXES = methods("indexes", IndexSpec, Flat, HNSW, IVFFlat, IVFPQ, SQ8, Binary)
"""kind → class."""


def _compared(index: Any, queries: Vectors, k: int) -> Any:
    """Return FAISS's scores and rows; of one query on one thread, because others would only wait."""
    with one_thread() if len(queries) == 1 else nullcontext():
        return index.search(queries, k)


def _scan(index: Any, held: Kept, longest: float) -> Callable[[Vectors, int], Proposals]:
    """Return a proposer: few queries are compared with the codes by FAISS, many with decoded blocks."""
    together = all_tied(held, longest)

    def propose(queries: Vectors, k: int) -> Proposals:
        if len(queries) >= ALONE:
            return together(queries, k)
        found, rows = _compared(index, queries, k)
        return found, real(rows), None

    return propose


def _bits(rows: Vectors) -> tuple[Any, Signs]:
    """Return FAISS's index of the rows' signs, and the same bits to score by."""
    lib = faiss()
    codes = packed(rows)
    index = lib.IndexBinaryFlat(8 * codes.shape[1])
    index.add(codes)
    return index, Signs(view(index, index.xb.data(), codes.shape), rows.shape[1])
