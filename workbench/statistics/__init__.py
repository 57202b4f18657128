"""Which differences between runs are real: intervals, paired comparisons, comparisons with the best, and power.

Values are arrays of one number a question (and run); whatever is random takes a seed and gives the same every time.
"""

from workbench.golden.passages import clusters
from workbench.statistics.comparisons import Comparison, compare, sign_flip
from workbench.statistics.planning import USUAL, Power, paired_sd, power_statement
from workbench.statistics.power import minimum_detectable_difference, questions_for_equivalence, questions_needed
from workbench.statistics.resampling import LEVEL, RESAMPLES, Interval, mean_intervals
from workbench.statistics.standings import MARGIN, Standing, Verdict, standings

__all__ = [
    "LEVEL",
    "MARGIN",
    "RESAMPLES",
    "USUAL",
    "Comparison",
    "Interval",
    "Power",
    "Standing",
    "Verdict",
    "clusters",
    "compare",
    "mean_intervals",
    "minimum_detectable_difference",
    "paired_sd",
    "power_statement",
    "questions_for_equivalence",
    "questions_needed",
    "sign_flip",
    "standings",
]
