"""Laws of intervals, paired comparisons and standings; false verdicts counted in seeded simulations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.statistics import (
    clusters,
    compare,
    mean_intervals,
    minimum_detectable_difference,
    questions_for_equivalence,
    questions_needed,
    sign_flip,
    standings,
)
from workbench.statistics.standings import _constrained, _critical

DRAWS = 200
shares = st.integers(0, 4).map(lambda n: n / 4)
columns = st.integers(2, 12).flatmap(lambda n: st.lists(shares, min_size=n, max_size=n))
pairs = st.integers(2, 12).flatmap(lambda n: st.lists(st.tuples(shares, shares), min_size=n, max_size=n))


def question(i: int, *passages: tuple[str, int, int]) -> Question:
    return Question(str(i), "?", tuple(Reference(Span(*p), "") for p in passages))


def alone(n: int) -> np.ndarray:
    return np.arange(n)


# Clusters

passage = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 6)).map(
    lambda p: (p[0], p[1], p[1] + p[2])
)


@given(st.lists(st.lists(passage, max_size=3), min_size=1, max_size=8))
def test_clusters_are_the_connected_questions(golds: list[list[tuple[str, int, int]]]) -> None:
    questions = [question(i, *gold) for i, gold in enumerate(golds)]
    linked = [
        {j for j, b in enumerate(questions) if any(x.span.overlap(y.span) for x in a.references for y in b.references)}
        for a in questions
    ]
    groups = [{i} for i in range(len(questions))]
    for _ in questions:
        groups = [group | {k for j in group for k in linked[j]} for group in groups]
    found = clusters(questions)
    assert [{j for j in range(len(questions)) if found[j] == found[i]} for i in range(len(questions))] == groups
    assert set(found.tolist()) == set(range(len({frozenset(g) for g in groups})))


def test_a_long_passage_links_what_lies_in_it() -> None:
    nested = [question(0, ("a", 0, 50)), question(1, ("a", 5, 9)), question(2, ("a", 20, 30)), question(3, ("b", 0, 9))]
    assert len({*clusters(nested)[:3].tolist()}) == 1
    assert len({*clusters(nested).tolist()}) == 2


# Means


@given(columns, st.integers(0, 3))
def test_an_interval_holds_its_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    column = np.array(values)[:, None]
    one = mean_intervals(column, alone(len(values)), 200, seed)[0]
    assert one.mean == pytest.approx(np.mean(values))
    assert one.sd == pytest.approx(np.std(values))
    assert min(values) <= one.low <= one.high <= max(values)
    assert one == mean_intervals(column, alone(len(values)), 200, seed)[0]


def test_the_interval_is_scipys() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(3).random(60) ** 2
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    ours = mean_intervals(values[:, None], alone(60), 20_000)[0]
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_a_question_asked_ten_times_is_still_one_cluster() -> None:
    values = np.random.default_rng(4).random((30, 2))
    once = mean_intervals(values, alone(30))
    repeated = mean_intervals(np.repeat(values, 10, axis=0), np.repeat(alone(30), 10))
    for a, b in zip(once, repeated, strict=True):
        assert (a.mean, a.low, a.high) == pytest.approx((b.mean, b.low, b.high))
    apart = mean_intervals(np.repeat(values, 10, axis=0), alone(300))
    assert apart[0].high - apart[0].low < 0.5 * (once[0].high - once[0].low)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Clusters of unequal size that differ: 95 % within what 200 draws can tell, and the percentile's own shortfall."""
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(DRAWS):
        of = np.repeat(alone(60), rng.integers(1, 4, size=60))
        values = 0.5 + 0.3 * rng.normal(size=60)[of] + 0.1 * rng.normal(size=len(of))
        one = mean_intervals(values[:, None], of, 400, seed)[0]
        covered += one.low <= 0.5 <= one.high
    assert 0.89 <= covered / DRAWS <= 0.99


def test_of_one_cluster_the_spread_is_unknown() -> None:
    one = mean_intervals(np.ones((3, 1)), np.zeros(3, int))[0]
    assert (one.mean, one.n) == (1, 3)
    assert math.isnan(one.low)
    assert math.isnan(one.high)


@pytest.mark.parametrize("values,of", [((3,), 3), ((0, 2), 0), ((3, 2), 2)])
def test_shapes_must_fit(values: tuple[int, ...], of: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        mean_intervals(np.zeros(values), alone(of))


def test_values_must_be_numbers() -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_intervals(np.array([[1.0], [np.nan]]), alone(2))


# Two runs


@given(pairs)
def test_comparing_the_other_way_round_mirrors_it(values: list[tuple[float, float]]) -> None:
    a, b = np.array(values).T
    there, back = compare(a, b, alone(len(a)), 200), compare(b, a, alone(len(a)), 200)
    assert (there.wins, there.ties, there.losses) == (back.losses, back.ties, back.wins)
    assert (there.difference, there.low, there.high) == pytest.approx((-back.difference, -back.high, -back.low))
    assert (there.p, there.sd) == pytest.approx((back.p, back.sd))
    assert there.wins + there.ties + there.losses == there.n == len(values)
    assert 0 < there.p <= 1


@given(st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=9))
def test_p_is_the_exact_permutation_tests(d: list[float]) -> None:
    from scipy.stats import permutation_test

    if not any(d):
        assert sign_flip(np.array(d)) == 1
        return
    theirs = permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(np.array(d)) == pytest.approx(min(1, theirs.pvalue))


def test_p_by_random_signs_is_near_the_exact_one() -> None:
    d = np.random.default_rng(0).normal(0.4, 1, size=30)
    exact = math.erfc(abs(d.sum()) / math.sqrt(2 * (d**2).sum()))  # the normal limit
    assert sign_flip(d, 20_000) == pytest.approx(exact, abs=0.015)
    assert sign_flip(np.full(40, 1.0), 1000) == 1 / 1001


def test_the_sign_flip_test_moves_whole_clusters() -> None:
    """Twenty wins of one passage's questions are one win."""
    a, b = np.ones(24), np.zeros(24)
    assert compare(a, b, np.array([0] * 20 + [1, 2, 3, 4])).p == 2 / 2**5
    assert compare(a, b, alone(24)).p < 0.001


def test_sd_of_paired_differences_gives_the_usual_error() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random((2, 50))
    assert compare(a, b, alone(50)).sd == pytest.approx(np.std(a - b, ddof=1))


# Many runs


def noisy(means: list[float], n: int, seed: int = 0, sd: float = 0.1) -> np.ndarray:
    return np.array(means) + sd * np.random.default_rng(seed).normal(size=(n, len(means)))


def test_verdicts_in_a_clear_case() -> None:
    found = standings(noisy([0.5, 0.9, 0.6], 200), alone(200))
    assert [s.verdict for s in found] == ["ruled out", "best", "ruled out"]
    assert [s.rival for s in found] == [1, 2, 1]
    assert (found[0].high, found[1].low) == (0, 0)
    assert found[1].difference == pytest.approx(0.3, abs=0.05)
    assert all(s.more is None for s in found)


def test_equivalent_only_within_the_margin() -> None:
    values = noisy([0.80, 0.80, 0.3], 2000)
    assert [s.verdict for s in standings(values, alone(2000))] == ["equivalent", "equivalent", "ruled out"]
    narrow = standings(values, alone(2000), margin=0.001)
    assert [s.verdict for s in narrow] == ["not settled", "not settled", "ruled out"]
    assert all((s.more or 0) > 1000 for s in narrow[:2])


def test_few_questions_settle_nothing() -> None:
    found = standings(noisy([0.8, 0.82, 0.79], 12), alone(12))
    assert [s.verdict for s in found] == ["not settled"] * 3
    assert all(s.more is not None and s.more > 12 for s in found)


def test_a_handful_of_differing_questions_is_no_proof() -> None:
    """Four wins and no loss among 100: the sign test's p is 0.125. Six: 0.03."""
    for wins, verdict in ((4, "not settled"), (6, "best")):
        values = np.ones((100, 2))
        values[:wins, 0] = 0
        found = standings(values, alone(100), margin=0.01)
        assert found[1].verdict == verdict


def test_equal_runs_are_equivalent() -> None:
    values = np.repeat(np.random.default_rng(0).random((20, 1)), 3, axis=1)
    assert {(s.verdict, s.low, s.high) for s in standings(values, alone(20))} == {("equivalent", 0, 0)}


def test_one_cluster_settles_nothing() -> None:
    found = standings(noisy([0.1, 0.9], 5), np.zeros(5, int))
    assert [s.verdict for s in found] == ["not settled"] * 2
    assert all(math.isnan(s.low) and math.isnan(s.high) for s in found)


@given(st.integers(0, 50), st.integers(2, 5))
def test_standings_follow_the_runs_not_their_order(seed: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    values, order = rng.random((15, runs)), rng.permutation(runs)
    found, moved = standings(values, alone(15), resamples=100), standings(values[:, order], alone(15), resamples=100)
    for place, run in enumerate(order):
        a, b = found[run], moved[place]
        assert (a.mean, a.difference, a.low, a.high) == pytest.approx((b.mean, b.difference, b.low, b.high))
        assert a.verdict == b.verdict
        assert a.low <= 0 <= a.high


def test_critical_values_are_dunnetts() -> None:
    """Four comparisons with a fifth, many questions, two-sided 5 %: 2.44; one comparison of eight: Student's 2.36."""
    centred = np.random.default_rng(1).normal(size=(40_000, 5))
    found = _critical(centred, np.sqrt(2) * (1 - np.eye(5)), 100_000, 0.95)
    assert found == pytest.approx([2.44] * 5, abs=0.03)
    two = _critical(centred[:, :2], np.sqrt(2) * (1 - np.eye(2)), 8, 0.95)
    assert two == pytest.approx([2.365] * 2, abs=0.03)


@given(st.integers(0, 300), st.integers(2, 6))
def test_intervals_are_hsus(seed: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    means, reach = rng.random(runs), 0.4 * rng.random((runs, runs))
    apart = means[:, None] - means
    low, high, out = _constrained(apart, reach)
    others = [[j for j in range(runs) if j != i] for i in range(runs)]
    upper = [min(apart[i, j] + reach[i, j] for j in others[i]) for i in range(runs)]
    candidates = [i for i in range(runs) if upper[i] >= 0]
    for i in range(runs):
        rivals = [j for j in candidates if j != i]
        assert high[i] == max(upper[i], 0)
        assert low[i] == min([0, *(apart[i, j] - reach[j, i] for j in rivals)])
        assert out[i] == (i not in candidates)


def test_a_tie_is_not_ruled_out() -> None:
    assert not _constrained(np.zeros((2, 2)), np.zeros((2, 2)))[2].any()


def equal_runs(kind: str, n: int, runs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Values of equally good runs, and clusters."""
    if kind == "normal":
        return rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, runs)), alone(n)
    if kind == "clustered":
        of = rng.integers(n // 3, size=n)
        return rng.normal(size=(n, runs))[of] + 0.3 * rng.normal(size=(n, runs)), of
    flips = rng.random((n, runs)) < (0.06 if kind == "recall" else 0.02)
    base = rng.random((n, 1)) < 0.8
    return np.where(flips, ~base, base).astype(float), alone(n)


@pytest.mark.parametrize("kind", ["normal", "recall", "sparse", "clustered"])
@pytest.mark.parametrize("n,runs", [(20, 2), (100, 2), (100, 5)])
def test_a_false_best_is_rare_among_equal_runs(kind: str, n: int, runs: int) -> None:
    rng = np.random.default_rng(5)
    false = ruled_out = 0
    for seed in range(DRAWS):
        found = standings(*equal_runs(kind, n, runs, rng), resamples=300, seed=seed)
        false += any(s.verdict == "best" for s in found)
        ruled_out += found[0].verdict == "ruled out"
    assert false / DRAWS <= 0.05
    assert ruled_out / DRAWS <= 0.05


def test_of_two_equally_good_and_two_worse_none_is_best() -> None:
    rng = np.random.default_rng(6)
    false = 0
    for seed in range(DRAWS):
        values = rng.normal(size=(60, 4)) + np.array([2, 2, 0, 0])
        false += any(s.verdict == "best" for s in standings(values, alone(60), resamples=300, seed=seed))
    assert false / DRAWS <= 0.05


def test_a_real_difference_is_found_as_often_as_power_says() -> None:
    """0.1 at sd 0.3 of the paired differences: 71 questions for 80 %; the adjustments for few questions take some."""
    n, rng = questions_needed(0.3, 0.1), np.random.default_rng(8)
    assert n == 71
    found = 0
    for seed in range(DRAWS):
        base = rng.random(n)
        values = np.column_stack([base, base + 0.1 + 0.3 * rng.normal(size=n)])
        found += standings(values, alone(n), margin=0.01, resamples=300, seed=seed)[1].verdict == "best"
    assert 0.55 <= found / DRAWS <= 0.85


def test_intervals_hold_together() -> None:
    rng = np.random.default_rng(9)
    means = np.array([0.0, 0.1, 0.3, 0.3, 0.5])
    truth = [means[i] - np.delete(means, i).max() for i in range(5)]
    held = 0
    for seed in range(DRAWS):
        found = standings(means + rng.normal(size=(50, 5)), alone(50), resamples=300, seed=seed)
        held += all(s.low <= t <= s.high for s, t in zip(found, truth, strict=True))
    assert held / DRAWS >= 0.93


# Power


@given(st.floats(0.01, 1), st.integers(10, 5000))
def test_what_n_questions_show_needs_n_questions(sd: float, n: int) -> None:
    assert questions_needed(sd, minimum_detectable_difference(sd, n)) in (n, n + 1)


def test_known_figures() -> None:
    """80 % power, two-sided 5 %: (1.960 + 0.842)² = 7.849; equivalence, two tests at 5 %: (1.645 + 1.282)² = 8.564."""
    assert minimum_detectable_difference(0.2, 40) == pytest.approx(0.0886, abs=1e-4)
    assert minimum_detectable_difference(0.4, 40) == pytest.approx(0.1772, abs=1e-4)
    assert questions_needed(1, 0.1) == 785
    assert questions_for_equivalence(1, 0.1, level=0.9) == 857
    assert questions_for_equivalence(1, 0.1) == 1051
    assert questions_needed(0, 0.1) == 1
