"""Where and why answers were lost: from the file to the hits a question's recall falls, step by step.

found = evaluate(corpus, questions, pipeline, store=store)
anatomy = explain(found, store)
anatomy.sentence()              # "of 0.31 lost recall, 0.04 parser, … : look at the ranking first"
anatomy.waterfall()             # a row for each step; anatomy.worst("ranking") lists its questions
findings(anatomy.causes(), pipeline, "5")   # why, in words, each with what to try next
picture_of(found, anatomy, 7)   # what the anatomy view draws of one question

`loss_ladder`, `best_cover` and `causes` measure ranked spans that are given to them; `rankings` and `explanation` run
the retrievals that they compare.
"""

from workbench.anatomy.best_cover import GoldLine, best_in_tokens, best_units, best_windows
from workbench.anatomy.causes import (
    CAUSES,
    ORIGINS,
    PASSAGE,
    Evidence,
    Joined,
    cause,
    near_duplicate,
    origins,
    step_of,
)
from workbench.anatomy.explanation import explain
from workbench.anatomy.loss_ladder import STEPS, ladder, token_ladder, within
from workbench.anatomy.losses import Anatomy, Explained, waterfall
from workbench.anatomy.remedies import Remedy, findings, remedy
from workbench.anatomy.views import CUT, MISSED, WHOLE, boundary_strips, picture, picture_of, state, strip

__all__ = [
    "CAUSES",
    "CUT",
    "MISSED",
    "ORIGINS",
    "PASSAGE",
    "STEPS",
    "WHOLE",
    "Anatomy",
    "Evidence",
    "Explained",
    "GoldLine",
    "Joined",
    "Remedy",
    "best_in_tokens",
    "best_units",
    "best_windows",
    "boundary_strips",
    "cause",
    "explain",
    "findings",
    "ladder",
    "near_duplicate",
    "origins",
    "picture",
    "picture_of",
    "remedy",
    "state",
    "step_of",
    "strip",
    "token_ladder",
    "waterfall",
    "within",
]
