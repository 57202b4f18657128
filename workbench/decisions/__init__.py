"""RAG, fine-tuning or both: an audit whose scoring is open, what follows from it, and what it costs.

verdict = audit(answers)      # answers: question → name of an answer; `known(facts)` has those that were measured
verdict.sentence, [flip.sentence for flip in flips(answers)]
"""

from workbench.decisions.audit import (
    ENOUGH,
    FORBIDDEN,
    QUESTIONS,
    WORDS,
    Answer,
    Asked,
    Flip,
    Verdict,
    audit,
    flips,
    sensitivity,
)
from workbench.decisions.costs import Cost, CostInputs, break_even, yearly
from workbench.decisions.dimensions import Dimension, dimensions
from workbench.decisions.facts import Facts, Known, beside, facts_of, known
from workbench.decisions.plans import EXCLUSIONS, Mistake, mistakes, proof_plan
from workbench.decisions.presets import LABEL, PRESETS, Preset, Suggestion, suggest
from workbench.decisions.prompts import PROMPTS, Context, Prompt, filled

__all__ = [
    "ENOUGH",
    "EXCLUSIONS",
    "FORBIDDEN",
    "LABEL",
    "PRESETS",
    "PROMPTS",
    "QUESTIONS",
    "WORDS",
    "Answer",
    "Asked",
    "Context",
    "Cost",
    "CostInputs",
    "Dimension",
    "Facts",
    "Flip",
    "Known",
    "Mistake",
    "Preset",
    "Prompt",
    "Suggestion",
    "Verdict",
    "audit",
    "beside",
    "break_even",
    "dimensions",
    "facts_of",
    "filled",
    "flips",
    "known",
    "mistakes",
    "proof_plan",
    "sensitivity",
    "suggest",
    "yearly",
]
