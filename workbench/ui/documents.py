"""The list of documents: adding, replacing, labelling and removing them, and files of whole workspaces."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from functools import partial
from typing import Any

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.errors import DocumentError, WorkbenchError
from workbench.memory_cache import cached
from workbench.parsers import FORMATS, unpack
from workbench.parsers.files import NOT_DOCUMENTS
from workbench.reports.render import cell
from workbench.tokens import token_offsets
from workbench.ui import forms, state
from workbench.ui.forms import control
from workbench.ui.layout import cells, plain, size_label, status_bar
from workbench.workspaces import Refusal, Source, delete_workspace, team_mode
from workbench.workspaces.golden import Change, change
from workbench.workspaces.transfer import MANIFEST, Imported, export_workspace, import_workspace

MOST_FILES = 1_000
"""Files that are taken at once; a folder can be dropped by mistake."""
MOST_LINES = 20
"""Refusals that a message spells out."""
UPLOAD_MB = 200

Files = list[tuple[str, bytes]]


def add_documents() -> None:
    """Draw the drop zones, and a box for pasted text."""
    if not state.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    if all(source.sample for source in state.workspace().sources):
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
            key=forms.key("pasted"),
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
    """Return whether a file of a folder belongs to its corpus: neither hidden nor a golden set."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    hidden = any(part.startswith(".") for part in parts)
    return bool(parts) and not hidden and not any(fnmatch(parts[-1], pattern) for pattern in NOT_DOCUMENTS)


def take_files(files: Sequence[tuple[str, bytes]], passed: int = 0) -> None:
    """Add what can be read, and say what was not, each by name. ZIPs are opened."""
    if len(files) > MOST_FILES:
        state.say("error", f"{len(files):,} files are more than the {MOST_FILES:,} that are taken at once.")
        return
    with st.status(f"Reading {size_label(len(files), 'files')}", expanded=False) as status:
        found, refused = _unpacked(files)

        def looked_at(done: int) -> None:
            if done % 10 == 0 or done == len(found):
                status.update(label=f"Reading file {done:,} of {len(found):,}")

        added, unread = state.workspace().add_all(found, looked_at)
        refused += unread
    _tell(len(added), len(added) + len(refused), refused)
    if added:
        show(added[0].id)
        rest = f"; {size_label(passed, 'files')} passed over" if passed else ""
        st.toast(f"{size_label(len(added), 'documents')} added{rest}")


def _unpacked(files: Iterable[tuple[str, bytes]]) -> tuple[Files, list[str]]:
    """Return the files, ZIPs replaced by their members, and what was refused. Workspace files are imported."""
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
        state.say("error", "\n".join(line for line in lines if line))
    elif refused:
        state.say("error", refused[0])


def show(source: str) -> None:
    """Make the document of this file the one that all pages show."""
    corpus, _ = state.corpus()
    if found := next((d.id for d in corpus if d.source == source), None):
        st.session_state["document"] = found


def _paste() -> None:
    text = st.session_state.get(forms.key("pasted"), "")
    if state.tried(lambda: show(state.workspace().paste(text).id)):
        forms.renew("pasted")


def empty() -> None:
    """Say what to do where there is no document."""
    st.subheader("No documents yet")
    st.write("Add your own documents, or start with the sample corpus: the papers of a fictional pump maker.")
    st.button("Load the sample corpus", icon=":material/library_books:", on_click=load_sample, key="load-sample")


def load_sample() -> None:
    """Add the files of the sample corpus to the workspace."""
    state.attempt(state.workspace().start_with_sample)


def is_workspace_file(data: bytes) -> bool:
    """Return whether it is a ZIP that says it holds a workspace; whether it does is for the import to find out."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def take_workspace(name: str, data: bytes) -> None:
    """Import a workspace file, and say what of it was taken, and what was not, by name."""
    with st.status(f"Reading {plain(name)}", expanded=False) as status:
        try:
            told = import_workspace(
                state.workspace(), name, data, lambda done, all: status.update(label=f"Document {done + 1} of {all}")
            )
        except WorkbenchError as error:
            state.say("error", str(error))
            return
    _tell_import(name, told)


def _tell_import(name: str, told: Imported) -> None:
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
    state.say("warning", "\n".join([f"{name}: {taken} taken. Not taken:", *lines]))


def workspace_menu() -> None:
    """Draw everything as one file, out and in; in team mode its room, its expiry and its end."""
    here = state.workspace()
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
            help="A ZIP with the documents, the golden set, pipelines and runs; indexes and vectors are made again.",
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
    """Return how much of it is used, who can see it, and until when it is kept."""
    here = state.workspace()
    used = f"{size_label(here.used)} of {size_label(here.capacity)} used."
    if not team_mode():
        return f"{used} It stays on this machine."
    who = "Private: only who has a link reaches it." if here.writable else "This link only reads it."
    return f"{used} {who} It is deleted once nobody has opened it for {state.UNUSED_DAYS} days."


def _file() -> bytes:
    return export_workspace(state.workspace())[0]


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
        delete_workspace(state.workspace().id)
    except WorkbenchError as error:
        state.say("error", str(error))
    else:
        state.leave()


TOLD = "replaced"
"""Session state: what the last replacement changed, in words, until it is dismissed."""


def actions(document: Document | None) -> None:
    """Draw what can be done with the selected document, and what was removed and can come back."""
    workspace = state.workspace()
    if not workspace.writable:
        return
    source = next((s for s in workspace.sources if document and s.id == document.source), None)
    if document is not None and source is not None:
        row = st.container(horizontal=True, gap="small")
        row.button("Remove", icon=":material/delete:", key="remove", on_click=state.attempt,
                   args=(partial(workspace.remove, source.id),))  # fmt: skip
        with row.popover("Replace", icon=":material/sync:"):
            _replace(source)
        with row.popover("Name and tags", icon=":material/label:"):
            _label(source)
        row.download_button("Text", document.text, f"{document.name}.txt", "text/plain", icon=":material/download:")
    _changed()
    for gone in workspace.removed[:3]:
        row = st.container(horizontal=True, gap="small", vertical_alignment="center")
        row.caption(f"{plain(gone.name)} was removed.")
        row.button(
            "Undo", key=f"restore-{gone.id}", icon=":material/undo:", on_click=_restore, args=(gone,), type="tertiary"
        )
        if not gone.sample:
            row.button(
                "Delete for good",
                key=f"discard-{gone.id}",
                on_click=state.attempt,
                args=(partial(workspace.discard, gone.id),),
                type="tertiary",
            )
    if not any(s.sample for s in workspace.sources):
        st.button(
            "Load the sample corpus", icon=":material/library_books:", on_click=load_sample, key="load-sample-again"
        )


def _changed() -> None:
    """Draw what the last replacement changed, and where to look next."""
    told = st.session_state.get(TOLD)
    if not told:
        return
    with st.container(border=True, gap="small"):
        for line in told["lines"]:
            st.caption(plain(line))
        row = st.container(horizontal=True, gap="small", vertical_alignment="center")
        if told["golden"]:
            row.page_link("pages/4_Golden_set.py", label="Check the passages", icon=":material/fact_check:")
        row.button("Dismiss", key="dismiss-replaced", type="tertiary", on_click=st.session_state.pop, args=(TOLD, None))


def _restore(source: Source) -> None:
    if state.tried(lambda: state.workspace().restore(source.id)):
        show(source.id)


def _replace(source: Source) -> None:
    turn = st.session_state.get("upload-turn", 0)
    file = st.file_uploader(f"New version of {plain(source.name)}", key=f"replace-{source.id}-{turn}")
    if file is not None:
        name, data = file.name, file.getvalue()
        state.attempt(lambda: replace_with(source, name, data))
        st.session_state["upload-turn"] = turn + 1
        st.rerun()


def replace_with(source: Source, name: str, data: bytes) -> None:
    """Replace a source by another file. Only that is parsed; what changed is kept to be shown."""
    workspace = state.workspace()
    before, _ = state.corpus()
    new = workspace.replace(source.id, name, data)
    after, _ = state.corpus()
    show(new.id)
    old, now = _of(before, source.id), _of(after, new.id)
    if old is None or now is None:
        return
    found = change(old, now, workspace.golden.read(after))
    st.session_state[TOLD] = {"lines": lines(found), "golden": bool(found.passages)}


def _of(corpus: Corpus, source: str) -> Document | None:
    return next((d for d in corpus if d.source == source), None)


def lines(found: Change) -> list[str]:
    """Return what a replacement changed, in sentences."""
    exact = "" if found.by_words else " (counted by lines: the texts are long)"
    sections = found.sections[1] - found.sections[0]
    told = [
        f"{found.old} was replaced by {found.new}: {found.added:,} characters added, {found.removed:,} removed{exact}; "
        f"{found.sections[1]:,} sections" + (f" ({sections:+,})." if sections else ", as before."),
    ]
    if found.passages:
        told.append(f"Of its {found.passages:,} golden passages {found.summary or 'all stand where they stood'}.")
    else:
        told.append("No golden passage stands in it.")
    return told


def _label(source: Source) -> None:
    tags = state.workspace().settings.get("tags", {})

    def renamed() -> None:
        state.attempt(lambda: state.workspace().rename(source.id, st.session_state[f"name-{source.id}"]))

    def tagged() -> None:
        wanted = {**tags, source.id: sorted(set(st.session_state[f"tags-{source.id}"]))}
        state.attempt(lambda: state.workspace().keep_settings(tags=wanted))

    st.text_input("Name", source.name, key=f"name-{source.id}", on_change=renamed, max_chars=200)
    known = sorted({tag for some in tags.values() for tag in some})
    st.multiselect(
        "Tags", known, tags.get(source.id, []), key=f"tags-{source.id}", on_change=tagged, accept_new_options=True,
        help="Searches on the Bench can be kept to documents with a tag.",
    )  # fmt: skip


MOST_ROWS = 15
A_PAGE = 100
"""Documents that are listed at once: more are found by name, or by turning pages."""
MOST_REFUSALS = 20
_FORMATS = {f.media_type: f.label for f in FORMATS.values()}


def status(corpus: Corpus, refusals: Sequence[Refusal]) -> None:
    """Draw the corpus in one line; in team mode with what may still be uploaded."""
    here = state.workspace()
    room = f"{size_label(here.used)} of {size_label(here.capacity)}" if team_mode() else size_label(here.used)
    status_bar(
        size_label(len(corpus), "documents"),
        size_label(corpus.characters, "characters"),
        f"{room} uploaded",
        f"{len(refusals)} not readable" if refusals else "",
        "" if here.writable else "read only",
    )


def toolbar(narrow: bool = False) -> None:
    """Adding documents, the parser that reads them all, and the workspace; in two rows where it is narrow."""
    if narrow:
        add_documents()
        middle, right = st.columns(2, gap="small", vertical_alignment="bottom")
    else:
        left, middle, right = st.columns([1.1, 1, 0.9], gap="small", vertical_alignment="bottom")
        with left:
            add_documents()
    with middle:
        forms.kind_choice("parser", "Parser")
    with right:
        workspace_menu()


def table(corpus: Corpus, refusals: Sequence[Refusal]) -> Document | None:
    """Return the documents with their figures, `A_PAGE` at a time; the one that is selected."""
    _refused(refusals)
    if not len(corpus):
        return None
    current: str = st.session_state.get("document", "")
    listed, turned = _listed(corpus, current)
    order = [d.id for d in listed]
    event = st.dataframe(
        cells(_rows(listed)),
        key=f"csv-documents-{corpus.id}{turned}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [order.index(current)] if current in order else []}},
        height="content" if len(listed) <= MOST_ROWS else 36 * MOST_ROWS,
        placeholder="",
        column_config={
            "Tokens": st.column_config.NumberColumn(
                help=f"Tokens of {state.pipeline().embedder.tokenizer}, special ones left out", format="localized"
            ),
            "Characters": st.column_config.NumberColumn(format="localized"),
            "Tags": st.column_config.ListColumn(width="small"),
        },
    )
    selected = event.selection.rows
    if selected and selected[0] < len(order):
        current = st.session_state["document"] = order[selected[0]]
    return corpus.document(current) if current in corpus else next(iter(listed), corpus.documents[0])


def _rows(listed: Sequence[Document]) -> list[dict[str, Any]]:
    """Return what the table says of these documents; their tokens are counted, so each is read once."""
    here = state.workspace()
    sources, tags = {s.id: s for s in here.sources}, here.settings.get("tags", {})
    name = state.pipeline().embedder.tokenizer
    return [
        {
            "Document": d.name,
            "Characters": d.figures.characters,
            "Tokens": _tokens(d, name),
            "Pages": d.figures.pages or None,
            "Sections": d.figures.sections,
            "Language": d.language or "unknown",
            "Format": _FORMATS.get(d.media_type, d.media_type),
            "Size": size_label(sources[d.source].size) if d.source in sources else "",
            "Warnings": len(d.warnings),
            "Tags": [cell(tag) for tag in tags.get(d.source, [])],
        }
        for d in listed
    ]


@cached(20_000, lambda found: 1, key=lambda document, name: (document.id, name))
def _tokens(document: Document, name: str) -> int:
    return len(token_offsets(document.text, name))


def _listed(corpus: Corpus, current: str) -> tuple[Sequence[Document], str]:
    """Return the documents of the page that is turned to, among those that were looked for; and which page that is.

    Without a turn it is the page on which the current document stands.
    """
    if len(corpus) <= A_PAGE:
        return corpus.documents, ""
    left, right = st.columns([3, 1], gap="small", vertical_alignment="bottom")
    part = left.text_input(
        "Find a document", key="documents-find", type="search", placeholder=f"part of one of {len(corpus):,} names"
    ).lower()
    found = [d for d in corpus if part in d.name.lower()] if part else corpus.documents
    pages = max(1, -(-len(found) // A_PAGE))
    stood = [part, current]
    if st.session_state.get("documents-stood") != stood:
        at = next((i for i, d in enumerate(found) if d.id == current), 0)
        st.session_state["documents-stood"], st.session_state["documents-page"] = stood, at // A_PAGE + 1

    def turned(page: int) -> None:
        st.session_state["documents-page"] = page

    page = min(int(st.session_state["documents-page"]), pages)
    control(
        right.number_input, f"Page of {pages:,}", "documents-turn", page, turned, min_value=1, max_value=pages
    )  # fmt: skip
    if not found:
        st.caption("No document has a name like that.")
    return found[(page - 1) * A_PAGE : page * A_PAGE], f"-{page}-{part}"


def _refused(refusals: Sequence[Refusal]) -> None:
    """Draw the files that could not be read, the first of them by name."""
    for refusal in refusals[:MOST_REFUSALS]:
        st.error(plain(refusal.reason), icon=":material/error:")
    if len(refusals) > MOST_REFUSALS:
        st.error(f"And {len(refusals) - MOST_REFUSALS:,} more could not be read.", icon=":material/error:")
