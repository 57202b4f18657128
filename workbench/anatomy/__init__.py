"""Where an answer was lost: from the file to the hits a question's recall falls, in steps that are told apart.

    one = ladder(gold, lost, units, exact_hits, hits, k=5)
    one.recalls, one.losses           # R0 = 1 … R5; {"parse": …, "budget": …, …}, together 1 − recall

Everything here works on ranked spans that are given to it; `workbench.explanations` runs the retrievals.
"""

from workbench.anatomy.causes import (
    CAUSES,
    DEEPER,
    ENOUGH,
    NEAR_DUPLICATE,
    PASSAGE,
    Evidence,
    Joined,
    cause,
    near_duplicate,
    step_of,
)
from workbench.anatomy.covers import GoldLine, best_in_tokens, best_units, best_windows
from workbench.anatomy.ladders import STEPS, Ladder, ladder, token_ladder, within
from workbench.anatomy.pictures import CUT, MISSED, WHOLE, picture, state, strip

__all__ = [
    "CAUSES",
    "CUT",
    "DEEPER",
    "ENOUGH",
    "MISSED",
    "NEAR_DUPLICATE",
    "PASSAGE",
    "STEPS",
    "WHOLE",
    "Evidence",
    "GoldLine",
    "Joined",
    "Ladder",
    "best_in_tokens",
    "best_units",
    "best_windows",
    "cause",
    "ladder",
    "near_duplicate",
    "picture",
    "state",
    "step_of",
    "strip",
    "token_ladder",
    "within",
]
