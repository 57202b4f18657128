"""Export: which pipeline, what each target does with each part, the files, and the proof that they reproduce it."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from workbench.catalogue import DecisionRecord
from workbench.documents import Corpus
from workbench.errors import WorkbenchError
from workbench.exports import TARGETS, Note, Verification, export, support, to_install, verify
from workbench.pipelines import Pipeline, from_yaml, to_mapping, to_yaml
from workbench.records import Question, golden_id
from workbench.settings import team_mode
from workbench.tasks import Task
from workbench.ui import jobs, state
from workbench.ui.decision import choice, waiting
from workbench.ui.layout import panels, plain, size_label

NAMES = {
    "langchain": "LangChain",
    "llamaindex": "LlamaIndex",
    "haystack": "Haystack",
    "bundle": "Bundle (chunks, vectors, index)",
    "python": "Workbench as a library",
}


_ANSWER = "export-answer"
"""Session state: [decision's id, current fingerprint, answer]; when one of the two is another, it is asked again."""


def answer(record: DecisionRecord | None, exported: choice.Exported | None) -> None:
    """Note what is to be exported; None asks again. A callback."""
    st.session_state[_ANSWER] = [record.id if record else 0, state.pipeline().fingerprint, exported or ""]


def chosen(corpus: Corpus, current: Pipeline, records: Sequence[DecisionRecord]) -> Pipeline | None:
    """Return the pipeline to export, and show which it is; None while the user is asked."""
    workspace = state.workspace()
    first, error = _read(records[0]) if records else (None, "")
    corpora = [corpus.id, state.corpus(first)[0].id] if first else [corpus.id]
    record = choice.newest(records, corpora)
    decided = first
    if record is not None and record is not records[0]:
        decided, error = _read(record)
    here = state.corpus(decided)[0] if decided else corpus
    given = st.session_state.get(_ANSWER, [])
    found = choice.export_of(
        record,
        decided.fingerprint if decided else "",
        current.fingerprint,
        here.id,
        golden_id(workspace.golden.read(here).questions),
        given[2] if given[:2] == [record.id if record else 0, current.fingerprint] else None,
    )
    if not found.exported:
        _ask(found, record, decided, current, error)
        return None
    pipeline = decided if found.exported == "decided" and decided else current
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    if found.exported == "decided" and record:
        row.markdown(f"Exports **what was decided**: {plain(pipeline.label)} :small[({_by(record)})]", width="content")
        for note in found.notes:
            st.caption(f":material/warning: {plain(note)}")
    else:
        row.markdown(
            f"Exports **the current configuration**: {plain(pipeline.label)} :small[(not what was decided)]"
            if record
            else f"Exports **the current configuration**: {plain(pipeline.label)} :small[(nothing is decided yet)]",
            width="content",
        )
    if found.question:
        row.button(
            "Change", key="export-ask", type="tertiary", icon=":material/undo:", on_click=answer, args=(record, None)
        )
    return pipeline


def _read(record: DecisionRecord) -> tuple[Pipeline | None, str]:
    """Return the pipeline of a decision's file, or why it cannot be built here."""
    try:
        return from_yaml(record.pipeline), ""
    except WorkbenchError as error:
        return None, str(error)


def _by(record: DecisionRecord) -> str:
    return f"{plain(record.by)}, {record.at[:10]}"


def _ask(
    found: choice.Export, record: DecisionRecord | None, decided: Pipeline | None, current: Pipeline, error: str
) -> None:
    """Draw what was decided beside the current configuration, each with its button; nothing is built yet."""
    ask = "Which is to be exported?" if "decided" in found.answers else "Decide first, or export what is set now."
    st.markdown(f"**{plain(found.question)}** {ask}")
    left, right = panels(1, 1)
    with left, st.container(border=True, key="export-decided-card"):
        st.caption("What was decided")
        if record is None:
            st.markdown("Nothing yet")
            st.button(
                "Choose a configuration", key="export-choose", type="primary", icon=":material/gavel:",
                on_click=lambda: st.session_state.update({"decision-view": "Choose"}),
            )  # fmt: skip
        else:
            st.markdown(f"**{plain(record.label)}**  \n{plain(record.why[:300])}  \n:small[{_by(record)}]")
            for note in (*found.notes, *([f"{error[:1].upper()}{error[1:]}."] if error else [])):
                st.caption(f":material/warning: {plain(note)}")
            if "decided" in found.answers:
                st.button(
                    "Export what was decided", key="export-decided", type="primary", icon=":material/gavel:",
                    on_click=answer, args=(record, "decided"),
                )  # fmt: skip
    with right, st.container(border=True, key="export-current-card"):
        st.caption("Current configuration")
        st.markdown(f"**{plain(current.label)}**")
        st.button(
            "Export the current configuration instead", key="export-current", icon=":material/tune:",
            on_click=answer, args=(record, "current"),
        )  # fmt: skip
    if decided:
        rows = choice.differences(to_mapping(decided), to_mapping(current))
        st.table([{"Setting": path, "Decided": plain(one), "Current": plain(other)} for path, one, other in rows])


def panel(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline) -> None:
    """Draw the export of a pipeline to one of the targets."""
    target = str(
        st.segmented_control(
            "Target",
            TARGETS,
            default=TARGETS[0],
            format_func=lambda t: NAMES[t],
            key="handover-target",
            required=True,
            persist_state="session",
        )
    )
    notes = support(pipeline, target)
    left, right = panels(1.4, 1)
    with left:
        _notes(notes)
    with right:
        if stops := [note for note in notes if note.stops]:
            st.warning(
                "  \n".join(f"{note.part} {note.kind}: {plain(note.text)}" for note in stops)
                + "  \nChoose another target, or another configuration.",
                icon=":material/block:",
            )
        else:
            _build(corpus, questions, pipeline, target)
        st.download_button(
            "pipeline.yaml",
            to_yaml(pipeline),
            "pipeline.yaml",
            key="handover-yaml",
            icon=":material/download:",
            type="tertiary",
            help="The pipeline alone, for `python -m workbench export --config pipeline.yaml`",
        )


_LEVELS = {"exact": "the same", "integration": "through the workbench", "not expressible": "not the same"}


def _notes(notes: Sequence[Note]) -> None:
    rows = [
        {
            "Part": note.part,
            "Method": note.kind,
            "How": "not possible" if note.stops else _LEVELS.get(note.level, note.level),
            "What to know": plain(note.text),
        }
        for note in notes
    ]
    st.table(rows)  # wraps what has to be known, where a dataframe would cut it


def _build(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline, target: str) -> None:
    key = ("export", corpus, questions, pipeline, target)
    proof = ("verify", corpus, questions, pipeline, target)
    jobs.attend(state.visit(), {key, proof})
    store = state.store()
    built, checked = jobs.find(key), jobs.find(proof)
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")
    if built is None or built.failed:
        row.button(
            "Build the export",
            key="handover-build",
            type="primary",
            icon=":material/inventory_2:",
            on_click=waiting.begin,
            args=(key, _building(corpus, questions, pipeline, target, store)),
            help="Code, pinned requirements, the parsed text, the golden set and a manifest, in one ZIP",
        )
    data = waiting.result(built, "Building the export", "handover-build")
    if data is not None:
        row.download_button(
            f"Download {target}.zip ({size_label(len(data))})",
            data,
            f"{target}.zip",
            key="handover-download",
            type="primary",
            icon=":material/download:",
        )
    new = to_install(pipeline, target)
    if team_mode() and new:
        st.caption(
            "On a shared server only what is installed there runs. On your own: `python -m workbench verify DIR`."
        )
        return
    if checked is None or checked.failed:
        row.button(
            "Verify it",
            key="handover-verify",
            icon=":material/verified:",
            on_click=waiting.begin,
            args=(proof, _verifying(corpus, questions, pipeline, target, store)),
            help="Runs the exported code in a process of its own and compares every chunk, vector and hit"
            + (f". Installs {', '.join(new)} once, about half a minute" if new else ""),
        )
    first = f"Installing {', '.join(new)} once, about half a minute, then running" if new else "Running"
    found = waiting.result(checked, f"{first} the exported code", "handover-verify")
    if found is not None:
        outcome(found)


def _building(
    corpus: Corpus, questions: Sequence[Question], pipeline: Pipeline, target: str, store: Any
) -> Callable[[Task], bytes]:
    def work(task: Task) -> bytes:
        with tempfile.TemporaryDirectory(prefix="workbench-export-") as folder:
            files = export(pipeline, corpus, questions, target, Path(folder), store=store, progress=task.report)
            return zipped(files, Path(folder), target)

    return work


def zipped(files: Sequence[Path], folder: Path, name: str) -> bytes:
    """Return the files in one ZIP under a folder of this name: the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(f"{name}/{file.relative_to(folder).as_posix()}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return out.getvalue()


def _verifying(
    corpus: Corpus, questions: Sequence[Question], pipeline: Pipeline, target: str, store: Any
) -> Callable[[Task], Verification]:
    def work(task: Task) -> Verification:
        with tempfile.TemporaryDirectory(prefix="workbench-verify-") as folder:
            export(pipeline, corpus, questions, target, Path(folder), store=store, progress=task.report)
            return verify(Path(folder), store=store)

    return work


def outcome(found: Verification) -> None:
    """Draw what was compared and is equal, or each difference with its cause."""
    chunks = next((check for check in found.checks if check.name == "text hashes"), None)
    if found.equal and chunks is not None:
        st.success(
            f"Verified: reproduces {chunks.compared - chunks.different:,}/{chunks.compared:,} chunks"
            + "".join(f"; {name}: not compared" for name in found.not_compared),
            icon=":material/verified:",
        )
    elif not found.equal:
        st.error("The export does not give what the workbench gives.", icon=":material/error:")
    rows = [
        {
            "Compared": check.name,
            "How many": check.compared,
            "Different": check.different,
            "Note": check.note,
        }
        for check in found.checks
    ]
    st.table(rows)  # notes wrap
    for one in found.escapes:
        st.caption(plain(one.sentence))
    for line in found.differences[:5]:
        st.caption(plain(f"{line.check}: {line.where}: {line.ours} here, {line.theirs} there. {line.cause}"))
    if len(found.differences) > 5:
        st.caption(f"The first 5 of {len(found.differences):,} differences.")
