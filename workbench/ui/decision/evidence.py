"""Fine-tuning by evidence: what an adapter learned from this golden set gains on passages that it did not see."""

from collections.abc import Callable

import streamlit as st

from workbench.adaptation import Curve, Point, learning_curve, material
from workbench.documents import Corpus
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.tasks import Task
from workbench.ui import compute, state
from workbench.ui.decision import waiting
from workbench.ui.layout import plain


def panel(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline) -> None:
    """The learning curve for the pipeline in hand; nothing is learned before it is asked for."""
    if not pipeline.retriever.needs_vectors:
        st.caption("The current configuration uses no vectors, which are what an adapter turns. Take dense or hybrid.")
        return
    found = compute.embedding(corpus, pipeline)
    if found is None or found.result is None:
        st.caption("The current configuration is not embedded yet: open it on the Bench first.")
        return
    st.caption(
        f"Would training pay with {plain(pipeline.label)}? A matrix for the vectors of queries is learned from part of "
        "the golden set and judged on other passages, neighbours kept apart; random folds, which leak, stand beside."
    )
    key = ("adapter", corpus, questions, pipeline)
    job = waiting.job(key)
    if job is None or job.failed:
        st.button(
            "Measure the learning curve",
            key="adapter-measure",
            icon=":material/school:",
            on_click=waiting.begin,
            args=(key, _measuring(corpus, questions, pipeline)),
            help="A minute or so for 300 questions; passages are not embedded anew",
        )
    curve = waiting.result(job, "Learning", "adapter-measure")
    if curve is not None:
        _shown(curve)


def _measuring(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline) -> Callable[[Task], Curve]:
    store = state.store()

    def work(task: Task) -> Curve:
        of = material(corpus, questions, pipeline, store=store, cancelled=task.cancelled)
        return learning_curve(of, progress=task.report, cancelled=task.cancelled)

    return work


def _shown(curve: Curve) -> None:
    st.markdown(f"**{plain(curve.sentence[:1].upper() + curve.sentence[1:])}**")
    naive = {point.examples: point for point in curve.random}
    st.table(
        [
            {
                "Examples": f"{point.examples:,}",
                f"{curve.metric} before": f"{point.base:.3f}",
                "after": f"{point.adapted:.3f}",
                "Gain, other passages": _gain(point),
                "Random folds (leak)": _gain(naive[point.examples]) if point.examples in naive else "",
            }
            for point in curve.grouped
        ]
    )
    if curve.pays:
        st.caption("It pays. `python -m workbench adapt` writes the adapter and the pipeline that uses it.")


def _gain(point: Point) -> str:
    interval = f" [{point.low:+.3f}, {point.high:+.3f}]" if point.low == point.low else ""
    return f"{point.difference:+.3f}{interval}".replace("-", "−")
