"""Prompts: ten templates filled with what was measured, to copy into any assistant."""

import streamlit as st

from workbench.decisions import PROMPTS, Context, filled


def panel(context: Context) -> None:
    """One of the ten, as it will be pasted."""
    left, right = st.columns([1, 3], gap="medium")
    with left:
        name = str(
            st.radio(
                "Prompt", list(PROMPTS), format_func=lambda n: PROMPTS[n].title, key="prompt", persist_state="session"
            )
        )
        st.caption(
            "Filled from this workspace: documents, golden set, the configuration that is looked at, its figures. No "
            "text of a document goes into a prompt, and nothing is sent anywhere."
        )
    text = filled(name, context)
    with right:
        st.code(text, language=None, wrap_lines=True)
        st.download_button("prompt.txt", text, f"prompt-{name}.txt", key="prompt-file", icon=":material/download:")
