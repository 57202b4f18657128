"""Work that a view waits for: a bar for each, its stop, and the page again once something is ready."""

from collections.abc import Hashable, Sequence
from hashlib import sha256

import streamlit as st

from workbench.ui import jobs, live
from workbench.ui.shell import guarded, plain

Awaited = tuple[str, Hashable, jobs.Job]
"""What it is for, in words, the job's key, and the job."""


def bars(awaited: Sequence[Awaited]) -> None:
    """How far these jobs are. Those that are done take no room; what failed is said."""
    for label, _, job in awaited:
        if job.finished.is_set() and job.error:
            st.caption(plain(f"{label}: {job.error}"))
    running = [one for one in awaited if not one[2].finished.is_set()]
    if running:
        _running(running)


@st.fragment(run_every=0.7)
def _running(awaited: Sequence[Awaited]) -> None:
    if any(job.finished.is_set() for _, _, job in awaited):
        st.rerun()
    with guarded():
        for label, name, job in awaited:
            left, right = st.columns([5, 1], gap="small", vertical_alignment="center")
            share = min(job.done / job.total, 1.0) if job.total else 0.0
            left.progress(share, text=plain(_told(label, job)))
            key = sha256(label.encode()).hexdigest()[:12]
            right.button(
                "Stop", key=f"stop-{key}", on_click=jobs.stop, args=(name, live.visit()), disabled=job.stopped,
                type="tertiary",
            )  # fmt: skip


def _told(label: str, job: jobs.Job) -> str:
    if job.stopped:
        return f"{label}: stopping"
    if not job.total:
        return f"{label}: begins"
    seconds = job.left
    left = f", about {seconds:.0f} s left" if seconds is not None and 1 <= seconds < 100 else ""
    left = f", about {seconds / 60:.0f} min left" if seconds is not None and seconds >= 100 else left
    return f"{label}: {job.done:,} of {job.total:,}{left}"
