"""The parts of an anatomy on cases small enough to follow by hand."""

import json

import pytest

from workbench.anatomy import (
    CAUSES,
    PASSAGE,
    Evidence,
    Joined,
    best_units,
    best_windows,
    cause,
    ladder,
    near_duplicate,
    picture,
    state,
    strip,
    within,
)
from workbench.anatomy.loss_ladder import token_ladder
from workbench.metrics import Budget
from workbench.spans import Ranges, Span, ranges


def test_each_rung_by_hand() -> None:
    """Ten characters of gold, four of them lost; a boundary cuts the other six, and one hit is all that is allowed."""
    gold, chunks = [Span("a", 7, 13)], {"a": ranges([(0, 10), (10, 20), (20, 30)])}
    one = ladder(gold, 4, chunks, [Span("a", 10, 20)], [Span("a", 20, 30)], k=1)
    assert one.rungs == (10, 6, 6, 3, 3, 0)
    assert one.losses == pytest.approx({"parse": 0.4, "budget": 0, "boundary": 0.3, "ranking": 0, "index": 0.3})
    short = {"a": ranges([(i, i + 2) for i in range(0, 30, 2)])}
    assert ladder(gold, 4, short, [], [], k=1).rungs == (10, 6, 2, 2, 0, 0)
    assert ladder(gold, 4, chunks, [], [Span("a", 0, 10)], k=1).losses["index"] == pytest.approx(-0.3)


def test_a_unit_is_what_the_retriever_returns() -> None:
    gold = [Span("a", 7, 13)]
    parent = Span("a", 0, 20)
    one = ladder(gold, 0, {"a": ranges([(0, 20), (20, 40)])}, [parent], [parent], k=1)
    assert one.rungs == (6, 6, 6, 6, 6, 6)
    assert one.best == (parent,)
    merged = ladder(gold, 0, {"a": ranges([(0, 10), (11, 20)])}, [parent], [parent], k=2)
    assert merged.rungs == (6, 6, 6, 6, 6, 6)  # the blank between two chunks is in the hit that is made of them
    assert merged.best == (parent,)


def test_a_question_whose_passages_are_all_lost() -> None:
    assert ladder([], 12, {}, [], [], k=3).rungs == (12, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="no gold to lose"):
        ladder([], 0, {}, [], [], k=3)
    with pytest.raises(ValueError, match="more than the budget"):
        ladder([Span("a", 0, 3)], 0, {}, [], [Span("a", 0, 1), Span("a", 1, 2)], k=1)


class Letters:
    """A token is a character."""

    def offsets(self, text: str) -> Ranges:
        return ranges((i, i + 1) for i in range(len(text)))


def test_tokens_cut_the_last_unit() -> None:
    chunks = {"a": ranges([(0, 10), (10, 20)])}
    hits = [Span("a", 10, 20), Span("a", 0, 10)]
    one = token_ladder([Span("a", 2, 13)], 0, chunks, hits, hits, 15, lambda s: "x" * len(s), Letters())
    # The first unit whole and three characters of the second are all of it; the ranking has them the other way round.
    assert one.rungs == (11, 11, 11, 11, 6, 6)
    tight = token_ladder([Span("a", 2, 13)], 0, chunks, hits, hits, 9, lambda s: "x" * len(s), Letters())
    assert tight.rungs == (11, 11, 9, 7, 3, 3)
    assert tight.settled
    assert within(hits, Budget(12, tokens=True), lambda s: "x" * len(s), Letters()) == [
        Span("a", 10, 20),
        Span("a", 0, 2),
    ]
    assert within(hits, Budget(1), str, Letters()) == hits[:1]


def test_large_cases_stay_quick_and_exact() -> None:
    """A whole book as gold: windows and units of one size, end to end, hold as much as they are long."""
    gold = ranges([(0, 1_000_000)])
    assert best_windows(gold, 1000, 200) == 200_000
    units = ranges((i, i + 400) for i in range(0, 1_000_000, 200))
    most, rows = best_units(units, 500)
    assert (most, len(rows)) == (200_000, 500)


def evidence(**changes: object) -> Evidence:
    least = {"loss": 10, "exact": 5, "missed": 10, "unseen": 0, "duplicate": False, "deep": 5, "bm25": 5, "dense": 5}
    return Evidence(**(least | changes))  # type: ignore[arg-type]


def test_the_first_cause_that_holds() -> None:
    everything = {"unseen": 5, "duplicate": True, "deep": 10, "bm25": 10, "dense": 5}
    expected = ["truncated", "duplicate", "near_miss", "bm25"]
    for name, field in zip(expected, everything, strict=False):
        assert cause(evidence(**everything)) == name
        everything[field] = {"unseen": 4, "duplicate": False, "deep": 9, "bm25": 9}[field]
    assert cause(evidence(**everything)) == "neither"
    assert cause(evidence(dense=15)) == "dense"
    assert cause(evidence(dense=15, bm25=15)) == "reordered"
    assert cause(evidence(dense=None)) == "untried"
    assert cause(evidence(dense=None, bm25=10)) == "bm25"
    assert set(CAUSES) >= {"truncated", "duplicate", "near_miss", "bm25", "dense", "reordered", "neither", "untried"}


def test_a_join_is_a_cause_only_where_the_question_asks_by_its_context() -> None:
    """A larger chunk has better chances anyway: beside a near miss or a copy, the context must be what is asked by."""

    def joined(own: float, whole: float, side: str = "exact", kind: str = "neighbours") -> Joined:
        return Joined(kind, Span("a", 0, 90), 90, side, 1, own, whole)

    assert cause(evidence(joined=(joined(0.1, 0.2),))) == "severed"
    near = {"deep": 10, "duplicate": True}
    assert cause(evidence(**near, joined=(joined(0.1, 0.6),))) == "severed"
    assert cause(evidence(**near, joined=(joined(0.5, 0.8),))) == "duplicate"
    assert cause(evidence(deep=10, joined=(joined(0.1, 0.2),))) == "near_miss"
    assert cause(evidence(unseen=5, joined=(joined(0.1, 0.6),))) == "truncated"
    assert cause(evidence(joined=(joined(0.1, 0.6, kind=PASSAGE),))) == "cut"
    # BM25 stands in for another retriever only where it needs the context itself.
    assert cause(evidence(joined=(joined(0.1, 0.6, "bm25"),))) == "severed"
    assert cause(evidence(bm25=10, joined=(joined(0.1, 0.6, "bm25"),))) == "bm25"
    assert cause(evidence(joined=(joined(0.3, 0.6, "bm25"),))) == "severed"
    assert cause(evidence(joined=(joined(0.4, 0.6, "bm25"),))) == "neither"


def test_near_duplicates_are_copies_and_no_neighbours() -> None:
    first = "Travel must be booked ten days ahead, and no class above economy is paid for."
    text = f"{first} Other words stand here. {first.replace('ten', 'six')}  And the end."
    copy = Span("a", len(first) + 25, len(text))
    unit = Span("a", 0, len(first))

    def read(span: Span) -> str:
        return text[span.start : span.end]

    assert near_duplicate([unit], [], [Span("a", copy.start, copy.start + len(first))], read) is not None
    assert near_duplicate([unit], [], [Span("a", 5, len(first))], read) is None
    assert near_duplicate([unit], [], [Span("a", len(first), len(first) + 24)], read) is None
    assert near_duplicate([], [Span("a", 0, len(first))], [copy], read) == (copy, unit)
    assert near_duplicate([], [Span("a", 0, 6)], [copy], read) is None  # "Travel" stands anywhere


def test_pictures_are_plain() -> None:
    gold = [Span("a", 2, 6), Span("a", 8, 14), Span("b", 0, 4)]
    hits = [Span("a", 0, 10), Span("c", 0, 5)]
    assert [state(s, hits) for s in gold] == ["whole", "cut", "missed"]
    found = picture(gold, {"a": ranges([(0, 10), (10, 20), (20, 30)])}, hits, [hits[0]], [Span("a", 9, 10)])
    assert json.loads(json.dumps(found)) == found
    assert [g["state"] for g in found["gold"]] == ["whole", "cut", "missed"]
    assert [(u["start"], u["hit"]) for u in found["units"]] == [(0, True), (10, False)]
    assert [(h["rank"], h["gold"]) for h in found["hits"]] == [(1, 6), (2, 0)]
    assert (found["best"][0]["end"], found["unseen"][0]["start"]) == (10, 9)
    drawn = strip("a", 30, ranges([(0, 10), (10, 30)]), [(g, hits) for g in gold], "one")
    assert drawn["chunks"] == [[0, 10], [10, 30]]
    assert [(g["start"], g["state"]) for g in drawn["gold"]] == [(2, "whole"), (8, "cut")]
    assert json.loads(json.dumps(drawn)) == drawn
