"""What an index misses, and how fast it answers, measured on vectors and queries that are at hand."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.indexes.built import Index
from workbench.indexes.methods import Flat
from workbench.indexes.specs import IndexSpec
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
    """Recall@k measured over n vectors; nothing is said about more."""

    n: int
    recall: float | None
    refused: str = ""


def recall_at(index: Index, exact: Index, queries: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """(q,) the share of the k nearest rows that the index finds, 0 to 1, by the scores of the exact index.

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
    """Each index measured on the same vectors and queries, in the order given; recall by its own metric."""
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
    """Recall@k of an index built over growing parts of the vectors, drawn at random, each in the next."""
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
    """Queries per second, all in one call; and the median milliseconds of a query by itself."""
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
