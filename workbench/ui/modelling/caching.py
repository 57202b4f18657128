"""What the store holds on disk, and the way to empty it."""

import streamlit as st

from workbench import models
from workbench.indexes import mapped
from workbench.ui import sessions
from workbench.ui.shell import size_label


def cache() -> None:
    """What the store holds, against its cap, and the way to empty it."""
    store = sessions.store()
    usage = store.usage()
    held = sum(u.bytes for u in usage.values())
    st.progress(min(1.0, held / store.capacity_bytes), text=f"{size_label(held)} of {size_label(store.capacity_bytes)}")
    names = {
        "vectors": "Vectors",
        "blocks": "Vectors by document",
        "chunks": "Chunks by document",
        "figures": "Figures of documents",
        "terms": "Words by document",
        "document": "Parsed documents",
        "card": "Lists of documents",
        sessions.KEPT: "Shared pipelines",
    }
    count, size = mapped.usage(store.folder)
    if count:
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        most = size_label(int(mapped.SHARE * store.capacity_bytes))
        row.caption(f"Vectors of large collections, in files: {count:,}, {size_label(size)} of {most} beside these")
        if not models.team_mode():
            row.button("Clear", key="clear-matrices", type="tertiary", on_click=_clear_files)
    for kind, u in usage.items():
        row = st.container(horizontal=True, vertical_alignment="center", gap="small")
        row.caption(f"{names.get(kind, kind)}: {u.entries:,}, {size_label(u.bytes)}")
        if not models.team_mode():
            row.button("Clear", key=f"clear-{kind}", type="tertiary", on_click=store.clear, args=(kind,))
    st.caption(
        "Vectors and documents can be made again. Without a shared pipeline its links open the default one. "
        "What was not used for longest goes first."
    )


def _clear_files() -> None:
    sessions.attempt(lambda: mapped.clear(sessions.store().folder))
