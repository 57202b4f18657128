"""What statistics refuse, each with one clear line."""

import numpy as np
import pytest

from workbench.errors import SpecError
from workbench.statistics import (
    minimum_detectable_difference,
    questions_for_equivalence,
    questions_needed,
    standings,
)


def test_standings_need_two_runs_and_a_margin() -> None:
    with pytest.raises(SpecError, match="at least two runs"):
        standings(np.ones((3, 1)), np.arange(3))
    for margin in (0.0, -0.1, float("nan")):
        with pytest.raises(SpecError, match="margin"):
            standings(np.ones((3, 2)), np.arange(3), margin=margin)


def test_power_refuses_what_makes_no_sense() -> None:
    with pytest.raises(SpecError, match="at least 1"):
        minimum_detectable_difference(0.2, 0)
    for sd in (-1.0, float("nan"), float("inf")):
        with pytest.raises(SpecError, match="standard deviation"):
            questions_needed(sd, 0.1)
    with pytest.raises(SpecError, match="difference"):
        questions_needed(0.2, 0)
    with pytest.raises(SpecError, match="margin"):
        questions_for_equivalence(0.2, -0.1)
    for power in (0.0, 1.0):
        with pytest.raises(SpecError, match="power"):
            questions_needed(0.2, 0.1, power=power)


def test_never_is_a_large_number() -> None:
    assert questions_needed(1, 1e-9) == 10**9
