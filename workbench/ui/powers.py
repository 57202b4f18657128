"""What the questions at hand can show: how small a difference of recall they would tell from chance."""

from collections.abc import Sequence

import streamlit as st

from workbench import golden
from workbench.records import Question
from workbench.statistics import power_statement
from workbench.ui import sessions
from workbench.workspaces.experiments import latest_runs


def statement(questions: Sequence[Question]) -> None:
    """One line that changes with every question that is added, of those that choose the winner of a sweep."""
    n = len(golden.split([q for q in questions if q.answerable])[0])
    if not n:
        st.caption("With 40 questions you can see a recall difference of 0.09 to 0.18 or more (80 % power).")
        return
    found = power_statement(n, latest_runs(sessions.workspace()))
    low, high = found.sd
    basis = "usual spread" if found.assumed else "spread of paired differences between your own runs"
    st.caption(
        f"{found.sentence[:1].upper()}{found.sentence[1:]}.",
        help=f"Of the questions that choose a winner. From the {basis}, {low:.2f} to {high:.2f}.",
    )
