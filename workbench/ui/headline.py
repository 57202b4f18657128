"""The measure by which every page judges, the population its figures speak of, and what the questions can show."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from workbench import golden
from workbench.errors import RunError
from workbench.metrics import metric
from workbench.records import Question
from workbench.statistics import DOCUMENT, MIN_DOCUMENTS, PASSAGE, UNITS, Population, population, power_statement
from workbench.statistics.intervals import Ints
from workbench.sweeps import METRIC
from workbench.ui import state
from workbench.ui.forms import control
from workbench.workspaces.experiments import latest_runs

KEY = "headline"
"""Session state: the name of the measure, from the choice on any page on."""

KS, TOKENS = (1, 3, 5, 10, 20), (500, 1000, 2000, 4000)
"""Budgets that every run of the pages is measured at, all from one retrieval."""

_AT_K = ("recall", "passage_recall", "all_passages", "ndcg", "average_precision", "mrr", "hit_rate")


def options(k: int, chosen: str = METRIC) -> list[str]:
    """Return what can be chosen, `chosen` included; first measures at equal context, fair to every chunk size."""
    ks = sorted({5, 10, k})
    at_tokens = [METRIC, *(f"recall@{n}tok" for n in TOKENS), "passage_recall@1000tok", "ndcg@1000tok"]
    return list(dict.fromkeys([*at_tokens, *(f"{name}@{k}" for k in ks for name in _AT_K), chosen]))


def measure() -> str:
    """Return the measure that was chosen, else the usual one."""
    return str(st.session_state.get(KEY) or METRIC)


def choice(place: Any = st) -> str:
    """Draw the choice; what it says now holds on every page."""
    control(
        place.selectbox,
        "Judged by",
        "judged-by",
        measure(),
        lambda name: st.session_state.update({KEY: name}),
        options=options(int(state.mapping()["k"]), measure()),
        width=220,
        help=f"One measure for all pages. {metric(measure()).definition}",
    )
    return measure()


def shown(chosen: str, measured: Iterable[str]) -> tuple[str, str]:
    """Return the measure to show where only some were measured, and why it is not the chosen one; "" where it is.

    Raises:
        RunError: none was measured, as where runs have no measure in common.
    """
    names = list(measured)
    if not names:
        raise RunError(
            f"these configurations have no measure in common, so {chosen} cannot be shown; measure them again, all by "
            "the same measures"
        )
    if chosen in names:
        return chosen, ""
    other = METRIC if METRIC in names else names[0]
    return other, f"{chosen} was not measured here; shown is {beside(other)}."


def beside(name: str) -> str:
    """Return a measure with where it was measured: `recall@5 (measured at k = 5)`."""
    budget = metric(name).budget if "@" in name else None
    return f"{name} ({budget.place})" if budget else name


def differ(names: Sequence[str]) -> str:
    """Return why figures of one configuration differ between measures side by side; "" for one measure."""
    some = list(dict.fromkeys(names))
    if len(some) < 2:
        return ""
    return f"{', '.join(map(beside, some[:-1]))} and {beside(some[-1])} look at different parts of a ranking."


def definition(name: str) -> str:
    """Return what a measure says, for the help of a column or figure; "" for what is none of ours, such as chroma's."""
    return metric(name).definition if "@" in name or name == "precision_omega" else ""


_SPEAK_OF = "figures-speak-of"
SPEAK_HELP = (
    f"**{UNITS[PASSAGE]}**: intervals and verdicts hold for further questions about the documents that are here.  \n"
    f"**{UNITS[DOCUMENT]}**: they hold for further documents too, so they are wider; this needs questions about at "
    f"least {MIN_DOCUMENTS} documents."
)


def unit() -> str | None:
    """Return the unit of resampling that was chosen; None for the default, documents where there are enough."""
    return PASSAGE if st.session_state.get(_SPEAK_OF) == UNITS[PASSAGE] else None


def of(documents: Ints | None) -> Population:
    """Return the population that figures about questions of these documents (n,) speak of, by the choice."""
    return population(documents, unit())


def said(who: Population) -> str:
    """Say of which population a figure speaks, as a sentence to stand beside it."""
    return f"Holds for {who.words}" + (f": {who.caution}." if who.caution else ".")


def switch(documents: Ints | None) -> None:
    """Draw the choice, or say why there is none; `documents` (n,) are those of the questions."""
    default = population(documents)
    if default.unit == PASSAGE:
        seen = "an unknown number of" if documents is None else f"{len(np.unique(documents)):,}"
        st.caption(
            f"Figures speak of questions about {UNITS[PASSAGE]}: of {UNITS[DOCUMENT]} they could speak from "
            f"{MIN_DOCUMENTS} documents on; these questions are about {seen}."
        )
        return
    st.segmented_control(
        "Figures speak of",
        [UNITS[DOCUMENT], UNITS[PASSAGE]],
        default=UNITS[DOCUMENT],
        key=_SPEAK_OF,
        required=True,
        persist_state="session",
        help=SPEAK_HELP,
    )


def power_note(questions: Sequence[Question]) -> None:
    """Draw one line that changes with every question that is added, of those that choose the winner of a sweep."""
    n = len(golden.split([q for q in questions if q.answerable])[0])
    if not n:
        st.caption("With 40 questions you can see a recall difference of 0.09 to 0.18 or more (80 % power).")
        return
    found = power_statement(n, latest_runs(state.workspace()))
    low, high = found.sd
    basis = "usual spread" if found.assumed else "spread of paired differences between your own runs"
    st.caption(
        f"{found.sentence[:1].upper()}{found.sentence[1:]}.",
        help=f"Of the questions that choose a winner. From the {basis}, {low:.2f} to {high:.2f}.",
    )
