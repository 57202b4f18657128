"""Fine-tuning by evidence: an adapter learned from a golden set, and what it gains on passages that it did not see.

of = material(corpus, questions, pipeline, store=store)
curve = learning_curve(of)                       # seconds; curve.sentence says whether it pays
better = with_adapter(pipeline, learn_adapter(of))
"""

from workbench.adaptation.dataset import (
    DISTANCE,
    Fold,
    Material,
    grouped_folds,
    material,
    random_folds,
    usable_examples,
    without_adapter,
)
from workbench.adaptation.fine_tuning import FineTuning, FineTuningCost, fine_tuned, fine_tuning_cost, save_fine_tuned
from workbench.adaptation.learning_curve import (
    FOLDS,
    LEAST,
    MATTERS,
    SIZES,
    Curve,
    Learner,
    Point,
    Trained,
    examples_needed,
    learning_curve,
    linear,
)
from workbench.adaptation.linear_adapter import RIDGES, TEMPERATURE, Learned, learn, learn_adapter, with_adapter

__all__ = [
    "DISTANCE", "FOLDS", "LEAST", "MATTERS", "RIDGES", "SIZES", "TEMPERATURE", "Curve", "FineTuning", "FineTuningCost",
    "Fold", "Learned", "Learner", "Material", "Point", "Trained", "examples_needed", "fine_tuned", "fine_tuning_cost",
    "grouped_folds", "learn", "learn_adapter", "learning_curve", "linear", "material", "random_folds",
    "save_fine_tuned", "usable_examples", "with_adapter", "without_adapter",
]  # fmt: skip
