"""Growing a golden set with the mouse: the source with its gold passages, and the question that a selection answers."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from workbench import golden
from workbench.documents import Corpus, Document
from workbench.records import Hit, Question, Reference
from workbench.spans import Span
from workbench.ui import controls, sessions
from workbench.ui.reader import reader, scroll_to
from workbench.ui.shell import plain, size_label, status_bar

KEY = "golden-reader"
CHOSEN = "golden-question"
"""Session state: the id of the question that is looked at."""
QUOTE = 280
"""Characters of a selection that are repeated beside the form; the reader shows it whole."""
LONGEST_QUESTION = 2000


def source(document: Document, questions: Sequence[Question], height: int) -> Span | None:
    """The passage that is selected; the document is drawn with the passages of all questions, each one click away."""
    here = [(r.span, q.id) for q in questions for r in q.references if r.span.document == document.id]
    asked = len({id for _, id in here})
    held = sum(len(span) for span, _ in here) / max(1, len(document.text))
    status_bar(
        document.name,
        f"{size_label(len(here), 'passages')} of {size_label(asked, 'questions')}" if here else "no passage yet",
        f"{held:.1%} of its text" if here else "",
    )
    gold = [span for span, _ in here]
    events = reader(document, key=KEY, gold=gold, structure=True, version=document.id, height=height)
    if events.clicked and events.clicked.layer == "gold" and events.clicked.id < len(here):
        st.session_state[CHOSEN] = here[events.clicked.id][1]
    return events.selection


def chosen(questions: Sequence[Question]) -> Question | None:
    """The question that is looked at."""
    id = st.session_state.get(CHOSEN)
    return next((q for q in questions if q.id == id), None)


def look_at(question: Question, passage: int = 0) -> None:
    """Nothing; shows this question, and one of its passages in the source."""
    st.session_state[CHOSEN] = question.id
    show_passage(question, passage)


def show_passage(question: Question, passage: int = 0) -> None:
    """Nothing; scrolls the source to one of the question's passages."""
    if question.references:
        span = question.references[passage % len(question.references)].span
        st.session_state["document"] = span.document
        scroll_to(KEY, span)


def form(corpus: Corpus, questions: Sequence[Question], selection: Span | None) -> None:
    """What a selection becomes: the passage of a new question, or a further one of the question that is looked at."""
    if not sessions.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    if selection is None:
        st.caption("Select the passage that answers a question in the text; then type the question here.")
        return
    quote = corpus[selection]
    shown = quote if len(quote) <= QUOTE else f"{quote[: QUOTE // 2].rstrip()} … {quote[-QUOTE // 2 :].lstrip()}"
    with st.container(border=True, key="label-form"):
        name = plain(corpus.document(selection.document).name)
        st.caption(f"{size_label(len(quote), 'characters')} of {name}, from {selection.start:,}")
        st.code(shown, language=None, wrap_lines=True)
        turn = st.session_state.get("label-turn", 0)
        with st.form(f"label-{turn}", border=False):
            st.text_input(
                "Question that it answers",
                key=f"label-question-{turn}",
                max_chars=LONGEST_QUESTION,
                placeholder="As a user would ask it, in other words than the passage's",
            )
            st.multiselect("Tags", known_tags(questions), key=f"label-tags-{turn}", accept_new_options=True)
            st.form_submit_button(
                "Save question",
                type="primary",
                icon=":material/save:",
                on_click=_submit,
                args=(corpus, Reference(selection, quote), turn),
            )
        question = chosen(questions)
        if question is not None and question.answerable:
            _further_passage(corpus, question, Reference(selection, quote))


def _submit(corpus: Corpus, reference: Reference, turn: int) -> None:
    text, tags = (st.session_state[f"label-{name}-{turn}"] for name in ("question", "tags"))
    if save(corpus, Question("", text.strip(), (reference,), tuple(sorted(set(tags))))):
        st.session_state["label-turn"] = turn + 1  # an empty form for the next passage


def known_tags(questions: Sequence[Question]) -> list[str]:
    """The tags in use, in order."""
    return sorted({tag for q in questions for tag in q.tags})


def save(corpus: Corpus, question: Question) -> bool:
    """Whether the question is part of the golden set now; where not, the reason is shown."""
    after = sessions.change_golden(lambda questions: golden.added(questions, question), corpus)
    if after is None:
        return False
    st.session_state[CHOSEN] = after[-1].id
    st.toast(f"Saved as {plain(after[-1].id)}", icon=":material/check:")
    return True


def _further_passage(corpus: Corpus, question: Question, reference: Reference) -> None:
    def add() -> None:
        longer = replace(question, references=(*question.references, reference))
        label = f"added a passage to {question.id}"
        sessions.change_golden(lambda questions: golden.replaced(questions, question.id, longer), corpus, label)

    words = question.text if len(question.text) <= 70 else f"{question.text[:67]}…"
    st.button(f"Add it to “{plain(words)}”", on_click=add, icon=":material/add:", key="add-passage", type="tertiary")


def mark(corpus: Corpus, questions: Sequence[Question], query: str, hit: Hit) -> None:
    """Nothing; the hit answers the query: a passage of the golden question with these words, or of a new one."""
    reference = Reference(hit.span, corpus[hit.span])
    question = next((q for q in questions if q.text.strip() == query), None)
    if question is None:
        save(corpus, Question("", query, (reference,)))
        return
    longer = replace(question, references=(*question.references, reference), answerable=True)
    label = f"added a passage to {question.id}"
    if sessions.change_golden(lambda before: golden.replaced(before, question.id, longer), corpus, label) is not None:
        st.toast(f"A further passage of {plain(question.id)}", icon=":material/check:")


def unanswerable(corpus: Corpus) -> None:
    """A question without a passage: the documents do not answer it, and a good pipeline can tell."""
    if not sessions.workspace().writable:
        return

    def add() -> None:
        text = st.session_state[controls.key("unanswerable")].strip()
        if text and save(corpus, Question("", text, answerable=False)):
            controls.renew("unanswerable")

    with st.popover("Unanswerable", icon=":material/block:", help="Add a question that the documents do not answer"):
        st.caption("It tests whether a score can tell that nothing fits. It is counted apart, and moves no recall.")
        st.text_input("Question", key=controls.key("unanswerable"), on_change=add, max_chars=LONGEST_QUESTION)
