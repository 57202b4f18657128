"""The linear adapter: query + query · delta, learned so that a question comes nearer to its gold chunks than to others.

Scores are cosines, whatever the index compares by: lengths are the embedder's own matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.adaptation.folds import DISTANCE, grouped_folds, random_folds
from workbench.adaptation.materials import Floats, Ints, Material
from workbench.vectors import unit

TEMPERATURE = 0.05
"""By which cosines are divided before the softmax. Source: Gao, Yao and Chen 2021, "SimCSE"."""

RIDGES = (1.0, 0.3, 0.1, 0.03)
"""How strongly delta is held at zero, the strongest first; without any gain by them, there is no adapter."""

_STEPS = 30  # of L-BFGS, each a pass over all examples
_INNER = 3  # folds within the training examples, to choose the ridge by
_MOST = 2_048  # chunks that a question is told apart from


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A delta (dim, dim) float32 and the ridge that it was learned with; None, and zeros, where none helped."""

    delta: NDArray[np.float32]
    ridge: float | None


def learn(of: Material, train: Ints, distance: int | None = DISTANCE, seed: int = 0) -> Learned:
    """The delta for these examples; its ridge is chosen by folds within them, by the loss on those left out.

    These folds keep passages `distance` chunks apart; None: they are random.
    """
    dim = of.queries.shape[1]
    scores = np.zeros(len(RIDGES) + 1)  # the first without an adapter
    inner = random_folds(train, _INNER, seed) if distance is None else grouped_folds(of, train, _INNER, distance)
    inner = [fold for fold in inner if len(fold.train) and len(fold.test)]
    if len(inner) < 2:
        return Learned(np.zeros((dim, dim), np.float32), None)
    for fold in inner:
        judge, weight = _Contrast(of, fold.test, seed), len(fold.test)
        scores[0] += weight * judge.loss(np.zeros((dim, dim)))
        for i, delta in enumerate(_path(_Contrast(of, fold.train, seed), RIDGES), 1):
            scores[i] += weight * judge.loss(delta)
    best = int(scores.argmin())
    if best == 0:
        return Learned(np.zeros((dim, dim), np.float32), None)
    delta = _path(_Contrast(of, train, seed), RIDGES[:best])[-1]
    return Learned(delta.astype(np.float32), RIDGES[best - 1])


def _path(contrast: "_Contrast", ridges: Sequence[float]) -> list[Floats]:
    """The delta for each ridge, the strongest first; each begins where the one before ended."""
    from scipy.optimize import minimize

    dim = contrast.queries.shape[1]
    delta = np.zeros(dim * dim)
    out = []
    for ridge in ridges:
        found = minimize(
            lambda flat, ridge=ridge: contrast.penalised(flat, ridge),
            delta,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _STEPS, "maxcor": 8},
        )
        delta = found.x
        out.append(delta.reshape(dim, dim))
    return out


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
        self.right = np.full((len(some), len(columns)), -np.inf)
        self.any = np.zeros((len(some), len(columns)))
        for at, i in enumerate(some.tolist()):
            same = np.isin(of.passages[columns], of.passages[of.touched[i]])
            self.any[at, same] = -np.inf
            gold = [place[row] for row in of.gold[i].tolist()]
            self.any[at, gold] = self.right[at, gold] = 0.0

    def loss(self, delta: Floats) -> float:
        """The mean over the examples, without any ridge."""
        return self._loss(delta)[0]

    def penalised(self, flat: Floats, ridge: float) -> tuple[float, Floats]:
        """The loss with its ridge, and the gradient."""
        delta = flat.reshape(self.queries.shape[1], -1)
        loss, gradient = self._loss(delta, gradient=True)
        assert gradient is not None
        return loss + ridge * float(flat @ flat), gradient.ravel() + 2 * ridge * flat

    def _loss(self, delta: Floats, gradient: bool = False) -> tuple[float, Floats | None]:
        turned = self.queries + self.queries @ delta
        lengths = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
        directions = turned / lengths
        scores = directions @ self.chunks.T / TEMPERATURE
        right, among = _softmax(scores + self.right), _softmax(scores + self.any)
        loss = float((among[0] - right[0]).mean())
        if not gradient:
            return loss, None
        pull = (among[1] - right[1]) @ self.chunks / (TEMPERATURE * len(scores))
        pull = (pull - (pull * directions).sum(axis=1, keepdims=True) * directions) / lengths
        return loss, self.queries.T @ pull


def _softmax(scores: Floats) -> tuple[Floats, Floats]:
    """The logarithm of each row's sum of exponentials, and each share of it."""
    most = scores.max(axis=1, keepdims=True)
    shares = np.exp(scores - most)
    total = shares.sum(axis=1, keepdims=True)
    return (most + np.log(total))[:, 0], shares / total


def _columns(of: Material, some: Ints, seed: int) -> Ints:
    """The chunks to tell apart: all; in large corpora the gold, those nearest to each question, and some at random."""
    n = len(of.chunks)
    if n <= _MOST:
        return np.arange(n)
    gold = np.concatenate([of.gold[i] for i in some.tolist()])
    near = max(8, _MOST // (2 * len(some)))
    chunks = unit(of.chunks)
    hard = [np.argpartition(-(chunks @ query), near)[:near] for query in unit(of.queries[some])]
    rest = np.random.default_rng(seed).permutation(n)[: _MOST // 4]
    return np.unique(np.concatenate([gold, *hard, rest]))
