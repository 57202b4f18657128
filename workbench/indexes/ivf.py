"""IVF indexes: vectors in lists around centres, of which a search looks through the nearest."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.indexes.index import (
    ALONE,
    OVERSAMPLE,
    RERANK,
    STORAGE,
    Built,
    IndexSpec,
    Proposals,
    one_thread,
    range_bytes,
    real,
)
from workbench.indexes.storage import STORAGES, Lists, check_range, code_bytes, faiss, kept, scalar_type, stored
from workbench.specs import option
from workbench.vectors import Vectors

_POINTS = 39  # training vectors for each centroid, below which FAISS's k-means warns
_ENOUGH = 64  # and above which more only take time


@dataclass(frozen=True, slots=True)
class IVFFlat(IndexSpec):
    """Parts the vectors into lists around centres and looks through the nearest lists only."""

    kind: ClassVar[str] = "ivf-flat"
    label: ClassVar[str] = "IVF-flat: lists around centres"

    nlist: int = option(0, "lists; 0: the square root of the number of vectors", low=0, high=1_000_000)
    nprobe: int = option(8, "lists looked through: more find better and take longer", low=1, high=1_000_000)
    storage: str = option("float32", STORAGE, choices=STORAGES[:3])

    def warnings(self, n: int, dim: int) -> tuple[str, ...]:
        return _list_warnings(self, n)

    def projected_bytes(self, n: int, dim: int) -> int:
        return _list_bytes(self.nlist, n, dim, code_bytes(self.storage, dim)) + range_bytes(self.storage, dim)

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
    label: ClassVar[str] = "IVF-PQ: lists of product codes"

    nlist: int = option(0, "lists; 0: the square root of the number of vectors", low=0, high=1_000_000)
    nprobe: int = option(8, "lists looked through: more find better and take longer", low=1, high=1_000_000)
    m: int = option(64, "parts of a vector, which must divide its dimensions: more are more exact", low=1, high=4096)
    nbits: int = option(8, "bits for each part", low=4, high=8, advanced=True)
    rerank: str = option("none", RERANK, choices=("none", *STORAGES[:3]))
    oversample: int = option(4, OVERSAMPLE, low=1, high=100, advanced=True)

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
        notes = _list_warnings(self, n)
        if n < (enough := _POINTS * examples):
            notes += (f"{n:,} vectors are few to learn {examples} examples from; from {enough:,} on they suffice",)
        return notes

    def projected_bytes(self, n: int, dim: int) -> int:
        code = (self.m * self.nbits + 7) // 8
        beside = 0 if self.rerank == "none" else n * code_bytes(self.rerank, dim)
        return _list_bytes(self.nlist, n, dim, code) + 4 * dim * (1 << self.nbits) + beside

    def _build(self, rows: Vectors) -> Built:
        lib, (n, dim) = faiss(), rows.shape
        centres = lib.IndexFlatIP(dim)
        lists = lists_for(self.nlist, n)
        index = lib.IndexIVFPQ(centres, dim, lists, self.m, self.nbits, lib.METRIC_INNER_PRODUCT)
        index.pq.cp.min_points_per_centroid, index.pq.cp.max_points_per_centroid = 1, _ENOUGH
        return _in_lists(index, rows, self.nprobe, self.rerank, self.oversample)


def lists_for(nlist: int, n: int) -> int:
    """Return the number of lists; for 0, √n, but so that each has 39 vectors on average."""
    return nlist or max(1, min(round(sqrt(n)), n // _POINTS))


def _list_warnings(spec: IVFFlat | IVFPQ, n: int) -> tuple[str, ...]:
    if spec.nlist > n:
        raise SpecError(f"{spec.kind}.nlist ({spec.nlist}) must be at most the number of vectors ({n}); 0 chooses it")
    lists = lists_for(spec.nlist, n)
    notes: tuple[str, ...] = ()
    if spec.nlist and n < (enough := _POINTS * lists):
        notes += (f"{n:,} vectors are few for {lists:,} lists; from {enough:,} on they suffice, or nlist 0 chooses",)
    if spec.nprobe > lists:
        notes += (f"nprobe ({spec.nprobe}) is above the number of lists ({lists}): each is looked through",)
    return notes


def _list_bytes(nlist: int, n: int, dim: int, code: int) -> int:
    """Return the bytes of a code and an 8-byte number for each row, and of a centre and the length of each list."""
    return n * (code + 8) + lists_for(nlist, n) * (4 * dim + 8)


def _in_lists(index: Any, rows: Vectors, nprobe: int, rerank: str, oversample: int) -> Built:
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, _ENOUGH  # `warnings` mentions too few
    index.nprobe = min(nprobe, index.nlist)
    with one_thread():
        index.train(rows)
        index.add(rows)
    beside = None if rerank == "none" else stored(rows, rerank)
    many = oversample if beside is not None else 1

    def propose(queries: Vectors, k: int) -> Proposals:
        numbers: list[NDArray[np.int64]] = []
        decoded: list[Vectors] = []
        k = min(k * many, index.ntotal)
        for start in range(0, len(queries), ALONE):
            part = queries[start : start + ALONE]
            if beside is not None:
                numbers += real(index.search(part, k)[1])
                continue
            _, found, vectors = index.search_and_reconstruct(part, k)
            numbers += real(found)
            decoded += [v[f >= 0] for f, v in zip(found, vectors, strict=True)]
        return None, numbers, decoded if beside is None else None

    if beside is None:
        return Built(propose, Lists(index), (index,))
    return Built(propose, kept(beside), (index, beside))
