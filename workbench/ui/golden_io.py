"""The golden set in and out: undo and redo, import with a report of every row, export as JSON lines."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from workbench import golden
from workbench.documents import Corpus
from workbench.errors import GoldenError, WorkbenchError
from workbench.golden import Problem
from workbench.records import Question
from workbench.ui import state
from workbench.ui.layout import plain

REPORT = "golden-import"
"""Session state: what the last import took and refused, as lines of text."""
MOST_LINES = 200


def history(corpus: Corpus) -> None:
    """Undo and redo of the golden set, each saying what it would do."""
    workspace = state.workspace()
    if not workspace.writable:
        return
    past = workspace.golden.history
    for name, label, icon, step in (
        ("Undo", past.undo, ":material/undo:", workspace.golden.undo),
        ("Redo", past.redo, ":material/redo:", workspace.golden.redo),
    ):
        st.button(
            name,
            key=f"golden-{name.lower()}",
            icon=icon,
            type="tertiary",
            disabled=not label,
            on_click=state.attempt,
            args=(step,),
            help=plain(f"{name}: {label}") if label else f"Nothing to {name.lower()}",
        )


def exchange(corpus: Corpus, questions: Sequence[Question]) -> None:
    """Draw import of files, and the set as JSON lines."""
    if state.workspace().writable:
        with st.popover("Import", icon=":material/upload_file:"):
            _import(corpus)
    try:
        text = golden.write_golden(questions, corpus)
    except GoldenError:  # a document left a moment ago; the page is drawn again with what there is
        return
    st.download_button(
        "Export",
        text,
        "golden.jsonl",
        "application/jsonl",
        icon=":material/download:",
        key="golden-export",
        disabled=not questions,
        help="JSON lines: a question a line, with the offsets and the quote of each passage",
    )


def _import(corpus: Corpus) -> None:
    turn = st.session_state.get("import-turn", 0)
    instead = st.toggle("Replace the questions that are here", key="import-instead")
    files = st.file_uploader(
        "Golden sets",
        key=f"golden-files-{turn}",
        accept_multiple_files=True,
        help="JSON lines of this workbench; CSV with question, references, corpus_id; a BEIR folder as a ZIP.",
    )
    if files:
        for file in files:
            _take_file(corpus, file.name, file.getvalue(), instead)
        st.session_state["import-turn"] = turn + 1
        st.rerun()


def _take_file(corpus: Corpus, name: str, data: bytes, instead: bool) -> None:
    """Import what can be imported, and keep the report of the rest until it is dismissed."""
    try:
        questions, problems = golden.read_golden(data, corpus)
        taken: list[golden.Merged] = []

        def edit(before: tuple[Question, ...]) -> tuple[Question, ...]:
            taken.append(golden.merge(() if instead else before, questions))
            return taken[-1].questions

        if questions:
            state.workspace().golden.change(edit, corpus, f"imported {len(questions)} from {name}")
    except WorkbenchError as error:
        state.say("error", f"{name}: {error}")
        return
    st.session_state[REPORT] = [*st.session_state.get(REPORT, []), _report(name, taken[-1:], problems)]


def _report(name: str, taken: Sequence[golden.Merged], problems: Sequence[Problem]) -> dict[str, Any]:
    merged = taken[0] if taken else None
    notes = []
    if merged and merged.same:
        notes.append(f"{len(merged.same)} were here already")
    if merged and merged.renamed:
        pairs = ", ".join(f"{old} is now {new}" for old, new in list(merged.renamed.items())[:5])
        notes.append(f"{len(merged.renamed)} ids were taken: {pairs}")
    lines = [{"Line": p.line, "Id": p.id, "Not taken because": p.message} for p in problems[:MOST_LINES]]
    return {
        "name": name,
        "taken": len(merged.added) if merged else 0,
        "refused": len(problems),
        "notes": notes,
        "lines": lines,
    }


def report() -> None:
    """Draw what the last imports took, and every row that they did not."""
    reports = st.session_state.get(REPORT, [])
    for number, told in enumerate(reports):
        text = f"{told['name']}: {told['taken']:,} questions taken, {told['refused']:,} rows not taken"
        text += f"; {'; '.join(told['notes'])}" if told["notes"] else ""
        (st.warning if told["refused"] else st.success)(plain(text), icon=":material/upload_file:")
        if told["lines"]:
            st.dataframe(told["lines"], hide_index=True, key=f"import-report-{number}", height="content")
        if told["refused"] > MOST_LINES:
            st.caption(f"The first {MOST_LINES} of {told['refused']:,}.")
    if reports:
        st.button("Dismiss", key="dismiss-import", on_click=lambda: st.session_state.update({REPORT: []}))
