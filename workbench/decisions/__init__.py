"""RAG, fine-tuning or both: an audit whose rules are open, what follows from it, and what it costs.

verdict = audit(answers)      # answers: question → name of an answer; `beside(facts)` has what helps to give them
verdict.sentence, contradictions(answers), carriers(answers)
"""

from workbench.decisions.audit import (
    KNOWLEDGE,
    RULES,
    TRAINABLE,
    WORDS,
    Contradiction,
    Rule,
    Verdict,
    audit,
    contradictions,
    looks_up,
)
from workbench.decisions.carriers import Carrier, Flip, carriers, flips, sensitivity
from workbench.decisions.costs import RANGE, Cost, CostInputs, Driver, break_even, cheaper, drivers, yearly
from workbench.decisions.dimensions import Dimension, dimensions
from workbench.decisions.facts import Facts, beside, facts_of
from workbench.decisions.plans import EXCLUSIONS, Mistake, mistakes, proof_plan
from workbench.decisions.presets import LABEL, PRESETS, Preset, Suggestion, suggest
from workbench.decisions.prompts import PROMPTS, Context, Prompt, filled
from workbench.decisions.questions import QUESTIONS, Answer, Asked

__all__ = [
    "EXCLUSIONS",
    "KNOWLEDGE",
    "LABEL",
    "PRESETS",
    "PROMPTS",
    "QUESTIONS",
    "RANGE",
    "RULES",
    "TRAINABLE",
    "WORDS",
    "Answer",
    "Asked",
    "Carrier",
    "Context",
    "Contradiction",
    "Cost",
    "CostInputs",
    "Dimension",
    "Driver",
    "Facts",
    "Flip",
    "Mistake",
    "Preset",
    "Prompt",
    "Rule",
    "Suggestion",
    "Verdict",
    "audit",
    "beside",
    "break_even",
    "carriers",
    "cheaper",
    "contradictions",
    "dimensions",
    "drivers",
    "facts_of",
    "filled",
    "flips",
    "looks_up",
    "mistakes",
    "proof_plan",
    "sensitivity",
    "suggest",
    "yearly",
]
