"""Golden sets changed, merged and split."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import GoldenError
from workbench.golden import added, clusters, fresh_id, merge, removed, replaced, split
from workbench.records import Question, Reference
from workbench.spans import Span

DOCUMENT = "d" * 64


def ask(id: str, start: int = 0, size: int = 10, **more: Any) -> Question:
    return Question(id, f"What? {start}", (Reference(Span(DOCUMENT, start, start + size), "x" * size),), **more)


@st.composite
def sets(draw: st.DrawFn) -> list[Question]:
    ids = draw(st.lists(st.text("abcdef0123456789", min_size=1, max_size=4), max_size=30, unique=True))
    starts = st.integers(0, 300)
    return [ask(id, draw(starts), draw(st.integers(1, 12))) for id in ids]


@given(sets(), st.floats(0, 1), st.integers(0, 5))
def test_a_split_takes_all_questions_and_tears_no_cluster(questions: list[Question], share: float, seed: int) -> None:
    development, held = split(questions, share, seed)
    assert sorted(q.id for q in (*development, *held)) == sorted(q.id for q in questions)
    assert split(questions, share, seed) == (development, held)
    assert [q for q in questions if q in held] == list(held), "in the order given"
    out = {q.id for q in held}
    cluster_of = clusters(questions).tolist()
    sides = {(cluster, q.id in out) for cluster, q in zip(cluster_of, questions, strict=True)}
    assert len(sides) == len(set(cluster_of))
    assert {q.id for q in split(questions[::-1], share, seed)[1]} == out, "whatever the order"


@given(sets(), st.integers(0, 5))
def test_further_questions_move_none(questions: list[Question], seed: int) -> None:
    held = {q.id for q in split(questions, 0.3, seed)[1]}
    more = [*questions, *(ask(f"new{i}", 1000 + 20 * i) for i in range(20))]
    assert {q.id for q in split(more, 0.3, seed)[1]} & {q.id for q in questions} == held


def test_about_the_share_is_held_out_and_tags_decide() -> None:
    questions = [ask(f"q{i}", 20 * i) for i in range(1000)]
    assert 250 < len(split(questions, 0.3)[1]) < 350
    assert split(questions, 0.3, 0) != split(questions, 0.3, 1)
    assert split(questions, 0)[1] == split(questions, 1)[0] == ()
    tagged = [ask("a", 0, tags=("held-out",)), ask("b", 5), ask("c", 50, tags=("development",)), ask("d", 55)]
    for share in (0, 1):
        assert [q.id for q in split(tagged, share)[1]] == ["a", "b"], "the rest of a cluster follows its tag"
    against = [ask("a", 0, tags=("held-out",)), ask("b", 5, tags=("development",))]
    assert [q.id for q in split(against, 1)[1]] == ["a"]
    with pytest.raises(GoldenError, match=r"\(1.5\) must be from 0 to 1"):
        split(questions, 1.5)


def test_edits_give_new_sets() -> None:
    questions = (ask("q1"), ask("mine", 20))
    assert fresh_id(questions) == "q2"
    more = added(questions, ask("", 40))
    assert [q.id for q in more] == ["q1", "mine", "q2"]
    assert [q.id for q in removed(more, "q1", "mine")] == ["q2"]
    assert fresh_id(removed(more, "q1")) == "q3", "an id is not used again while a later one is there"
    assert [q.id for q in replaced(more, "mine", ask("yours", 20))] == ["q1", "yours", "q2"]
    for act, message in (
        (lambda: added(questions, ask("q1")), 'a question "q1" already'),
        (lambda: added(questions, Question("", "  ", answerable=False)), "the question is empty"),
        (lambda: added(questions, Question("", "What?")), "has no references"),
        (lambda: added(questions, ask("", tags=("",))), "a tag is empty"),
        (lambda: removed(questions, "q9"), 'no question "q9"'),
        (lambda: replaced(questions, "q9", ask("q9")), 'no question "q9"'),
        (lambda: replaced(questions, "q1", ask("mine")), 'a question "mine" already'),
    ):
        with pytest.raises(GoldenError, match=message):
            act()


def test_merging_renames_what_clashes_and_takes_nothing_twice() -> None:
    here = (ask("q1"), ask("q2", 20))
    found = merge(here, [ask("q1"), ask("q1", 40), ask("q2", 20, 5), ask("x", 60), ask("y", 60)])
    assert [q.id for q in found.questions] == ["q1", "q2", "q1-2", "q2-2", "x"]
    assert found.renamed == {"q1": "q1-2", "q2": "q2-2"}
    assert [q.id for q in found.same] == ["q1", "y"]
    assert found.questions == (*here, *found.added)


@given(sets(), sets())
def test_merging_keeps_all_and_is_idempotent(a: list[Question], b: list[Question]) -> None:
    once = merge(a, b)
    assert once.questions[: len(a)] == tuple(a)
    assert len({q.id for q in once.questions}) == len(once.questions)
    assert {(q.text, q.references) for q in b} <= {(q.text, q.references) for q in once.questions}
    assert merge(once.questions, b).questions == once.questions
