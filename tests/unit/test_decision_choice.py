"""The rules of the page Decision: preselected is what is settled, exported what was decided or answered."""

import random
from dataclasses import replace
from typing import Any, get_args

import pytest
from test_sweep_results import noise, run

from workbench.catalogue import DecisionRecord
from workbench.sweeps import Leaderboard, leaderboard
from workbench.ui.decision.choice import Exported, Step, differences, export_of, first_step, looked_at, newest

DRAW = random.Random(3)
OPEN = leaderboard(
    [run(n, [float(DRAW.random() < p) for _ in range(20)]) for n, p in (("a", 0.7), ("b", 0.6), ("c", 0.65))]
)
BEST = leaderboard([run("a", noise(0.5)), run("b", noise(0.8, seed=1))])


def record(chosen: str = "a" * 16, **changes: Any) -> DecisionRecord:
    fields = {
        "label": "x", "by": "Ana", "why": "small", "corpus": "c" * 16, "golden": "d" * 16, "metric": "recall@1000tok",
        "verdict": "not settled", "pipeline": "k: 5", "at": "2026-11-30", "id": 1,
    }  # fmt: skip
    return DecisionRecord(chosen=chosen, **fields | changes)


def with_verdict(board: Leaderboard, verdict: Any, **changes: Any) -> Leaderboard:
    return replace(board, decision=replace(board.decision, verdict=verdict, **changes))


def fingerprint(board: Leaderboard, picked: str = "", records: Any = ()) -> str | None:
    row = looked_at(board, picked, records)
    return row.run.fingerprint[0] if row else None


def test_nothing_is_preselected_unless_it_is_settled() -> None:
    assert OPEN.decision.verdict not in ("best", "equivalent")
    assert fingerprint(OPEN) is None
    assert fingerprint(leaderboard([run("a", noise(0.5))])) is None
    assert fingerprint(BEST) == "b"
    equal = with_verdict(OPEN, "equivalent", leader="a" * 16, cheapest="c" * 16)
    assert fingerprint(equal) == "c"  # the cheapest of the equivalent
    assert fingerprint(with_verdict(equal, "best")) == "a"  # the best, though another be cheaper


def test_a_worse_configuration_is_not_chosen_for_tokens_that_nobody_pays() -> None:
    """Judged at 1,000 tokens, b hands over less at its own k, is no better, and its index is larger."""
    values = {"a": [1.0] * 29 + [0.0] * 11, "b": [1.0] * 13 + [0.0] * 11 + [1.0] * 9 + [0.0] * 7}
    a = replace(run("a", values["a"], tokens=600), index_bytes=100)
    b = replace(run("b", values["b"], tokens=150), index_bytes=400)
    board = leaderboard([a, b])
    assert (board.rows[0].interval.mean, board.rows[1].interval.mean) == (0.725, 0.55)
    assert board.decision.cheapest[0] == "a"
    assert fingerprint(board) in (None, "a")


def test_a_hand_and_a_decision_on_these_very_runs_come_first() -> None:
    assert fingerprint(OPEN, "b" * 16) == "b"
    assert fingerprint(OPEN, "gone", [record("c" * 16)]) == "c"
    assert fingerprint(OPEN, "b" * 16, [record("c" * 16)]) == "b"
    assert fingerprint(BEST, "", [record("a" * 16)]) == "a"
    newer = [record("a" * 16, id=2), record("c" * 16)]
    assert fingerprint(OPEN, "", newer) == "a"


@pytest.mark.parametrize("other", [{"corpus": "other"}, {"golden": "other"}, {"chosen": "f" * 16}])
def test_a_decision_on_other_evidence_preselects_nothing(other: dict[str, str]) -> None:
    assert fingerprint(OPEN, "", [record(**{"chosen": "c" * 16} | other)]) is None
    assert fingerprint(OPEN, "", [record(**{"chosen": "c" * 16} | other), record("b" * 16)]) == "b"


def test_the_first_offer_for_an_unsettled_table_is_more_questions() -> None:
    step = first_step(with_verdict(OPEN, "not settled", more=1_234))
    assert isinstance(step, Step)
    assert (step.button, step.page) == ("Add questions", "pages/4_Golden_set.py")
    assert "about 1,300 more questions would settle it" in step.text
    unknown = first_step(with_verdict(OPEN, "not settled", more=None))
    assert unknown is not None
    assert "from 68 on, how many can be estimated" in unknown.text
    assert first_step(BEST) is None
    alone = first_step(leaderboard([run("a", noise(0.5))]))
    assert alone is not None
    assert alone.page == "pages/5_Experiments.py"  # questions do not settle what has no rival


HERE = {"corpus": "c" * 16, "golden": "d" * 16}


def test_what_was_decided_is_exported_where_it_is_the_current_configuration() -> None:
    found = export_of(record(), "a" * 16, "a" * 16, **HERE)
    assert (found.exported, found.question, found.notes) == ("decided", "", ())


@pytest.mark.parametrize("answer", [None, *get_args(Exported)])
def test_where_they_differ_nothing_is_exported_before_there_is_an_answer(answer: Exported | None) -> None:
    found = export_of(record(), "a" * 16, "b" * 16, **HERE, answer=answer)
    assert found.exported == (answer or "")
    assert found.answers == ("decided", "current")
    assert "not the one that was decided" in found.question


def test_without_a_decision_it_is_asked_and_never_the_pipeline_in_hand_by_itself() -> None:
    assert export_of(None, "", "b" * 16, **HERE).exported == ""
    assert export_of(None, "", "b" * 16, **HERE, answer="decided").exported == ""  # there is no such thing
    assert export_of(None, "", "b" * 16, **HERE, answer="current").exported == "current"


def test_a_decision_that_cannot_be_built_here_is_not_replaced_in_silence() -> None:
    for answer in (None, "decided"):
        found = export_of(record(), "", "b" * 16, **HERE, answer=answer)  # type: ignore[arg-type]
        assert (found.exported, found.answers) == ("", ("current",))
        assert "cannot be built" in found.question


@pytest.mark.parametrize(
    "changes, decided, words",
    [
        ({"corpus": "other"}, "a" * 16, "other documents"),
        ({"golden": "other"}, "a" * 16, "other questions"),
        ({}, "e" * 16, "another fingerprint here"),
    ],
)
def test_what_has_changed_since_a_decision_is_said(changes: dict[str, str], decided: str, words: str) -> None:
    for current in (decided, "b" * 16):
        (note,) = export_of(record(**changes), decided, current, **HERE).notes
        assert words in note


def test_the_newest_decision_on_these_documents_holds() -> None:
    old, new, elsewhere = record(id=1), record("b" * 16, id=2), record("f" * 16, id=3, corpus="other")
    assert newest([elsewhere, new, old], ["c" * 16]) is new
    assert newest([elsewhere], ["c" * 16]) is elsewhere
    assert newest([], ["c" * 16]) is None


def test_differences_are_setting_by_setting() -> None:
    one = {"workbench": 1, "splitter": {"kind": "recursive", "chunk_size": 200}, "k": 5}
    other = {"workbench": 1, "splitter": {"kind": "fixed", "chunk_size": 200, "header": "none"}, "k": 10}
    assert differences(one, other) == [
        ("splitter.kind", "recursive", "fixed"), ("k", "5", "10"), ("splitter.header", "–", "none"),
    ]  # fmt: skip
    assert differences(one, one) == []
