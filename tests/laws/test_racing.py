"""Races name no configuration that measuring all of them rules out; and what they drop, they drop by their rules."""

import json
from collections.abc import Sequence
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.statistics import standings
from workbench.sweeps.race_state import BUDGET, PILOTS, RISK, Race, RaceRules
from workbench.sweeps.race_statistics import errors, farthest, leads, looks, rank_agreement, resolution, spread

ORDERS = 500


class Recorded:
    """A track over values that were recorded; counts what it was asked for.

    `new` (n, n) is what a candidate costs once another is known, its diagonal what it costs by itself.
    """

    def __init__(
        self,
        exact: NDArray[np.float64],
        preview: NDArray[np.float64] | None = None,
        new: NDArray[np.float64] | None = None,
    ) -> None:
        self.values, self.previews = exact, preview
        self.new = np.ones((len(exact), len(exact))) if new is None else new
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

    def price(self, candidate: int, measured: Sequence[int]) -> float:
        return 0.0 if self.previews is None else float(self.new[candidate, [candidate, *measured]].min())


@cache
def recorded(name: str) -> dict[str, NDArray[np.float64]]:
    if (file := Path(__file__).with_name(f"race_{name}.npz")).exists():
        with np.load(file) as data:
            return {key: values / 1e4 if key in ("exact", "preview") else values for key, values in data.items()}
    data = json.loads(file.with_suffix(".json").read_text())
    return {key: np.array(data[key]) for key in ("exact", "preview", "places", "clusters")}


@cache
def ruled_out(name: str) -> frozenset[int]:
    """What the full factorial rules out."""
    data = recorded(name)
    found = standings(data["exact"].T, data["clusters"].astype(np.int64))
    return frozenset(s.run for s in found if s.verdict == "ruled out")


BEST: dict[str, Any] = {"tolerance": 0.0, "budget": inf}
"""Goes on until the best mean on these questions is found."""


def finished(
    track: Recorded, places: NDArray[np.float64], seed: int, before: float = 0.0, clusters: Any = None, **settings: Any
) -> Race:
    race = Race(track, places, track.values.shape[1], RaceRules(seed, **(settings or BEST)), clusters)
    race.spent = before
    for _ in race:
        pass
    return race


def turned(name: str, seed: int, previews: bool = True) -> tuple[NDArray[np.int64], Recorded, NDArray[np.float64]]:
    """The candidates in another order, so that the pilots differ too, and their places."""
    data = recorded(name)
    order = np.random.default_rng(seed).permutation(len(data["exact"]))
    new = data["new"][np.ix_(order, order)] if "new" in data else None
    return (
        order,
        Recorded(data["exact"][order], data["preview"][order] if previews else None, new),
        data["places"][order],
    )


@pytest.mark.parametrize("name, previews", [("half", True), ("short", True), ("half", False), ("minilm", True)])
def test_a_race_for_the_best_rarely_names_another(name: str, previews: bool) -> None:
    """Over 500 question orders, and as many orders of the candidates."""
    means = recorded(name)["exact"].mean(axis=1)
    wrong = beaten = measured = 0
    for seed in range(ORDERS):
        order, track, places = turned(name, seed, previews)
        leader = finished(track, places, seed).standing().leader
        assert leader is not None
        wrong += int(order[leader]) in ruled_out(name)
        beaten += bool(means[order[leader]] < means.max() - 1e-9)
        measured += len(track.measured)
    assert wrong <= RISK * ORDERS
    assert beaten <= RISK * ORDERS
    if name == "half":
        assert not previews or measured < 0.5 * ORDERS * len(means)


@pytest.mark.parametrize("name, budget", [("half", BUDGET), ("short", BUDGET), ("minilm", BUDGET), ("minilm", inf)])
def test_a_race_rarely_names_what_the_full_factorial_rules_out(name: str, budget: float) -> None:
    """As a page races: what the questions cannot tell apart, and what the budget does not reach, is not measured."""
    wrong, spent = 0, []
    for seed in range(ORDERS):
        order, track, places = turned(name, seed)
        race = finished(
            track, places, seed, budget=budget, before=0.02 * track.new.diagonal().sum(), clusters=clustered(name)
        )
        standing = race.standing()
        assert standing.finished
        assert standing.leader is not None
        wrong += int(order[standing.leader]) in ruled_out(name)
        spent.append(standing.spent)
        assert len(track.measured) == PILOTS or standing.spent <= budget
    assert wrong <= RISK * ORDERS
    if name == "minilm":
        assert np.mean(spent) < (0.1 if budget <= BUDGET else 0.4)


def clustered(name: str) -> NDArray[np.int64]:
    return recorded(name)["clusters"].astype(np.int64)


def test_what_could_be_better_and_was_not_measured_is_not_decided() -> None:
    for seed in range(20):
        _, track, places = turned("minilm", seed)
        race = finished(track, places, seed, budget=0.15, clusters=clustered("minilm"))
        standing = race.standing()
        assert standing.leader is not None
        assert standing.errors is not None
        best = track.values[standing.leader].mean()
        beyond = 0
        for c, cell in enumerate(standing.cells):
            assert (cell.state == "exact") == (c in track.measured)
            hope = track.previews[c].mean() + standing.errors.upper if track.previews is not None else 0
            if cell.state == "not decided":
                assert hope >= best - 1e-9
                least = resolution((track.previews[c] - track.values[standing.leader])[None], clustered("minilm"))
                short = "budget" in cell.reason
                assert short == (hope - best > least[0])
                beyond += short
            elif cell.state == "left out" and "all" in cell.reason:
                assert hope < best + 1e-9
        assert standing.beyond == beyond


def test_a_difference_that_is_not_resolved_is_never_ruled_out() -> None:
    data = recorded("minilm")
    exact, of = data["exact"], clustered("minilm")
    found = standings(exact.T, of)
    best = int(exact.mean(axis=1).argmax())
    apart = exact[best] - exact
    near = apart.mean(axis=1) <= resolution(apart, of)
    assert 0 < near.sum() < len(near)
    assert not {s.run for s in found if s.verdict == "ruled out"} & set(np.flatnonzero(near).tolist())
    assert resolution(apart[:2], np.zeros(len(of), np.int64)).tolist() == [inf, inf]


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
        leader = finished(track, data["places"], 1, tolerance=tolerance, budget=inf).standing().leader
        assert leader is not None
        assert means[leader] >= means.max() - tolerance - 1e-9
        measured.append(len(track.measured))
    assert measured[1] < measured[0]


def test_a_race_can_be_left_at_any_step_with_the_best_known() -> None:
    data = recorded("half")
    race = Race(Recorded(data["exact"], data["preview"]), data["places"], data["exact"].shape[1], RaceRules(3, **BEST))
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


def test_the_farthest_are_those_that_lie_so_far_from_all_chosen() -> None:
    line = np.arange(9.0)[:, None] / 8
    assert farthest(line, [0], range(1, 9)) == [8]
    assert farthest(line, [0], range(1, 9), 0.75) == [6, 7, 8]
    assert farthest(line, [0, 8], range(1, 8), 0.75) == [3, 4, 5]


def test_pilots_lie_apart_and_cost_little() -> None:
    _, track, places = turned("minilm", 0)
    race = finished(track, places, 0, budget=0.0)
    assert set(race.pilots) == track.measured
    apart = np.sqrt(np.square(places[race.pilots][:, None] - places[race.pilots]).sum(axis=2))
    assert apart[~np.eye(PILOTS, dtype=bool)].min() > 0.2
    assert track.new.diagonal()[race.pilots].sum() < 0.95 * PILOTS * track.new.diagonal().mean()


def test_looks_double_and_end_with_all() -> None:
    assert looks(100, (0.25, 0.5), 20) == [25, 50, 100]
    assert looks(30, (0.25, 0.5), 20) == [20, 30]
    assert looks(8, (0.25, 0.5), 20) == [8]


def test_a_pilot_that_is_being_measured_says_nothing_of_the_preview_yet() -> None:
    rng = np.random.default_rng(5)
    exact = rng.random((8, 40))
    seen: list[Any] = []

    class Watched(Recorded):
        def exact(self, candidate: int, questions: NDArray[np.int64]) -> NDArray[np.float64]:
            seen.append(going.standing().errors)
            return super().exact(candidate, questions)

    going = Race(Watched(exact, exact - 0.1), rng.random((8, 2)), 40, RaceRules(budget=inf))
    list(going)
    assert seen[0] is None
    assert [errors.n for errors in seen[1:]] == list(range(1, len(seen)))
    assert [errors.mean for errors in seen[1:]] == pytest.approx([0.1] * (len(seen) - 1))
