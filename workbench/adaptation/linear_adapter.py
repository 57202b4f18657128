"""The linear adapter: query + query · delta, learned so that questions come nearer to their gold chunks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adaptation.dataset import DISTANCE, Floats, Ints, Material, grouped_folds, random_folds, without_adapter
from workbench.embedders import Adapter, Origin, keep_adapter
from workbench.errors import SpecError
from workbench.pipelines import Pipeline
from workbench.records import TrainingSet
from workbench.vectors import unit

TEMPERATURE = 0.05
"""By which cosines are divided before the softmax. Source: Gao, Yao and Chen 2021, "SimCSE"."""

RIDGES = (0.3, 0.1, 0.03)
"""Weights that hold delta at zero, the strongest first. Where none of them gains, there is no adapter."""

_SOLVER = {"maxiter": 30, "maxcor": 8, "ftol": 1e-5}
_INNER = 3  # folds within the training examples, to choose the ridge by
_MOST = 2_048  # chunks in a question's softmax


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A delta (dim, dim) float32 and the ridge that it was learned with; None, and zeros, where none helped."""

    delta: NDArray[np.float32]
    ridge: float | None


def learn(of: Material, train: Ints, distance: int | None = DISTANCE, seed: int = 0) -> Learned:
    """Learn the delta of these examples; its ridge is chosen by folds within them, by the loss on those left out.

    These folds keep passages `distance` chunks apart; None: they are random.
    """
    dim = of.queries.shape[1]
    nothing = Learned(np.zeros((dim, dim), np.float32), None)
    inner = random_folds(train, _INNER, seed) if distance is None else grouped_folds(of, train, _INNER, distance)
    inner = [fold for fold in inner if len(fold.train) and len(fold.test)]
    if len(inner) < 2:
        return nothing
    judges = [_Contrast(of, fold.test, seed) for fold in inner]
    sizes = [len(fold.test) for fold in inner]
    least = float(np.average([judge.loss(np.zeros((dim, dim))) for judge in judges], weights=sizes))
    chosen = 0
    paths = [_path(_Contrast(of, fold.train, seed)) for fold in inner]
    for i, deltas in enumerate(zip(*paths, strict=True), 1):
        loss = float(np.average([judge.loss(d) for judge, d in zip(judges, deltas, strict=True)], weights=sizes))
        if not loss < least:  # weaker ridges only move on from here
            break
        least, chosen = loss, i
    if not chosen:
        return nothing
    *_, delta = islice(_path(_Contrast(of, train, seed)), chosen)
    return Learned(delta.astype(np.float32), RIDGES[chosen - 1])


def _path(contrast: "_Contrast") -> Iterator[Floats]:
    """Yield the delta for each of `RIDGES`, the strongest first; each starts where the one before ended."""
    from scipy.optimize import minimize

    dim = contrast.queries.shape[1]
    delta = np.zeros(dim * dim)
    for ridge in RIDGES:
        with _threads().limit(limits=1, user_api="blas"):  # products this small only wait for each other
            found = minimize(contrast.penalised, delta, (ridge,), "L-BFGS-B", jac=True, options=_SOLVER)
        delta = found.x
        yield delta.reshape(dim, dim)


@cache
def _threads() -> Any:
    """Return what limits the threads of the linear algebra libraries; finding these takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Contrast:
    """The contrastive loss of some examples: how unlikely their gold is among the chunks, by a softmax of cosines.

    Chunks that hold a part of the gold, or its text elsewhere, are neither right nor wrong and are left out.

    Source: van den Oord, Li and Vinyals 2018, "Representation learning with contrastive predictive coding" (InfoNCE);
    several right ones, Khosla et al. 2020, "Supervised contrastive learning", the sum within the logarithm.
    """

    def __init__(self, of: Material, some: Ints, seed: int) -> None:
        self.queries = unit(of.queries[some]).astype(np.float64)
        columns = _columns(of, some, seed)
        self.chunks = unit(of.chunks[columns]).astype(np.float64)
        place = {int(row): at for at, row in enumerate(columns)}
        self.asked: list[int] = []
        self.right: list[int] = []
        self.out = np.zeros((len(some), len(columns)))
        for at, i in enumerate(some.tolist()):
            same = np.isin(of.passages[columns], of.passages[of.touched[i]])
            self.out[at, same] = -np.inf
            gold = [place[row] for row in of.gold[i].tolist()]
            self.out[at, gold] = 0.0
            self.asked += [at] * len(gold)
            self.right += gold

    def loss(self, delta: Floats) -> float:
        """Return the mean over the examples, without any ridge."""
        return self._loss(delta)[0]

    def penalised(self, flat: Floats, ridge: float) -> tuple[float, Floats]:
        """Return the loss with its ridge, and the gradient."""
        delta = flat.reshape(self.queries.shape[1], -1)
        loss, gradient = self._loss(delta, gradient=True)
        assert gradient is not None
        return loss + ridge * float(flat @ flat), gradient.ravel() + 2 * ridge * flat

    def _loss(self, delta: Floats, gradient: bool = False) -> tuple[float, Floats | None]:
        turned = self.queries + self.queries @ delta
        lengths = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
        directions = turned / lengths
        scores = directions @ self.chunks.T / TEMPERATURE
        scores += self.out
        most = scores.max(axis=1, keepdims=True)
        shares = np.exp(scores - most)
        shares /= shares.sum(axis=1, keepdims=True)
        right = np.zeros(len(scores))
        np.add.at(right, self.asked, shares[self.asked, self.right])
        loss = float(-np.log(np.maximum(right, 1e-300)).mean())
        if not gradient:
            return loss, None
        shares[self.asked, self.right] *= 1 - 1 / np.maximum(right, 1e-300)[self.asked]
        pull = shares @ self.chunks / (TEMPERATURE * len(scores))
        pull = (pull - (pull * directions).sum(axis=1, keepdims=True) * directions) / lengths
        return loss, self.queries.T @ pull


def _columns(of: Material, some: Ints, seed: int) -> Ints:
    """Return the chunks to tell apart: all; in large corpora the gold, each question's nearest, and some at random."""
    n = len(of.chunks)
    if n <= _MOST:
        return np.arange(n)
    gold = np.concatenate([of.gold[i] for i in some.tolist()])
    near = max(8, _MOST // (2 * len(some)))
    chunks = unit(of.chunks)
    hard = [np.argpartition(-(chunks @ query), near)[:near] for query in unit(of.queries[some])]
    rest = np.random.default_rng(seed).permutation(n)[: _MOST // 4]
    return np.unique(np.concatenate([gold, *hard, rest]))


def learn_adapter(of: Material, *, distance: int = DISTANCE, seed: int = 0) -> Adapter:
    """Learn the adapter of all usable examples, its ridge chosen by grouped folds within them. The same for a seed.

    It names every question of the material: also those without a usable chunk had a say in whether it pays.
    """
    found = learn(of, of.usable, distance, seed)
    training = TrainingSet.of(of.questions)
    return Adapter(found.delta, Origin(of.pipeline.embedder.fingerprint, len(of.usable), found.ridge or 0.0, training))


def with_adapter(pipeline: Pipeline, adapter: Adapter) -> Pipeline:
    """Return the pipeline with this adapter in its embedder; the file is kept in WORKBENCH_HOME.

    Raises:
        SpecError: it was learned for the vectors of another embedder.
        StoreError: the file cannot be kept.
    """
    plain = without_adapter(pipeline)
    if adapter.origin.base != plain.embedder.fingerprint:
        raise SpecError(
            f"the adapter was learned for other vectors than those of {plain.embedder.source.name} as it is set here; "
            "learn it again"
        )
    return replace(plain, embedder=replace(plain.embedder, adapter=keep_adapter(adapter)))  # type: ignore[call-arg]
