"""How large an index is, what it misses and how fast it answers; and which kind suits a number of vectors."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.indexes.faiss import HNSW, Binary, Flat
from workbench.indexes.index import Index, IndexSpec
from workbench.indexes.ivf import IVFPQ
from workbench.vectors import Vectors

_LONG_ENOUGH = 0.2  # seconds over which a speed is taken
_ONE_BY_ONE = 30  # queries that are timed each by itself


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """An index measured: recall@k against exact search, speed in one batch and alone, bytes, and the time to build.

    `refused` says why it cannot be built on these vectors; the figures are then None.
    """

    spec: IndexSpec
    k: int
    n: int
    recall: float | None = None
    queries_per_second: float | None = None
    query_ms: float | None = None
    bytes: int | None = None
    build_seconds: float | None = None
    warnings: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Recall@k measured over n vectors."""

    n: int
    recall: float | None
    refused: str = ""


def recall_at(index: Index, exact: Index, queries: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """Return (q,) the share of the k nearest rows that the index finds, 0 to 1, by the scores of the exact index.

    A row that ties with the k-th nearest counts as one of them: which of two equal passages is found does not matter.
    NaN where there is nothing to find.
    """
    k = min(k, len(exact))
    if k < 1:
        return np.full(len(queries), np.nan)
    nearest = exact.search(queries, k)[0][:, -1]
    found = index.search(queries, k)[1]
    right = np.empty(len(queries))
    for i, rows in enumerate(found):
        scores = exact.scores(queries[i], rows[rows >= 0]).astype(np.float32)
        right[i] = (scores >= nearest[i]).sum() / k
    return right


def tradeoff(vectors: Vectors, queries: Vectors, specs: Sequence[IndexSpec], k: int) -> list[Tradeoff]:
    """Measure each index on the same vectors and queries, in the order given; recall by its own metric."""
    exact: dict[str, Index] = {}
    out = []
    for spec in specs:
        if spec.metric not in exact:
            exact[spec.metric] = Flat(metric=spec.metric)(vectors)
        try:
            index = spec(vectors)
        except SpecError as error:
            out.append(Tradeoff(spec, k, len(vectors), refused=str(error)))
            continue
        recall = float(recall_at(index, exact[spec.metric], queries, k).mean()) if len(queries) else None
        speed, alone = _speeds(index, queries, k)
        out.append(
            Tradeoff(spec, k, len(index), recall, speed, alone, index.bytes, index.build_seconds, index.warnings)
        )
    return out


def recall_curve(
    vectors: Vectors,
    queries: Vectors,
    spec: IndexSpec,
    k: int,
    shares: Sequence[float] = (0.25, 0.5, 1.0),
    seed: int = 0,
) -> list[CurvePoint]:
    """Measure recall@k of an index built over growing random parts of the vectors, each within the next."""
    order = np.random.default_rng(seed).permutation(len(vectors))
    out = []
    for n in dict.fromkeys(round(share * len(vectors)) for share in shares):
        part = vectors[np.sort(order[:n])]
        try:
            recall = recall_at(spec(part), Flat(metric=spec.metric)(part), queries, k)
        except SpecError as error:
            out.append(CurvePoint(n, None, str(error)))
            continue
        out.append(CurvePoint(n, float(recall.mean()) if len(recall) else None))
    return out


def _speeds(index: Index, queries: Vectors, k: int) -> tuple[float | None, float | None]:
    """Return queries/s, all in one call; and the median milliseconds of a query by itself."""
    if not len(queries):
        return None, None
    rounds, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < _LONG_ENOUGH or not rounds:
        index.search(queries, k)
        rounds += 1
    taken = time.perf_counter() - start
    alone = []
    for query in queries[:_ONE_BY_ONE]:
        start = time.perf_counter()
        index.search(query[None], k)
        alone.append(time.perf_counter() - start)
    return rounds * len(queries) / taken, 1000 * float(np.median(alone))


_AT_ONCE = 60_000_000  # numbers that one core compares a query with in about 20 ms, as measured on two cores here


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An index for so many vectors, its bytes, and why, in words."""

    spec: IndexSpec
    bytes: int
    reason: str


def projected_bytes(spec: IndexSpec, n: int, dim: int) -> int:
    """Return the bytes of an index over n vectors of this length. Quality is never projected, only size.

    Source: the table of the FAISS wiki, "Guidelines to choose an index", with the links of HNSW's upper levels.
    """
    return spec.projected_bytes(n, dim)


def suggestion(n: int, dim: int, memory: int) -> Suggestion:
    """Return the most exact index that fits in `memory` bytes and still answers quickly."""
    flat, graph = Flat(), HNSW()
    pq = IVFPQ(m=parts(dim))
    small = Flat(storage="int8")
    size = {spec: projected_bytes(spec, n, dim) for spec in (flat, graph, small, pq, Binary())}
    text = f"{n:,} vectors of {dim} dimensions take {_gigabytes(size[flat])} as float32"
    if n * dim <= _AT_ONCE and size[flat] <= memory:
        return Suggestion(flat, size[flat], f"{text}: few enough to compare with each, so nothing is missed.")
    if size[graph] <= memory:
        reason = f"{text}; a graph of {_gigabytes(size[graph])} fits and answers in a fraction of the time."
        return Suggestion(graph, size[graph], reason)
    limit = _gigabytes(memory)
    if size[flat] <= memory:
        reason = f"{text} and fit in {limit}, but a graph does not ({_gigabytes(size[graph])}): exact, and slow."
        return Suggestion(flat, size[flat], reason)
    if size[small] <= memory and n * dim <= 4 * _AT_ONCE:
        reason = f"{text}, more than {limit}; a byte for each number takes {_gigabytes(size[small])}."
        return Suggestion(small, size[small], reason)
    if size[pq] <= memory:
        reason = f"{text}, more than {limit}; product codes take {_gigabytes(size[pq])}. Measure what they miss."
        return Suggestion(pq, size[pq], reason)
    bits = Binary()
    fits = "" if size[bits] <= memory else f", which is still more than {limit}: take fewer dimensions or more memory"
    reason = f"{text}; a bit for each number takes {_gigabytes(size[bits])}{fits}. Measure what it misses."
    return Suggestion(bits, size[bits], reason)


def parts(dim: int) -> int:
    """Return the largest number of parts up to 64 into which a product quantiser can cut a vector."""
    return max(m for m in range(1, min(dim, 64) + 1) if dim % m == 0)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
