"""Background work of this page: started by a click, watched until it is done, its result kept for the visit."""

from collections.abc import Hashable
from typing import Any

import streamlit as st

from workbench.ui import jobs, state
from workbench.ui.layout import guarded, plain


def begin(key: Hashable, work: jobs.Work) -> None:
    """Start the work, again where it failed before. A callback."""
    with guarded():
        jobs.run(key, state.visit(), work, again=True)


def job(key: Hashable) -> jobs.Job | None:
    """Return the job of this key if it was started, and watch it."""
    jobs.attend(state.visit(), {key})
    return jobs.find(key)


def result(found: jobs.Job | None, doing: str, key: str) -> Any:
    """Return the job's result; None while there is none, with its progress or its error on the screen."""
    if found is None:
        return None
    if found.running:
        with st.container(key=f"{key}-running"):
            jobs.watch([(doing, key, found)], _words, "")
        return None
    if found.error:
        st.error(plain(found.error), icon=":material/error:")
    return found.result


def _words(doing: str, found: jobs.Job) -> str:
    return f"{doing}: {found.done:,} of {found.total:,}" if found.total else doing
