"""Where an answer was lost: from the file to the hits a question's recall falls, in steps that are told apart.

    one = ladder(gold, lost, units, exact_hits, hits, k=5)
    one.recalls, one.losses           # R0 = 1 … R5; {"parse": …, "budget": …, …}, together 1 − recall

Everything here works on ranked spans that are given to it; `workbench.explanations` runs the retrievals.
"""

from workbench.anatomy.causes import CAUSES, DEEPER, ENOUGH, NEAR_DUPLICATE, Evidence, cause, near_duplicate
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
    "STEPS",
    "WHOLE",
    "Evidence",
    "GoldLine",
    "Ladder",
    "best_in_tokens",
    "best_units",
    "best_windows",
    "cause",
    "ladder",
    "near_duplicate",
    "picture",
    "state",
    "strip",
    "token_ladder",
    "within",
]
