"""What the questions at hand can show: how small a difference of recall they would tell from chance."""

from collections.abc import Sequence

import streamlit as st

from workbench.records import Question
from workbench.statistics import minimum_detectable_difference

USUAL = (0.2, 0.4)
"""Standard deviations of paired recall differences, before this workspace has runs of its own."""


def statement(questions: Sequence[Question]) -> None:
    """One line that changes with every question that is added."""
    n = sum(q.answerable for q in questions)
    if not n:
        st.caption("No question yet. With 40, a recall difference of about 0.09 to 0.18 can be seen.")
        return
    low, high = (minimum_detectable_difference(sd, n) for sd in USUAL)
    st.caption(f"With {n} questions you can see a recall difference of {low:.2f} to {high:.2f} or more (80 % power).")
