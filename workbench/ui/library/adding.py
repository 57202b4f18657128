"""Adding documents: files, folders, ZIPs, workspace files and pasted text. Each that is refused is refused by name."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch

import streamlit as st

from workbench.errors import DocumentError, WorkbenchError
from workbench.parsers import unpack
from workbench.parsers.files import NOT_DOCUMENTS
from workbench.ui import controls, sessions
from workbench.ui.library.moving import is_workspace_file, take_workspace
from workbench.ui.shell import size_label

MOST_FILES = 1_000
"""Files that are taken at once; a folder can be dropped by mistake."""
MOST_LINES = 20
"""Refusals that a message spells out."""
UPLOAD_MB = 200

Files = list[tuple[str, bytes]]


def add_documents() -> None:
    """The drop zones, and a box for pasted text."""
    if not sessions.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    if all(source.sample for source in sessions.workspace().sources):
        st.caption("You are looking at a sample. Add your own documents here.")
    with st.popover("Add documents", icon=":material/upload_file:", width="stretch"):
        _drop_zone(
            "upload-popover",
            "Drop files or a ZIP here",
            "Text, Markdown, HTML, PDF, Word, PowerPoint, Excel, CSV, e-mail and more; a ZIP of documents, or the file "
            f"of a workspace. Each up to {UPLOAD_MB} MB.",
            folder=False,
        )
        _drop_zone(
            "upload-folder",
            "Or choose a folder",
            f"Every file below it, {MOST_FILES:,} at most; hidden files and golden sets are passed over.",
            folder=True,
        )
        st.text_area(
            "Or paste text",
            key=controls.key("pasted"),
            height=100,
            placeholder="Pasted text becomes a document of its own.",
        )
        st.button("Add the text", key="add-pasted", on_click=_paste)


def _drop_zone(key: str, label: str, help: str, folder: bool) -> None:
    turn = st.session_state.get("upload-turn", 0)
    files = st.file_uploader(
        label, accept_multiple_files="directory" if folder else True, key=f"{key}-{turn}", help=help
    )
    if files:
        kept = [file for file in files if not folder or is_document(file.name)]
        take_files([(file.name, file.getvalue()) for file in kept], passed=len(files) - len(kept))
        st.session_state["upload-turn"] = turn + 1  # fresh drop zones
        st.rerun()


def is_document(path: str) -> bool:
    """Whether a file of a folder belongs to its corpus: neither hidden nor a golden set."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    hidden = any(part.startswith(".") for part in parts)
    return bool(parts) and not hidden and not any(fnmatch(parts[-1], pattern) for pattern in NOT_DOCUMENTS)


def take_files(files: Sequence[tuple[str, bytes]], passed: int = 0) -> None:
    """Nothing; adds what can be read and says what was not, each by name. ZIPs are opened."""
    if len(files) > MOST_FILES:
        sessions.say("error", f"{len(files):,} files are more than the {MOST_FILES:,} that are taken at once.")
        return
    with st.status(f"Reading {size_label(len(files), 'files')}", expanded=False) as status:
        found, refused = _unpacked(files)

        def looked_at(done: int) -> None:
            if done % 10 == 0 or done == len(found):
                status.update(label=f"Reading file {done:,} of {len(found):,}")

        added, unread = sessions.workspace().add_all(found, looked_at)
        refused += unread
    _tell(len(added), len(added) + len(refused), refused)
    if added:
        show(added[0].id)
        rest = f"; {size_label(passed, 'files')} passed over" if passed else ""
        st.toast(f"{size_label(len(added), 'documents')} added{rest}")


def _unpacked(files: Iterable[tuple[str, bytes]]) -> tuple[Files, list[str]]:
    """The files with those inside ZIPs in the place of these, and what was refused. Workspace files are imported."""
    found: Files = []
    refused: list[str] = []
    for name, data in files:
        if not name.lower().endswith(".zip"):
            found.append((name, data))
        elif is_workspace_file(data):
            take_workspace(name, data)
        else:
            try:
                opened = unpack(name, data)
            except DocumentError as error:
                refused.append(str(error))
                continue
            found += opened.files
            refused += [refusal.reason for refusal in opened.refusals]
    return found, refused


def _tell(added: int, all: int, refused: Sequence[str]) -> None:
    if len(refused) > 1:
        more = f"and {len(refused) - MOST_LINES:,} more" if len(refused) > MOST_LINES else ""
        lines = [f"{added:,} of {all:,} files added. Refused:", *refused[:MOST_LINES], more]
        sessions.say("error", "\n".join(line for line in lines if line))
    elif refused:
        sessions.say("error", refused[0])


def show(source: str) -> None:
    """Nothing; makes the document of this file the one that all pages show."""
    corpus, _ = sessions.corpus()
    if found := next((d.id for d in corpus if d.source == source), None):
        st.session_state["document"] = found


def _paste() -> None:
    text = st.session_state.get(controls.key("pasted"), "")
    if tried(lambda: show(sessions.workspace().paste(text).id)):
        controls.renew("pasted")


def tried(action: Callable[[], object]) -> bool:
    """Whether the action went well; what it says where it did not is shown."""
    try:
        action()
    except WorkbenchError as error:
        sessions.say("error", str(error))
        return False
    return True


def empty() -> None:
    """What to do where there is no document."""
    st.subheader("No documents yet")
    st.write("Add your own documents, or start with the sample corpus: the papers of a fictional pump maker.")
    st.button("Load the sample corpus", icon=":material/library_books:", on_click=load_sample, key="load-sample")


def load_sample() -> None:
    """Nothing; the files of the sample corpus join the workspace."""
    tried(sessions.workspace().start_with_sample)
