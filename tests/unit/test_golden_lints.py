"""What linting finds doubtful, and what it leaves alone."""

import random
from pathlib import Path

import pytest

from workbench.documents import Corpus, Document
from workbench.golden import KINDS, Finding, anchored, lint, read_golden
from workbench.golden.lints import same_question
from workbench.parsers import read
from workbench.records import Lost, Question, Reference
from workbench.spans import Span
from workbench.specs import digest

MANUAL = (
    "The relief valve must be tested once a year by a competent person with a gauge. "
    "Hotels in Lisbon are paid up to 160 EUR a night. Close the isolating valve before the seal is exchanged."
)
OTHER = (
    "Something else. Hotels in Lisbon are paid\nup to 160 EUR a night. "
    "The relief valve must be tested once a year by any competent person with a gauge."
)


def document(text: str, name: str) -> Document:
    return Document(digest(text.encode()), digest(f"{name}{text}".encode()), name, text)


HERE, THERE = document(MANUAL, "manual.txt"), document(OTHER, "other.txt")
CORPUS = Corpus((HERE, THERE))
SEAL = "Close the isolating valve before the seal is exchanged."


def ask(id: str, text: str, quote: str = SEAL) -> Question:
    at = MANUAL.index(quote)
    return Question(id, text, (Reference(Span(HERE.id, at, at + len(quote)), quote),))


def found(*questions: Question, **more: int) -> list[tuple[str, str]]:
    return [(f.question, f.kind) for f in lint(questions, CORPUS, **more)]


def test_a_sound_set_has_nothing_to_doubt() -> None:
    assert found(ask("q1", "What comes first when I change a gasket?"), Question("q2", "Diesel?", (), (), False)) == []


def test_an_answer_that_stands_elsewhere_is_told_with_its_place() -> None:
    (finding,) = lint([ask("q1", "How much?", "Hotels in Lisbon are paid up to 160 EUR a night.")], CORPUS)
    assert (finding.kind, finding.severity) == ("elsewhere", "warning")
    assert "is found in other.txt too" in finding.message
    assert finding.span is not None
    assert CORPUS[finding.span] == "Hotels in Lisbon are paid\nup to 160 EUR a night."
    valve = MANUAL[: MANUAL.index(" Hotels")]
    (finding,) = lint([ask("q1", "How often?", valve)], CORPUS)
    assert (finding.kind, finding.severity) == ("near-copy", "note")
    assert finding.span is not None
    assert CORPUS[finding.span] == OTHER[OTHER.index("The relief") :]


def test_a_place_that_is_gold_too_is_no_doubt() -> None:
    at = OTHER.index("Hotels")
    both = ask("q1", "How much?", "Hotels in Lisbon are paid up to 160 EUR a night.")
    span = Span(THERE.id, at, at + 48)
    assert found(Question("q1", both.text, (*both.references, Reference(span, CORPUS[span])))) == []


def test_near_copies_with_other_numbers_are_other_answers() -> None:
    old = document(OTHER.replace("once a year", "every 3 years"), "old.txt")
    valve = MANUAL[: MANUAL.index(" Hotels")]
    assert lint([ask("q1", "How often?", valve)], Corpus((HERE, old))) == ()


@pytest.mark.parametrize(
    "a, b, same",
    [
        ("What does the hotel cost?", "what does  the hotel COST?", True),
        ("What do the hotels cost in Lisbon?", "What does the hotel cost in Lisbon?", True),
        ("How do I exchange the shaft seal?", "How do I exchange a shaft seal?", True),
        ("What does E-4417 mean on the display?", "What does E-4471 mean on the display?", False),
        ("What does the travel policy say about hotels?", "What does the travel policy say about meals?", False),
        ("Who tests the valve?", "What is the fee in class III?", False),
    ],
)
def test_questions_that_ask_the_same(a: str, b: str, same: bool) -> None:
    assert same_question(a, b) == same_question(b, a) == same


def test_twins_are_told_on_the_later_one() -> None:
    twins = [ask("q1", "How is the seal exchanged?"), ask("q2", "How are the seals exchanged?")]
    (finding,) = lint([*twins, ask("q3", "Who pays?")], CORPUS)
    assert (finding.kind, finding.question, finding.other) == ("near-duplicate", "q2", "q1")
    assert found(twins[0], ask("q2", "how is the  seal exchanged?")) == [("q2", "duplicate")]


def test_a_question_in_the_words_of_its_passage_is_told() -> None:
    assert found(ask("q1", "Must I close the isolating valve before the seal is exchanged?")) == [("q1", "copied")]
    assert found(ask("q1", "Which tap do I shut to put a new seal in?")) == []


def test_an_unanswerable_question_whose_words_stand_together_is_told() -> None:
    asked = Question("q1", "What is paid for hotels in Lisbon a night?", (), (), False)
    (finding,) = lint([asked], CORPUS)
    assert (finding.kind, finding.severity, finding.span) == ("answered", "warning", finding.span)
    assert finding.span is not None
    assert CORPUS[finding.span] == "Hotels in Lisbon are paid up to 160 EUR a night"
    assert "4 of its 4 content words" in finding.message
    apart = document("Hotels in Lisbon. " + "Nothing else is said. " * 20 + "A night is paid.", "far.txt")
    assert lint([asked], Corpus((apart,))) == (), "the words stand apart"
    fewer = Question("q1", "What is paid for hotels in Porto a night?", (), (), False)
    assert lint([fewer], CORPUS) == (), "one of four words stands nowhere"


def test_a_passage_that_no_chunk_can_hold_is_told() -> None:
    assert found(ask("q1", "Which tap?"), longest_chunk_characters=20) == [("q1", "long")]
    assert found(ask("q1", "Which tap?"), longest_chunk_characters=len(SEAL)) == []


def test_passages_without_a_place_come_first() -> None:
    lost = Lost("manual.txt", "Gone words", "the quote is not in it", kind="lost")
    gone = Lost("away.txt", "Other words", "away.txt is not here", kind="gone")
    whole = ask("q1", "Must I close the isolating valve before the seal is exchanged?")
    mixed = Question("q1", whole.text, whole.references, (), True, (gone, lost))
    assert found(mixed) == [("q1", "lost"), ("q1", "gone"), ("q1", "copied")]
    assert [f.severity for f in lint([mixed], CORPUS)] == ["error", "error", "note"]


def test_passages_that_drifted_are_told() -> None:
    after = document(MANUAL.replace("isolating valve before", "isolation valves before"), "manual.txt")
    moved = anchored([ask("q1", "Which tap?")], CORPUS, Corpus((after,)))
    (finding,) = lint(moved.questions, Corpus((after,)), anchors=moved.anchors)
    assert finding.kind == "drifted"
    assert finding.span == moved.questions[0].references[0].span
    stale = Question("q1", "Which tap?", (Reference(Span(HERE.id, 0, 20), "Other words here now"),))
    assert found(stale) == [("q1", "drifted")]
    away = Question("q1", "Which tap?", (Reference(Span("f" * 64, 0, 20), "Other words here now"),))
    assert found(away) == [("q1", "gone")]


def test_the_sample_is_nearly_free_of_doubt(root: Path) -> None:
    corpus = read(root / "sample_docs", safely=False)
    questions, _ = read_golden(root / "sample_docs/golden.jsonl", corpus)
    findings = lint(questions, corpus)
    assert all(f.severity == "note" for f in findings)
    assert len(findings) < 8
    assert {f.kind for f in findings} <= set(KINDS)


def test_the_order_is_that_of_the_questions_whatever_is_found() -> None:
    rng = random.Random(1)
    texts = ["How is the seal exchanged?", "Must I close the isolating valve before the seal is exchanged?"]
    questions = [ask(f"q{i}", rng.choice(texts)) for i in range(20)]
    order = [int(f.question[1:]) for f in lint(questions, CORPUS, 20)]
    assert order == sorted(order)
    assert isinstance(lint(questions, CORPUS, 20)[0], Finding)
    assert lint([], CORPUS) == ()
