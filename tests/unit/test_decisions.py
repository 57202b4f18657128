"""RAG, fine-tuning or neither: every set of answers, what carries the result, mistakes, costs."""

from dataclasses import fields, replace
from itertools import product

import pytest

from workbench.decisions import (
    PRESETS,
    PROMPTS,
    QUESTIONS,
    RULES,
    WORDS,
    Context,
    CostInputs,
    Facts,
    audit,
    beside,
    break_even,
    carriers,
    cheaper,
    content,
    contradictions,
    dimensions,
    drivers,
    filled,
    flips,
    looks_up,
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


NEITHER = {**STYLE, "behaviour": "no", "volume": "low"}


@pytest.mark.parametrize(
    "answers, result",
    [
        (LOOKUP, "rag"),
        (STYLE, "fine-tuning"),
        ({**STYLE, "both": "yes"}, "hybrid"),
        ({**STYLE, "both": "yes", "examples": "none"}, "rag"),
        (NEITHER, "prompt"),
        ({**NEITHER, "behaviour": "some"}, "few-shot"),
        ({**NEITHER, "behaviour": "some", "volume": "high"}, "fine-tuning"),
        ({**STYLE, "examples": "some"}, "few-shot"),
        ({**STYLE, "documents": "own"}, "hybrid"),
        ({**LOOKUP, "change": "never", "examples": "thousands", "citations": "no", "skill": "yes"}, "rag"),
        ({**LOOKUP, "behaviour": "much"}, "rag"),
    ],
)
def test_the_plain_cases(answers, result):
    assert len(QUESTIONS) == 8
    assert audit(answers).result == result


TRAINED = {"fine-tuning", "hybrid"}
LAWS = {
    "what has to be looked up is never left to training, or to a prompt alone": lambda a, r: (
        not (a["documents"] in ("own", "partly") or a["change"] in ("daily", "monthly") or a["citations"] == "must")
        or r in {"rag", "hybrid"}
    ),
    "fewer than 200 examples are not trained on": lambda a, r: (
        a["examples"] in ("hundreds", "thousands") or r not in TRAINED
    ),
    "behaviour that no prompt reaches is trained, where there are examples": lambda a, r: (
        a["behaviour"] != "much" or a["examples"] in ("none", "some") or r in TRAINED
    ),
    "what a prompt gets right is not trained where documents are looked up": lambda a, r: (
        a["behaviour"] != "no" or r != "hybrid"
    ),
    "what a prompt gets right is trained for volume or speed alone": lambda a, r: (
        a["behaviour"] != "no" or r != "fine-tuning" or a["volume"] == "high"
    ),
    "both at once is never one alone, once it is trained": lambda a, r: a["both"] == "no" or r != "fine-tuning",
    "general knowledge without change, citation or other behaviour needs nothing": lambda a, r: (
        (a["documents"], a["behaviour"], a["both"]) != ("general", "no", "no")
        or a["change"] in ("daily", "monthly")
        or a["citations"] == "must"
        or r in {"prompt", "fine-tuning"}
    ),
    "few-shot is for behaviour": lambda a, r: r != "few-shot" or a["behaviour"] != "no",
}


def test_every_set_of_answers_has_a_result_that_breaks_no_law_and_all_results_occur():
    seen = set()
    for answers in everything():
        verdict = audit(answers)
        seen.add(verdict.result)
        broken = [law for law, holds in LAWS.items() if not holds(answers, verdict.result)]
        assert not broken, (answers, verdict.result, broken)
        near = {one.name for one in mistakes(answers, FACTS, verdict.result)}
        if answers["examples"] == "some" and answers["behaviour"] != "no":
            assert "Fine-tuning on 50 to 199 examples" in near, answers
        tempting = answers["examples"] in ("hundreds", "thousands") or answers["behaviour"] == "much"
        assert ("Fine-tuning for knowledge" in near) is (looks_up(answers) and tempting), answers
    assert seen == set(WORDS) == {"rag", "fine-tuning", "hybrid", "prompt", "few-shot"}


def test_each_rule_decides_something_and_says_of_what_it_speaks():
    used = {audit(answers).rule.why for answers in everything()}
    assert used == {rule.why for rule in RULES}
    for rule in RULES:
        assert all(
            QUESTIONS[q].answers[a].text in rule.conditions for q, some in rule.where.items() for a in some
        )  # fmt: skip
    assert audit(NEITHER).sentence.startswith("neither: the prompt does it; nothing has to be looked up")
    assert audit(LOOKUP).sentence.startswith("RAG: knowledge has to be looked up")


CONTRADICTORY = {
    ("general", "no", "monthly", "useful", "no"): {("documents", "change")},
    ("general", "much", "never", "must", "no"): {("documents", "citations")},
    ("general", "much", "never", "no", "yes"): {("documents", "both")},
    ("own", "no", "never", "no", "yes"): {("behaviour", "both")},
    ("partly", "much", "never", "no", "no"): {("documents", "behaviour", "both")},
    ("own", "much", "never", "must", "yes"): set(),
    ("general", "no", "never", "useful", "no"): set(),
}


@pytest.mark.parametrize("given", CONTRADICTORY)
def test_answers_that_contradict_each_other_are_asked_about(given):
    names = ("documents", "behaviour", "change", "citations", "both")
    answers = {**LOOKUP, **dict(zip(names, given, strict=True))}
    found = contradictions(answers)
    assert {tuple(q for q, _ in one.answers) for one in found} == CONTRADICTORY[given]
    for one in found:
        assert one.sentence.endswith("?")
        assert all(QUESTIONS[q].answers[a].text in one.sentence for q, a in one.answers)
        assert dict(one.answers).items() <= answers.items()


def test_the_two_answers_that_carry_the_result_are_those_that_change_it_most():
    for answers in (LOOKUP, STYLE, NEITHER):
        now, (first, second) = audit(answers).result, carriers(answers)
        weights = {
            q: sum(audit({**answers, q: a}).result != now for a in asked.answers) / (len(asked.answers) - 1)
            for q, asked in QUESTIONS.items()
        }
        assert (first.alone, second.alone) == tuple(sorted(weights.values(), reverse=True)[:2])
        for one in (first, second):
            assert one.alone == weights[one.question]
            assert one.flip is not None
            assert audit({**answers, **dict(one.flip.changes)}).result == one.flip.result != now
    assert {one.question for one in carriers(STYLE)} == {"documents", "both"}


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


def test_what_is_measured_helps_and_answers_nothing_by_itself():
    """Questions with passages are no labelled examples, and answers need not come from the documents that are here."""
    hints = beside(FACTS)
    assert "are no such examples" in hints["examples"]
    assert "13 documents" in hints["documents"]
    assert set(hints) <= set(QUESTIONS)
    assert "10.0 ms" in hints["volume"]
    assert "2 of 13" in hints["change"]
    assert beside(Facts()) == {}
    assert "64" not in next(r for r in dimensions(LOOKUP, FACTS) if r.name == "Data needed").tuning


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


@pytest.mark.parametrize(
    "changes, below",
    [({}, "RAG"), ({"tuning_days": 0.0, "context_tokens": 309.0}, "fine-tuning")],
)
def test_the_lines_of_cost_cross_in_either_direction(changes, below):
    given = replace(CostInputs(), **changes)
    n = break_even(given)
    assert n
    rag, tuning, _ = yearly(replace(given, queries=n))
    assert rag.total == pytest.approx(tuning.total)
    above = {"RAG": "fine-tuning", "fine-tuning": "RAG"}[below]
    assert f"below it {below} costs less, above it {above}" in cheaper(given)
    for queries, wins in ((n / 2, below), (2 * n, above)):
        rag, tuning, _ = yearly(replace(given, queries=queries))
        assert (tuning.total < rag.total) is (wins == "fine-tuning")
        assert f"{wins} costs less: ${min(rag.total, tuning.total):,.0f}" in cheaper(replace(given, queries=queries))


def test_lines_of_cost_that_do_not_cross():
    given = CostInputs()
    dearer = replace(given, context_tokens=0.0)  # a trained model costs more to make and for each query
    assert break_even(dearer) is None
    assert "RAG costs less" in cheaper(dearer)
    assert "at every volume" in cheaper(dearer)
    always = replace(given, tuning_days=0.0, examples=0.0, rag_days=99.0)
    assert break_even(always) == 0.0
    assert "fine-tuning costs less" in cheaper(always)
    assert "at every volume" in cheaper(always)
    free = replace(
        given, tuning_days=given.rag_days, examples=0.0, index_month=0.0, embedding_price=0.0, tuned_factor=1.0
    )
    assert break_even(free) == 0.0  # equal without a query, and cheaper with each
    assert break_even(replace(free, context_tokens=0.0)) is None  # equal at every volume


@pytest.mark.parametrize("given", [CostInputs(), CostInputs(tuning_days=0.0, context_tokens=309.0, host_month=0.0)])
def test_the_two_inputs_that_carry_the_comparison(given):
    def gap(inputs):
        rag, tuning, _ = yearly(inputs)
        return tuning.total - rag.total

    found = drivers(given, most=len(fields(CostInputs)))
    assert len(found) == len(fields(CostInputs))
    for one in found:
        assert one.low <= getattr(given, one.name) <= one.high
        assert one.low < one.high
        assert one.at_low == gap(replace(given, **{one.name: one.low}))
        assert one.flips is (min(one.at_low * gap(given), one.at_high * gap(given)) < 0)
    assert [(not d.flips, -d.moves) for d in found] == sorted((not d.flips, -d.moves) for d in found)
    assert drivers(given) == found[:2]
    assert found[0].name not in {d.name for d in drivers(given, known=[found[0].name])}


@pytest.mark.parametrize("name", [f.name for f in fields(CostInputs)])
def test_inputs_have_limits(name):
    for wrong in (-1.0, float("nan"), float("inf"), "1", True):
        with pytest.raises(SpecError, match="must be a number"):
            CostInputs(**{name: wrong})


@pytest.mark.parametrize("result", list(WORDS))
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
    assert "No evaluation before deployment" in names(STYLE, Facts())
    assert "No evaluation before deployment" not in names(STYLE, FACTS)
    assert "No chunking strategy" in names(LOOKUP, replace(FACTS, configurations=1))
    assert "No chunking strategy" not in names(LOOKUP, FACTS)
    assert "RAG for consistent style" in names({**LOOKUP, "behaviour": "some"}, FACTS)
    assert "Fine-tuning on fewer than 50 examples" in names({**STYLE, "examples": "none"}, FACTS, "few-shot")
    stable = {**LOOKUP, "change": "never", "examples": "thousands", "citations": "no", "skill": "yes"}
    first = mistakes(stable, FACTS, audit(stable).result)[0]
    assert (first.name, "most expensive" in first.near) == ("Fine-tuning for knowledge", True)


def test_ten_prompts_with_the_figures_in_them():
    assert len(PROMPTS) == 10
    context = Context(FACTS, "workbench: 1\nk: 5\n", LOOKUP, audit(LOOKUP))
    for name in PROMPTS:
        text = filled(name, context)
        assert "recall@5 = 0.700, 95 % interval 0.600 to 0.800" in text
        assert PROMPTS[name].task in text
        assert "{" not in text.replace("{kind", "")
    assert "by the stated rules: RAG: knowledge has to be looked up" in filled("audit", context)
    assert "(assumed)" not in filled("audit", context)
    assert filled("audit", replace(context, assumed=("change", "both"))).count("(assumed)") == 2
    odd = {**LOOKUP, "both": "yes"}
    assert "Contradictory: " in filled("audit", replace(context, answers=odd, verdict=audit(odd)))
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


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("    citations: [must]\n  ask", "    citations: [musty]\n  ask", "no answer 'musty'"),
        ("  result: few-shot\n", "  result: magic\n", "magic"),
        ("prompt_rules:", "prompt_rule:", "keys"),
    ],
)
def test_content_that_names_what_is_not_there_is_refused(old: str, new: str, words: str) -> None:
    text = content.FILE.read_text("utf-8")
    assert old in text
    with pytest.raises(ValueError, match=words):
        content.read(text.replace(old, new))
