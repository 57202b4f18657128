"""Which configuration wins, is it real, and where are answers lost?"""

import streamlit as st

from workbench.ui import bench, countings, library, live, population, progress, sessions
from workbench.ui.experiments import charts, evaluation, explore, losses, plan, results, sweep_jobs
from workbench.ui.modelling import waiting
from workbench.ui.shell import body, open_page, panels
from workbench.workspaces.experiments import experiments_folder

open_page("Experiments")
VIEWS = ("Where answers are lost", "Sweep", "Explore")
SOURCE = 560  # pixels


def lost(corpus, questions, pipeline):
    """Draw what the current configuration finds, where it loses answers, and one lost answer in its document."""
    head, within = st.columns([5, 1], gap="small", vertical_alignment="bottom")
    with within:
        budget = losses.budget_choice(pipeline.k)
    evaluation.attended(corpus, questions, [pipeline], budget)
    can, job = evaluation.ready(corpus, pipeline, sessions.store())
    if not can:
        with head:
            progress.progress(corpus, pipeline, job)
        return
    measured = evaluation.measured(corpus, questions, pipeline, budget)
    measured.finished.wait(evaluation.QUICK)
    if measured.result is None:
        with head:
            waiting.bars([("Measuring", evaluation.key(corpus, questions, pipeline, budget), measured)])
        return
    found = measured.result.speaking(population.unit())
    evaluation.keep(found, corpus, questions)
    with head:
        losses.verdict(found)
        losses.next_steps(found)
    left, right = panels(1, 1)
    with left:
        losses.waterfall(found)
        one = losses.questions(found)
        with st.expander("All measures, with intervals", icon=":material/table_rows:"):
            losses.table(found.evaluation, budget)
    with right:
        if one is not None:
            losses.anatomy(found, one, corpus, pipeline, SOURCE)


def swept(corpus, questions, pipeline):
    """A plan of chips, the sweep under way, and what all runs say."""
    folder = experiments_folder(sessions.workspace(), corpus, questions)
    with st.container(border=True, key="plan"):
        grid = plan.axes(pipeline)
        expansion = plan.expanded(grid) if grid else None
        runs = evaluation.kept(folder, questions)
        known = {run.fingerprint for run in runs}
        planned = [p.fingerprint for p in expansion.pipelines] if expansion else []
        done = sum(f in known for f in planned)
        if expansion:
            plan.estimate(corpus, questions, expansion, done, sweep_jobs.find(folder), runs)
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        with row:
            plan.controls(folder, corpus, questions, expansion, done)
            if grid:
                st.download_button(
                    "grid.yaml", plan.as_file(grid), "grid.yaml", icon=":material/download:", type="tertiary",
                    key="grid-file", help="The same sweep as a command: python -m workbench sweep --grid grid.yaml",
                )  # fmt: skip
    if not runs:
        st.caption("Nothing is measured on these documents and questions yet. Each finished configuration shows here.")
        return
    some = tuple(results.shown(runs, planned))
    metric, cost, margin = results.controls(some)
    board = results.board(some, metric, margin, cost)
    results.verdict(board)
    view = st.segmented_control(
        "Results", results.VIEWS, default="Table", key="results-view", label_visibility="collapsed", required=True,
        persist_state="session",
    )  # fmt: skip
    if view == "Table":
        left, right = panels(1.6, 1)
        with left:
            results.ticked(results.table(board), board)
        with right:
            results.intervals(board)
    elif view == "Surface":
        results.surfaces(some, metric)
    elif view == "Cost":
        results.cost(some, board)
    elif view == "Effects":
        results.marginal(some, metric)
    elif view == "Questions":
        results.hard(some, board, questions)
    else:
        results.strips(corpus, questions, bench.document_choice(corpus), board, sessions.store())


@st.fragment
def page() -> None:
    """One pipeline taken apart, or many side by side."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, _ = sessions.corpus()
        if not len(corpus):
            library.empty()
            return
        pipeline = sessions.pipeline()
        questions = sessions.workspace().golden.read(corpus).questions
        st.html(f"<style>{charts.STYLE}</style>")
        bench.status(corpus, pipeline, live.known(corpus, pipeline), countings.totals(corpus, pipeline))
        if not any(q.answerable for q in questions):
            st.subheader("No questions yet")
            st.write("Measuring needs questions with the passages that answer them. A dozen already say something.")
            st.page_link("pages/4_Golden_set.py", label="Open the golden set", icon=":material/fact_check:")
            return
        evaluation.away(questions)
        if (wanted := st.session_state.pop("experiments-view-next", None)) is not None:
            st.session_state["experiments-view"] = wanted
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], key="experiments-view", label_visibility="collapsed", required=True,
            persist_state="session",
        )  # fmt: skip
        if countings.cut_first(corpus, pipeline, sessions.store()):
            return
        {"Sweep": swept, "Explore": explore.view}.get(str(view), lost)(corpus, questions, pipeline)


page()
