"""RAG, fine-tuning or both: eight questions, what they speak for, and what would turn it."""

from collections.abc import Callable, Mapping
from dataclasses import fields

import streamlit as st

from workbench.decisions import (
    ENOUGH,
    EXCLUSIONS,
    FORBIDDEN,
    QUESTIONS,
    WORDS,
    Asked,
    CostInputs,
    Facts,
    Flip,
    Verdict,
    audit,
    beside,
    break_even,
    dimensions,
    flips,
    known,
    mistakes,
    proof_plan,
    sensitivity,
    yearly,
)
from workbench.ui.shell import panels, plain

USUAL = {"behaviour": "no", "change": "monthly", "citations": "useful", "volume": "low", "skill": "some", "both": "no"}
"""What stands there until somebody answers."""

MOST = 6
"""Flips that are shown; the smallest first."""


def answers(facts: Facts) -> dict[str, str]:
    """The answers as they stand: by hand, measured, or not given yet."""
    measured = known(facts)
    out = {}
    for name, asked in QUESTIONS.items():
        given = str(st.session_state.get(f"audit-{name}", ""))
        usual = measured[name].answer if name in measured else USUAL.get(name, next(iter(asked.answers)))
        out[name] = given if given in asked.answers else usual
    return out


def panel(facts: Facts, evidence: Callable[[], None]) -> dict[str, str]:
    """The whole audit; the answers. `evidence` draws what training gained on this golden set."""
    left, right = panels(1, 1.5)
    with left:
        given = _questions(facts)
    verdict = audit(given)
    with right:
        st.markdown(f"**{plain(verdict.sentence[:1].upper() + verdict.sentence[1:])}.**")
        st.caption(
            "The scoring is open: every answer gives points to either side. Both are due where each has at least "
            f"{ENOUGH} points and neither twice as many; a tie goes to RAG, which is easier to undo. It is a guide to "
            "talk by; the points are our judgement, the measurements beside the questions are not."
        )
        _turns(given)
        near = mistakes(given, facts, verdict.result)
        if near:
            st.markdown("**Known mistakes that are near**")
            for one in near:
                st.markdown(f"- {plain(one.name)}: {plain(one.near)}. Instead: {plain(one.instead)}.")
        view = st.segmented_control(
            "Detail", _DETAILS, default="Compared", key="audit-detail", label_visibility="collapsed", required=True,
            persist_state="session",
        )  # fmt: skip
        if view == "Compared":
            _compared(given, facts)
        elif view == "Points":
            _points(verdict)
        elif view == "Twelve months' cost":
            _costs(facts)
        elif view == "Two weeks' proof":
            rows = [{"Days": day, "What is done": text} for day, text in proof_plan(verdict.result, facts)]
            st.table(rows)
        elif view == "By evidence":
            evidence()
        else:
            st.table([{"Never train on": what, "Why": why} for what, why in EXCLUSIONS])
    return given


_DETAILS = ("Compared", "Points", "Twelve months' cost", "Two weeks' proof", "Training data", "By evidence")


def _questions(facts: Facts) -> dict[str, str]:
    measured, hints, given = known(facts), beside(facts), answers(facts)
    for name, asked in QUESTIONS.items():
        options = list(asked.answers)
        st.selectbox(
            asked.text,
            options,
            index=options.index(given[name]),
            format_func=_words(asked),
            key=f"audit-{name}",
            persist_state="session",
        )
        if name in measured:
            st.caption(f"Measured: {plain(measured[name].evidence)}.")
        elif name in hints:
            st.caption(f"To help: {plain(hints[name])}.")
    return answers(facts)


def _words(asked: Asked) -> Callable[[str], str]:
    return lambda name: asked.answers[name].text


def _turns(given: Mapping[str, str]) -> None:
    """Which answers decide alone, and the smallest changes that turn the result."""
    turning = [QUESTIONS[q].text for q, results in sensitivity(given).items() if results]
    found = flips(given)
    st.markdown("**What would turn it**")
    if turning:
        st.caption(f"{len(turning)} of {len(QUESTIONS)} answers turn the result alone.")
    else:
        st.caption("No answer turns the result alone." + (" Two together would:" if found else ""))
    _listed(found)


def _listed(found: list[Flip]) -> None:
    smallest = len(found[0].changes) if found else 0
    some = [flip for flip in found if len(flip.changes) == smallest]
    for flip in some[:MOST]:
        st.markdown(f"- {plain(flip.sentence)}")
    if len(some) > MOST:
        st.caption(f"{MOST} of {len(some)}.")


def _compared(given: Mapping[str, str], facts: Facts) -> None:
    rows = [
        {"": one.name, "RAG": one.rag, "Fine-tuning": one.tuning, "Both": one.hybrid, "Ahead": one.better}
        for one in dimensions(given, facts)
    ]
    st.table(rows)


def _points(verdict: Verdict) -> None:
    rows = [
        {"Question": asked, "Answer": answer, "RAG": rag, "Fine-tuning": tuning, "Why": why}
        for asked, answer, rag, tuning, why in verdict.reasons
    ]
    st.table([*rows, {"Question": "Sum", "Answer": "", "RAG": verdict.rag, "Fine-tuning": verdict.tuning, "Why": ""}])
    st.caption("Rules that overrule points:")
    for name, answer, forbidden, instead, why in FORBIDDEN:
        st.markdown(
            f"- “{plain(QUESTIONS[name].answers[answer].text)}” to “{plain(QUESTIONS[name].text)}” turns "
            f"{WORDS[forbidden]} into {WORDS[instead]}: {plain(why)}."
        )


def _costs(facts: Facts) -> None:
    """Twelve months of each approach, its inputs in a table to edit."""
    usual = CostInputs()
    start = {f.name: float(getattr(usual, f.name)) for f in fields(CostInputs)}
    if facts.tokens_per_query is not None:
        start["context_tokens"] = float(round(facts.tokens_per_query))
    if facts.characters:
        start["document_tokens"] = float(round(facts.characters / 4))
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        rows = [
            {"Input": f.metadata["help"], "Value": start[f.name], "From": _origin(f.name, facts)}
            for f in fields(CostInputs)
        ]
        edited = st.data_editor(
            rows,
            key=f"audit-costs-{start['context_tokens']:.0f}-{start['document_tokens']:.0f}",
            hide_index=True,
            disabled=["Input", "From"],
            height=420,
            column_config={
                "Input": st.column_config.TextColumn(width=280),
                "Value": st.column_config.NumberColumn(min_value=0.0, format="%g", required=True, width=80),
            },
            alt="Inputs of the costs",
        )
        given = CostInputs(
            **{f.name: float(row["Value"] or 0) for f, row in zip(fields(CostInputs), edited, strict=True)}
        )
    with right:
        costs = yearly(given)
        names = list(dict.fromkeys(line for cost in costs for line, _ in cost.lines))
        amounts = [dict(cost.lines) for cost in costs]
        table = [
            {"$ in twelve months": name}
            | {c.approach: f"{a[name]:,.0f}" if name in a else "–" for c, a in zip(costs, amounts, strict=True)}
            for name in names
        ]
        st.table([*table, {"$ in twelve months": "Sum"} | {cost.approach: f"{cost.total:,.0f}" for cost in costs}])
        even = break_even(given)
        st.caption(
            "By these inputs fine-tuning never costs less than RAG."
            if even is None
            else f"From {even:,.0f} queries a month fine-tuning costs less than RAG, by these inputs."
        )
    st.caption(
        "Inputs marked “assumed” are places to write your own figures, not prices that anybody offered; “counted” "
        "takes 4 characters a token."
    )


def _origin(name: str, facts: Facts) -> str:
    if name == "context_tokens" and facts.tokens_per_query is not None:
        return "measured"
    return "counted" if name == "document_tokens" and facts.characters else "assumed"
