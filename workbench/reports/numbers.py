"""Figures as reports write them."""

import math

from workbench.statistics import Interval


def span(one: Interval) -> str:
    """`0.812 [0.760, 0.861]`."""
    return f"{one.mean:.3f} {ends(one.low, one.high)}".rstrip()


def ends(low: float | None, high: float | None) -> str:
    """`[0.760, 0.861]`, "" where they cannot be known."""
    known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
    return f"[{low:.3f}, {high:.3f}]".replace("-", "−") if known else ""
