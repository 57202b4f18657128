"""The kinds of index. Each is called with (n, dim) float32 vectors and builds an `Index`, the same every time."""

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.indexes.built import Index, Proposals, all_tied, checked
from workbench.indexes.storages import (
    STORAGES,
    Kept,
    Lists,
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
    written_bytes,
)
from workbench.specs import Spec, option, to_dict
from workbench.vectors import Vectors, norms, unit

_METRIC = option("cosine", "cosine: the angle alone counts; dot: length counts too", choices=("cosine", "dot"))
_STORAGE = "what is kept of each number, and scored: float32, half of it, or a byte"
_RERANK = "kept beside the codes to score the rows they propose anew; none: the codes' own scores"
_OVERSAMPLE = "rows proposed for each one wanted, where they are scored anew"
_POINTS = 39  # training vectors for each centroid, below which FAISS's k-means warns
_ENOUGH = 64  # and above which more only take time
_ALONE = 16  # queries that FAISS compares one by one, so that each has the same neighbours alone and among others


@dataclass(frozen=True, slots=True)
class Built:
    """What a kind makes of rows: who proposes candidates, what scores them, and the FAISS indexes that hold it all."""

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
        """The index over these vectors.

        Raises:
            SpecError: the vectors are none, or the parameters cannot work for this many of them.
        """
        rows = checked(vectors, "vectors")
        rows = unit(rows) if self.metric == "cosine" else rows
        n, dim = rows.shape
        start = time.perf_counter()
        warnings = self.warnings(n, dim) if n else ()
        empty = Plain(rows)
        built = self._build(rows) if n else Built(all_tied(empty, 0.0), empty, (), True, True)
        seconds = time.perf_counter() - start
        longest = 1.0 if isinstance(built.kept, Signs) else _longest(rows)
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
            _longest=longest,
            _asked=built.asked,
        )

    def warnings(self, n: int, dim: int) -> tuple[str, ...]:
        """What does not suit n vectors of this length, in plain words.

        Raises:
            SpecError: it cannot work for them; the message has the number that would.
        """
        return ()

    @abstractmethod
    def projected_bytes(self, n: int, dim: int) -> int:
        """The bytes of an index over n vectors, by FAISS's layout; a few hundred of header aside."""

    @abstractmethod
    def _build(self, rows: Vectors) -> Built: ...


@dataclass(frozen=True, slots=True)
class Flat(IndexSpec):
    """Compares with every vector: exact. Kept smaller, it is exact for what is kept."""

    kind: ClassVar[str] = "flat"

    storage: str = option("float32", f"{_STORAGE}; binary: the sign alone, a bit", choices=STORAGES)

    def projected_bytes(self, n: int, dim: int) -> int:
        return n * code_bytes(self.storage, dim) + _ranges(self.storage, dim)

    def _build(self, rows: Vectors) -> Built:
        if self.storage == "binary":
            bits, low = _bits(rows)
            return Built(all_tied(low, 1.0), low, (bits,), complete=True)
        index = stored(rows, self.storage)
        held = kept(index)
        propose = all_tied(held, _longest(rows)) if self.storage == "float32" else _scan(index, held, _longest(rows))
        return Built(propose, held, (index,), True, self.storage == "float32")


@dataclass(frozen=True, slots=True)
class HNSW(IndexSpec):
    """Walks a graph of neighbours: much faster on large collections, and may miss a row."""

    kind: ClassVar[str] = "hnsw"

    m: int = option(32, "neighbours of each vector: more find better and take more memory", low=2, high=128)
    ef_construction: int = option(200, "candidates weighed while building", low=8, high=2000, advanced=True)
    ef_search: int = option(
        64, "candidates weighed for each query: more find better and take longer", low=1, high=10_000
    )
    storage: str = option("float32", _STORAGE, choices=STORAGES[:3])

    def projected_bytes(self, n: int, dim: int) -> int:
        # At the lowest level 2·m neighbours of 4 bytes; a row is in each further level with odds of 1/m, with m there.
        graph = 8 * self.m + 4 * self.m / (self.m - 1) + 4 + 8  # … and 4 for its level, 8 for where its links begin
        return round(n * (code_bytes(self.storage, dim) + graph)) + _ranges(self.storage, dim)

    def _build(self, rows: Vectors) -> Built:
        lib, dim = faiss(), rows.shape[1]
        check_range(rows, self.storage)
        if self.storage == "float32":
            index = lib.IndexHNSWFlat(dim, self.m, lib.METRIC_INNER_PRODUCT)
        else:
            index = lib.IndexHNSWSQ(dim, scalar_type(self.storage), self.m, lib.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = self.ef_construction
        with _one_thread():
            index.train(rows)
            index.add(rows)

        def propose(queries: Vectors, k: int) -> Proposals:
            effort = lib.SearchParametersHNSW(efSearch=max(self.ef_search, k))
            return None, _real(index.search(queries, k, params=effort)[1]), None

        return Built(propose, kept(lib.downcast_index(index.storage), index), (index,))


@dataclass(frozen=True, slots=True)
class IVFFlat(IndexSpec):
    """Parts the vectors into lists around centres and looks through the nearest lists only."""

    kind: ClassVar[str] = "ivf-flat"

    nlist: int = option(0, "lists; 0: the square root of the number of vectors", low=0, high=1_000_000)
    nprobe: int = option(8, "lists looked through: more find better and take longer", low=1, high=1_000_000)
    storage: str = option("float32", _STORAGE, choices=STORAGES[:3])

    def warnings(self, n: int, dim: int) -> tuple[str, ...]:
        return _list_warnings(self, n)

    def projected_bytes(self, n: int, dim: int) -> int:
        return _list_bytes(self.nlist, n, dim, code_bytes(self.storage, dim)) + _ranges(self.storage, dim)

    def _build(self, rows: Vectors) -> Built:
        lib, (n, dim) = faiss(), rows.shape
        check_range(rows, self.storage)
        lists, centres = lists_for(self.nlist, n), lib.IndexFlatIP(dim)
        if self.storage == "float32":
            index = lib.IndexIVFFlat(centres, dim, lists, lib.METRIC_INNER_PRODUCT)
        else:
            kind = scalar_type(self.storage)
            index = lib.IndexIVFScalarQuantizer(centres, dim, lists, kind, lib.METRIC_INNER_PRODUCT)
        return _in_lists(index, rows, self.nprobe, "none", 1)


@dataclass(frozen=True, slots=True)
class IVFPQ(IndexSpec):
    """Lists as ivf-flat, and of each vector only codes: m parts, each as the nearest of 2^nbits examples."""

    kind: ClassVar[str] = "ivf-pq"

    nlist: int = option(0, "lists; 0: the square root of the number of vectors", low=0, high=1_000_000)
    nprobe: int = option(8, "lists looked through: more find better and take longer", low=1, high=1_000_000)
    m: int = option(64, "parts of a vector, which must divide its dimensions: more are more exact", low=1, high=4096)
    nbits: int = option(8, "bits for each part", low=4, high=8, advanced=True)
    rerank: str = option("none", _RERANK, choices=("none", *STORAGES[:3]))
    oversample: int = option(4, _OVERSAMPLE, low=1, high=100, advanced=True)

    def warnings(self, n: int, dim: int) -> tuple[str, ...]:
        if dim % self.m:
            fit = sorted((d for d in range(1, dim + 1) if dim % d == 0), key=lambda d: abs(d - self.m))[:3]
            these = ", ".join(map(str, sorted(fit)))
            raise SpecError(f"ivf-pq.m ({self.m}) must divide the {dim} dimensions of the vectors; {these} do")
        examples = 1 << self.nbits
        if n < examples:
            raise SpecError(
                f"ivf-pq with nbits {self.nbits} learns {examples} examples for each part and needs {examples} vectors "
                f"at least, but there are {n:,}; take an index of another kind, or lower nbits (4 needs 16)"
            )
        told = _list_warnings(self, n)
        if n < (enough := _POINTS * examples):
            told += (f"{n:,} vectors are few to learn {examples} examples from; from {enough:,} on they suffice",)
        return told

    def projected_bytes(self, n: int, dim: int) -> int:
        code = (self.m * self.nbits + 7) // 8
        beside = 0 if self.rerank == "none" else Flat(storage=self.rerank).projected_bytes(n, dim)
        return _list_bytes(self.nlist, n, dim, code) + 4 * dim * (1 << self.nbits) + beside

    def _build(self, rows: Vectors) -> Built:
        lib, (n, dim) = faiss(), rows.shape
        centres = lib.IndexFlatIP(dim)
        lists = lists_for(self.nlist, n)
        index = lib.IndexIVFPQ(centres, dim, lists, self.m, self.nbits, lib.METRIC_INNER_PRODUCT)
        index.pq.cp.min_points_per_centroid, index.pq.cp.max_points_per_centroid = 1, _ENOUGH
        return _in_lists(index, rows, self.nprobe, self.rerank, self.oversample)


@dataclass(frozen=True, slots=True)
class SQ8(IndexSpec):
    """A byte for each dimension (scalar quantiser); compares with every code, and may score the best anew."""

    kind: ClassVar[str] = "sq8"

    rerank: str = option("none", _RERANK, choices=("none", "float32", "float16"))
    oversample: int = option(4, _OVERSAMPLE, low=1, high=100, advanced=True)

    def projected_bytes(self, n: int, dim: int) -> int:
        beside = 0 if self.rerank == "none" else Flat(storage=self.rerank).projected_bytes(n, dim)
        return Flat(storage="int8").projected_bytes(n, dim) + beside

    def _build(self, rows: Vectors) -> Built:
        index = stored(rows, "int8")
        if self.rerank == "none":
            held = kept(index)
            return Built(_scan(index, held, _longest(rows)), held, (index,), complete=True)
        beside = stored(rows, self.rerank)

        def propose(queries: Vectors, k: int) -> Proposals:
            return None, _real(index.search(queries, min(k * self.oversample, index.ntotal))[1]), None

        return Built(propose, kept(beside), (index, beside))


@dataclass(frozen=True, slots=True)
class Binary(IndexSpec):
    """A bit for each dimension, its sign: rows are proposed by Hamming distance, which is very quick and very small."""

    kind: ClassVar[str] = "binary"

    rerank: str = option(
        "signs",
        "how proposed rows are scored: none: by Hamming distance alone; signs: the query's own numbers against the "
        "bits; or by vectors kept beside them",
        choices=("none", "signs", *STORAGES[:3]),
    )
    oversample: int = option(4, _OVERSAMPLE, low=1, high=100, advanced=True)

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


INDEXES: dict[str, type[IndexSpec]] = {cls.kind: cls for cls in (Flat, HNSW, IVFFlat, IVFPQ, SQ8, Binary)}
"""kind → class."""


def lists_for(nlist: int, n: int) -> int:
    """The number of lists that 0 stands for: √n, but with 39 vectors in each on average."""
    return nlist or max(1, min(round(sqrt(n)), n // _POINTS))


def _list_warnings(spec: IVFFlat | IVFPQ, n: int) -> tuple[str, ...]:
    if spec.nlist > n:
        raise SpecError(f"{spec.kind}.nlist ({spec.nlist}) must be at most the number of vectors ({n}); 0 chooses it")
    lists = lists_for(spec.nlist, n)
    told: tuple[str, ...] = ()
    if spec.nlist and n < (enough := _POINTS * lists):
        told += (f"{n:,} vectors are few for {lists:,} lists; from {enough:,} on they suffice, or nlist 0 chooses",)
    if spec.nprobe > lists:
        told += (f"nprobe ({spec.nprobe}) is above the number of lists ({lists}): each is looked through",)
    return told


def _list_bytes(nlist: int, n: int, dim: int, code: int) -> int:
    """A code and an 8-byte number for each row; a centre and the length of each list."""
    return n * (code + 8) + lists_for(nlist, n) * (4 * dim + 8)


def _ranges(storage: str, dim: int) -> int:
    """Bytes for the least value and the width of each dimension, where a byte counts steps between them."""
    return 8 * dim if storage == "int8" else 0


def _scan(index: Any, held: Kept, longest: float) -> Callable[[Vectors, int], Proposals]:
    """Few queries against the codes, as FAISS compares them; many against decoded blocks."""
    together = all_tied(held, longest)

    def propose(queries: Vectors, k: int) -> Proposals:
        if len(queries) >= _ALONE:
            return together(queries, k)
        found, rows = index.search(queries, k)
        return found, _real(rows), None

    return propose


def _in_lists(index: Any, rows: Vectors, nprobe: int, rerank: str, oversample: int) -> Built:
    """A trained and filled inverted file."""
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, _ENOUGH  # `warnings` tells of too few
    index.nprobe = min(nprobe, index.nlist)
    with _one_thread():
        index.train(rows)
        index.add(rows)
    beside = None if rerank == "none" else stored(rows, rerank)
    many = oversample if beside is not None else 1

    def propose(queries: Vectors, k: int) -> Proposals:
        numbers: list[NDArray[np.int64]] = []
        decoded: list[Vectors] = []
        k = min(k * many, index.ntotal)
        for start in range(0, len(queries), _ALONE):
            part = queries[start : start + _ALONE]
            if beside is not None:
                numbers += _real(index.search(part, k)[1])
                continue
            _, found, vectors = index.search_and_reconstruct(part, k)
            numbers += _real(found)
            decoded += [v[f >= 0] for f, v in zip(found, vectors, strict=True)]
        return None, numbers, decoded if beside is None else None

    if beside is None:
        return Built(propose, Lists(index), (index,))
    return Built(propose, kept(beside), (index, beside))


def _longest(rows: Vectors) -> float:
    """The length of the longest row; 0 where there is none."""
    return float(norms(rows).max(initial=0.0))


def _bits(rows: Vectors) -> tuple[Any, Signs]:
    """FAISS's index of the rows' signs, and the same bits to score by."""
    lib = faiss()
    codes = packed(rows)
    index = lib.IndexBinaryFlat(8 * codes.shape[1])
    index.add(codes)
    return index, Signs(view(index, index.xb.data(), codes.shape), rows.shape[1])


def _real(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Each query's rows, without the places that FAISS could not fill."""
    return [r[r >= 0] for r in rows]


@contextmanager
def _one_thread() -> Iterator[None]:
    """FAISS on one thread: several would link a graph, or add up a centre, in an order that differs each time."""
    lib = faiss()
    threads = lib.omp_get_max_threads()
    lib.omp_set_num_threads(1)
    try:
        yield
    finally:
        lib.omp_set_num_threads(threads)
