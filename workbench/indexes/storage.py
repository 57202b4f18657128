"""How rows are kept: as floats, half floats, bytes or bits; each can be decoded, which is what is scored."""

import threading
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.vectors import Vectors

Rows = NDArray[np.int64]

STORAGES = ("float32", "float16", "int8", "binary")
"""From the most exact to the smallest; int8 is a step of 1/255 between the least and greatest value of a dimension."""

_HALF = 65_504.0  # the greatest half float
_TYPES = {"float16": "QT_fp16", "int8": "QT_8bit"}


class Kept(Protocol):
    """Rows as they are kept."""

    def __len__(self) -> int: ...

    def __call__(self, rows: Rows | slice, /) -> Vectors:
        """Return (len(rows), dim) float32 these rows decoded."""


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """Rows kept as float32, as they came."""

    vectors: Vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def __call__(self, rows: Rows | slice) -> Vectors:
        return self.vectors[rows]


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """Rows kept as FAISS codes of one length."""

    index: Any

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def __call__(self, rows: Rows | slice) -> Vectors:
        wanted = np.arange(len(self))[rows] if isinstance(rows, slice) else rows
        if not len(wanted):
            return np.empty((0, self.index.d), np.float32)
        out: Vectors = self.index.reconstruct_batch(np.ascontiguousarray(wanted, np.int64))
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Rows kept in the lists of an IVF index. Decoding some needs a map of 8 bytes per row, made on first use."""

    index: Any
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def __call__(self, rows: Rows | slice) -> Vectors:
        if isinstance(rows, slice) and rows == slice(None):
            whole: Vectors = self.index.reconstruct_n(0, len(self))
            return whole
        with self._lock:
            if self.index.direct_map.type == faiss().DirectMap.NoMap:
                self.index.make_direct_map()
        return Codes(self.index)(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """Rows of which the signs alone are kept, a bit each: decoded, every value is ±1/√dim and every length 1."""

    packed: NDArray[np.uint8]
    dimensions: int

    def __len__(self) -> int:
        return len(self.packed)

    def __call__(self, rows: Rows | slice) -> Vectors:
        bits = np.unpackbits(self.packed[rows], axis=1, count=self.dimensions)
        out: Vectors = (bits.astype(np.float32) * 2 - 1) / np.float32(np.sqrt(self.dimensions))
        return out

    def nearest(self, query: NDArray[np.uint8], k: int) -> Rows:
        """Return the rows at the k least Hamming distances from a packed query, and all that tie with the last."""
        word = np.uint64 if self.packed.shape[1] % 8 == 0 else np.uint8
        words, asked = self.packed.view(word), query.view(word)
        far = np.zeros(len(self), np.int32)
        for column in range(words.shape[1]):  # 30 times as quick as FAISS for one query
            far += np.bitwise_count(words[:, column] ^ asked[column])
        return np.flatnonzero(far <= np.partition(far, k - 1)[k - 1])


def packed(rows: Vectors) -> NDArray[np.uint8]:
    """Return (n, ⌈dim / 8⌉) the signs of each row, 1 where a value is above 0."""
    return np.packbits(rows > 0, axis=1)


def signs(rows: Vectors) -> Vectors:
    """Return (n, dim) float32 of ±1/√dim."""
    return Signs(packed(rows), rows.shape[1])(slice(None))


def scalar_type(storage: str) -> Any:
    """Return FAISS's number for a storage that a scalar quantiser keeps."""
    return getattr(faiss().ScalarQuantizer, _TYPES[storage])


def code_bytes(storage: str, dim: int) -> int:
    """Return the bytes of one row."""
    return {"float32": 4 * dim, "float16": 2 * dim, "int8": dim, "binary": -(-dim // 8)}[storage]


def check_range(rows: Vectors, storage: str) -> None:
    """Refuse values that a half float cannot hold.

    Raises:
        SpecError: with the greatest value.
    """
    if storage == "float16" and rows.size and (most := float(np.abs(rows).max())) > _HALF:
        raise SpecError(f"storage float16 holds values up to {_HALF:,.0f}, but there is {most:,.0f}; keep float32")


def stored(rows: Vectors, storage: str) -> Any:
    """Return a FAISS index that keeps the rows so and compares with each: IndexFlatIP, or IndexScalarQuantizer."""
    check_range(rows, storage)
    lib = faiss()
    dim = rows.shape[1]
    if storage == "float32":
        index = lib.IndexFlatIP(dim)
    else:
        index = lib.IndexScalarQuantizer(dim, scalar_type(storage), lib.METRIC_INNER_PRODUCT)
        index.train(rows)
    index.add(rows)
    return index


def kept(index: Any, owner: Any = None) -> Kept:
    """Return the rows of a flat FAISS index, which `owner` may hold; float32 ones are a view, not a second copy."""
    lib = faiss()
    if not isinstance(index, lib.IndexFlat):
        return Codes(index)
    return Plain(view(owner or index, index.get_xb(), (index.ntotal, index.d)))


class _Memory:
    """An array's memory together with what owns it: numpy keeps this object as long as any view of it."""

    def __init__(self, owner: Any, array: NDArray[Any]) -> None:
        self.owner = owner
        self.__array_interface__ = array.__array_interface__


def view(owner: Any, pointer: Any, shape: tuple[int, int]) -> NDArray[Any]:
    """Return what a FAISS index holds at a pointer, as a read-only array that keeps the index alive."""
    array = np.asarray(_Memory(owner, faiss().rev_swig_ptr(pointer, shape[0] * shape[1]))).reshape(shape)
    array.setflags(write=False)
    return array


def written_bytes(*indexes: Any) -> int:
    """Return the bytes that FAISS writes for these indexes; counted, not kept."""
    lib = faiss()
    total = 0

    def count(data: bytes) -> None:
        nonlocal total
        total += len(data)

    for index in indexes:
        write = lib.write_index_binary if isinstance(index, lib.IndexBinary) else lib.write_index
        writer = lib.PyCallbackIOWriter(count, 1 << 20)
        write(index, lib.BufferedIOWriter(writer, 1 << 20))
    return total


def faiss() -> Any:
    """Return the library, loaded on first use; its own types do not know all that it has."""
    return import_module("faiss")
