"""Many runs on the same questions: which is the best, which are ruled out, and what is not settled yet."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.statistics.comparisons import squared_errors
from workbench.statistics.power import POWER, questions_for_equivalence, questions_needed
from workbench.statistics.resampling import LEVEL, RESAMPLES, Floats, Ints, cluster_sums, resampled_means

Verdict = Literal["best", "equivalent", "ruled out", "not settled"]

MARGIN = 0.05
"""A difference that does not matter, unless said otherwise."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Standing:
    """A run against the best of the others, its `rival`: the difference of their means, and a simultaneous interval.

    All runs' intervals hold together with at least the level's probability. The interval always holds 0 or ends there:
    `high` is 0 for a run that is ruled out, `low` is 0 for the best. `more` says about how many further questions would
    settle what is not settled; None elsewhere, and where fewer than two clusters leave low and high NaN.
    """

    run: int
    mean: float
    rival: int
    difference: float
    low: float
    high: float
    verdict: Verdict
    more: int | None = None


def standings(
    values: Floats,
    of: Ints,
    margin: float = MARGIN,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> tuple[Standing, ...]:
    """The standing of each run: multiple comparisons with the best. `values` is (questions, runs), higher is better.

    *best*: every other run is ruled out. *equivalent*: the interval lies inside ± margin. *ruled out*: the run is
    below another one. *not settled*: all else.

    Each run's critical value is the paired cluster bootstrap's for its differences to all others at once, two-sided.
    So the best run is ruled out in about (1 − level) / 2 of cases, and of several equally good ones none is called
    best in more than 1 − level. Two adjustments keep that true for few questions, and for runs that differ on few:
    Student's t over the normal quantile, and two clusters more, one for each side, that differ as much as any does.

    Source: Hsu 1996, "Multiple Comparisons", chapter 4, and Edwards and Hsu 1983 for unequal variances; the two more
    observations, Bonett and Price 2012 for paired proportions.

    Raises:
        SpecError: fewer than two runs, or a margin that is not above 0.
    """
    if values.ndim != 2 or values.shape[1] < 2:
        raise SpecError("standings compare at least two runs")
    if not margin > 0:
        raise SpecError(f"the margin of equivalence ({margin}) must be above 0")
    sums, sizes = cluster_sums(values, of)
    means = sums.sum(axis=0) / sizes.sum()
    runs = np.arange(len(means))
    apart = means[:, None] - means  # (i, j): how far i is above j
    rivals = np.where(runs[:, None] == runs, -np.inf, means).argmax(axis=1)
    if len(sizes) < 2:
        nan = float("nan")
        rows = zip(runs.tolist(), means.tolist(), rivals.tolist(), apart[runs, rivals].tolist(), strict=True)
        return tuple(Standing(i, mean, rival, d, nan, nan, "not settled") for i, mean, rival, d in rows)
    errors, wide = _errors(sums, sizes)
    critical = _critical(resampled_means(sums, sizes, resamples, seed) - means, errors, len(sizes), level)
    low, high, ruled_out = _constrained(apart, critical[:, None] * wide)

    def standing(i: int) -> Standing:
        rival = int(rivals[i])
        d, lo, hi = float(apart[i, rival]), float(low[i]), float(high[i])
        more = None
        if not ruled_out[i] and ruled_out.sum() == len(runs) - 1:
            verdict: Verdict = "best"
        elif -margin <= lo and hi <= margin:
            verdict = "equivalent"
        elif ruled_out[i]:
            verdict = "ruled out"
        else:
            verdict = "not settled"
            sd = float(max(errors[i, rival], _ROUNDING) * np.sqrt(sizes.sum()))
            more = _more(sd, d, margin, int(sizes.sum()), float(critical[i]))
        return Standing(i, float(means[i]), rival, d, lo, hi, verdict, more)

    return tuple(standing(i) for i in runs.tolist())


def _errors(sums: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """(runs, runs) the standard errors of the runs' differences, and the same with two clusters more."""
    covariances = squared_errors(sums, sizes)
    variances = covariances.diagonal()
    squares = np.maximum(variances[:, None] + variances - 2 * covariances, 0)
    squares[squares < _ROUNDING**2] = 0
    largest = (sums.max(axis=1) - sums.min(axis=1)).max() / sizes.sum()
    wide = squares + 2 * largest**2
    np.fill_diagonal(wide, 0)
    return np.sqrt(squares), np.sqrt(wide)


def _critical(centred: Floats, errors: Floats, n: int, level: float) -> Floats:
    """(runs,) how many standard errors all of a run's differences keep within together, with the level's probability.

    `centred` (resamples, runs) are the resampled means less the means.
    """
    from scipy.special import ndtri, stdtrit

    tail = (1 + level) / 2
    usual = float(ndtri(tail))
    scale = np.where(errors > 0, errors, np.inf)
    out = [np.quantile((np.abs(centred[:, [i]] - centred) / scale[i]).max(axis=1), level) for i in range(len(errors))]
    return np.maximum(out, usual) * (float(stdtrit(n - 1, tail)) / usual)


def _constrained(apart: Floats, reach: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Hsu's intervals of each run against the best of the others, and which runs are ruled out.

    `reach` (i, j) is how far i's difference to j may be off by i's own critical value.
    """
    itself = np.eye(len(apart), dtype=np.bool_)
    most = np.where(itself, np.inf, apart + reach).min(axis=1)
    ruled_out = most < -_ROUNDING
    # Below the best of the others: only runs that may be the best count, each with its own critical value.
    least = np.where(itself | ruled_out[None, :], np.inf, apart - reach.T).min(axis=1)
    return np.minimum(np.where(np.isinf(least), 0, least), 0), np.maximum(most, 0), ruled_out


def _more(sd: float, difference: float, margin: float, n: int, critical: float) -> int:
    """Further questions until a difference as seen is told from 0, or one of 0 from the margin: the fewer of both."""
    needed = questions_for_equivalence(sd, margin, POWER, critical=critical)
    if abs(difference) > _ROUNDING:
        needed = min(needed, questions_needed(sd, abs(difference), POWER, critical=critical))
    return max(needed - n, 1)
