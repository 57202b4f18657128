"""Which differences between runs are real: intervals, paired comparisons, verdicts over many runs, and power.

Values are arrays of one number per question (and run); whatever is random takes a seed and gives the same every time.
"""

from workbench.golden.passages import clusters
from workbench.statistics.comparisons import MIN_QUESTIONS, Comparison, compare
from workbench.statistics.forecast import CONFIDENCE, MOST_TIMES, RELIABLE_FROM, questions_to_settle
from workbench.statistics.gate import Sight, sight
from workbench.statistics.intervals import LEVEL, TAIL, UNIT_RANGE, Interval, mean_intervals
from workbench.statistics.planning import USUAL, Power, paired_sd, power_statement
from workbench.statistics.population import DOCUMENT, MIN_DOCUMENTS, PASSAGE, UNITS, Population, by_document, population
from workbench.statistics.power import minimum_detectable_difference, questions_for_equivalence, questions_needed
from workbench.statistics.standings import MARGIN, WORDS, Standing, Verdict, standings

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
    "UNIT_RANGE",
    "USUAL",
    "WORDS",
    "Comparison",
    "Interval",
    "Population",
    "Power",
    "Sight",
    "Standing",
    "Verdict",
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
