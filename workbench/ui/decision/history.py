"""History: every recorded run, found again, tagged, commented on, compared, restored."""

from collections.abc import Sequence

import streamlit as st

from workbench.catalogue import Catalogue, Entry
from workbench.catalogue.entries import LONGEST_TAG, LONGEST_TEXT
from workbench.documents import Corpus
from workbench.errors import RunError
from workbench.metrics import REVISION
from workbench.records import Question, golden_id
from workbench.sweeps import aligned
from workbench.ui import controls, headline, population, sessions
from workbench.ui.controls import control
from workbench.ui.decision import choose
from workbench.ui.experiments import results
from workbench.ui.shell import panels, plain, training_note

ROWS = 460
_REVISIONS = "Runs of an earlier revision of the measures do not compare with those of now: their figures are left out"
ANY = "any"


def panel(catalogue: Catalogue, corpus: Corpus, questions: Sequence[Question]) -> None:
    """Draw the filter, the table, and what can be done with what is ticked."""
    bar = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    text = bar.text_input(
        "Find", key="history-find", placeholder="words of a label", width=240, persist_state="session"
    )
    tags = catalogue.tags()
    tag = bar.selectbox("Tag", [ANY, *tags], key="history-tag", width=160) if tags else ANY
    metric = headline.choice(bar)
    least = bar.number_input("At least", 0.0, 1.0, 0.0, 0.05, key="history-least", width=120, persist_state="session")
    here = bar.toggle(
        "These documents and questions only", key="history-here", persist_state="session",
        help="Runs on other documents or another golden set are not to be compared with these",
    )  # fmt: skip
    entries = catalogue.runs(
        str(text or ""),
        tag="" if tag == ANY else str(tag),
        corpus=corpus.id if here else "",
        golden=golden_id(questions) if here else "",
        metric=str(metric) if least else "",
        at_least=float(least) or None,
    )
    if least:  # a mean of another revision of the measures does not say what this asks
        entries = [entry for entry in entries if entry.measures == REVISION]
    if not entries:
        none = not catalogue.runs()
        st.caption(
            "No run is recorded yet: measure a configuration on the page Experiments."
            if none
            else "No run is like this. Widen the filter."
        )
        return
    left, right = panels(1.7, 1)
    with left:
        ticked = _table(entries, str(metric), corpus.id, golden_id(questions))
        _versions(catalogue)
        if decided := catalogue.decisions():
            with st.expander(f"Decisions: {len(decided):,}", icon=":material/gavel:"):
                choose.listed(decided, "history")
    with right:
        if not ticked:
            st.caption("Tick a run to tag it, say something about it or use its configuration; two to compare them.")
        elif len(ticked) == 1:
            _one(catalogue, ticked[0])
        else:
            _two(catalogue, ticked[:2], str(metric))


def _table(entries: Sequence[Entry], metric: str, corpus: str, golden: str) -> list[Entry]:
    rows = [
        {
            "When": entry.at[:16].replace("T", " "),
            "Configuration": entry.label,
            metric: entry.means.get(metric) if entry.measures == REVISION else None,
            "Tokens a query": round(entry.tokens_per_query),
            "Chunks": entry.chunks,
            "Measures": "current" if entry.measures == REVISION else f"revision {entry.measures}: measure again",
            "On": "these" if (entry.corpus, entry.golden) == (corpus, golden) else _other(entry, corpus, golden),
            "Tags": list(entry.tags),
            "Remarks": entry.remarks,
        }
        for entry in entries
    ]
    columns = st.column_config
    event = st.dataframe(
        rows,
        key=f"history-{len(rows)}-{entries[0].id}",
        hide_index=True,
        height=ROWS if len(rows) > 12 else "content",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "When": columns.TextColumn(help="UTC", width=120),
            "Configuration": columns.TextColumn(width=270),
            metric: columns.NumberColumn(
                format="%.3f",
                help=f"{headline.definition(metric)} Over the questions that judge: held-out ones too, "
                "those seen in training not.",
            ),
            "Measures": columns.TextColumn(help=_REVISIONS),
            "Tokens a query": columns.NumberColumn(format="localized"),
            "On": columns.TextColumn(help="Whether it was measured on the documents and questions of now"),
            "Tags": columns.ListColumn(),
        },
        alt="Recorded runs, the newest first",
    )
    return [entries[i] for i in event.selection.rows if i < len(entries)]


def _other(entry: Entry, corpus: str, golden: str) -> str:
    if entry.corpus != corpus:
        return "other documents"
    return "other questions" if entry.golden != golden else ""


def _one(catalogue: Catalogue, entry: Entry) -> None:
    st.markdown(f"**{plain(entry.label)}**")
    bar = st.container(horizontal=True, gap="small")
    bar.button(
        "Use this configuration", key="history-take", icon=":material/pan_tool:", on_click=_restored,
        args=(catalogue, entry.id), help="Every page then works with its pipeline",
    )  # fmt: skip
    writable = sessions.workspace().writable
    if writable:

        def tagged(tags: list[str]) -> None:
            sessions.tried(lambda: catalogue.tag(entry.id, [t[:LONGEST_TAG] for t in tags if t.strip()]))

        known = list(dict.fromkeys([*entry.tags, *catalogue.tags(), "shipped", "baseline", "rejected"]))
        control(
            st.multiselect, "Tags", f"history-tags-{entry.id}", list(entry.tags), tagged, options=known,
            accept_new_options=True,
        )  # fmt: skip
    for remark in catalogue.remarks(entry.id):
        st.markdown(f"{plain(remark.text)}  \n:small[{plain(remark.by)}, {remark.at[:16].replace('T', ' ')} UTC]")
    if writable:

        def said() -> None:
            state = st.session_state
            words = str(state.get(controls.key("history-remark"), ""))
            by = str(state.get("decision-by", "")) or "no name"
            if sessions.tried(lambda: catalogue.remark(entry.id, words, by)):
                controls.renew("history-remark")

        st.text_area("Remark", key=controls.key("history-remark"), max_chars=LONGEST_TEXT, height=80)
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        row.text_input("Your name", key="decision-by", max_chars=120, width=200, persist_state="session")
        row.button("Keep the remark", key="history-say", icon=":material/chat:", on_click=said)


def _two(catalogue: Catalogue, entries: Sequence[Entry], metric: str) -> None:
    a, b = (catalogue.run(entry.id) for entry in entries)
    try:
        both = aligned([a, b], metric)
        found = both.compare(metric, population.unit())
    except RunError as error:
        st.caption(plain(f"They cannot be compared: {error}."))
        return
    st.markdown(plain(results.compared(found, a.label, b.label, metric, population.of(both.documents))))
    training_note(both.judging.note)
    if a.corpus != b.corpus or a.golden != b.golden:
        st.caption(f"Measured on different documents or questions; only the {len(both.questions):,} in common count.")
    rows = [
        {"Question": id, "First": one, "Second": two, "Difference": one - two}
        for id, (one, two) in zip(both.questions, both.values.tolist(), strict=True)
        if one != two
    ]
    if rows:
        rows.sort(key=lambda row: float(row["Difference"]))
        three = st.column_config.NumberColumn(format="%.2f")
        st.dataframe(
            rows, hide_index=True, key="history-pair", height=320,
            column_config={"First": three, "Second": three, "Difference": three}, alt="Questions on which they differ",
        )  # fmt: skip


def _versions(catalogue: Catalogue) -> None:
    versions = catalogue.goldens()
    if not versions:
        return
    with st.expander(f"Golden sets that were measured on: {len(versions):,}", icon=":material/fact_check:"):
        for version in versions[:20]:
            left, right = st.columns([6, 1], vertical_alignment="center")
            left.markdown(
                f"{version.questions:,} questions · {plain(version.label or 'as it came')} · "
                f":small[{version.at[:16].replace('T', ' ')} UTC, {version.golden}]"
            )
            right.download_button(
                "", version.lines, f"golden-{version.golden}.jsonl", key=f"golden-{version.golden}-{version.corpus}",
                icon=":material/download:", type="tertiary", help="The questions as they were, to import again",
            )  # fmt: skip


def _restored(catalogue: Catalogue, id: int) -> None:
    sessions.tried(lambda: results.take(catalogue.run(id)))
