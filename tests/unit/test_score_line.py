"""The Bench's line about the golden set: a better score has a plus, a worse one a minus, each against what is named."""

import numpy as np
import pytest

from workbench.pipelines import Pipeline
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.ui.golden_score import Score, _figures, _signed

QUESTIONS = tuple(
    Question(f"q{i}", f"Which pump is number {i}?", (Reference(Span("d", 10 * i, 10 * i + 5), "12345"),))
    for i in range(12)
)


def score(value: float, tokens: float) -> Score:
    values = np.full(len(QUESTIONS), value)
    seen = (False,) * len(QUESTIONS)
    return Score(Pipeline(), QUESTIONS, "recall@1000tok", values, tokens, "exact", seen, True, {"d": "d"})


def test_the_change_is_what_is_now_less_what_was_before() -> None:
    good, poor = score(0.75, 900), score(0.5, 1_200)
    better, worse = _figures(good, poor, "A"), _figures(poor, good, "A")
    assert "<b>0.75</b> (+0.25" in better
    assert "<b>900</b> tokens per query (−300)" in better
    assert "<b>0.50</b> (−0.25" in worse
    assert "<b>1,200</b> tokens per query (+300)" in worse
    assert better.endswith("against A")


def test_without_a_score_before_there_is_no_change() -> None:
    assert "(" not in _figures(score(0.5, 100)).replace("(12", "")


@pytest.mark.parametrize("value, text", [(0.254, "+0.25"), (-0.254, "−0.25"), (0.004, "0.00"), (-0.004, "0.00")])
def test_a_number_with_its_sign(value: float, text: str) -> None:
    assert _signed(value) == text
