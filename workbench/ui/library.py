"""The documents of a workspace: adding, listing, replacing and removing them, and one of them with its structure."""

from collections.abc import Callable, Sequence

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.errors import WorkbenchError
from workbench.parsers import FORMATS, Auto
from workbench.tokens import token_offsets
from workbench.ui import forms, sessions
from workbench.ui.reader import reader
from workbench.ui.shell import plain, size_label, status_bar
from workbench.workspaces import Refusal, Source, delete_workspace, team_mode

MOST_ROWS = 15
_FORMATS = {f.media_type: f.label for f in FORMATS.values()}


def add_documents() -> None:
    """The drop zone, and a box for pasted text."""
    if not sessions.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    if all(source.sample for source in sessions.workspace().sources):
        st.caption("You are looking at a sample. Add your own documents here.")
    with st.popover("Add documents", icon=":material/upload_file:", width="stretch"):
        _drop_zone()
        st.text_area(
            "Or paste text", key="pasted", height=100, placeholder="Pasted text becomes a document of its own."
        )
        st.button("Add the text", key="add-pasted", on_click=_paste)


def _drop_zone() -> None:
    turn = st.session_state.get("upload-turn", 0)
    files = st.file_uploader(
        "Drop files here",
        accept_multiple_files=True,
        key=f"upload-popover-{turn}",
        help="Text, Markdown, HTML, PDF, Word, PowerPoint, Excel, CSV, e-mail and more. Each file up to 200 MB.",
    )
    if files:
        take_files([(file.name, file.getvalue()) for file in files])
        st.session_state["upload-turn"] = turn + 1  # a fresh drop zone
        st.rerun()


def take_files(files: Sequence[tuple[str, bytes]]) -> None:
    """Nothing; adds what can be read and says what was not, each by name."""
    added, refused = [], []
    with st.status(f"Reading {size_label(len(files), 'files')}", expanded=False) as status:
        for i, (name, data) in enumerate(files, 1):
            status.update(label=f"Reading file {i} of {len(files)}")
            try:
                added.append(sessions.workspace().add(name, data).id)
            except WorkbenchError as error:
                refused.append(str(error))
    if len(refused) > 1:
        sessions.say("error", "\n".join([f"{len(added)} of {len(files)} files added. Refused:", *refused]))
    elif refused:
        sessions.say("error", refused[0])
    if added:
        _show(added[0])
        st.toast(f"{size_label(len(added), 'documents')} added")


def _show(source: str) -> None:
    """Make the document of this file the one that all pages show."""
    corpus, _ = sessions.corpus()
    if found := next((d.id for d in corpus if d.source == source), None):
        st.session_state["document"] = found


def _paste() -> None:
    text = st.session_state.get("pasted", "")
    if _tried(lambda: _show(sessions.workspace().paste(text).id)):
        st.session_state["pasted"] = ""


def _tried(action: Callable[[], object]) -> bool:
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
    st.button("Load the sample corpus", icon=":material/library_books:", on_click=_sample, key="load-sample")


def _sample() -> None:
    _tried(sessions.workspace().start_with_sample)


def status(corpus: Corpus, refusals: Sequence[Refusal]) -> None:
    """The corpus in one line."""
    workspace = sessions.workspace()
    status_bar(
        size_label(len(corpus), "documents"),
        size_label(corpus.characters, "characters"),
        f"{size_label(workspace.used)} uploaded",
        f"{len(refusals)} not readable" if refusals else "",
    )


def toolbar() -> None:
    """Adding documents, and the parser that reads them all."""
    left, right = st.columns(2, gap="small", vertical_alignment="bottom")
    with left:
        add_documents()
    with right:
        forms.kind_choice("parser", "Parser")


def table(corpus: Corpus, refusals: Sequence[Refusal]) -> Document | None:
    """The documents with their figures; the one that is selected."""
    sources = {s.id: s for s in sessions.workspace().sources}
    tags = sessions.workspace().settings.get("tags", {})
    name = sessions.pipeline().embedder.tokenizer
    rows = [
        {
            "Document": d.name,
            "Characters": len(d.text),
            "Tokens": len(token_offsets(d.text, name)),
            "Pages": len(d.pages) or None,
            "Sections": len(d.sections),
            "Language": d.language or "unknown",
            "Format": _FORMATS.get(d.media_type, d.media_type),
            "Size": size_label(sources[d.source].size) if d.source in sources else "",
            "Warnings": len(d.warnings),
            "Tags": list(tags.get(d.source, [])),
        }
        for d in corpus
    ]
    for refusal in refusals:
        st.error(plain(refusal.reason), icon=":material/error:")
    if not rows:
        return None
    order = [d.id for d in corpus]
    current = st.session_state.get("document")
    chosen = order.index(current) if current in order else 0
    event = st.dataframe(
        rows,
        key=f"documents-{corpus.id}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [chosen]}},
        height="content" if len(rows) <= MOST_ROWS else 36 * MOST_ROWS,
        placeholder="",
        column_config={
            "Tokens": st.column_config.NumberColumn(
                help=f"Tokens of {name}, special ones left out", format="localized"
            ),
            "Characters": st.column_config.NumberColumn(format="localized"),
            "Tags": st.column_config.ListColumn(width="small"),
        },
    )
    selected = event.selection.rows
    if selected and selected[0] < len(order):
        st.session_state["document"] = order[selected[0]]
        chosen = selected[0]
    return corpus.documents[chosen]


def actions(document: Document | None) -> None:
    """What can be done with the selected document, and what was removed and can come back."""
    workspace = sessions.workspace()
    if not workspace.writable:
        return
    source = next((s for s in workspace.sources if document and s.id == document.source), None)
    if document is not None and source is not None:
        row = st.container(horizontal=True, gap="small")
        row.button("Remove", icon=":material/delete:", key="remove", on_click=_remove, args=(source,))
        with row.popover("Replace", icon=":material/sync:"):
            _replace(source)
        with row.popover("Name and tags", icon=":material/label:"):
            _label(source)
        row.download_button("Text", document.text, f"{document.name}.txt", "text/plain", icon=":material/download:")
    for gone in workspace.removed[:3]:
        row = st.container(horizontal=True, gap="small", vertical_alignment="center")
        row.caption(f"{plain(gone.name)} was removed.")
        row.button(
            "Undo", key=f"restore-{gone.id}", icon=":material/undo:", on_click=_restore, args=(gone,), type="tertiary"
        )
        if not gone.sample:
            row.button("Delete for good", key=f"discard-{gone.id}", on_click=_discard, args=(gone,), type="tertiary")
    if not any(s.sample for s in workspace.sources):
        st.button("Load the sample corpus", icon=":material/library_books:", on_click=_sample, key="load-sample-again")
    if team_mode():
        with st.popover("Delete the workspace", icon=":material/delete_forever:"):
            st.caption("Its documents, golden set and settings are gone for good, for everyone who has a link.")
            st.button("Delete everything now", key="delete-workspace", on_click=_delete_workspace, type="primary")


def _discard(source: Source) -> None:
    _tried(lambda: sessions.workspace().discard(source.id))


def _delete_workspace() -> None:
    if _tried(lambda: delete_workspace(sessions.workspace().id)):
        sessions.leave()


def _remove(source: Source) -> None:
    _tried(lambda: sessions.workspace().remove(source.id))


def _restore(source: Source) -> None:
    if _tried(lambda: sessions.workspace().restore(source.id)):
        _show(source.id)


def _replace(source: Source) -> None:
    turn = st.session_state.get("upload-turn", 0)
    file = st.file_uploader(f"New version of {plain(source.name)}", key=f"replace-{source.id}-{turn}")
    if file is not None:
        if _tried(lambda: _show(sessions.workspace().replace(source.id, file.name, file.getvalue()).id)):
            st.toast(f"{plain(source.name)} replaced")
        st.session_state["upload-turn"] = turn + 1
        st.rerun()


def _label(source: Source) -> None:
    tags = sessions.workspace().settings.get("tags", {})

    def renamed() -> None:
        _tried(lambda: sessions.workspace().rename(source.id, st.session_state[f"name-{source.id}"]))

    def tagged() -> None:
        wanted = {**tags, source.id: sorted(set(st.session_state[f"tags-{source.id}"]))}
        _tried(lambda: sessions.workspace().keep_settings(tags=wanted))

    st.text_input("Name", source.name, key=f"name-{source.id}", on_change=renamed, max_chars=200)
    known = sorted({tag for some in tags.values() for tag in some})
    st.multiselect(
        "Tags", known, tags.get(source.id, []), key=f"tags-{source.id}", on_change=tagged, accept_new_options=True,
        help="Searches on the Bench can be kept to documents with a tag.",
    )  # fmt: skip


def document(shown: Document) -> None:
    """The text as the parser made it, with its structure, and what the parser has to say."""
    kinds: dict[str, int] = {}
    for section in shown.sections:
        kinds[section.kind] = kinds.get(section.kind, 0) + 1
    facts = [f"{n} {kind}{'s' if n != 1 and not kind.endswith('s') else ''}" for kind, n in sorted(kinds.items())]
    status_bar(
        shown.name, f"read by {shown.parser}", size_label(len(shown.pages), "pages") if shown.pages else "", *facts
    )
    for warning in shown.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    if any("encoding" in warning.lower() for warning in shown.warnings):
        _encoding(shown)
    reader(shown, key="document-reader", structure=True, height=640, selectable=False)


def _encoding(shown: Document) -> None:
    def chosen() -> None:
        name = st.session_state["encoding"].strip()
        _tried(lambda: sessions.workspace().choose_parser(shown.source, Auto(encoding=name)))
        _show(shown.source)

    st.text_input(
        "Read it in another encoding",
        key="encoding",
        on_change=chosen,
        placeholder="cp1252, shift_jis, utf-16 …",
        width=260,
    )
