"""What runs come to, on values made by hand."""

import random
import re
from dataclasses import replace
from typing import Any

import pytest
from test_runs import made

from workbench.errors import RunError, SpecError
from workbench.metrics import abstention
from workbench.records import Asked, Run
from workbench.statistics import paired_sd, power_statement
from workbench.sweeps import COSTS, aligned, effects, leaderboard, matrix, names, pareto, settings, surface, varied


def run(name: str, values: list[float], size: int = 200, overlap: int = 0, tokens: int = 100, **parts: Any) -> Run:
    """A run with the same value at both budgets, and an index in proportion to its tokens at k."""
    splitter = {"kind": "recursive", "chunk_size": size, "chunk_overlap": overlap}
    pipeline = {"workbench": 1, "splitter": splitter, "retriever": {"kind": "dense"}, "k": 5} | parts
    asked = tuple(Asked(f"q{i}", i, tokens, 1 if v else None, (), False) for i, v in enumerate(values))
    fields = {"pipeline": pipeline, "questions": asked, "label": f"{name} {size}/{overlap}", "index_bytes": 10 * tokens}
    return made([[v, v] for v in values], name, **fields)


def noise(mean: float, n: int = 200, seed: int = 0) -> list[float]:
    draw = random.Random(seed)
    return [min(1.0, max(0.0, mean + draw.uniform(-0.1, 0.1))) for _ in range(n)]


def test_a_clear_winner_is_the_best() -> None:
    board = leaderboard([run("a", noise(0.5)), run("b", noise(0.8, seed=1)), run("c", noise(0.4, seed=2))])
    assert [row.run.fingerprint[0] for row in board.rows] == ["b", "a", "c"]
    assert board.decision.verdict == "best"
    assert board.decision.sentence.startswith("b 200/0 is the best: recall@1000tok 0.797 [0.777, 0.805], 0.293 above")
    assert board.rows[0].fixed is not None
    assert board.rows[0].fixed.mean == pytest.approx(board.rows[0].interval.mean)


def test_equal_runs_are_equivalent_and_the_cheapest_is_named() -> None:
    values = noise(0.7)
    board = leaderboard(
        [run("a", values, tokens=100), run("b", [v + 0.001 * (-1) ** i for i, v in enumerate(values)], tokens=200)]
    )
    assert board.decision.verdict == "equivalent"
    assert board.decision.cheapest[0] == "a"
    assert "equivalent within ±0.05" in board.decision.sentence


def test_a_best_run_says_what_is_equivalent_and_costs_less() -> None:
    values = noise(0.7, 1000)
    board = leaderboard([run("a", values, tokens=100), run("b", [v + 0.02 for v in values], tokens=200)])
    assert (board.decision.verdict, board.decision.cheapest[0]) == ("best", "a")
    assert board.decision.saving == pytest.approx(0.5)
    assert "; a 200/0 is equivalent within ±0.05 (50 % fewer bytes of vector index). Holds" in board.decision.sentence


def test_few_questions_settle_nothing_and_say_what_would() -> None:
    a, b = [1, 0, 1, 1, 1, 1, 0, 1], [0, 1, 1, 0, 1, 1, 0, 1]
    decision = leaderboard([run("a", a, tokens=200), run("b", b, tokens=130)]).decision
    assert (decision.verdict, decision.more) == ("not settled", None)
    assert decision.sentence.startswith("inconclusive: a 200/0 leads with recall@1000tok 0.750 [0.283, 1.000]; the ")
    assert "the cheapest of the 2 undecided is b 200/0 (35 % fewer bytes of vector index)" in decision.sentence
    assert "from 68 on, how many can be estimated" in decision.sentence
    many = leaderboard([run("a", (a + [1] * 8) * 10), run("b", (b + [1] * 8) * 10)]).decision
    assert many.verdict == "not settled"
    assert many.more is not None
    assert 100 < many.more < 1600
    assert re.search(r"about \d+0 more questions would settle it", many.sentence)
    few = leaderboard([run("a", a[:7]), run("b", b[:7])]).decision
    assert "too few questions to compare (7; at least 8 are needed)" in few.sentence


def test_a_verdict_says_of_which_population_it_speaks() -> None:
    def about(documents: int, **settings: Any) -> Any:
        runs = [run("a", noise(0.4, 90)), run("b", noise(0.6, 90, 1))]
        placed = [
            replace(r, questions=tuple(replace(q, document=i % documents) for i, q in enumerate(r.questions)))
            for r in runs
        ]
        return leaderboard(placed, **settings)

    assert about(9).population.unit == "document"
    assert "9 documents cannot exclude a rare kind that" in about(9).decision.sentence
    assert about(9, unit="passage").decision.sentence.endswith("Holds for questions about these documents")
    assert about(7).population.unit == "passage"
    with pytest.raises(SpecError, match="at least 8 documents, not 7"):
        about(7, unit="document")


def test_the_leaders_interval_allows_for_its_being_the_best_of_many() -> None:
    board = leaderboard([run(chr(97 + i), noise(0.5, 60, i)) for i in range(10)])
    first, second = board.rows[:2]
    assert first.interval.mean - first.interval.low > 1.2 * (second.interval.mean - second.interval.low)
    assert first.interval.high - first.interval.mean < 1.2 * (second.interval.high - second.interval.mean)


def test_what_is_held_out_has_no_say() -> None:
    """b wins where it counts, a on the questions held out."""
    a, b = run("a", noise(0.4, 100) + [1.0] * 100), run("b", noise(0.6, 100, 1) + [0.0] * 100)
    apart = {f"q{i}" for i in range(100, 200)}
    board = leaderboard([a.holding_out(apart), b.holding_out(apart)])
    assert (board.rows[0].run.fingerprint[0], board.n, board.held_out) == ("b", 100, 100)
    assert board.rows[0].held_out is not None
    assert board.rows[0].held_out.mean == 0.0
    runs = [row.run for row in board.rows]
    means = [row.interval.mean for row in board.rows]
    assert [p.quality for p in pareto(runs, [1.0, 1.0])] == means
    assert [p.best for p in pareto(runs, [1.0, 1.0])] == [True, False]
    b200, a400 = runs[0], run("a", a.column("recall@1000tok").tolist(), 400).holding_out(apart)
    assert surface([b200, a400]).means == (tuple(means),)
    (effect,) = effects([b200, a400])
    assert effect.difference.mean == pytest.approx(means[1] - means[0])
    with pytest.raises(RunError, match="every question is held out"):
        leaderboard([a.holding_out({f"q{i}" for i in range(200)})] * 2)


def test_one_run_is_compared_with_nothing() -> None:
    board = leaderboard([run("a", noise(0.5))])
    assert (board.decision.verdict, board.rows[0].standing) == ("only one", None)
    with pytest.raises(SpecError, match="cost 'money'"):
        leaderboard([run("a", [1, 0])], cost="money")
    with pytest.raises(RunError, match="no run"):
        leaderboard([])


def test_runs_are_aligned_by_question_whatever_their_order() -> None:
    a = run("a", [0.1, 0.2, 0.3, 0.4])
    order = [2, 0, 3]
    b = made(
        [[0.5, 0.5], [0.6, 0.6], [0.7, 0.7]],
        "b",
        questions=tuple(Asked(f"q{i}", [7, 7, 9][n], 1, 1) for n, i in enumerate(order)),
    )
    found = aligned([a, b], "recall@5")
    assert found.questions == ("q0", "q2", "q3")
    assert found.values.tolist() == [[0.1, 0.6], [0.3, 0.5], [0.4, 0.7]]
    assert found.clusters[0] == found.clusters[1] != found.clusters[2]  # q0 and q2 share a passage in b
    with pytest.raises(RunError, match="no question in common"):
        aligned(
            [a, made(name="z", questions=(Asked("x", 0, 1, 1), Asked("y", 0, 1, 1), Asked("z", 0, 1, 1)))], "recall@5"
        )


def test_settings_and_names() -> None:
    runs = [run("a", [1, 0], 200, 50), run("a", [1, 0], 400, 100), run("a", [1, 0], 200, 50, k=10)]
    assert settings(runs[0])["splitter.overlap_share"] == 25
    assert varied(runs) == {"splitter.chunk_size": (200, 400), "splitter.chunk_overlap": (50, 100), "k": (5, 10)}
    shares = [run("a", [1, 0], s, s // 4 * n) for s in (100, 200) for n in (0, 1)]
    assert varied(shares) == {"splitter.chunk_size": (100, 200), "splitter.overlap_share": (0, 25)}
    assert names(runs) == ("a 200/50 · k 5", "a 400/100", "a 200/50 · k 10")


def test_the_effect_of_a_setting_is_over_matched_runs_only() -> None:
    grid = {
        (size, kind): 0.1 * size / 100 + (0.2 if kind == "bm25" else 0.0)
        for size in (100, 200)
        for kind in ("dense", "bm25")
    }
    runs = [
        run("abcd"[i], [v, v + 0.1, v - 0.05], size, retriever={"kind": kind} | ({"k1": 1.5} if kind == "bm25" else {}))
        for i, ((size, kind), v) in enumerate(grid.items())
    ]
    lonely = run("e", [0.9] * 3, 400, retriever={"kind": "hybrid"})
    found = {(e.path, e.value): e for e in effects([*runs, lonely])}
    assert set(found) == {("splitter.chunk_size", 200), ("retriever.kind", "bm25")}
    size, kind = found["splitter.chunk_size", 200], found["retriever.kind", "bm25"]
    assert (size.difference.mean, size.pairs, size.reference) == (pytest.approx(0.1), 2, 100)
    assert (kind.difference.mean, kind.pairs) == (pytest.approx(0.2), 2)
    assert -1 <= size.difference.low < 0.1


def test_the_front_holds_what_nothing_beats() -> None:
    runs = [
        run(n, [v], tokens=t)
        for n, v, t in (("a", 0.9, 300), ("b", 0.8, 100), ("c", 0.8, 200), ("d", 0.7, 90), ("e", 0.6, 95))
    ]
    points = pareto(runs, [COSTS["tokens"][1](r) for r in runs])
    assert [p.best for p in points] == [True, True, False, True, False]
    assert [p.cost for p in points] == [300, 100, 200, 90, 95]


def test_a_surface_has_a_cell_for_each_pair() -> None:
    runs = [run("a", [0.1], 100, 0), run("b", [0.2], 200, 0), run("c", [0.3], 200, 50), run("d", [0.4], 200, 50, k=9)]
    found = surface(runs)
    assert (found.xs, found.ys) == ((100, 200), (0, 25))
    assert found.means == ((0.1, 0.2), (None, 0.4))
    assert found.runs[1] == (None, "d" * 16)
    assert surface(runs, where={"k": 5}).means == ((0.1, 0.2), (None, 0.3))


def test_the_matrix_has_the_hardest_questions_first() -> None:
    def ranked(name: str, ranks: list[int | None]) -> Run:
        asked = tuple(Asked(f"q{i}", i, 1, rank) for i, rank in enumerate(ranks))
        return made([[0.0, 0.0]] * len(ranks), name, questions=asked)

    found = matrix([ranked("a", [1, None, 7]), ranked("b", [2, None, None])])
    assert found.questions == ("q1", "q2", "q0")
    assert found.ranks == ((None, None), (7, None), (1, 2))


def test_power_is_said_in_a_sentence() -> None:
    assert power_statement(40).sentence == (
        "with 40 questions you can see a recall difference of 0.14 to 0.21 or more (80 % power)"
    )
    own = power_statement(100, [run("a", [1.0, 0.0] * 50), run("b", [0.0, 0.0] * 50)])
    assert (own.assumed, own.sd[0]) == (False, pytest.approx(0.5025, abs=1e-4))
    assert "0.15 or more" in own.sentence
    assert power_statement(7).sentence.endswith("no difference can be told: at least 8 are needed to compare")
    assert "no question" in power_statement(0).sentence


def test_only_runs_on_the_same_questions_tell_a_spread() -> None:
    a, b = run("a", [1.0, 0.0, 0.5]), run("b", [0.0, 0.0, 0.5])
    assert paired_sd([a]) is None
    assert paired_sd([a, a]) is None
    assert paired_sd([a, made(name="x", golden="other")]) is None
    assert paired_sd([a, b]) is not None


def test_abstention_by_the_best_score() -> None:
    found = abstention([0.9, 0.8, 0.4, 0.7], [0.3, 0.5, None])
    assert found is not None
    assert found.auroc == pytest.approx(11 / 12)  # one of twelve pairs stands the wrong way round
    assert (found.threshold, found.false_answers, found.false_abstentions) == (0.7, 0, 1)
    assert (found.answerable, found.unanswerable) == (4, 3)
    coin = abstention([1.0, 1.0], [1.0, 1.0])
    assert coin is not None
    assert (coin.auroc, coin.threshold, coin.false_answers, coin.false_abstentions) == (0.5, None, 0, 2)
    assert abstention([1.0], []) is None
