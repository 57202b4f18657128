"""What every kind of index is: parameters that are called with vectors; and what the kinds share."""

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.indexes.built import Index, Proposals, all_tied, checked
from workbench.indexes.storages import Kept, Plain, Signs, faiss, written_bytes
from workbench.specs import Spec, option, to_dict
from workbench.vectors import Vectors, norms, unit

_METRIC = option("cosine", "cosine: the angle alone counts; dot: length counts too", choices=("cosine", "dot"))

# What fields of several kinds mean.
STORAGE = "what is kept of each number, and scored: float32, half of it, or a byte"
RERANK = "kept beside the codes to score the rows they propose anew; none: the codes' own scores"
OVERSAMPLE = "rows proposed for each one wanted, where they are scored anew"

ALONE = 16
"""Queries that FAISS compares one by one, so that each has the same neighbours alone and among others."""


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
        """(n, dim) float32 what is searched of the vectors: at length 1 where the angle alone counts.

        Raises:
            SpecError: the vectors are none.
        """
        rows = checked(vectors, "vectors")
        return unit(rows) if self.metric == "cosine" else rows

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


def range_bytes(storage: str, dim: int) -> int:
    """Bytes for the least value and the width of each dimension, where a byte counts steps between them."""
    return 8 * dim if storage == "int8" else 0


def longest(rows: Vectors) -> float:
    """The length of the longest row; 0 where there is none."""
    return float(norms(rows).max(initial=0.0))


def real(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Each query's rows, without the places that FAISS could not fill."""
    return [r[r >= 0] for r in rows]


@contextmanager
def one_thread() -> Iterator[None]:
    """FAISS on one thread: several would link a graph, or add up a centre, in an order that differs each time."""
    lib = faiss()
    threads = lib.omp_get_max_threads()
    lib.omp_set_num_threads(1)
    try:
        yield
    finally:
        lib.omp_set_num_threads(threads)
