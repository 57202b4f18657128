"""RAG, fine-tuning or both: an audit whose rules are open, what follows from it, and what it costs.

verdict = audit(answers)      # answers: question → name of an answer; `beside(facts)` has what helps to give them
verdict.sentence, contradictions(answers), carriers(answers)
"""

from workbench.decisions.advice import (
    EXCLUSIONS,
    PROMPTS,
    Context,
    Dimension,
    Mistake,
    Prompt,
    dimensions,
    filled,
    mistakes,
    proof_plan,
)
from workbench.decisions.audit import (
    QUESTIONS,
    RULES,
    TRAINABLE,
    WORDS,
    Answer,
    Asked,
    Carrier,
    Contradiction,
    Flip,
    Rule,
    Verdict,
    audit,
    carriers,
    contradictions,
    flips,
    looks_up,
    sensitivity,
)
from workbench.decisions.costs import RANGE, Cost, CostInputs, Driver, break_even, cheaper, drivers, yearly
from workbench.decisions.facts import Facts, beside, facts_of
from workbench.decisions.presets import LABEL, PRESETS, Preset, Suggestion, suggest

__all__ = [
    "EXCLUSIONS", "LABEL", "PRESETS", "PROMPTS", "QUESTIONS", "RANGE", "RULES", "TRAINABLE", "WORDS", "Answer", "Asked",
    "Carrier", "Context", "Contradiction", "Cost", "CostInputs", "Dimension", "Driver", "Facts", "Flip", "Mistake",
    "Preset", "Prompt", "Rule", "Suggestion", "Verdict", "audit", "beside", "break_even", "carriers", "cheaper",
    "contradictions", "dimensions", "drivers", "facts_of", "filled", "flips", "looks_up", "mistakes", "proof_plan",
    "sensitivity", "suggest", "yearly",
]  # fmt: skip
