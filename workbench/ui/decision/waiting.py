"""Work of this page in the background: begun by a click, watched until it is done, its result kept for the visit."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from workbench.ui import jobs, state
from workbench.ui.layout import guarded, plain


def begin(key: Hashable, work: jobs.Work) -> None:
    """Nothing; the work runs, anew where it failed before. A callback."""
    with guarded():
        jobs.run(key, state.visit(), work, again=True)


def job(key: Hashable) -> jobs.Job | None:
    """The job of this key if it was begun; this visit watches it."""
    jobs.attend(state.visit(), {key})
    return jobs.find(key)


def result(found: jobs.Job | None, doing: str, key: str) -> Any:
    """What the job gave; None while it is not there, with what it is doing or why it ended on the screen."""
    if found is None:
        return None
    if not found.finished.is_set():
        _running(found, doing, key)
        return None
    if found.error:
        st.error(plain(found.error), icon=":material/error:")
    return found.result


def _running(found: jobs.Job, doing: str, key: str) -> None:
    @st.fragment(run_every=0.7)
    def look() -> None:
        if found.finished.is_set():
            st.rerun()
        share = found.done / found.total if found.total else 0.0
        counted = f": {found.done:,} of {found.total:,}" if found.total else ""
        with st.container(key=f"{key}-running"):
            st.progress(min(share, 1.0), text=f"{doing}{counted}")

    look()
