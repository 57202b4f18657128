"""Background work of this page: started by a click, watched until it is done, its result kept for the visit."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from workbench.ui import jobs, live
from workbench.ui.shell import guarded, plain


def begin(key: Hashable, work: jobs.Work) -> None:
    """Start the work, again where it failed before. A callback."""
    with guarded():
        jobs.run(key, live.visit(), work, again=True)


def job(key: Hashable) -> jobs.Job | None:
    """Return the job of this key if it was started, and watch it."""
    jobs.attend(live.visit(), {key})
    return jobs.find(key)


def result(found: jobs.Job | None, doing: str, key: str) -> Any:
    """Return the job's result; None while there is none, with its progress or its error on the screen."""
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
