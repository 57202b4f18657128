"""The statistics of a race: how far off a preview can be, and what a part of the questions says of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from workbench.pipelines import Pipeline
from workbench.statistics.intervals import TAIL, cluster_sums, least_difference, residuals, student

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Errors:
    """The preview's error, exact mean less preview mean, over candidates that were measured both ways.

    `upper` bounds how far one more candidate's exact mean is expected to be above its preview.
    """

    n: int
    mean: float
    largest: float
    upper: float


def errors(pilots: Floats, later: Floats, risk: float) -> Errors:
    """Return the error bound from (m,) errors of candidates spread over the surface, and those of `later` ones.

    A one-sided prediction bound for one more error like the pilots', at the level 1 − risk; never below the largest
    error that was seen. The later ones do not tighten it: they were chosen for their high previews, so their errors
    lie lower than others' do.

    Source: Hahn 1969, "Factors for calculating two-sided prediction intervals for samples from a normal distribution".
    """
    from scipy.special import stdtrit

    m = len(pilots)
    largest = float(np.concatenate([pilots, later]).max())
    spread = float(pilots.std(ddof=1)) if m > 1 else float("inf")
    reach = float(stdtrit(m - 1, 1 - risk)) * spread * sqrt(1 + 1 / m) if m > 1 else float("inf")
    return Errors(m + len(later), float(pilots.mean()), largest, max(float(pilots.mean()) + reach, largest))


def leads(above: Floats, of: int, risk: float) -> Floats:
    """Return (rows,) lower bounds of each row's mean over all `of` questions, from (rows, n) of a random part.

    One-sided at the level 1 − risk, by Student's t with the finite population's correction: of all questions nothing
    is left open. Two values more, one for each side and as large as any, keep it true for few questions that differ.

    Source: Cochran 1977, "Sampling Techniques", 2.6 and 2.8; the two more values, Bonett and Price 2012.
    """
    n = above.shape[1]
    means: Floats = above.mean(axis=1)
    if n >= of:
        return means
    if n < 2:
        return np.full(len(above), -np.inf)
    from scipy.special import stdtrit

    variances = above.var(axis=1, ddof=1) / n + 2 * (np.abs(above).max(axis=1) / n) ** 2
    out: Floats = means - float(stdtrit(n - 1, 1 - risk)) * np.sqrt(variances * (1 - n / of))
    return out


def resolution(apart: Floats, of: Ints) -> Floats:
    """Return (rows,) the least mean difference that as many questions would tell from 0, by (rows, n) differences.

    It is that of two runs compared by themselves, two-sided at 5 %, by the rule of `statistics.compare`. Infinite where
    all questions share one cluster.
    """
    sums, sizes = cluster_sums(apart.T, of)
    if len(sizes) < 2:
        return np.full(len(apart), np.inf)
    squares = (residuals(sums, sizes) ** 2).sum(axis=0)
    return least_difference(squares, len(sizes), student(len(sizes) - 1, 1 - TAIL))


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """Spearman's rank correlation of preview and exact means over `n` candidates, with its 95 % interval; −1 to 1."""

    rho: float
    low: float
    high: float
    n: int


def rank_agreement(preview: Floats, exact: Floats, seed: int = 0, resamples: int = RESAMPLES) -> RankAgreement | None:
    """Return how alike previews (candidates, questions) and exact values rank; None for fewer than three.

    The interval is the percentile bootstrap's over questions. Source: Spearman 1904.
    """
    if len(exact) < 3:
        return None
    rng, n = np.random.default_rng(seed), exact.shape[1]
    times = rng.multinomial(n, np.full(n, 1 / n), resamples).T / n  # (questions, resamples)
    drawn = _rho((preview @ times).T, (exact @ times).T)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    rho = float(_rho(preview.mean(axis=1)[None], exact.mean(axis=1)[None])[0])
    return RankAgreement(rho, low, high, len(exact))


def _rho(a: Floats, b: Floats) -> Floats:
    """Return (r,) rank correlations of the rows, ties at their mean rank; 0 where one side is all ties."""
    from scipy.stats import rankdata

    x, y = (rankdata(np.round(side, 12), axis=1) for side in (a, b))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    out: Floats = np.divide((x * y).sum(axis=1), scale, out=np.zeros(len(x)), where=scale > 0)
    return out


def spread(places: Floats, first: int, among: Sequence[int] | Ints | None = None) -> list[int]:
    """Return the candidates (rows of `places`) in an order whose beginning is always spread as far as it can be.

    It begins at `first`; each next one is the farthest from those before it, so any beginning is a coarse surface and
    the rest refines it. Equal distances go by the candidates' order.

    Source: Gonzalez 1985, "Clustering to minimize the maximum intercluster distance".
    """
    left = np.zeros(len(places), np.bool_)
    left[np.arange(len(places)) if among is None else np.asarray(among, np.int64)] = True
    near = np.full(len(places), np.inf)
    out, at = [], first
    while True:
        out.append(at)
        left[at] = False
        if not left.any():
            return out
        near = np.minimum(near, np.square(places - places[at]).sum(axis=1))
        at = int(np.where(left, np.round(near, 9), -1).argmax())


def farthest(places: Floats, chosen: Sequence[int], among: Sequence[int], share: float = 1.0) -> list[int]:
    """Return those of `among` whose distance to the nearest chosen one is at least this share of the largest."""
    some = list(among)
    near = np.stack([np.square(places[some] - places[c]).sum(axis=1) for c in chosen]).min(axis=0)
    far = np.sqrt(np.round(near, 9))
    return [c for c, d in zip(some, far.tolist(), strict=True) if d >= share * far.max() - 1e-9]


def looks(questions: int, shares: Sequence[float], least: int) -> list[int]:
    """Return how many questions each look takes: these shares, at least `least`, and finally all of them."""
    found = {min(questions, max(least, ceil(share * questions))) for share in shares}
    return sorted(found | {questions})


def places(pipelines: Sequence[Pipeline]) -> Floats:
    """Return (n, d) where each pipeline lies on the surface: log of its size, share of its overlap, its kinds.

    Each from 0 to 1; another kind of splitter, model or retriever is half as far as the whole width.
    """
    sizes = np.array([log2(p.splitter.chunk_size) for p in pipelines])
    overlaps = np.array([p.splitter.chunk_overlap / p.splitter.chunk_size for p in pipelines])
    columns = [_stretched(sizes), _stretched(overlaps)]
    for part in ("splitter", "embedder", "retriever"):
        kinds = [_kind(getattr(p, part)) for p in pipelines]
        if len(known := list(dict.fromkeys(kinds))) > 1:
            columns += [np.array([0.35 * (kind == one) for kind in kinds]) for one in known]
    return np.stack(columns, axis=1)


def _kind(part: object) -> str:
    return f"{getattr(part, 'kind', '')}:{getattr(part, 'model', '')}"


def _stretched(values: Floats) -> Floats:
    width = values.max() - values.min()
    return (values - values.min()) / width if width else np.zeros(len(values))
