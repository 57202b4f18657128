"""Which differences between runs are real: intervals, paired comparisons, verdicts over many runs, and power.

Values are arrays of one number per question (and run); whatever is random takes a seed and gives the same every time.
"""

from workbench.golden.clusters import clusters
from workbench.statistics.comparisons import (
    MARGIN,
    MIN_QUESTIONS,
    WORDS,
    Comparison,
    Standing,
    compare,
    standings,
)
from workbench.statistics.forecast import CONFIDENCE, MOST_TIMES, RELIABLE_FROM, questions_to_settle
from workbench.statistics.intervals import (
    DOCUMENT,
    LEVEL,
    MIN_DOCUMENTS,
    PASSAGE,
    TAIL,
    UNITS,
    Interval,
    Population,
    by_document,
    mean_intervals,
    population,
)
from workbench.statistics.power import (
    Sight,
    minimum_detectable_difference,
    paired_sd,
    power_statement,
    questions_for_equivalence,
    questions_needed,
    sight,
)

__all__ = [
    "CONFIDENCE",
    "DOCUMENT",
    "LEVEL",
    "MARGIN",
    "MIN_DOCUMENTS",
    "MIN_QUESTIONS",
    "MOST_TIMES",
    "PASSAGE",
    "RELIABLE_FROM",
    "TAIL",
    "UNITS",
    "WORDS",
    "Comparison",
    "Interval",
    "Population",
    "Sight",
    "Standing",
    "by_document",
    "clusters",
    "compare",
    "mean_intervals",
    "minimum_detectable_difference",
    "paired_sd",
    "population",
    "power_statement",
    "questions_for_equivalence",
    "questions_needed",
    "questions_to_settle",
    "sight",
    "standings",
]
