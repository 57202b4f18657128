"""RAG, fine-tuning or both: the scoring is what its tables say, flips are smallest, costs add up."""

from dataclasses import fields, replace
from itertools import product

import pytest

from workbench.decisions import (
    FORBIDDEN,
    PRESETS,
    PROMPTS,
    QUESTIONS,
    Context,
    CostInputs,
    Facts,
    audit,
    beside,
    break_even,
    dimensions,
    filled,
    flips,
    known,
    mistakes,
    proof_plan,
    sensitivity,
    suggest,
    yearly,
)
from workbench.errors import SpecError
from workbench.parsers import Auto, parse

LOOKUP = {
    "documents": "own", "behaviour": "no", "change": "monthly", "examples": "some", "citations": "must",
    "volume": "low", "skill": "no", "both": "no",
}  # fmt: skip
STYLE = {
    "documents": "general", "behaviour": "much", "change": "never", "examples": "thousands", "citations": "no",
    "volume": "high", "skill": "yes", "both": "no",
}  # fmt: skip
FACTS = Facts(
    documents=13, characters=90_000, formats=("md", "pdf"), languages=("en",), replaced=2, questions=64,
    label="recursive",
    model="wordllama", chunks=400, k=5, metric="recall@5", recall=0.7, low=0.6, high=0.8, ceiling=0.98,
    losses="ranking",
    tokens_per_query=661.0, seconds={"search": 0.64}, asked=64, configurations=36,
)  # fmt: skip


def everything():
    """All ways to answer."""
    for answers in product(*(asked.answers for asked in QUESTIONS.values())):
        yield dict(zip(QUESTIONS, answers, strict=True))


def test_eight_questions_and_their_plain_cases():
    assert len(QUESTIONS) == 8
    assert audit(LOOKUP).result == "rag"
    assert audit(STYLE).result == "fine-tuning"
    assert audit({**STYLE, "both": "yes"}).result == "hybrid"
    assert audit({**STYLE, "both": "yes", "examples": "none"}).result == "rag"


def test_no_set_of_answers_gives_a_result_that_an_answer_forbids():
    seen = set()
    for answers in everything():
        result = audit(answers).result
        seen.add(result)
        assert not [rule for rule in FORBIDDEN[2:] if answers[rule[0]] == rule[1] and result == rule[2]], answers
    assert seen == {"rag", "fine-tuning", "hybrid"}


def test_points_are_the_sums_of_the_reasons():
    verdict = audit(LOOKUP)
    assert (
        verdict.rag == sum(QUESTIONS[q].answers[a].rag for q, a in LOOKUP.items()) == sum(r[2] for r in verdict.reasons)
    )
    assert verdict.tuning == sum(r[3] for r in verdict.reasons)


def test_an_answer_that_does_not_exist_is_refused():
    with pytest.raises(SpecError, match="own, partly, general"):
        audit({**LOOKUP, "documents": "perhaps"})
    with pytest.raises(SpecError, match="must be answered"):
        audit({})


@pytest.mark.parametrize(
    "answers", [LOOKUP, STYLE, {**LOOKUP, "behaviour": "some", "change": "yearly", "skill": "some"}]
)
def test_flips_lead_where_they_say_and_none_holds_a_smaller_one(answers):
    now, found = audit(answers).result, flips(answers)
    for flip in found:
        assert audit({**answers, **dict(flip.changes)}).result == flip.result != now
        assert not [f for f in found if set(f.changes) < set(flip.changes)]
        assert all(QUESTIONS[q].answers[a].text in flip.sentence for q, a in flip.changes)
    alone = {f.changes[0][0] for f in found if len(f.changes) == 1}
    assert alone == {q for q, results in sensitivity(answers).items() if results}


def test_what_is_measured_is_answered_and_the_rest_is_asked():
    assert set(known(FACTS)) == {"documents", "examples"}
    assert known(FACTS)["examples"].answer == "some"
    assert [known(replace(FACTS, questions=n))["examples"].answer for n in (49, 50, 200, 1000)] == [
        "none", "some", "hundreds", "thousands",
    ]  # fmt: skip
    assert "documents" not in known(Facts())
    assert all(one.answer in QUESTIONS[name].answers for name, one in known(FACTS).items())
    assert "10.0 ms" in beside(FACTS)["volume"]
    assert "2 of 13" in beside(FACTS)["change"]


def test_twelve_dimensions_carry_the_figures():
    rows = dimensions(LOOKUP, FACTS)
    assert len(rows) == 12
    assert "70%" in next(r for r in rows if r.name == "Factual accuracy").rag
    assert "661" in next(r for r in rows if r.name == "Cost at scale").rag


def test_costs_add_up_by_hand():
    given = CostInputs(
        queries=1000, context_tokens=2000, prompt_tokens=500, answer_tokens=250, input_price=2, output_price=8,
        tuned_factor=2, document_tokens=10e6, changed_share=0.5, embedding_price=0.1, index_month=10, examples=100,
        example_tokens=1000, example_price=3, epochs=2, training_price=20, trainings=5, host_month=7, day_rate=100,
        rag_days=4, tuning_days=6, care_days=1,
    )  # fmt: skip
    rag, tuning, both = yearly(given)
    assert dict(rag.lines) == pytest.approx(
        {
            "Building": 400,
            "Embedding": 7.0,
            "Index": 120,
            "Answers": 12 * 1000 * (2500 * 2 + 250 * 8) / 1e6,
            "Care": 1200,
        }
    )
    assert dict(tuning.lines) == pytest.approx(
        {
            "Building": 600, "Examples": 300, "Training": 5 * 100 * 1000 * 2 * 20 / 1e6, "Hosting": 84,
            "Answers": 12 * 1000 * 2 * (500 * 2 + 250 * 8) / 1e6, "Care": 1200,
        }
    )  # fmt: skip
    assert dict(both.lines)["Building"] == 1000
    assert dict(both.lines)["Care"] == 2400


def test_at_the_break_even_both_cost_the_same():
    given = CostInputs()
    n = break_even(given)
    rag, tuning, _ = yearly(replace(given, queries=n))
    assert rag.total == pytest.approx(tuning.total)
    assert break_even(replace(given, context_tokens=0.0)) is None  # a trained model only costs more a query
    assert break_even(replace(given, tuning_days=0.0, examples=0.0, rag_days=99.0)) == 0.0


@pytest.mark.parametrize("name", [f.name for f in fields(CostInputs)])
def test_inputs_have_limits(name):
    for wrong in (-1.0, float("nan"), float("inf"), "1", True):
        with pytest.raises(SpecError, match="must be a number"):
            CostInputs(**{name: wrong})


@pytest.mark.parametrize("result", ["rag", "fine-tuning", "hybrid"])
@pytest.mark.parametrize("facts", [Facts(), FACTS])
def test_a_plan_has_ten_days(result, facts):
    days = [part for day, _ in proof_plan(result, facts) for part in day.split("–")]
    assert (days[0], days[-1]) == ("1", "10")
    assert [int(d) for d in days] == sorted(int(d) for d in days)
    assert not [text for _, text in proof_plan(result, facts) if "{" in text]


def test_mistakes_are_named_where_their_signs_are():
    names = lambda answers, facts, result="rag": {m.name for m in mistakes(answers, facts, result)}  # noqa: E731
    assert "Never asking what has no answer" in names(LOOKUP, FACTS)
    assert "Never asking what has no answer" not in names(LOOKUP, replace(FACTS, unanswerable=4))
    assert "Training around a bad search" in names(LOOKUP, FACTS, "hybrid")
    assert "Deciding on a handful of questions" in names(LOOKUP, replace(FACTS, questions=12))
    assert "Changing the model before measuring the search" in names(STYLE, Facts())


def test_ten_prompts_with_the_figures_in_them():
    assert len(PROMPTS) == 10
    context = Context(FACTS, "workbench: 1\nk: 5\n", LOOKUP, audit(LOOKUP))
    for name in PROMPTS:
        text = filled(name, context)
        assert "recall@5 = 0.700, 95 % interval 0.600 to 0.800" in text
        assert PROMPTS[name].task in text
        assert "{" not in text.replace("{kind", "")
    assert "13 points for retrieval" in filled("audit", context)
    assert "not been answered" in filled("audit", replace(context, answers=None, verdict=None))
    assert "workbench: 1" in filled("pipeline", context)
    assert "not measured" in filled("model", Context(Facts()))


def test_a_preset_is_suggested_by_a_documents_own_structure():
    assert [(p.chunk_size, p.chunk_overlap) for p in PRESETS.values()] == [(256, 32), (512, 64)]
    assert all("rule of thumb, to be tested" in p.about for p in PRESETS.values())
    steps = parse("a.md", "\n".join(f"{i}. Close valve {i} and drain it." for i in range(1, 20)).encode(), Auto())
    prose = parse("b.md", ("The river rose in the night and nobody saw it. " * 40).encode(), Auto())
    assert suggest(steps).preset.name == "procedural"
    assert suggest(prose).preset.name == "narrative"
    assert suggest(prose).share == 0
