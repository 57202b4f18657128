"""Made scores whose truth is known, for `calibration`: kinds of scores, equal and unequal pipelines, documents."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kind:
    """Scores that are 0 or 1 with these chances, else drawn from a beta distribution; `mean` follows."""

    zero: float
    one: float
    a: float = 1.0
    b: float = 1.0

    @property
    def mean(self) -> float:
        return self.one + (1 - self.zero - self.one) * self.a / (self.a + self.b)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        u, between = rng.random(shape), rng.beta(self.a, self.b, shape)
        return np.where(u < self.zero, 0.0, np.where(u < self.zero + self.one, 1.0, between))


KINDS = {
    "0/1, mean 0.50": Kind(0.5, 0.5),
    "0/1, mean 0.80": Kind(0.2, 0.8),
    "0/1, mean 0.95": Kind(0.05, 0.95),
    "0/1, mean 0.98": Kind(0.02, 0.98),
    "spiky, mean 0.70": Kind(0.2, 0.6, 2, 2),
    "spiky, mean 0.90": Kind(0.05, 0.85, 2, 2),
    "even, mean 0.50": Kind(0, 0, 2, 2),
    "mostly one, mean 0.98": Kind(0, 0.9, 4, 1),
    "high, mean 0.95": Kind(0, 0, 19, 1),
    "hardly varying, mean 0.80": Kind(0, 0, 160, 40),
}
"""Ten kinds of scores: recalls are spiky, hit rates 0 or 1, precisions spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Scores (n, m) of pipelines whose true means are `truth` (m,), and the questions' documents where they matter."""

    values: Floats
    truth: Floats
    documents: Ints | None = None


def equal(rng: np.random.Generator, n: int, m: int, kind: Kind, apart: float) -> Scene:
    """Equally good pipelines: each differs from a common score on a share `apart` of the questions."""
    base, own = kind.draw(rng, (n, 1)), kind.draw(rng, (n, m))
    return Scene(np.where(rng.random((n, m)) < apart, own, base), np.full(m, kind.mean))


def skewed(rng: np.random.Generator, n: int, m: int) -> Scene:
    """Equally good pipelines: the first is 0.01 above the others on 98 % of questions, and 0.49 below on 2 %."""
    base = rng.uniform(0.5, 0.98, (n, 1))
    values = np.repeat(base, m, axis=1)
    values[:, 0] += np.where(rng.random(n) < 0.02, -0.49, 0.01)
    return Scene(values, np.full(m, 0.74))


def losing(rng: np.random.Generator, n: int, share: float, kind: Kind | None = None) -> Scene:
    """Two pipelines: the second loses everything on a share of the questions, else they are alike."""
    base = np.ones(n) if kind is None else kind.draw(rng, (n,))
    mean = 1.0 if kind is None else kind.mean
    lost = rng.random(n) < share
    return Scene(np.column_stack([base, np.where(lost, 0, base)]), np.array([mean, mean * (1 - share)]))


def diffuse(rng: np.random.Generator, n: int, m: int, lead: float, correlation: float = 0.95) -> Scene:
    """Correlated scores around 0.6 (sd 0.25) that differ a little everywhere; the last pipeline leads by `lead`."""
    sd = 0.25
    common, own = rng.normal(size=(n, 1)), rng.normal(size=(n, m))
    values = 0.6 + sd * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)
    values[:, -1] += lead
    truth = np.full(m, 0.6)
    truth[-1] += lead
    return Scene(np.clip(values, 0, 1), truth)


def by_document(
    rng: np.random.Generator, n: int, m: int, documents: int, effect: float = 0.1, lead: float = 0.0
) -> Scene:
    """Pipelines equally good over all documents (but for the last one's lead), better on some and worse on others."""
    of = np.concatenate([np.arange(documents), rng.integers(documents, size=max(0, n - documents))])[:n]
    own = effect * rng.normal(size=(documents, m))
    values = 0.6 + 0.15 * rng.normal(size=(n, 1)) + own[of] + 0.05 * rng.normal(size=(n, m))
    values[:, -1] += lead
    truth = np.full(m, 0.6)
    truth[-1] += lead
    return Scene(np.clip(values, 0, 1), truth, of)


def ladder(rng: np.random.Generator, n: int, m: int, spread: float, kind: Kind, apart: float = 0.3) -> Scene:
    """Pipelines whose means fall evenly by `spread` from the first to the last: ever more of their answers are lost."""
    base = equal(rng, n, m, kind, apart)
    lost = np.linspace(0, spread / kind.mean, m)
    return Scene(np.where(rng.random((n, m)) < lost, 0, base.values), base.truth * (1 - lost))
