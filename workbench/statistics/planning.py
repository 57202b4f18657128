"""What a golden set of some size can show, by how much a workspace's own runs differ from question to question."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from workbench.records import Run
from workbench.statistics.comparisons import MIN_QUESTIONS, compare
from workbench.statistics.power import POWER, minimum_detectable_difference

USUAL = 0.2, 0.4
"""Standard deviations of paired recall differences where a workspace has no runs yet: 0.14 to 0.41 were seen."""

_MOST = 40  # runs that are compared with each other


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest recall difference that `n` questions show, from `low` to `high`, for the spread `sd` from to.

    `assumed` is True where the spread is not the workspace's own.
    """

    n: int
    low: float
    high: float
    sd: tuple[float, float]
    assumed: bool
    sentence: str


def paired_sd(runs: Sequence[Run], measure: str = "recall") -> tuple[float, float] | None:
    """The standard deviation of paired differences between two of the runs: that of one pair in ten at most is below
    the first figure, and of one in ten above the second.

    Runs are paired where they share a golden set and a metric of this measure (the first that both have); pairs that
    do not differ at all tell nothing. None where no pair is left.
    """
    found: list[float] = []
    for a, b in combinations(runs[-_MOST:], 2):
        name = next((m for m in a.metrics if m.partition("@")[0] == measure and m in b.metrics), None)
        ids = [q.id for q in a.questions]
        if name is None or a.golden != b.golden or ids != [q.id for q in b.questions]:
            continue
        found.append(compare(a.column(name), b.column(name), a.clusters).sd)
    some = [sd for sd in found if sd > 0]  # NaN is not
    low, high = np.quantile(some, [0.1, 0.9]).tolist() if some else (0.0, 0.0)
    return (low, high) if some else None


def power_statement(n: int, runs: Sequence[Run] = ()) -> Power:
    """What `n` questions can show, as figures and as a sentence for people."""
    own = paired_sd(runs)
    low, high = own or USUAL
    if n < MIN_QUESTIONS:
        few = f"with {_questions(n)}" if n else "with no question yet"
        sentence = f"{few}, no difference can be told: at least {MIN_QUESTIONS} are needed to compare"
        return Power(n, 1.0, 1.0, (low, high), own is None, sentence)
    least, most = (min(1.0, minimum_detectable_difference(sd, n)) for sd in (low, high))
    words = f"{least:.2f}" if f"{least:.2f}" == f"{most:.2f}" else f"{least:.2f} to {most:.2f}"
    sentence = f"with {_questions(n)} you can see a recall difference of {words} or more ({POWER:.0%} power)"
    return Power(n, least, most, (low, high), own is None, sentence.replace("%", " %"))


def _questions(n: int) -> str:
    return f"{n:,} question" + ("" if n == 1 else "s")
