"""Figures as reports write them."""

import math

from workbench.statistics import Interval


def span(one: Interval) -> str:
    """`0.812 [0.760, 0.861]`."""
    return f"{one.mean:.3f} {ends(one.low, one.high)}".rstrip()


def count(n: int, things: str) -> str:
    """`1 question`, `1,204 questions` for "questions"."""
    return f"1 {things.removesuffix('s')}" if n == 1 else f"{n:,} {things}"


def ends(low: float | None, high: float | None) -> str:
    """`[0.760, 0.861]`, "" where they cannot be known."""
    known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
    return f"[{low:.3f}, {high:.3f}]".replace("-", "−") if known else ""
