"""The one measure by which every page judges: chosen once, the same everywhere, and defined wherever it is shown."""

from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from workbench.errors import RunError
from workbench.metrics import metric
from workbench.sweeps import METRIC
from workbench.ui import sessions
from workbench.ui.controls import control

KEY = "headline"
"""Session state: the name of the measure, from the choice on any page on."""

KS, TOKENS = (1, 3, 5, 10, 20), (500, 1000, 2000, 4000)
"""Budgets that every run of the pages is measured at, all from one retrieval."""

_AT_K = ("recall", "passage_recall", "all_passages", "ndcg", "average_precision", "mrr", "hit_rate")


def options(k: int, chosen: str = METRIC) -> list[str]:
    """What can be chosen, at equal context first, which is fair to every chunk size; `chosen` is always among it."""
    ks = sorted({5, 10, k})
    at_tokens = [METRIC, *(f"recall@{n}tok" for n in TOKENS), "passage_recall@1000tok", "ndcg@1000tok"]
    return list(dict.fromkeys([*at_tokens, *(f"{name}@{k}" for k in ks for name in _AT_K), chosen]))


def measure() -> str:
    """The measure that was chosen, else the usual one."""
    return str(st.session_state.get(KEY) or METRIC)


def choice(place: Any = st) -> str:
    """Draw the choice; what it says now holds on every page."""
    control(
        place.selectbox,
        "Judged by",
        "judged-by",
        measure(),
        lambda name: st.session_state.update({KEY: name}),
        options=options(int(sessions.mapping()["k"]), measure()),
        width=220,
        help=f"One measure for all pages. {metric(measure()).definition}",
    )
    return measure()


def shown(chosen: str, measured: Iterable[str]) -> tuple[str, str]:
    """The measure to show where only some were measured, and why it is not the chosen one; "" where it is.

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
    """A measure with where it was measured: `recall@5 (measured at k = 5)`."""
    budget = metric(name).budget if "@" in name else None
    return f"{name} ({budget.place})" if budget else name


def differ(names: Sequence[str]) -> str:
    """Why figures of one configuration differ between measures that stand beside each other; "" for one measure."""
    some = list(dict.fromkeys(names))
    if len(some) < 2:
        return ""
    return f"{', '.join(map(beside, some[:-1]))} and {beside(some[-1])} look at different parts of a ranking."


def definition(name: str) -> str:
    """What a measure says, for the help of a column or figure; "" for what is none of ours, such as chroma's."""
    return metric(name).definition if "@" in name or name == "precision_omega" else ""
