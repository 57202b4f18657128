"""Names of metrics, budgets, and what is refused."""

import math
from pathlib import Path

import pytest

from workbench.errors import GoldenError, SpecError
from workbench.metrics import (
    DEFINITIONS,
    FORMULAS,
    UNRANKED,
    Budget,
    all_passages,
    average_precision,
    budget,
    first_tokens,
    judge,
    metric,
    mrr,
    ndcg,
    passage_recall,
    recall,
)
from workbench.spans import Span


def at(start: int, end: int, document: str = "a") -> Span:
    return Span(document, start, end)


@pytest.mark.parametrize(
    "name,measure,within",
    [
        ("recall@5", "recall", Budget(5)),
        ("ndcg@10", "ndcg", Budget(10)),
        ("recall@1000tok", "recall", Budget(1000, tokens=True)),
        ("tokens@3", "tokens", Budget(3)),
        ("precision_omega", "precision_omega", None),
    ],
)
def test_a_name_says_measure_and_budget(name: str, measure: str, within: Budget | None) -> None:
    read = metric(name)
    assert (read.measure, read.budget, str(read)) == (measure, within, name)


@pytest.mark.parametrize(
    "name,message",
    [
        ("recal@5", "metric 'recal@5' is not known; known are recall, passage_recall, all_passages, precision, iou"),
        ("recall", "recall needs a budget: recall@5"),
        ("recall@", "budget '' is not known"),
        ("recall@five", "budget 'five' is not known"),
        ("recall@-1", "budget '-1' is not known"),
        ("recall@5.0", "budget '5.0' is not known"),
        ("recall@٣", "is not known"),
        ("recall@0", "a budget of 0 hits must be 1 to 1,000"),
        ("recall@1001", "a budget of 1001 hits must be 1 to 1,000"),
        ("recall@0tok", "a budget of 0 tokens must be 1 to 1,000,000"),
        ("precision_omega@5", "leave out @5"),
        ("", "is not known"),
    ],
)
def test_other_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        metric(name)
    assert message in str(error.value)


def test_budgets_read_and_write() -> None:
    assert [str(budget(text)) for text in ("5", "1000tok")] == ["5", "1000tok"]


def test_omega_is_not_asked_of_a_ranking() -> None:
    with pytest.raises(SpecError, match="gold and the chunks"):
        metric("precision_omega")(judge([at(0, 1)], []))


@pytest.mark.parametrize("gold", [[], [at(3, 3)]])
def test_without_gold_there_is_nothing_to_judge_by(gold: list[Span]) -> None:
    with pytest.raises(GoldenError, match="counted apart"):
        judge(gold, [at(0, 9)])


@pytest.mark.parametrize("cover", [0.0, -1.0, 1.01, float("nan")])
def test_min_cover_has_limits(cover: float) -> None:
    with pytest.raises(SpecError, match="min_cover"):
        judge([at(0, 1)], [], min_cover=cover)


def test_a_hit_is_relevant_from_exactly_half_a_passage_on() -> None:
    gold = [at(10, 20)]
    assert judge(gold, [at(0, 14), at(0, 15), at(16, 99)]).relevant.tolist() == [False, True, False]
    assert mrr(judge(gold, [at(0, 14), at(0, 15)])) == 0.5


def test_a_hit_is_relevant_too_where_half_of_it_is_gold() -> None:
    """However long the passage is, and though the gold in it is of several."""
    gold = [at(0, 1000), at(1010, 1040)]
    hits = [at(980, 1020), at(0, 200), at(1020, 1060), at(1040, 1060), at(975, 1025)]
    assert judge(gold, hits).relevant.tolist() == [True, True, True, False, True]
    assert judge(gold, [at(981, 1010)]).relevant.tolist() == [True]
    assert judge(gold, [at(991, 1010)]).relevant.tolist() == [False], "9 of 19"


def test_pooled_characters_hide_a_short_passage_that_passage_recall_shows() -> None:
    of = judge([at(0, 1900), at(3000, 3100)], [at(0, 1900)])
    assert [recall(of), passage_recall(of), all_passages(of)] == [0.95, 0.5, 0]
    assert average_precision(of) == 0.5
    assert all_passages(judge([at(0, 1900), at(3000, 3100)], [at(0, 1900), at(3050, 3100)])) == 1


def test_a_passage_without_a_place_counts_as_one_that_is_not_found() -> None:
    of = judge([at(0, 100)], [at(0, 100)], lost=[300])
    assert [recall(of), passage_recall(of), all_passages(of), average_precision(of)] == [0.25, 0.5, 0, 0.5]
    assert ndcg(of) == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert ndcg(of[:1]) == 1, "within one hit no ranking holds more"


def test_two_passages_found_whole_at_ranks_1_and_2_score_1() -> None:
    gold = [at(0, 1900), at(3000, 3100)]
    assert ndcg(judge(gold, gold)) == ndcg(judge(gold, gold[::-1])) == 1
    assert ndcg(judge(gold, [at(0, 3100)])) == 1, "one chunk that holds both is as good"
    assert ndcg(judge(gold, [at(9000, 9100), *gold])) < 0.8


def test_an_empty_passage_makes_nothing_relevant() -> None:
    assert judge([at(3, 3), at(10, 20)], [at(0, 9)]).relevant.tolist() == [False]


def test_two_halves_of_a_passage_in_worked_numbers() -> None:
    """Half at rank 1 and half at rank 3: 0.5 / log2(2) + 0.5 / log2(4) = 0.75; the best is all of it at rank 1."""
    assert ndcg(judge([at(0, 10)], [at(0, 5), at(50, 60), at(0, 10)])) == 0.75


def test_the_last_hit_is_cut_where_its_tokens_end() -> None:
    hits = [at(0, 10), at(20, 30, "b"), at(40, 50)]
    kept, tokens = first_tokens(hits, [4, 4, 4], 6, lambda s, n: s.start + 2 * n)
    assert (kept, tokens) == ([at(0, 10), at(20, 24, "b")], [4, 2])
    assert first_tokens(hits, [4, 4, 4], 8, lambda s, n: -1) == (hits[:2], [4, 4])


def test_token_counts_fit_the_hits() -> None:
    with pytest.raises(ValueError, match="2"):
        judge([at(0, 1)], [at(0, 1)], [1, 2])


@pytest.mark.parametrize("name", [*(f"{measure}@5" for measure in FORMULAS), *UNRANKED])
def test_every_measure_says_its_range_and_only_tokens_have_no_upper_end(name: str) -> None:
    """Intervals are computed within this range, so a measure that leaves it would make them false."""
    assert metric(name).bounds == ((0, math.inf) if name == "tokens@5" else (0, 1))


def test_every_measure_has_its_definition_and_says_where_it_is_measured() -> None:
    assert list(DEFINITIONS) == [*FORMULAS, *UNRANKED]
    assert metric("mrr@5").definition.endswith("is passage text. Measured at k = 5.")
    assert metric("recall@1000tok").definition.endswith("pooled. Measured at 1,000 context tokens.")
    assert metric("precision_omega").definition == DEFINITIONS["precision_omega"]


def test_the_readme_holds_the_table_of_definitions(root: Path) -> None:
    rows = [f"| `{name}` | {text} |" for name, text in DEFINITIONS.items()]
    table = "\n".join(["| Measure | What it says of a question |", "|---|---|", *rows])
    assert table in (root / "README.md").read_text("utf-8")
