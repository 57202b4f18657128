"""The rules of version 1.0.0 beside today's, so that `calibration` shows what changed: bootstrap, Hsu, sign flips."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 600


def resampled(values: Floats, rng: np.random.Generator) -> Floats:
    """Return (resamples, m) means of questions drawn with replacement. Efron 1979."""
    n = len(values)
    return rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) @ values / n


def interval(values: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the percentile interval of each column's mean."""
    low, high = np.quantile(resampled(values, rng), [0.025, 0.975], axis=0)
    return low, high


def sign_p(d: Floats, rng: np.random.Generator) -> float:
    """Return the two-sided p of the sign-flip test over questions."""
    signs = 2.0 * rng.integers(2, size=(RESAMPLES, len(d)), dtype=np.int8) - 1
    reached = np.abs(signs @ d) >= abs(d.sum()) - 1e-9
    return float((reached.sum() + 1) / (RESAMPLES + 1))


def verdicts(values: Floats, margin: float, rng: np.random.Generator) -> list[str]:
    """Return each run's verdict by multiple comparisons with the best (Hsu 1996), floor: any difference seen."""
    from scipy.special import ndtri, stdtrit

    n, m = values.shape
    means = values.mean(axis=0)
    apart = means[:, None] - means
    residuals = (values - means) / n
    covariance = n / (n - 1) * residuals.T @ residuals
    own = covariance.diagonal()
    squares = np.maximum(own[:, None] + own - 2 * covariance, 0)
    squares[squares < 1e-24] = 0
    wide = squares + 2 * ((values.max(axis=1) - values.min(axis=1)).max() / n) ** 2
    np.fill_diagonal(wide, 0)
    centred = resampled(values, rng) - means
    scale = np.where(squares > 0, np.sqrt(squares), np.inf)
    usual = float(ndtri(0.975))
    critical = [np.quantile((np.abs(centred[:, [i]] - centred) / scale[i]).max(axis=1), 0.95) for i in range(m)]
    reach = (np.maximum(critical, usual) * stdtrit(n - 1, 0.975) / usual)[:, None] * np.sqrt(wide)
    itself = np.eye(m, dtype=np.bool_)
    most = np.where(itself, np.inf, apart + reach).min(axis=1)
    out = most < -1e-12
    least = np.where(itself | out[None, :], np.inf, apart - reach.T).min(axis=1)
    low, high = np.minimum(np.where(np.isinf(least), 0, least), 0), np.maximum(most, 0)

    def verdict(i: int) -> str:
        if not out[i] and out.sum() == m - 1:
            return "best"
        if -margin <= low[i] and high[i] <= margin:
            return "equivalent"
        return "ruled out" if out[i] else "not settled"

    return [verdict(i) for i in range(m)]
