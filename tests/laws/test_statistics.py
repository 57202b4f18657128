"""Laws of intervals, paired comparisons and standings. `benchmarks.calibration` counts how often they are wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.golden import document_groups
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.statistics import (
    clusters,
    compare,
    mean_intervals,
    minimum_detectable_difference,
    population,
    questions_for_equivalence,
    questions_needed,
    questions_to_settle,
    sight,
    standings,
)
from workbench.statistics.intervals import flipped_interval, flipped_p

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


def by_hand(x: list[float], a: float, b: float) -> tuple[float, float]:
    """The t interval of x with 1.5 further values at each end of [a, b], as it is written down."""
    from scipy.stats import t

    n, more = len(x), len(x) + 3
    mean = (sum(x) + 1.5 * (a + b)) / more
    variance = (sum(v * v for v in x) + 1.5 * (a * a + b * b)) / more - mean * mean
    reach = t.ppf(0.975, n - 1) * math.sqrt(variance / more)
    return max(a, mean - reach), min(b, mean + reach)


@given(columns)
def test_the_interval_of_a_mean_is_the_formulas(values: list[float]) -> None:
    one = mean_intervals(np.array(values)[:, None], alone(len(values)))[0]
    assert one.mean == pytest.approx(np.mean(values))
    assert one.sd == pytest.approx(np.std(values))
    assert (one.low, one.high) == pytest.approx(by_hand(values, 0, 1))
    assert 0 <= one.low < one.high <= 1
    assert one.low <= one.mean <= one.high or len(values) < 3


def test_nothing_is_without_width_and_one_question_tells_nothing() -> None:
    assert mean_intervals(np.ones((10, 1)), alone(10))[0].low == pytest.approx(0.684, abs=5e-4)
    one = mean_intervals(np.ones((3, 1)), np.zeros(3, int))[0]
    assert (one.mean, one.low, one.high, one.n) == (1, 0, 1, 3)


def test_without_an_upper_end_the_interval_is_students() -> None:
    """And whatever another column holds."""
    some = np.array([[100.0], [300.0], [200.0]] * 10)
    one, beside = (mean_intervals(v, alone(30), bounds=(0, math.inf))[0] for v in (some, np.hstack([some, 90 * some])))
    assert (one.low, one.high) == (beside.low, beside.high)
    error = np.std(some, ddof=1) / math.sqrt(30)
    assert (one.low, one.high) == pytest.approx((200 - 2.0452 * error, 200 + 2.0452 * error), rel=1e-4)
    assert math.isnan(mean_intervals(some[:1], alone(1), bounds=(0, math.inf))[0].low)


def test_a_question_asked_ten_times_is_still_one_cluster() -> None:
    values = np.random.default_rng(4).random((30, 2))
    once = mean_intervals(values, alone(30))
    repeated = mean_intervals(np.repeat(values, 10, axis=0), np.repeat(alone(30), 10))
    for a, b in zip(once, repeated, strict=True):
        assert (a.mean, a.low, a.high) == pytest.approx((b.mean, b.low, b.high))
    apart = mean_intervals(np.repeat(values, 10, axis=0), alone(300))
    assert apart[0].high - apart[0].low < 0.5 * (once[0].high - once[0].low)


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
    documents = alone(len(a)) // 2
    for given_ in (None, documents):
        there, back = (compare(*two, alone(len(a)), documents=given_) for two in ((a, b), (b, a)))
        assert (there.wins, there.ties, there.losses) == (back.losses, back.ties, back.wins)
        assert (there.difference, there.low, there.high) == pytest.approx((-back.difference, -back.high, -back.low))
        assert (there.p, there.sd) == pytest.approx((back.p, back.sd))
        assert there.wins + there.ties + there.losses == there.n == len(values)
        assert 0 < there.p <= 1
        assert -1 <= there.low < there.high <= 1


@given(pairs)
def test_the_interval_of_a_difference_is_the_formulas(values: list[tuple[float, float]]) -> None:
    a, b = np.array(values).T
    found = compare(a, b, alone(len(a)))
    assert (found.low, found.high) == pytest.approx(by_hand((a - b).tolist(), -1, 1))


@given(st.integers(0, 400), st.integers(2, 40), st.sampled_from([None, 3, 8, 20]))
def test_p_inverts_the_interval(seed: int, n: int, documents: int | None) -> None:
    rng = np.random.default_rng(seed)
    a = np.clip(rng.random(n) + rng.choice([0, 0.2, 0.4, 0.6]), 0, 1)
    of = None if documents is None else rng.integers(documents, size=n)
    found = compare(a, rng.random(n), alone(n), documents=of)
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@given(st.integers(0, 400), st.integers(8, 12))
def test_p_inverts_the_interval_of_graded_scores_by_documents(seed: int, documents: int) -> None:
    """Ties among sign patterns are common there: rounding must not part what is equal."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 5, (2, 40)) / 4
    found = compare(np.minimum(a + rng.choice([0, 0.25]), 1), b, alone(40), documents=rng.integers(documents, size=40))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@given(st.integers(0, 200), st.integers(1, 16))
def test_the_flipped_interval_holds_what_the_test_does_not_refuse(seed: int, units: int) -> None:
    """Each end is tried with the test itself, a little inside and a little outside."""
    rng = np.random.default_rng(seed)
    sums, sizes = rng.normal(size=(units, 1)), rng.integers(1, 6, units).astype(float)
    low, high = (float(end[0]) for end in flipped_interval(sums, sizes))
    for end, way in ((low, -1), (high, 1)):
        if math.isinf(end):
            continue
        inside, outside = (flipped_p(sums - (end + way * d) * sizes[:, None])[0] for d in (-1e-7, 1e-7))
        assert inside >= 0.05 > outside


def test_p_by_signs_is_the_exact_permutation_tests() -> None:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(0)
    for n in (2, 5, 9):
        d = rng.integers(-4, 5, size=n).astype(float)
        theirs = permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
        assert flipped_p(d[:, None])[0] == pytest.approx(min(1, theirs.pvalue))
    d = rng.normal(0.4, 1, size=30)
    exact = math.erfc(abs(d.sum()) / math.sqrt(2 * (d**2).sum()))  # the normal limit
    assert flipped_p(d[:, None])[0] == pytest.approx(exact, abs=0.03)


def test_clusters_and_documents_move_as_a_whole() -> None:
    """Twenty wins of one passage's questions are one win, and so are those of one document."""
    a, b = np.ones(24), np.zeros(24)
    of = np.array([0] * 20 + [1, 2, 3, 4])
    assert compare(a, b, alone(24)).p < 0.001
    assert compare(a, b, of).clusters == 5
    assert compare(a, b, alone(24), documents=of).p == 2 / 2**5


def test_sd_of_paired_differences_gives_the_usual_error() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.random((2, 50))
    assert compare(a, b, alone(50)).sd == pytest.approx(np.std(a - b, ddof=1))


def test_below_eight_questions_nothing_is_concluded() -> None:
    found = compare(np.ones(7), np.zeros(7), alone(7))
    assert found.p < 0.05
    assert not found.is_enough
    assert not found.is_settled
    assert compare(np.ones(8), np.zeros(8), alone(8)).is_settled


# The population


def test_documents_are_the_unit_from_eight_on() -> None:
    assert population(alone(8)).unit == "document"
    assert population(alone(7)).unit == "passage"
    assert population(None).unit == "passage"
    assert population(alone(20), "passage").unit == "passage"
    assert "13 documents cannot exclude" in population(alone(13)).caution
    for documents, message in ((alone(7), "at least 8 documents, not 7"), (None, "evaluate the pipelines again")):
        with pytest.raises(SpecError, match=message):
            population(documents, "document")
    with pytest.raises(SpecError, match="must be one of passage, document"):
        population(alone(9), "chunk")


def test_a_questions_document_is_the_one_that_holds_most_of_its_passages() -> None:
    both = question(1, ("a", 0, 3), ("b", 0, 9), ("a", 20, 25))
    questions = [question(0, ("a", 0, 1)), both, question(2, ("b", 5, 6)), question(3), question(4, ("a", 7, 8))]
    assert document_groups(questions).tolist() == [0, 1, 1, 2, 0]


# Many runs


def noisy(means: list[float], n: int, seed: int = 0, sd: float = 0.05) -> np.ndarray:
    return np.clip(np.array(means) + sd * np.random.default_rng(seed).normal(size=(n, len(means))), 0, 1)


def test_verdicts_in_a_clear_case() -> None:
    found = standings(noisy([0.5, 0.9, 0.6], 200), alone(200))
    assert [s.verdict for s in found] == ["ruled out", "best", "ruled out"]
    assert [s.rival for s in found] == [1, 2, 1]
    assert found[1].difference == pytest.approx(0.3, abs=0.05)
    assert (found[1].low, found[1].high) == (-found[2].high, -found[2].low)


def test_equivalent_only_within_the_margin() -> None:
    values = noisy([0.80, 0.80, 0.3], 2000)
    assert [s.verdict for s in standings(values, alone(2000))] == ["equivalent", "equivalent", "ruled out"]
    narrow = standings(values, alone(2000), margin=0.001)
    assert [s.verdict for s in narrow] == ["not settled", "not settled", "ruled out"]


@pytest.mark.parametrize("margin,least", [(0.1, 33), (0.05, 67), (0.02, 168)])
def test_no_difference_seen_says_equivalent_from_so_many_questions_on(margin: float, least: int) -> None:
    for n, verdict in ((least - 1, "not settled"), (least, "equivalent")):
        assert {s.verdict for s in standings(np.ones((n, 3)), alone(n), margin)} == {verdict}
    assert questions_for_equivalence(0, margin) == least


def test_few_questions_settle_nothing() -> None:
    for n in (2, 7):
        found = standings(np.repeat([[1.0, 0.0]], n, axis=0), alone(n), margin=0.9)
        assert [s.verdict for s in found] == ["not settled"] * 2
    assert [s.verdict for s in standings(noisy([0.8, 0.82, 0.79], 12), alone(12))] == ["not settled"] * 3


def test_a_handful_of_differing_questions_is_no_proof() -> None:
    for wins, verdict in ((5, "not settled"), (6, "best")):
        values = np.ones((100, 2))
        values[:wins, 0] = 0
        assert standings(values, alone(100), margin=0.01)[1].verdict == verdict


def test_one_cluster_settles_nothing() -> None:
    found = standings(noisy([0.1, 0.9], 9), np.zeros(9, int))
    assert [s.verdict for s in found] == ["not settled"] * 2
    assert all((s.low, s.high) == (-1, 1) for s in found)


@given(st.integers(0, 50), st.integers(2, 5), st.booleans())
def test_standings_follow_the_runs_not_their_order(seed: int, runs: int, by_document: bool) -> None:
    rng = np.random.default_rng(seed)
    values, order = rng.random((20, runs)), rng.permutation(runs)
    documents = alone(20) // 2 if by_document else None
    found, moved = (standings(v, alone(20), documents=documents) for v in (values, values[:, order]))
    for place, run in enumerate(order):
        a, b = found[run], moved[place]
        assert (a.mean, a.difference, a.low, a.high) == pytest.approx((b.mean, b.difference, b.low, b.high))
        assert a.verdict == b.verdict
        assert a.low <= a.difference <= a.high


@given(st.integers(0, 300), st.integers(2, 6), st.booleans())
def test_verdicts_follow_from_the_paired_comparisons(seed: int, runs: int, by_document: bool) -> None:
    """Written out pair by pair with `compare`, at each verdict's own error."""
    rng = np.random.default_rng(seed)
    n, margin = 40, 0.12
    values = np.clip(rng.random((n, 1)) + 0.15 * rng.normal(size=(n, runs)) + rng.uniform(0, 0.2, runs), 0, 1)
    documents = alone(n) // 4 if by_document else None
    found = standings(values, alone(n), margin, documents=documents)
    leader = int(values.mean(axis=0).argmax())

    def pair(i: int, j: int, tail: float = 0.025):
        return compare(values[:, i], values[:, j], alone(n), documents=documents, tail=tail)

    worse = {i for i in range(runs) if any(pair(i, j, 0.025 / (runs - 1)).high < 0 for j in range(runs) if j != i)}
    others = [i for i in range(runs) if i != leader]
    best = all(pair(leader, j).low > 0 for j in others) or worse == set(others)
    inside = {i for i in others if -margin <= pair(i, leader).low and pair(i, leader).high <= margin}
    for i in others:
        expected = "equivalent" if i in inside else "ruled out" if i in worse or best else "not settled"
        assert found[i].verdict == expected
    settled = inside | worse >= set(others)
    assert found[leader].verdict == ("best" if best else "equivalent" if settled else "not settled")


# How many more


def test_no_number_below_68_questions_nor_above_ten_times_what_is_there() -> None:
    rng = np.random.default_rng(0)
    close = np.clip(0.6 + 0.2 * rng.normal(size=(68, 2)), 0, 1)
    assert questions_to_settle(close[:67], alone(67)) is None
    assert questions_to_settle(close, alone(68), margin=0.001) is None
    found = questions_to_settle(close, alone(68), margin=0.1)
    assert found is not None
    assert 0 < found <= 680


# The gate


def test_a_gate_says_what_it_could_have_seen() -> None:
    blind = sight(np.ones(4), alone(4))
    assert (blind.drop, blind.lost) == (None, None)
    assert "with 4 questions no drop can be told" in blind.sentence
    ten = sight(np.ones(10), alone(10))
    assert (ten.drop, ten.lost) == (0.6, 6)
    assert "6 of 10 questions losing all they had" in ten.sentence
    assert sight(np.ones(1), alone(1)).sentence.startswith("with 1 question no drop")
    now = np.ones(10)
    for lost, fires in ((5, False), (6, True)):  # of 0/1 scores it is exact
        now[:lost] = 0
        assert compare(now, np.ones(10), alone(10)).is_settled == fires
    assert sight(np.zeros(50), alone(50)).drop is None
    assert sight(np.full(200, 0.9), alone(200)).drop < 0.1


# Power


@given(st.floats(0.01, 1), st.integers(10, 5000))
def test_what_n_questions_show_needs_n_questions(sd: float, n: int) -> None:
    detectable = minimum_detectable_difference(sd, n)
    if math.isfinite(detectable):
        assert questions_needed(sd, detectable) in (n, n + 1)


def test_for_many_questions_they_are_the_textbooks() -> None:
    """80 % power, two-sided 5 %: (1.960 + 0.842)² = 7.849; equivalence (1.960 + 1.282)² = 10.51."""
    assert minimum_detectable_difference(0.2, 40_000) == pytest.approx(0.2 * math.sqrt(7.849 / 40_000), rel=1e-3)
    assert questions_needed(1, 0.01) == pytest.approx(78_490, rel=1e-3)
    assert questions_for_equivalence(1, 0.01) == pytest.approx(105_070, rel=1e-3)


def test_few_questions_show_less_than_the_textbooks_say() -> None:
    assert minimum_detectable_difference(0.2, 40) > 1.4 * 0.2 * math.sqrt(7.849 / 40)
    assert math.isinf(minimum_detectable_difference(0.2, 7))
    assert questions_needed(0, 1) == 8


def test_the_detectable_difference_is_detected_as_often_as_said() -> None:
    rng, n, sd = np.random.default_rng(8), 100, 0.2
    difference = minimum_detectable_difference(sd, n)
    found = [
        compare(d, np.zeros(n), alone(n)).is_settled
        for d in np.clip(difference + sd * rng.normal(size=(400, n)), -1, 1)
    ]
    assert 0.75 <= np.mean(found) <= 0.85
