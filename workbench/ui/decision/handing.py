"""Hand over: what each target does with each part, the export as a file, and the proof that it does the same."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from workbench.documents import Corpus
from workbench.exports import TARGETS, Note, Verification, export, support, to_install, verify
from workbench.models import team_mode
from workbench.pipelines import Pipeline, to_yaml
from workbench.records import Question
from workbench.ui import jobs, live, sessions
from workbench.ui.decision import waiting
from workbench.ui.shell import panels, plain, size_label

NAMES = {
    "langchain": "LangChain",
    "llamaindex": "LlamaIndex",
    "haystack": "Haystack",
    "bundle": "Bundle (chunks, vectors, index)",
    "python": "Workbench as a library",
}


def panel(corpus: Corpus, questions: tuple[Question, ...], pipeline: Pipeline) -> None:
    """The pipeline in hand as an export."""
    st.caption(f"Exports the configuration in hand: {plain(pipeline.label)}.")
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


_LEVELS = {"exact": "the same", "generated": "generated code", "not expressible": "not the same"}


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
    jobs.attend(live.visit(), {key, proof})
    store = sessions.store()
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
) -> Callable[[jobs.Report, Callable[[], bool]], bytes]:
    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> bytes:
        with tempfile.TemporaryDirectory(prefix="workbench-export-") as folder:
            files = export(pipeline, corpus, questions, target, Path(folder), store=store, progress=report)
            return zipped(files, Path(folder), target)

    return work


def zipped(files: Sequence[Path], folder: Path, name: str) -> bytes:
    """The files in one ZIP under a folder of this name: the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(f"{name}/{file.relative_to(folder).as_posix()}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return out.getvalue()


def _verifying(
    corpus: Corpus, questions: Sequence[Question], pipeline: Pipeline, target: str, store: Any
) -> Callable[[jobs.Report, Callable[[], bool]], Verification]:
    def work(report: jobs.Report, cancelled: Callable[[], bool]) -> Verification:
        with tempfile.TemporaryDirectory(prefix="workbench-verify-") as folder:
            export(pipeline, corpus, questions, target, Path(folder), store=store, progress=report)
            return verify(Path(folder), store=store)

    return work


def outcome(found: Verification) -> None:
    """Equal, with what was compared, or each difference with its cause."""
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
