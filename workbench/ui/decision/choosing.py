"""Choose: what the figures recommend, a choice with its reason, and the record of it."""

from collections.abc import Sequence

import streamlit as st

from workbench.catalogue import Catalogue, DecisionRecord
from workbench.decisions import LABEL, PRESETS, Preset, suggest
from workbench.documents import Corpus
from workbench.errors import WorkbenchError
from workbench.pipelines import Pipeline, from_mapping, from_yaml, to_yaml
from workbench.records import Run
from workbench.reports import record_markdown, rejected
from workbench.reports.numbers import span
from workbench.statistics import MARGIN
from workbench.sweeps import Leaderboard, Row
from workbench.ui import bench, controls, countings, headline, sessions
from workbench.ui.controls import control
from workbench.ui.experiments import results
from workbench.ui.shell import panels, plain, size_label

CHOSEN = "decision-chosen"
"""Session state: the fingerprint of the run that is looked at."""

_REFUSED = "decision-refused"
"""Session state: why the record was not kept, said once, beside the form."""


def chosen(board: Leaderboard, records: Sequence[DecisionRecord]) -> Row:
    """The row that is looked at: picked by hand, else as decided last, else the cheapest that is not ruled out."""
    rows = {row.run.fingerprint: row for row in board.rows}
    wanted = [st.session_state.get(CHOSEN, ""), *(r.chosen for r in records[:1]), board.decision.cheapest]
    return next(rows[one] for one in wanted if one in rows)


def judged(runs: Sequence[Run]) -> tuple[str, str, float]:
    """The metric, the price and the margin as chosen in the views that ask for them."""
    state = st.session_state
    return (
        headline.shown(headline.measure(), runs[0].metrics)[0],
        str(state.get("judged-cost", "tokens")),
        float(state.get("judged-margin", MARGIN)),
    )


def offered(pipeline: Pipeline, records: Sequence[DecisionRecord], corpus: Corpus) -> None:
    """Where another configuration was decided on these documents than the one in hand: it, to be taken."""
    record = next((r for r in records if r.corpus == corpus.id), None)
    if record is None or record.chosen == pipeline.fingerprint:
        return
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.caption(f"Decided was {plain(record.label)}.")
    row.button("Take it in hand", key="decided-take", icon=":material/pan_tool:", on_click=_take, args=(record,))


def _take(record: DecisionRecord) -> None:
    try:
        sessions.take(from_yaml(record.pipeline))
    except WorkbenchError as error:
        sessions.say("error", str(error))


def panel(board: Leaderboard, catalogue: Catalogue | None, records: Sequence[DecisionRecord], corpus: Corpus) -> None:
    """The verdict, the candidates beside each other, the choice, and what was decided before."""
    results.verdict(board)
    row = chosen(board, records)
    left, right = panels(1.5, 1)
    with left:
        _candidates(board, row)
        _choice(board, row)
    with right:
        if catalogue is None:
            st.caption("A decision is recorded in the run history, which cannot be used now.")
        elif sessions.workspace().writable:
            _form(board, row, catalogue)
        else:
            st.caption("This link only reads the workspace; a decision is recorded by its owner.")
        _records(records, corpus)
    with st.expander("Rules of thumb to start from", icon=":material/straighten:"):
        presets(corpus)


def _candidates(board: Leaderboard, row: Row) -> None:
    """The leader, the cheapest that is not ruled out and the one that is looked at, each in one line."""
    names = {board.decision.leader: "Leads", board.decision.cheapest: "Cheapest not ruled out"}
    if board.decision.leader == board.decision.cheapest:
        names = {board.decision.leader: "Leads, and is the cheapest not ruled out"}
    shown = [r for r in board.rows if r.run.fingerprint in names or r is row]
    rows = [
        {
            "": ("▸ " if r is row else "") + names.get(r.run.fingerprint, "Looked at"),
            "Configuration": r.name,
            board.metric: span(r.interval),
            "Tokens a query": round(r.tokens_per_query),
            "Chunks": r.run.chunks,
            "Index": size_label(r.run.index_bytes) if r.run.index_bytes else "none",
            "Held out": r.held_out.mean if r.held_out else None,
        }
        for r in shown
    ]
    figures = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        rows,
        hide_index=True,
        key="candidates",
        column_config={
            board.metric: st.column_config.TextColumn(help=headline.definition(board.metric)),
            "Held out": st.column_config.NumberColumn(format="%.3f", help="On questions that did not choose"),
            "Tokens a query": figures,
            "Chunks": figures,
        },
        alt="The candidates",
    )


def _choice(board: Leaderboard, row: Row) -> None:
    """Which configuration is looked at, and what can be done with it."""
    names = {r.run.fingerprint: f"{r.name} · {r.interval.mean:.3f}" for r in board.rows}
    control(
        st.selectbox,
        "Configuration",
        "decision-pick",
        row.run.fingerprint,
        lambda fingerprint: st.session_state.update({CHOSEN: fingerprint}),
        options=list(names),
        format_func=lambda f: names[f],
    )
    bar = st.container(horizontal=True, gap="small", vertical_alignment="center")
    bar.button("Take in hand", key="decision-take", icon=":material/pan_tool:", on_click=results.take, args=(row.run,))
    with bar.popover("Share", icon=":material/link:"):
        bench.links()
    with st.expander("The pipeline file", icon=":material/data_object:"):
        st.code(yaml_of(row.run), language="yaml")
    if row.standing and row.standing.verdict == "ruled out":
        st.caption("The questions rule this one out: another is better by more than chance. Say why it is still right.")


def yaml_of(run: Run) -> str:
    """The run's pipeline file; a line for people where its parts are not here any more."""
    try:
        return to_yaml(from_mapping(run.pipeline))
    except WorkbenchError as error:
        return f"# {error}\n"


def _form(board: Leaderboard, row: Row, catalogue: Catalogue) -> None:
    """Who decides, and why; the record names what was not taken by its figures."""

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
    """What was decided, the newest first."""
    if not records:
        st.caption(
            "Nothing is decided yet. A record says what was chosen, by whom, when and why, and what was not taken."
        )
        return
    if records[0].corpus == corpus.id:
        bar = st.container(horizontal=True, gap="small", vertical_alignment="center")
        bar.caption("Next:", width="content")
        bar.button(
            "Hand it over",
            key="next-hand-over",
            icon=":material/inventory_2:",
            on_click=_next,
            args=("Hand over", records[0]),
            help="Takes what was decided last in hand, to export it and to prove the export",
        )
        bar.button(
            "Review pack", key="next-pack", icon=":material/description:", on_click=_next, args=("Review pack",),
        )  # fmt: skip
    st.markdown("**Decisions**")
    listed(records[:5], "chosen")
    if len(records) > 5:
        st.caption(f"The newest 5 of {len(records):,}; all are in the history.")


def listed(records: Sequence[DecisionRecord], key: str) -> None:
    """Each decision in three lines, with its file."""
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
    """Nothing; another view of the page stands next, about what was decided. A callback."""
    if record is not None:
        _take(record)
    st.session_state["decision-view"] = view


def presets(corpus: Corpus) -> None:
    """The two presets, and which one each document's own structure suggests."""
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
    if told := countings.said(some, corpus):
        st.caption(told)


def _start_with(preset: Preset) -> None:
    """Nothing; the splitter in hand cuts by this rule, in tokens."""
    sessions.change("splitter", unit="tokens", chunk_size=preset.chunk_size, chunk_overlap=preset.chunk_overlap)
    st.toast(f"{preset.chunk_size}/{preset.chunk_overlap} tokens, in hand: a {LABEL}")
