"""What can be done with the selected document, and what came of it."""

import streamlit as st

from workbench.documents import Corpus, Document
from workbench.ui import sessions
from workbench.ui.library.adding import load_sample, show, tried
from workbench.ui.shell import plain
from workbench.workspaces import Source
from workbench.workspaces.golden import Change, change

TOLD = "replaced"
"""Session state: what the last replacement changed, in words, until it is dismissed."""


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
    _changed()
    for gone in workspace.removed[:3]:
        row = st.container(horizontal=True, gap="small", vertical_alignment="center")
        row.caption(f"{plain(gone.name)} was removed.")
        row.button(
            "Undo", key=f"restore-{gone.id}", icon=":material/undo:", on_click=_restore, args=(gone,), type="tertiary"
        )
        if not gone.sample:
            row.button("Delete for good", key=f"discard-{gone.id}", on_click=_discard, args=(gone,), type="tertiary")
    if not any(s.sample for s in workspace.sources):
        st.button(
            "Load the sample corpus", icon=":material/library_books:", on_click=load_sample, key="load-sample-again"
        )


def _changed() -> None:
    """What the last replacement changed, and where to look next."""
    told = st.session_state.get(TOLD)
    if not told:
        return
    with st.container(border=True, gap="small"):
        for line in told["lines"]:
            st.caption(plain(line))
        row = st.container(horizontal=True, gap="small", vertical_alignment="center")
        if told["golden"]:
            row.page_link("pages/4_Golden_set.py", label="Check the passages", icon=":material/fact_check:")
        row.button("Dismiss", key="dismiss-replaced", type="tertiary", on_click=_dismiss)


def _dismiss() -> None:
    st.session_state.pop(TOLD, None)


def _discard(source: Source) -> None:
    tried(lambda: sessions.workspace().discard(source.id))


def _remove(source: Source) -> None:
    tried(lambda: sessions.workspace().remove(source.id))


def _restore(source: Source) -> None:
    if tried(lambda: sessions.workspace().restore(source.id)):
        show(source.id)


def _replace(source: Source) -> None:
    turn = st.session_state.get("upload-turn", 0)
    file = st.file_uploader(f"New version of {plain(source.name)}", key=f"replace-{source.id}-{turn}")
    if file is not None:
        name, data = file.name, file.getvalue()
        tried(lambda: replace_with(source, name, data))
        st.session_state["upload-turn"] = turn + 1
        st.rerun()


def replace_with(source: Source, name: str, data: bytes) -> None:
    """Nothing; another file in the place of a source. Only it is parsed; what changed is kept to be shown."""
    workspace = sessions.workspace()
    before, _ = sessions.corpus()
    new = workspace.replace(source.id, name, data)
    after, _ = sessions.corpus()
    show(new.id)
    old, now = _of(before, source.id), _of(after, new.id)
    if old is None or now is None:
        return
    found = change(old, now, workspace.golden.read(after))
    st.session_state[TOLD] = {"lines": lines(found), "golden": bool(found.passages)}


def _of(corpus: Corpus, source: str) -> Document | None:
    return next((d for d in corpus if d.source == source), None)


def lines(found: Change) -> list[str]:
    """What a replacement changed, in sentences."""
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
    tags = sessions.workspace().settings.get("tags", {})

    def renamed() -> None:
        tried(lambda: sessions.workspace().rename(source.id, st.session_state[f"name-{source.id}"]))

    def tagged() -> None:
        wanted = {**tags, source.id: sorted(set(st.session_state[f"tags-{source.id}"]))}
        tried(lambda: sessions.workspace().keep_settings(tags=wanted))

    st.text_input("Name", source.name, key=f"name-{source.id}", on_change=renamed, max_chars=200)
    known = sorted({tag for some in tags.values() for tag in some})
    st.multiselect(
        "Tags", known, tags.get(source.id, []), key=f"tags-{source.id}", on_change=tagged, accept_new_options=True,
        help="Searches on the Bench can be kept to documents with a tag.",
    )  # fmt: skip
