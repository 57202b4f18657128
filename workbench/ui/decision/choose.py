"""Choose: what the figures settle or ask for, a choice with its reason, and the record of it."""

from collections.abc import Sequence

import streamlit as st

from workbench.catalogue import Catalogue, DecisionRecord
from workbench.decisions import LABEL, PRESETS, Preset, suggest
from workbench.documents import Corpus
from workbench.errors import WorkbenchError
from workbench.pipelines import from_mapping, to_yaml
from workbench.records import Run
from workbench.reports import record_markdown, rejected
from workbench.reports.numbers import span
from workbench.statistics import MARGIN, WORDS
from workbench.sweeps import Leaderboard, Row, amount, cost_for, costs_for
from workbench.ui import bench, controls, countings, headline, sessions
from workbench.ui.controls import control
from workbench.ui.decision import choice, export
from workbench.ui.experiments import results
from workbench.ui.shell import panels, plain

CHOSEN = "decision-chosen"
"""Session state: the fingerprint of the run that is looked at."""

CANDIDATES = 6
"""Configurations that may be best and are listed; the select box has all."""

_REFUSED = "decision-refused"
"""Session state: why the record was not kept, said once, beside the form."""


def chosen(board: Leaderboard, records: Sequence[DecisionRecord]) -> Row | None:
    """Return the selected row; None where nothing is settled and nobody has picked one."""
    return choice.looked_at(board, str(st.session_state.get(CHOSEN) or ""), records)


def judged(runs: Sequence[Run]) -> tuple[str, str, float]:
    """Return the metric, the cost and the margin that were chosen in the views that ask for them."""
    state = st.session_state
    metric = headline.shown(headline.measure(), results.shared(runs))[0]
    return metric, results.cost_asked(costs_for(metric, runs)), float(state.get("judged-margin", MARGIN))


def panel(board: Leaderboard, catalogue: Catalogue | None, records: Sequence[DecisionRecord], corpus: Corpus) -> None:
    """Draw the verdict, the first step where it settles nothing, the candidates, the choice, earlier decisions."""
    results.verdict(board)
    row = chosen(board, records)
    if not any((r.chosen, r.corpus, r.golden) in choice.evidence(board) for r in records):
        _first_step(board)
    left, right = panels(1.5, 1)
    with left:
        _candidates(board, row)
        _choice(board, row)
    with right:
        if catalogue is None:
            st.caption("A decision is recorded in the run history, which cannot be used now.")
        elif not sessions.workspace().writable:
            st.caption("This link only reads the workspace; a decision is recorded by its owner.")
        elif row is None:
            with st.container(border=True):
                st.markdown("**Record a decision**")
                st.caption("No configuration is chosen. Choose one on the left; then say who decides, and why.")
        else:
            _form(board, row, catalogue)
        _records(records, corpus)
    with st.expander("Rules of thumb to start from", icon=":material/straighten:"):
        presets(corpus)


def _first_step(board: Leaderboard) -> None:
    """Draw what to do before anything is chosen where the figures settle nothing: more questions, not a guess."""
    step = choice.first_step(board)
    if step is None:
        return
    with st.container(border=True, key="first-step"):
        row = st.container(horizontal=True, vertical_alignment="center", gap="medium")
        if row.button(step.button, key="first-step-go", type="primary", icon=":material/add:"):
            st.switch_page(step.page)
        row.markdown(f"{plain(step.text)}  \n:small[Or choose by hand below, and record the reason.]")


def _candidates(board: Leaderboard, row: Row | None) -> None:
    """Draw the configurations that may be best, and the selected one, one line each."""
    names = {board.decision.leader: "Leads", board.decision.cheapest: "Cheapest of these"}
    if board.decision.leader == board.decision.cheapest:
        names = {board.decision.leader: "Leads, cheapest" if len(board.rows) > 1 else "The only one"}
    label, cost = cost_for(board.metric, [r.run for r in board.rows], board.cost)[1]
    may_be_best = [r for r in board.rows if r.standing is None or r.standing.verdict != "ruled out"]
    first = {id(r) for r in may_be_best[:CANDIDATES]}
    shown = [r for r in board.rows if id(r) in first or r.run.fingerprint in names or r is row]
    rows = [
        {
            "": ("▸ " if r is row else "") + names.get(r.run.fingerprint, _standing(r)),
            "Configuration": r.name,
            board.metric: span(r.interval),
            f"{label[:1].upper()}{label[1:]}": amount(cost(r.run)),
            "Chunks": f"{r.run.chunks:,}",
            "Held out": r.held_out.mean if r.held_out else None,
        }
        for r in shown
    ]
    st.dataframe(
        rows,
        hide_index=True,
        key="candidates",
        column_config={
            board.metric: st.column_config.TextColumn(help=headline.definition(board.metric)),
            "Held out": st.column_config.NumberColumn(format="%.3f", help="On questions that did not choose"),
        },
        alt="The candidates",
    )
    if len(may_be_best) > CANDIDATES:
        st.caption(f"{CANDIDATES} of the {len(may_be_best):,} that may be best; all are listed below.")


def _standing(row: Row) -> str:
    return WORDS[row.standing.verdict].capitalize() if row.standing else ""


def _choice(board: Leaderboard, row: Row | None) -> None:
    """Draw which configuration is selected, and what can be done with it."""
    names = {r.run.fingerprint: f"{r.name} · {r.interval.mean:.3f}" for r in board.rows}
    control(
        st.selectbox,
        "Configuration",
        "decision-pick",
        row.run.fingerprint if row else None,
        lambda fingerprint: st.session_state.update({CHOSEN: fingerprint}),
        options=list(names),
        format_func=lambda f: names[f],
        placeholder="Choose a configuration",
    )
    if row is None:
        return
    bar = st.container(horizontal=True, gap="small", vertical_alignment="center")
    bar.button(
        "Use this configuration",
        key="decision-take",
        icon=":material/pan_tool:",
        on_click=results.take,
        args=(row.run,),
    )
    with bar.popover("Share", icon=":material/link:"):
        bench.links()
    with st.expander("The pipeline file", icon=":material/data_object:"):
        st.code(yaml_of(row.run), language="yaml")
    if row.standing and row.standing.verdict == "ruled out":
        st.caption("Significantly worse than another configuration, by more than chance. Say why it is still right.")


def yaml_of(run: Run) -> str:
    """Return the run's pipeline file; a comment line where its parts are not available here."""
    try:
        return to_yaml(from_mapping(run.pipeline))
    except WorkbenchError as error:
        return f"# {error}\n"


def _form(board: Leaderboard, row: Row, catalogue: Catalogue) -> None:
    """Draw the form of a decision: who and why; the record lists what was rejected, with figures."""

    def keep() -> None:
        state = st.session_state
        try:
            record = DecisionRecord(
                chosen=row.run.fingerprint,
                label=row.name,
                by=str(state.get("decision-by", "")),
                why=str(state.get(controls.key("decision-why"), "")),
                corpus=row.run.corpus,
                golden=row.run.golden,
                metric=board.metric,
                verdict=board.decision.sentence,
                pipeline=to_yaml(from_mapping(row.run.pipeline)),
                rejected=rejected(board, row.run.fingerprint),
            )
            catalogue.record(row.run)
            catalogue.decide(record)
        except WorkbenchError as error:
            state[_REFUSED] = str(error)
            return
        controls.renew("decision-why")
        state[CHOSEN] = row.run.fingerprint
        sessions.share(from_mapping(row.run.pipeline))
        st.toast("The decision is recorded")

    with st.container(border=True):
        st.markdown(f"**Record the decision:** {plain(row.name)}")
        st.text_input("Decided by", key="decision-by", max_chars=120, persist_state="session")
        why = controls.key("decision-why")
        st.text_area("Why this one", key=why, max_chars=4000, height=90, persist_state="session")
        st.button("Record", key="decision-keep", type="primary", icon=":material/gavel:", on_click=keep)
        if refused := st.session_state.pop(_REFUSED, ""):
            st.error(plain(f"{refused[:1].upper()}{refused[1:]}."), icon=":material/error:")


def _records(records: Sequence[DecisionRecord], corpus: Corpus) -> None:
    """Draw the decisions, the newest first."""
    if not records:
        st.caption(
            "Nothing is decided yet. A record says what was chosen, by whom, when and why, and what was not taken."
        )
        return
    if records[0].corpus == corpus.id:
        bar = st.container(horizontal=True, gap="small", vertical_alignment="center")
        bar.caption("Next:", width="content")
        bar.button(
            "Export it",
            key="next-export",
            icon=":material/inventory_2:",
            on_click=_next,
            args=("Export", records[0]),
            help="Exports what was decided last, and proves the export; the current configuration stays as it is",
        )
        bar.button(
            "Review report", key="next-pack", icon=":material/description:", on_click=_next, args=("Review report",),
        )  # fmt: skip
    st.markdown("**Decisions**")
    listed(records[:5], "chosen")
    if len(records) > 5:
        st.caption(f"The newest 5 of {len(records):,}; all are in the history.")


def listed(records: Sequence[DecisionRecord], key: str) -> None:
    """Draw each decision in three lines, with its file."""
    for record in records:
        left, right = st.columns([5, 1], vertical_alignment="center", gap="small")
        left.markdown(
            f"{plain(record.label)}  \n{plain(record.why[:300])}  \n:small[{plain(record.by)}, {record.at[:10]}, "
            f"{plain(record.metric)}]"
        )
        right.download_button(
            "",
            record_markdown(record),
            f"decision-{record.id}.md",
            key=f"{key}-record-{record.id}",
            icon=":material/download:",
            type="tertiary",
            help="The record as Markdown, with the pipeline file and what was not taken",
        )


def _next(view: str, record: DecisionRecord | None = None) -> None:
    """Open another view of the page; with a record, answer that it is what is exported. A callback."""
    if record is not None:
        export.answer(record, "decided")
    st.session_state["decision-view"] = view


def presets(corpus: Corpus) -> None:
    """Draw the two presets, and which one each document's structure suggests."""
    st.caption(f"Each is a {LABEL} on your questions: a sweep decides, not a rule.")
    bar = st.container(horizontal=True, gap="small")
    for preset in PRESETS.values():
        bar.button(
            f"Try {preset.chunk_size}/{preset.chunk_overlap} tokens ({preset.name})",
            key=f"preset-{preset.name}",
            icon=":material/straighten:",
            on_click=_start_with,
            args=(preset,),
            help=preset.about,
        )
    some = countings.part(corpus)
    rows = [
        {
            "Document": one.document,
            "Suggestion, tokens": f"{one.preset.chunk_size}/{one.preset.chunk_overlap} ({one.preset.name})",
            "Steps, lists, tables, code": round(100 * one.share),
        }
        for one in map(suggest, some)
    ]
    share = st.column_config.NumberColumn(format="%d %%")
    st.dataframe(rows, hide_index=True, key="suggestions", column_config={"Steps, lists, tables, code": share})
    if note := countings.said(some, corpus):
        st.caption(note)


def _start_with(preset: Preset) -> None:
    """Set the current splitter to this rule, in tokens."""
    sessions.change("splitter", unit="tokens", chunk_size=preset.chunk_size, chunk_overlap=preset.chunk_overlap)
    st.toast(f"{preset.chunk_size}/{preset.chunk_overlap} tokens in the current configuration: a {LABEL}")
