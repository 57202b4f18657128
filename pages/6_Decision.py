"""What do we ship, why, and how do we hand it over?"""

import streamlit as st

from workbench.decisions import facts_of
from workbench.errors import StoreError
from workbench.ui import bench, countings, library, live, progress, sessions
from workbench.ui.decision import audit, choose, export, history, report
from workbench.ui.experiments import charts, evaluation, results
from workbench.ui.shell import body, open_page, plain
from workbench.workspaces.catalogues import catalogue_of, remember
from workbench.workspaces.experiments import experiments_folder, kept_runs

open_page("Decision")
VIEWS = ("Choose", "Export", "Review report", "RAG, fine-tuning or both", "History", "Prompts")


def measured(corpus, questions):
    """The runs on these documents and questions, which the history holds too."""
    workspace = sessions.workspace()
    runs = kept_runs(experiments_folder(workspace, corpus, questions))
    known = st.session_state.setdefault("history-known", [])
    new = [run for run in runs if f"{run.fingerprint} {run.corpus} {run.golden}" not in known]
    if new and workspace.writable:
        remember(workspace, new, corpus, questions)
        known += [f"{run.fingerprint} {run.corpus} {run.golden}" for run in new]
    return runs


def kept(workspace):
    """The history and the decisions in it; where its database cannot be used that is said, and the rest goes on."""
    try:
        catalogue = catalogue_of(workspace)
        return catalogue, catalogue.decisions()
    except StoreError as error:
        st.warning(plain(str(error)), icon=":material/database_off:")
        return None, []


def nothing_measured():
    """What there is to do before anything can be decided."""
    st.subheader("Nothing is measured yet")
    st.write("A decision needs figures: measure some configurations on your questions, then choose here.")
    st.page_link("pages/5_Experiments.py", label="Open the experiments", icon=":material/science:")


def exported(corpus, current, records):
    """The export of what was decided, or of what the user answers, once its vectors are there."""
    pipeline = export.chosen(corpus, current, records)
    if pipeline is None:
        return
    store = sessions.store()
    corpus, _ = sessions.corpus(pipeline)  # its parser may be another than the current one
    if countings.cut_first(corpus, pipeline, store):
        return
    can, job = evaluation.ready(corpus, pipeline, store)
    if can:
        export.panel(corpus, sessions.workspace().golden.read(corpus).questions, pipeline)
    else:
        progress.progress(corpus, pipeline, job)


def nothing_chosen():
    """What there is to do before a pack can be about anything."""
    st.subheader("Nothing is chosen yet")
    st.write("The figures settle no configuration, and nobody has chosen one.")
    st.button(
        "Choose a configuration", key="pack-choose", icon=":material/gavel:", type="primary",
        on_click=lambda: st.session_state.update({"decision-view": "Choose"}),
    )  # fmt: skip


@st.fragment
def page() -> None:
    """One of the views."""
    with body():
        with st.spinner("Reading the documents"):
            corpus, _ = sessions.corpus()
        if not len(corpus):
            library.empty()
            return
        workspace, pipeline = sessions.workspace(), sessions.pipeline()
        questions = workspace.golden.read(corpus).questions
        st.html(f"<style>{charts.STYLE}</style>")
        bench.status(corpus, pipeline, live.known(corpus, pipeline), countings.totals(corpus, pipeline))
        view = st.segmented_control(
            "View", VIEWS, default=VIEWS[0], key="decision-view", label_visibility="collapsed", required=True,
            persist_state="session",
        )  # fmt: skip
        runs = measured(corpus, questions)
        catalogue, records = kept(workspace)
        if view == "Export":
            exported(corpus, pipeline, records)
            return
        if view == "History":
            if catalogue is not None:
                history.panel(catalogue, corpus, questions)
            return
        if view in ("Choose", "Review report") and not runs:
            nothing_measured()
            if view == "Choose":
                choose.presets(corpus)
            return
        board, chosen = None, None
        if runs:
            asked = results.controls(runs) if view in ("Choose", "Review report") else choose.judged(runs)
            metric, cost, margin = asked
            board = results.board(runs, metric, margin, cost)
            chosen = choose.chosen(board, records)
        if view == "Choose":
            choose.panel(board, catalogue, records, corpus)
            return
        if view == "Review report":
            if chosen is None:
                nothing_chosen()
            else:
                report.panel(corpus, questions, board, chosen.run, records)
            return
        replaced = len(workspace.golden.successors)
        about = "which is chosen in “Choose”" if chosen else "which leads; nothing is chosen yet"
        chosen = chosen or (board.rows[0] if board else None)
        anatomy = report.anatomy(corpus, questions, chosen.run) if chosen else None
        facts = facts_of(corpus, questions, replaced, board, chosen.run.fingerprint if chosen else "", anatomy)
        if chosen:
            st.caption(f"Figures are those of {plain(chosen.name)}, {about}.")
        if view == "RAG, fine-tuning or both":
            audit.panel(facts, lambda: audit.evidence(corpus, questions, pipeline))
        else:
            yaml = choose.yaml_of(chosen.run) if chosen else ""
            audit.prompts(audit.context(facts, yaml))


page()
