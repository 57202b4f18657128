"""The review queue: drafted questions, one at a time, accepted, edited or rejected by keyboard."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from workbench import endpoints, golden
from workbench.documents import Corpus
from workbench.errors import WorkbenchError
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.ui import corpus_stats, golden_editor, state
from workbench.ui.layout import plain

AT = "draft-at"
"""Session state: the place in the queue of the draft that is looked at."""
RULES = "Rules, no model"
MOST = 50


def queue(corpus: Corpus, questions: Sequence[Question], drafts: Sequence[Question]) -> None:
    """Draw the draft that is next, and how many wait; without any, how to get some."""
    if not state.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    if not drafts:
        st.caption("Drafts are proposals: nothing is measured by them until a person accepts them here.")
        _propose(corpus, questions)
        return
    at = _at(drafts)
    draft = drafts[at]
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.markdown(f"**Draft {at + 1} of {len(drafts)}**")
    row.button("Back", key="draft-back", on_click=_go, args=(at - 1,), disabled=at == 0, shortcut="K", type="tertiary")
    row.button(
        "Skip", key="draft-skip", on_click=_go, args=(at + 1,), disabled=at + 1 == len(drafts), shortcut="J",
        type="tertiary",
    )  # fmt: skip
    text = st.text_area("Question", draft.text, key=f"draft-text-{draft.id}", max_chars=golden_editor.LONGEST_QUESTION)
    for reference in draft.references:
        name = plain(corpus.document(reference.span.document).name)
        st.caption(f"Its answer, in {name}; select other text in the source to move it")
        st.code(reference.quote, language=None, wrap_lines=True, height="content")
    if draft.tags:
        st.caption("Tags: " + ", ".join(plain(tag) for tag in draft.tags))
    row = st.container(horizontal=True, gap="small")
    arguments = (corpus, draft, text)
    row.button("Accept", key="draft-accept", on_click=_accept, args=arguments, type="primary", shortcut="A",
               icon=":material/check:")  # fmt: skip
    row.button("Reject", key="draft-reject", on_click=_reject, args=(corpus, [draft.id]), shortcut="X",
               icon=":material/close:")  # fmt: skip
    row.button(f"Reject all {len(drafts)}", key="draft-reject-all", type="tertiary",
               on_click=_reject, args=(corpus, [d.id for d in drafts]))  # fmt: skip
    st.caption("Keys: A accept, X reject, J skip, K back. Edit the question above before you accept it.")


def attend(drafts: Sequence[Question]) -> None:
    """Scroll the source, which is drawn next, to the passage of the current draft, once for each draft."""
    if drafts and st.session_state.get("draft-shown") != (id := drafts[_at(drafts)].id):
        st.session_state["draft-shown"] = id
        golden_editor.show_passage(drafts[_at(drafts)])


def _at(drafts: Sequence[Question]) -> int:
    return int(min(st.session_state.get(AT, 0), len(drafts) - 1))


def moved(corpus: Corpus, drafts: Sequence[Question], selection: object) -> None:
    """Draw a selection in the source in the place of the draft's passage."""
    if not drafts or not isinstance(selection, Span):
        return
    draft = drafts[_at(drafts)]

    def move() -> None:
        edited = replace(draft, references=(Reference(selection, corpus[selection]),))
        state.attempt(lambda: state.workspace().golden.edit_draft(draft.id, edited, corpus))

    st.button("Use the selected text as its answer", key="draft-move", on_click=move, icon=":material/swap_horiz:")


def _go(to: int) -> None:
    st.session_state[AT] = max(0, to)


def _accept(corpus: Corpus, draft: Question, text: str) -> None:
    text = str(st.session_state.get(f"draft-text-{draft.id}", text)).strip()
    kept = state.workspace().golden
    if state.tried(lambda: kept.accept(draft.id, corpus, replace(draft, text=text) if text != draft.text else None)):
        st.toast("Accepted", icon=":material/check:")


def _reject(corpus: Corpus, ids: Sequence[str]) -> None:
    state.attempt(lambda: state.workspace().golden.reject(ids, corpus))


def _propose(corpus: Corpus, questions: Sequence[Question]) -> None:
    chats = list(endpoints.chat_models())
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    count = row.number_input("How many", 1, MOST, 12, key="draft-count", width=110)
    asked = row.selectbox("Drafted by", [RULES, *chats], key="draft-by", width=220) if chats else RULES
    if asked != RULES:
        most = golden.asked_characters(corpus_stats.part(corpus), int(count))
        st.caption(
            f"Up to {most:,} characters of these documents leave this machine, "
            f"to {plain(str(asked))}. What comes back is checked against the text."
        )
    if told := corpus_stats.said(corpus_stats.part(corpus), corpus):
        st.caption(told)
    row.button(
        "Propose questions", key="draft-propose", icon=":material/auto_awesome:", on_click=_draft,
        args=(corpus, questions, str(asked), int(count)), type="primary",
    )  # fmt: skip


def _draft(corpus: Corpus, questions: Sequence[Question], asked: str, count: int) -> None:
    """Add new drafts at the end of the queue."""
    kept = state.workspace().golden
    try:
        known = [*questions, *kept.rejected(corpus)]
        if asked == RULES:
            drafted = golden.draft(corpus_stats.part(corpus), count, avoid=known)
        else:
            endpoint, _, model = asked.partition("/")
            answered = golden.draft_with(endpoints.chat(endpoint, model), corpus_stats.part(corpus), count, avoid=known)
            drafted = answered.questions
            if answered.refused:
                said = f"{len(answered.refused)} answers of {asked} were not taken:"
                state.say("warning", "\n".join([said, *answered.refused[:5]]))
        if not kept.keep_drafts(drafted, corpus):
            state.say("warning", "Nothing to ask was found that is not asked already; select passages by hand.")
    except WorkbenchError as error:
        state.say("error", str(error))
    st.session_state[AT] = 0
