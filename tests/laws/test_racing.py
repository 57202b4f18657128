"""Races name no configuration that measuring all of them rules out; and what they drop, they drop by their rules."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.statistics import standings
from workbench.sweeps.bounds import errors, leads, looks, rank_agreement, spread
from workbench.sweeps.races import PILOTS, RISK, Race

ORDERS = 500


class Recorded:
    """A track over values that were recorded; counts what it was asked for."""

    def __init__(self, exact: NDArray[np.float64], preview: NDArray[np.float64] | None = None) -> None:
        self.values, self.previews = exact, preview
        self.measured: set[int] = set()
        self.asked = 0

    def has_preview(self, candidate: int) -> bool:
        return self.previews is not None

    def is_cheap(self, candidate: int) -> bool:
        return self.previews is None

    def preview(self, candidate: int, questions: NDArray[np.int64]) -> NDArray[np.float64]:
        assert self.previews is not None
        return self.previews[candidate, questions]

    def exact(self, candidate: int, questions: NDArray[np.int64]) -> NDArray[np.float64]:
        self.measured.add(candidate)
        self.asked += len(questions)
        return self.values[candidate, questions]


@cache
def recorded(name: str) -> dict[str, NDArray[np.float64]]:
    data = json.loads(Path(__file__).with_name(f"race_{name}.json").read_text())
    return {key: np.array(data[key]) for key in ("exact", "preview", "places", "clusters")}


@cache
def ruled_out(name: str) -> frozenset[int]:
    """What the full factorial rules out."""
    data = recorded(name)
    found = standings(data["exact"].T, data["clusters"].astype(np.int64))
    return frozenset(s.run for s in found if s.verdict == "ruled out")


def finished(track: Recorded, places: NDArray[np.float64], seed: int) -> Race:
    race = Race(track, places, track.values.shape[1], seed)
    for _ in race:
        pass
    return race


@pytest.mark.parametrize("name, previews", [("half", True), ("short", True), ("half", False)])
def test_a_race_rarely_names_what_is_not_the_best(name: str, previews: bool) -> None:
    """Over 500 question orders, and as many orders of the candidates, so that the pilots differ too."""
    data = recorded(name)
    means = data["exact"].mean(axis=1)
    wrong = beaten = measured = 0
    for seed in range(ORDERS):
        turned = np.random.default_rng(seed).permutation(len(means))
        track = Recorded(data["exact"][turned], data["preview"][turned] if previews else None)
        race = finished(track, data["places"][turned], seed)
        leader = race.standing().leader
        assert leader is not None
        wrong += int(turned[leader]) in ruled_out(name)
        beaten += bool(means[turned[leader]] < means.max() - 1e-9)
        measured += len(track.measured)
    assert wrong <= RISK * ORDERS
    assert beaten <= RISK * ORDERS
    if name == "half":
        assert not previews or measured < 0.5 * ORDERS * len(means)


def test_what_is_left_out_is_left_out_by_its_bounds() -> None:
    data = recorded("half")
    n = data["exact"].shape[1]
    for seed in range(20):
        race = finished(Recorded(data["exact"], data["preview"]), data["places"], seed)
        standing = race.standing(with_agreement=True)
        assert standing.finished
        assert standing.leader is not None
        assert standing.errors is not None
        best = standing.cells[standing.leader].exact
        assert best is not None
        assert len(race.pilots) == PILOTS
        for c, cell in enumerate(standing.cells):
            assert cell.state in ("exact", "left out")
            if cell.state == "exact":
                assert cell.exact == pytest.approx(data["exact"][c].mean())
                assert cell.asked == n
            else:
                assert cell.reason
                if f"all {n} questions" in cell.reason:
                    assert data["preview"][c].mean() < best
        assert standing.agreement is not None
        assert -1 <= standing.agreement.low <= standing.agreement.rho <= standing.agreement.high <= 1


def test_with_a_tolerance_fewer_are_measured_and_little_is_lost() -> None:
    data = recorded("half")
    means = data["exact"].mean(axis=1)
    measured = []
    for tolerance in (0.0, 0.05):
        track = Recorded(data["exact"], data["preview"])
        race = Race(track, data["places"], data["exact"].shape[1], 1, tolerance=tolerance)
        assert list(race)
        leader = race.standing().leader
        assert leader is not None
        assert means[leader] >= means.max() - tolerance - 1e-9
        measured.append(len(track.measured))
    assert measured[1] < measured[0]


def test_a_race_can_be_left_at_any_step_with_the_best_known() -> None:
    data = recorded("half")
    race = Race(Recorded(data["exact"], data["preview"]), data["places"], data["exact"].shape[1], 3)
    stages: list[str] = []
    for stage in race:
        stages.append(stage)
        standing = race.standing()
        assert standing.leader is not None
        states = {cell.state for cell in standing.cells}
        shown = [c.exact if "exact" in states else c.preview for c in standing.cells]
        assert shown[standing.leader] == max(v for v in shown if v is not None)
    assert [s for i, s in enumerate(stages) if s not in stages[:i]] == ["surface", "pilots", "looks", "finals"]


def test_a_candidate_without_preview_is_always_measured() -> None:
    data = recorded("half")

    class Mixed(Recorded):
        def has_preview(self, candidate: int) -> bool:
            return candidate % 7 > 0

    track = Mixed(data["exact"], data["preview"])
    finished(track, data["places"], 0)
    assert set(range(0, len(data["exact"]), 7)) <= track.measured


@pytest.mark.parametrize("n", [20, 40, 64])
def test_the_lead_on_a_part_of_the_questions_holds_for_all(n: int) -> None:
    """The lower bound lies above the mean of all questions in no more than the risk, at skewed values too."""
    data = recorded("half")["exact"]
    rng = np.random.default_rng(7)
    over = total = 0
    for a, b in rng.integers(0, len(data), (40, 2)):
        apart = data[a] - data[b]
        parts = np.stack([rng.permutation(apart)[:n] for _ in range(100)])
        over += int((leads(parts, len(apart), RISK) > apart.mean() + 1e-9).sum())
        total += 100
    assert over <= RISK * total


def test_errors_are_bounded_by_a_prediction_and_by_the_largest_seen() -> None:
    rng = np.random.default_rng(0)
    held = np.mean([errors(e[:6], e[:0], 0.05).upper >= e[6] for e in rng.normal(0.02, 0.01, (4000, 7))])
    assert held >= 0.94  # the largest that was seen makes it a little wider than 95 %
    assert errors(np.zeros(6), np.array([0.2]), 0.05).upper == 0.2
    assert errors(np.zeros(1), np.zeros(0), 0.05).upper == np.inf


def test_agreement_of_ranks_is_spearmans() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    exact = rng.random((12, 40)) + np.linspace(0, 1, 12)[:, None]
    preview = exact + rng.normal(0, 0.5, exact.shape)
    found = rank_agreement(preview, exact)
    assert found is not None
    assert found.rho == pytest.approx(spearmanr(preview.mean(axis=1), exact.mean(axis=1)).statistic)
    assert found.low < found.rho <= found.high
    assert rank_agreement(preview[:2], exact[:2]) is None


def test_a_spread_is_coarse_first() -> None:
    line = np.arange(9.0)[:, None] / 8
    assert spread(line, 4) == [4, 0, 8, 2, 6, 1, 3, 5, 7]
    assert spread(line, 4, [4, 5, 8]) == [4, 8, 5]


def test_looks_double_and_end_with_all() -> None:
    assert looks(100, (0.25, 0.5), 20) == [25, 50, 100]
    assert looks(30, (0.25, 0.5), 20) == [20, 30]
    assert looks(8, (0.25, 0.5), 20) == [8]
