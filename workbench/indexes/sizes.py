"""How large an index will be, by FAISS's own layout, and which kind suits a number of vectors and a memory."""

from dataclasses import dataclass

from workbench.indexes.lists import IVFPQ
from workbench.indexes.methods import HNSW, Binary, Flat
from workbench.indexes.specs import IndexSpec

_AT_ONCE = 60_000_000  # numbers that one core compares a query with in about 20 ms, as measured on two cores here


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An index for so many vectors, its bytes, and why, in words."""

    spec: IndexSpec
    bytes: int
    reason: str


def projected_bytes(spec: IndexSpec, n: int, dim: int) -> int:
    """The bytes of an index over n vectors of this length. Quality is never projected, only size.

    Source: the table of the FAISS wiki, "Guidelines to choose an index", with the links of HNSW's upper levels.
    """
    return spec.projected_bytes(n, dim)


def suggestion(n: int, dim: int, memory: int) -> Suggestion:
    """The most exact index that fits in `memory` bytes and still answers quickly."""
    flat, graph = Flat(), HNSW()
    pq = IVFPQ(m=parts(dim))
    small = Flat(storage="int8")
    size = {spec: projected_bytes(spec, n, dim) for spec in (flat, graph, small, pq, Binary())}
    told = f"{n:,} vectors of {dim} dimensions take {_gigabytes(size[flat])} as float32"
    if n * dim <= _AT_ONCE and size[flat] <= memory:
        return Suggestion(flat, size[flat], f"{told}: few enough to compare with each, so nothing is missed.")
    if size[graph] <= memory:
        reason = f"{told}; a graph of {_gigabytes(size[graph])} fits and answers in a fraction of the time."
        return Suggestion(graph, size[graph], reason)
    limit = _gigabytes(memory)
    if size[flat] <= memory:
        reason = f"{told} and fit in {limit}, but a graph does not ({_gigabytes(size[graph])}): exact, and slow."
        return Suggestion(flat, size[flat], reason)
    if size[small] <= memory and n * dim <= 4 * _AT_ONCE:
        reason = f"{told}, more than {limit}; a byte for each number takes {_gigabytes(size[small])}."
        return Suggestion(small, size[small], reason)
    if size[pq] <= memory:
        reason = f"{told}, more than {limit}; product codes take {_gigabytes(size[pq])}. Measure what they miss."
        return Suggestion(pq, size[pq], reason)
    bits = Binary()
    fits = "" if size[bits] <= memory else f", which is still more than {limit}: take fewer dimensions or more memory"
    reason = f"{told}; a bit for each number takes {_gigabytes(size[bits])}{fits}. Measure what it misses."
    return Suggestion(bits, size[bits], reason)


def parts(dim: int) -> int:
    """The largest number of parts up to 64 into which a product quantiser can cut a vector of these dimensions."""
    return max(m for m in range(1, min(dim, 64) + 1) if dim % m == 0)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
