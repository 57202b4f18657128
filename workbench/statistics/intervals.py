"""Means of bounded scores with intervals that hold for few questions, and the population that such a figure speaks of.

Scores are (n,) or (n, m): one row per question, one column per run. Questions that share a passage are one cluster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.golden.clusters import document_groups
from workbench.memory_cache import cached
from workbench.records import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
UNIT_RANGE = 0.0, 1.0
"""The possible range of a score, unless a measure says otherwise."""

PSEUDO = 1.5
"""Pseudo-observations at each end of the possible range.

A calibration between Agresti and Coull's two and Bonett and Price's one: `docs/calibration.md` has what it reaches.
"""

_ROUNDING = 1e-9  # patterns that reach the observed sum exactly may miss it by this

EXACT_UNITS = 13
"""Up to so many documents every pattern of signs is tried; beyond it, `PATTERNS` seeded ones."""
PATTERNS = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over n questions with its interval, inside the possible range; `sd` is that of the questions (over n).

    Of a measure without an upper end, `low` and `high` are NaN where there are fewer than two clusters.
    """

    mean: float
    low: float
    high: float
    sd: float
    n: int


def cluster_sums(values: Floats, of: Ints) -> tuple[Floats, Floats]:
    """Return (c, m) the sum of each cluster's values, and (c,) its number of questions.

    Raises:
        ValueError: shapes that do not fit, no question, or values that are not finite.
    """
    if values.ndim != 2 or of.shape != (len(values),) or values.size == 0:
        raise ValueError(f"values of shape {values.shape} do not fit {of.shape} clusters: (questions, runs) is needed")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite numbers")
    _, number = np.unique(of, return_inverse=True)
    sizes = np.bincount(number).astype(np.float64)
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, number, values)
    return sums, sizes


def mean_intervals(
    values: Floats,
    of: Ints,
    *,
    documents: Ints | None = None,
    bounds: tuple[float, float] = UNIT_RANGE,
    tails: tuple[float, float] = (TAIL, TAIL),
    seed: int = 0,
) -> list[Interval]:
    """Return the mean of each column of `values` (n, m) with its interval.

    `of` (n,) numbers the clusters of questions that share a passage. With `documents` (n,), the figure speaks of
    documents like these: the interval is then the wider of two, that of the questions and that of sign flips over
    documents. `bounds` is the possible range of a value; `tails` the error allowed below and above.
    """
    sums, sizes = cluster_sums(values, of)
    means = sums.sum(axis=0) / sizes.sum()
    squares = (residuals(sums, sizes) ** 2).sum(axis=0)
    low, high = bounded_interval(means, squares, len(sizes), bounds, tails)
    if documents is not None:
        by_document = flipped_interval(*cluster_sums(values, documents), tails, seed)
        low, high = np.minimum(low, by_document[0]), np.maximum(high, by_document[1])
    ends = np.clip(low, *bounds).tolist(), np.clip(high, *bounds).tolist()
    rows = zip(means.tolist(), *ends, values.std(axis=0).tolist(), strict=True)
    return [Interval(mean, lo, hi, sd, len(values)) for mean, lo, hi, sd in rows]


def residuals(sums: Floats, sizes: Floats) -> Floats:
    """Return (c, m) how far each cluster lies from the runs' means, in units of one cluster's mean.

    Clusters differ in size as well as in sum; for single questions these are the deviations from the mean.
    Source: Cochran 1977, "Sampling Techniques", 6.4: the ratio estimator, linearised.
    """
    out: Floats = (sums - sizes[:, None] * (sums.sum(axis=0) / sizes.sum())) / sizes.mean()
    return out


def smoothed(mean: Floats, squares: Floats, n: int | Floats, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the mean and its standard error with `PSEUDO` further observations at each end of the possible range.

    `squares` is the sum of squared deviations of n values from their `mean`. What was seen cannot show how far a value
    that was not seen may lie; the ends of the possible range can. A range without an end adds nothing.

    Source: Agresti and Coull 1998, "Approximate is better than exact"; for paired differences, Bonett and Price 2012,
    "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data".
    """
    a, b = bounds
    if not isfinite(b - a):
        return mean, np.sqrt(squares / (n * (n - 1)))
    more = n + 2 * PSEUDO
    centre = (n * mean + PSEUDO * (a + b)) / more
    variance = (squares + n * mean**2 + PSEUDO * (a * a + b * b)) / more - centre**2
    return centre, np.sqrt(np.maximum(variance, 0) / more)


def bounded_interval(
    mean: Floats, squares: Floats, n: int, bounds: tuple[float, float], tails: tuple[float, float] = (TAIL, TAIL)
) -> tuple[Floats, Floats]:
    """Return the ends of Student's t interval around the smoothed mean; everything possible where n is below 2."""
    if n < 2:
        low, high = bounds if isfinite(bounds[1] - bounds[0]) else (np.nan, np.nan)
        return np.full_like(mean, low), np.full_like(mean, high)
    centre, error = smoothed(mean, squares, n, bounds)
    below, above = (student(n - 1, 1 - tail) * error for tail in tails)
    return np.maximum(centre - below, bounds[0]), np.minimum(centre + above, bounds[1])


def bounded_p(mean: Floats, squares: Floats, n: int, bounds: tuple[float, float]) -> Floats:
    """Return the two-sided p of a mean of 0, by the same t: below 0.05 exactly where the interval leaves 0 out."""
    if n < 2:
        return np.ones_like(mean)
    from scipy.special import stdtr

    centre, error = smoothed(mean, squares, n, bounds)
    ratio = np.divide(np.abs(centre), error, out=np.zeros_like(centre), where=error > 0)
    out: Floats = 2 * stdtr(n - 1, -ratio)
    return out


def least_difference(squares: Floats, n: int, quantiles: float) -> Floats:
    """Return the smallest mean of n differences in [−1, 1] that is `quantiles` standard errors from 0, else infinity.

    `squares` is their sum of squared deviations. It is |centre| = quantiles · error of `smoothed`, solved for the mean.
    """
    more, reach = n + 2 * PSEUDO, quantiles**2
    left = n * n * (1 + reach / more) - reach * n
    if left <= 0:
        return np.full_like(squares, np.inf)
    out: Floats = np.sqrt(reach * (squares + 2 * PSEUDO) / left)
    return out


def student(freedom: int, share: float) -> float:
    """Return the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


@cached(64 << 20, lambda signs: signs.nbytes)
def sign_patterns(units: int, seed: int = 0) -> Floats:
    """Return (b, units) signs, the one observed (all +1) first; of a pattern and its mirror image only one.

    All there are for few units, else seeded ones.
    """
    if units <= EXACT_UNITS:
        bits = (np.arange(2 ** (units - 1))[:, None] >> np.arange(units - 1)) & 1
        signs = np.column_stack([np.ones(len(bits)), 1.0 - 2 * bits]).astype(np.float64)
    else:
        signs = 2.0 * np.random.default_rng(seed).integers(2, size=(PATTERNS, units)).astype(np.float64) - 1
        signs[0] = 1
    signs.flags.writeable = False  # it is shared
    return signs


def flipped_interval(
    sums: Floats, sizes: Floats, tails: tuple[float, float] = (TAIL, TAIL), seed: int = 0
) -> tuple[Floats, Floats]:
    """Return the means that sign flips of the units' residuals do not refuse: the test inverted. Ends may be infinite.

    For a mean θ the residuals are s − θ·w of each unit with sum s and size w. A pattern of signs reaches the observed
    sum for θ between the roots of |Σg(s − θw)| = |Σ(s − θw)|, so the share of patterns that do falls evenly to either
    side of the mean, and the ends are quantiles of the roots.

    Source: Fisher 1935, "The Design of Experiments"; the null imposed, Cameron, Gelbach and Miller 2008,
    "Bootstrap-based improvements for inference with clustered errors".
    """
    signs = sign_patterns(len(sizes), seed)
    total, count = sums.sum(axis=0), sizes.sum()
    flipped, weight = signs @ sums, (signs @ sizes)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (total - flipped) / (count - weight), (total + flipped) / (count + weight)
    upper, lower = np.fmax(one, other), np.fmin(one, other)
    observed = np.abs(weight[:, 0]) >= count - 1e-9  # it reaches the observed sum whatever the mean
    upper[observed], lower[observed] = np.inf, -np.inf
    at_low, at_high = (max(ceil(2 * tail * len(signs) - 1e-9), 1) - 1 for tail in tails)
    low = np.partition(lower, at_low, axis=0)[at_low] - _ROUNDING
    return low, _ROUNDING - np.partition(-upper, at_high, axis=0)[at_high]


def flipped_p(sums: Floats, seed: int = 0) -> Floats:
    """Return (m,) the two-sided p of a mean of 0: the share of sign patterns that reach the observed sum."""
    signs = sign_patterns(len(sums), seed)
    reach = np.abs(sums.sum(axis=0)) - _ROUNDING * np.abs(sums).sum(axis=0)
    out: Floats = np.count_nonzero(np.abs(signs @ sums) >= reach, axis=0) / float(len(signs))
    return out


def difference_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the possible range of a difference between two values of a measure."""
    low, high = bounds
    return low - high, high - low


Unit = Literal["passage", "document"]

PASSAGE: Unit = "passage"
DOCUMENT: Unit = "document"
UNITS: dict[Unit, str] = {PASSAGE: "these documents", DOCUMENT: "documents like these"}
"""Each unit of resampling with the population that a figure then speaks of."""

MIN_DOCUMENTS = 8
"""Documents from which a figure can speak of documents like these."""


@dataclass(frozen=True, slots=True)
class Population:
    """The population of a figure: its unit, and the number of the questions' documents, None if unknown."""

    unit: Unit
    documents: int | None

    @property
    def words(self) -> str:
        """The population in words, for a sentence."""
        if self.unit == DOCUMENT:
            return f"documents like these ({self.documents:,} seen)"
        return "questions about these documents"

    @property
    def caution(self) -> str:
        """What the figure cannot exclude, or ""."""
        if self.unit == DOCUMENT:
            return f"{self.documents:,} documents cannot exclude a rare kind that reverses the result"
        return ""

    def grouped(self, documents: Ints | None) -> Ints | None:
        """Return the documents of the questions where the figure speaks of documents like these, else None."""
        return documents if self.unit == DOCUMENT else None


def by_document(
    questions: Sequence[Question], unit: str | None = None, ids: Mapping[str, str] | None = None
) -> Ints | None:
    """Return the documents (n,) of questions where a figure about them speaks of documents like these, else None.

    `ids` maps the labels of documents, which lost passages carry, to their ids.
    """
    documents = document_groups(questions, ids)
    return population(documents, unit).grouped(documents)


def population(documents: Ints | None, unit: str | None = None) -> Population:
    """Return the population that questions of these documents (n,) can speak of, by default the wider one.

    Raises:
        SpecError: no such unit, or documents are asked for where there are fewer than 8 or nobody recorded them.
    """
    if unit is not None and unit not in UNITS:
        raise SpecError(f"the unit of resampling ({unit!r}) must be one of {', '.join(UNITS)}")
    n = None if documents is None else len(np.unique(documents))
    if unit == DOCUMENT and n is None:
        raise SpecError(
            "the unit of resampling (document) needs runs that say which document a question is about; "
            "evaluate the pipelines again, or choose passage"
        )
    if unit == DOCUMENT and n is not None and n < MIN_DOCUMENTS:
        raise SpecError(
            f"the unit of resampling (document) needs questions about at least {MIN_DOCUMENTS} documents, "
            f"not {n}; choose passage, or add questions about more documents"
        )
    wide = n is not None and n >= MIN_DOCUMENTS
    return Population(DOCUMENT if unit == DOCUMENT or (unit is None and wide) else PASSAGE, n)
