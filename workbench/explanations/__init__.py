"""Why answers were lost: a pipeline's hits on a golden set beside what other rankings, indexes and parsers find.

found = evaluate(corpus, questions, pipeline, store=store)
anatomy = explain(found, store)
anatomy.sentence()              # "of 0.31 lost recall, 0.04 parser, … : look at the ranking first"
anatomy.waterfall()             # a row for each step; anatomy.worst("ranking") lists its questions
picture_of(found, anatomy, 7)   # what the anatomy view draws of one question

`workbench.anatomy` holds the measures; here the retrievals are run that they are taken from.
"""

from workbench.explanations.anatomies import Anatomy, Explained, waterfall
from workbench.explanations.explaining import explain
from workbench.explanations.parsing import ORIGINS, Origin, origins
from workbench.explanations.views import boundary_strips, picture_of

__all__ = [
    "ORIGINS",
    "Anatomy",
    "Explained",
    "Origin",
    "boundary_strips",
    "explain",
    "origins",
    "picture_of",
    "waterfall",
]
