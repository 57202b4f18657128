"""Of which population figures speak, chosen once per visit: these documents, or documents like these."""

import numpy as np
import streamlit as st

from workbench.statistics import DOCUMENT, MIN_DOCUMENTS, PASSAGE, UNITS, Population, population
from workbench.statistics.intervals import Ints

_KEY = "figures-speak-of"
HELP = (
    f"**{UNITS[PASSAGE]}**: intervals and verdicts hold for further questions about the documents that are here.  \n"
    f"**{UNITS[DOCUMENT]}**: they hold for further documents too, so they are wider; this needs questions about at "
    f"least {MIN_DOCUMENTS} documents."
)


def unit() -> str | None:
    """Return the unit of resampling that was chosen; None for the default, documents where there are enough."""
    return PASSAGE if st.session_state.get(_KEY) == UNITS[PASSAGE] else None


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
        key=_KEY,
        required=True,
        persist_state="session",
        help=HELP,
    )
