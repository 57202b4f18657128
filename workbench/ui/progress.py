"""How far embedding is: in words, as a bar with its stop, and as the button that starts it."""

import streamlit as st

from workbench.documents import Corpus
from workbench.embedders import Remote, new_texts
from workbench.pipelines import Pipeline
from workbench.ui import compute, jobs, state
from workbench.ui.bench import cost
from workbench.ui.layout import guarded, plain


def waiting(corpus: Corpus, pipeline: Pipeline, job: jobs.Job | None) -> str:
    """What dense search waits for, in words; "" where it waits for nothing."""
    if compute.rows(corpus, pipeline) is None:
        return "Waits until all documents are cut"
    if job is None:
        found = compute.totals(corpus, pipeline)
        return f"Not embedded yet: {found.about}{found.chunks:,} chunks"
    if job.error:
        return job.error
    if job.finished.is_set():
        return ""
    return _progress(job)


def _progress(job: jobs.Job) -> str:
    if job.stopped:
        return "Stopping after this batch"
    if job.counted and job.done == job.total:
        return "Loading the model and building the index"
    rate, seconds = job.rate, job.left  # read once: the job goes on meanwhile
    if not rate or seconds is None:
        return f"Loading the model, then {job.total:,} new chunks" if job.total else "Looking for what is new"
    speed = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
    left = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return f"Embedding {job.done:,} of {job.total:,} new chunks, {speed} a second, about {left} left"


def progress(corpus: Corpus, pipeline: Pipeline, job: jobs.Job | None) -> None:
    """How far embedding is, and the button that stops it, starts it, or tries again."""
    if compute.rows(corpus, pipeline) is None:
        return  # `countings.progress` says how far that is
    if job is not None and not job.finished.is_set():
        _running(compute.key(corpus, pipeline), job)
    elif job is None or job.result is None:

        def ask() -> None:
            with guarded():
                compute.dense(corpus, pipeline, state.store(), asked=True)

        found = compute.totals(corpus, pipeline)
        if job is not None:
            st.caption(plain(job.error))
        if isinstance(pipeline.embedder, Remote):
            st.caption(f"{plain(_disclosed(corpus, pipeline, pipeline.embedder))} Queries and questions follow there.")
        label = (
            f"Embed the other {job.total - job.done:,}"
            if job and job.done
            else f"Embed {found.about}{found.chunks:,} chunks"
        )
        st.button(label, on_click=ask, icon=":material/play_arrow:", key="embed", help=cost(found, pipeline))


def _disclosed(corpus: Corpus, pipeline: Pipeline, embedder: Remote) -> str:
    """What leaves this machine once the button is pressed."""
    texts = compute.every_row(corpus, pipeline).texts()
    new = new_texts(embedder, texts, state.store())
    return f"Pressing the button {embedder.disclosure(new, 'chunks')}."


@st.fragment(run_every=0.7)
def _running(name: tuple[object, ...], job: jobs.Job) -> None:
    if job.finished.is_set():
        st.rerun()
    with guarded():
        left, right = st.columns([4, 1], gap="small", vertical_alignment="center")
        left.progress(min(job.done / job.total, 1.0) if job.total else 0.0, text=_progress(job))
        name_and_visit = (name, state.visit())
        right.button("Stop", key="stop-embedding", on_click=jobs.stop, args=name_and_visit, disabled=job.stopped)
