"""The workspace as a whole: its room, its expiry, its file, and its end."""

import io
import zipfile

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.ui import sessions
from workbench.ui.shell import plain, size_label
from workbench.workspaces import delete_workspace, team_mode
from workbench.workspaces.transfer import MANIFEST, Imported, export_workspace, import_workspace

MOST_LINES = 20


def is_workspace_file(data: bytes) -> bool:
    """Whether it is a ZIP that says it holds a workspace; whether it does is for the import to find out."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def take_workspace(name: str, data: bytes) -> None:
    """Nothing; takes a workspace file into the workspace and says what of it was taken, and what not, by name."""
    with st.status(f"Reading {plain(name)}", expanded=False) as status:
        try:
            told = import_workspace(
                sessions.workspace(), name, data, lambda done, all: status.update(label=f"Document {done + 1} of {all}")
            )
        except WorkbenchError as error:
            sessions.say("error", str(error))
            return
    _tell(name, told)


def _tell(name: str, told: Imported) -> None:
    counts = (
        (told.documents, "documents"), (told.questions, "questions"), (told.pipelines, "pipelines"), (told.runs, "runs")
    )  # fmt: skip
    taken = ", ".join(size_label(n, unit) for n, unit in counts if n) or "nothing"
    if not told.refused:
        st.toast(f"{plain(name)}: {taken} taken")
        return
    lines = [f"{member}: {reason}" for member, reason in told.refused[:MOST_LINES]]
    if len(told.refused) > MOST_LINES:
        lines.append(f"and {len(told.refused) - MOST_LINES:,} more")
    sessions.say("warning", "\n".join([f"{name}: {taken} taken. Not taken:", *lines]))


def workspace_menu() -> None:
    """Everything as one file, out and in; in team mode its room, its expiry and its end."""
    here = sessions.workspace()
    with st.popover("Workspace", icon=":material/inventory_2:", width="stretch"):
        st.caption(room())
        st.download_button(
            "Export everything",
            _file,
            "workspace.zip",
            "application/zip",
            key="export-workspace",
            icon=":material/download:",
            on_click="ignore",
            help="A ZIP with the documents, the golden set, pipelines and runs; indexes and vectors are made anew.",
        )
        if not here.writable:
            return
        _import()
        if team_mode():
            st.caption("Deleting removes documents, golden set and settings for good, for everyone who has a link.")
            sure = st.checkbox("I want everything in it gone", key="delete-sure")
            st.button(
                "Delete the workspace", icon=":material/delete_forever:", key="delete-workspace", on_click=_delete,
                type="primary", disabled=not sure,
            )  # fmt: skip


def room() -> str:
    """How much of it is used, who can see it, and until when it is kept."""
    here = sessions.workspace()
    used = f"{size_label(here.used)} of {size_label(here.capacity)} used."
    if not team_mode():
        return f"{used} It stays on this machine."
    who = "Private: only who has a link reaches it." if here.writable else "This link only reads it."
    return f"{used} {who} It is deleted once nobody has opened it for {sessions.UNUSED_DAYS} days."


def _file() -> bytes:
    return export_workspace(sessions.workspace())[0]


def _import() -> None:
    turn = st.session_state.get("upload-turn", 0)
    file = st.file_uploader(
        "Import the file of a workspace",
        type="zip",
        key=f"import-workspace-{turn}",
        help="Its documents join those that are here, its questions the golden set. Each part is checked.",
    )
    if file is not None:
        take_workspace(file.name, file.getvalue())
        st.session_state["upload-turn"] = turn + 1
        st.rerun()


def _delete() -> None:
    try:
        delete_workspace(sessions.workspace().id)
    except WorkbenchError as error:
        sessions.say("error", str(error))
    else:
        sessions.leave()
