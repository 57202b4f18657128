"""Why answers were lost: a pipeline's hits on a golden set beside what other rankings, indexes and parsers find.

found = evaluate(corpus, questions, pipeline, store=store)
anatomy = explain(found, store)
anatomy.sentence()              # "of 0.31 lost recall, 0.04 parser, … : look at the ranking first"
anatomy.waterfall()             # a row for each step; anatomy.worst("ranking") lists its questions
findings(anatomy.causes(), pipeline, "5")   # why, in words, each with what to try next
picture_of(found, anatomy, 7)   # what the anatomy view draws of one question

`workbench.anatomy` holds the measures; here the retrievals are run that they are taken from.
"""

from workbench.explanations.anatomies import Anatomy, Explained, waterfall
from workbench.explanations.explaining import explain
from workbench.explanations.parsing import ORIGINS, Origin, origins
from workbench.explanations.remedies import Finding, Remedy, findings, remedy
from workbench.explanations.views import boundary_strips, picture_of

__all__ = [
    "ORIGINS",
    "Anatomy",
    "Explained",
    "Finding",
    "Origin",
    "Remedy",
    "boundary_strips",
    "explain",
    "findings",
    "origins",
    "picture_of",
    "remedy",
    "waterfall",
]
