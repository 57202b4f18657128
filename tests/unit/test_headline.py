"""The measure of all pages: what can be chosen, and what is said where another is shown."""

import pytest

from workbench.errors import RunError
from workbench.metrics import metric
from workbench.pipelines import Pipeline
from workbench.sweeps import METRIC
from workbench.ui import headline
from workbench.ui.experiments.evaluation import metrics
from workbench.ui.experiments.losses import _NAMES


def test_every_choice_is_a_measure_that_the_pages_measure_at_this_k() -> None:
    for k in (1, 7, 20):
        choices = headline.options(k)
        assert choices[0] == METRIC
        assert len(set(choices)) == len(choices)
        assert set(choices) <= set(metrics([Pipeline(k=k)]))
        assert f"mrr@{k}" in choices
        assert {metric(name).measure for name in metrics([Pipeline(k=k)])} <= set(_NAMES)
    assert "mrr@3" in headline.options(5, "mrr@3"), "what was chosen elsewhere stays"


def test_what_was_not_measured_is_replaced_and_that_is_said() -> None:
    assert headline.shown("mrr@5", ["recall@5", "mrr@5"]) == ("mrr@5", "")
    other, why = headline.shown("mrr@5", ["recall@5", METRIC])
    assert other == METRIC
    assert why == "mrr@5 was not measured here; shown is recall@1000tok (measured at 1,000 context tokens)."
    with pytest.raises(RunError, match="no measure in common, so mrr@5 cannot be shown; measure them again"):
        headline.shown("mrr@5", [])
    assert headline.shown("mrr@5", ["recall", "iou"])[0] == "recall", "chroma's have no budget in their names"


def test_two_measures_beside_each_other_say_why_they_differ() -> None:
    assert headline.differ(["recall@5", "recall@5"]) == ""
    assert headline.differ([METRIC, "recall@5"]) == (
        "recall@1000tok (measured at 1,000 context tokens) and recall@5 (measured at k = 5) look at different parts of "
        "a ranking."
    )


def test_definitions_stand_on_hover_and_chromas_have_none_of_ours() -> None:
    assert headline.definition("mrr@5") == metric("mrr@5").definition
    assert headline.definition("precision_omega").startswith("IoU of the passages")
    assert headline.definition("recall") == ""
