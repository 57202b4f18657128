"""The golden set as it is edited: the source with its passages, the question a selection answers, table and checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench import golden
from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden import Anchor, Anchoring
from workbench.golden.lints import Finding, lint
from workbench.memory_cache import cached
from workbench.records import Hit, Question, Reference
from workbench.spans import Span
from workbench.splitters.chunk_cache import is_large
from workbench.splitters.pieces import CHARACTERS
from workbench.ui import corpus_stats, forms, state
from workbench.ui.components.reader import reader, scroll_to
from workbench.ui.layout import plain, size_label, status_bar

KEY = "golden-reader"
CHOSEN = "golden-question"
"""Session state: the id of the question that is looked at."""
QUOTE = 280
"""Characters of a selection that are repeated beside the form; the reader shows it whole."""
LONGEST_QUESTION = 2000


def source(document: Document, questions: Sequence[Question], height: int) -> Span | None:
    """Draw the document with the passages of all questions; return the passage that is selected."""
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
    """Return the question that is looked at."""
    id = st.session_state.get(CHOSEN)
    return next((q for q in questions if q.id == id), None)


def look_at(question: Question, passage: int = 0) -> None:
    """Show this question, and one of its passages in the source."""
    st.session_state[CHOSEN] = question.id
    show_passage(question, passage)


def show_passage(question: Question, passage: int = 0) -> None:
    """Scroll the source to one of the question's passages."""
    if question.references:
        span = question.references[passage % len(question.references)].span
        st.session_state["document"] = span.document
        scroll_to(KEY, span)


def form(corpus: Corpus, questions: Sequence[Question], selection: Span | None) -> None:
    """Draw what a selection becomes: the passage of a new question, or a further one of the current question."""
    if not state.workspace().writable:
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
    """Return the tags in use, in order."""
    return sorted({tag for q in questions for tag in q.tags})


def save(corpus: Corpus, question: Question) -> bool:
    """Return whether the question is part of the golden set now; where not, the reason is shown."""
    after = state.change_golden(lambda questions: golden.added(questions, question), corpus)
    if after is None:
        return False
    st.session_state[CHOSEN] = after[-1].id
    st.toast(f"Saved as {plain(after[-1].id)}", icon=":material/check:")
    return True


def _further_passage(corpus: Corpus, question: Question, reference: Reference) -> None:
    def add() -> None:
        longer = replace(question, references=(*question.references, reference))
        label = f"added a passage to {question.id}"
        state.change_golden(lambda questions: golden.replaced(questions, question.id, longer), corpus, label)

    words = question.text if len(question.text) <= 70 else f"{question.text[:67]}…"
    st.button(f"Add it to “{plain(words)}”", on_click=add, icon=":material/add:", key="add-passage", type="tertiary")


def mark(corpus: Corpus, questions: Sequence[Question], query: str, hit: Hit) -> None:
    """Make the hit a passage of the golden question with the words of the query, or of a new question."""
    reference = Reference(hit.span, corpus[hit.span])
    question = next((q for q in questions if q.text.strip() == query), None)
    if question is None:
        save(corpus, Question("", query, (reference,)))
        return
    longer = replace(question, references=(*question.references, reference), answerable=True)
    label = f"added a passage to {question.id}"
    if state.change_golden(lambda before: golden.replaced(before, question.id, longer), corpus, label) is not None:
        st.toast(f"A further passage of {plain(question.id)}", icon=":material/check:")


def unanswerable(corpus: Corpus) -> None:
    """Draw a question without a passage: the documents do not answer it, and a good pipeline can tell."""
    if not state.workspace().writable:
        return

    def add() -> None:
        text = st.session_state[forms.key("unanswerable")].strip()
        if text and save(corpus, Question("", text, answerable=False)):
            forms.renew("unanswerable")

    with st.popover("Unanswerable", icon=":material/block:", help="Add a question that the documents do not answer"):
        st.caption("It tests whether a score can tell that nothing fits. It is counted apart, and moves no recall.")
        st.text_input("Question", key=forms.key("unanswerable"), on_change=add, max_chars=LONGEST_QUESTION)


SHOWS = ("All", "Findings", "No place", "Unanswerable", "Held out")
ROWS = 430
"""Height of the table in pixels; its rows scroll."""
MOST_LINES = 200
LONGEST_TOKEN = 8
"""Characters of a long token: a passage of more than so many times the chunk size fits no chunk."""


def facts(found: Anchoring) -> list[str]:
    """Return what the status line says of the golden set."""
    questions = found.questions
    unanswerable = sum(not q.answerable for q in questions)
    development, held_out = golden.split([q for q in questions if q.answerable])
    return [
        size_label(len(questions), "questions"),
        f"{len(development)} development and {len(held_out)} held-out questions",
        f"{unanswerable} unanswerable" if unanswerable else "",
        found.summary,
    ]


def anchoring(found: Anchoring, corpus: Corpus) -> None:
    """Draw what no longer stands where it stood, after a document was replaced or read by another parser."""
    changed = found.changed
    for problem in found.problems[:5]:
        st.warning(plain(str(problem)), icon=":material/warning:")
    if not changed:
        return
    with st.expander(f"Passages found again: {found.summary}", icon=":material/anchor:"):
        rows = [
            {
                "Question": a.question,
                "Document": a.document,
                "Passage": a.quote[:200],
                "What became of it": a.how,
                "Likeness": a.score / 100 if a.span else None,
                "Reason": a.reason,
            }
            for a in changed[:MOST_LINES]
        ]
        likeness = st.column_config.NumberColumn(format="percent")
        st.dataframe(rows, hide_index=True, column_config={"Likeness": likeness}, key="anchoring")
        if len(changed) > MOST_LINES:
            st.caption(f"The first {MOST_LINES} of {len(changed):,}.")
        if state.workspace().writable:
            st.button(
                "Keep them where they stand now",
                key="confirm-anchors",
                on_click=state.attempt,
                args=(lambda: state.workspace().golden.confirm(corpus),),
                help="What has no place stays listed. Until then the file keeps the places that it had.",
            )


def table(corpus: Corpus, questions: Sequence[Question], findings: Sequence[Finding]) -> None:
    """Draw the questions, one a row: words, tags and answerability are edited in place; ticked rows are removed."""
    by_question: dict[str, list[Finding]] = {}
    for finding in findings:
        by_question.setdefault(finding.question, []).append(finding)
    held = {q.id for q in golden.split([q for q in questions if q.answerable])[1]}
    shown = _shown(questions, by_question, held)
    if not shown:
        st.caption("No question of this kind." if questions else "No question yet: select its answer in the text.")
        return
    named = {r.span.document for q in shown for r in q.references}
    documents = {id: corpus.document(id).name for id in named if id in corpus}
    rows = [_row(q, by_question.get(q.id, []), documents, q.id in held) for q in shown]
    editable = state.workspace().writable
    turn = st.session_state.get("golden-turn", 0)
    key = f"golden-table-{turn}"
    columns = st.column_config

    def show() -> None:
        if (click := st.session_state.get("golden-show")) is not None and click.row < len(shown):
            question = shown[click.row]
            seen = st.session_state.get("golden-passage", 0) + 1 if question.id == st.session_state.get(CHOSEN) else 0
            st.session_state["golden-passage"] = seen
            look_at(question, seen)

    def edited() -> None:
        _take_edits(corpus, shown, st.session_state[key])
        st.session_state["golden-turn"] = turn + 1

    st.data_editor(
        rows,
        key=key,
        hide_index=True,
        num_rows="delete" if editable else "fixed",
        height=min(ROWS, 38 + 36 * len(rows)),
        on_change=edited,
        disabled=["Passages", "In", "Findings", "Held out", "Id"] if editable else True,
        column_config={
            "Show": columns.ButtonColumn("", key="golden-show", on_click=show, type="tertiary", width=40),
            "Question": columns.TextColumn(width="large", required=True, max_chars=LONGEST_QUESTION),
            "Passages": columns.NumberColumn(width=75, help="Passages with a place in the documents"),
            "Tags": columns.MultiselectColumn(
                options=known_tags(questions), accept_new_options=True, width="small"
            ),
            "Answerable": columns.CheckboxColumn(width=90, help="Whether the documents hold an answer"),
            "Findings": columns.TextColumn(width="medium", help="What the checks found; see the list below"),
            "Held out": columns.CheckboxColumn(
                width=75, help="It does not choose the winner of a sweep, which is also measured on it. "
                "The tags held-out and development decide for a question; else its passages do.",
            ),
        },
        alt="Questions of the golden set",
    )  # fmt: skip


def _row(question: Question, findings: Sequence[Finding], documents: Mapping[str, str], held: bool) -> dict[str, Any]:
    names = dict.fromkeys(documents.get(r.span.document, "") for r in question.references)
    lost = [f"{gone.document} (no place)" for gone in question.lost]
    kinds = dict.fromkeys([*(f.kind for f in findings), *(["passage without a place"] if lost else [])])
    return {
        "Show": ":material/my_location:",
        "Question": question.text,
        "Passages": len(question.references),
        "Tags": list(question.tags),
        "Answerable": question.answerable,
        "Findings": "; ".join(kinds),
        "In": ", ".join([*names, *lost]),
        "Held out": held,
        "Id": question.id,
    }  # fmt: skip


def _shown(questions: Sequence[Question], findings: Mapping[str, Sequence[Finding]], held: set[str]) -> list[Question]:
    """Return the questions that the filter above the table lets through."""
    tests: dict[str, Callable[[Question], bool]] = {
        "All": lambda q: True,
        "Findings": lambda q: q.id in findings,
        "No place": lambda q: bool(q.lost),
        "Unanswerable": lambda q: not q.answerable,
        "Held out": lambda q: q.id in held,
    }
    counts = {name: sum(1 for q in questions if test(q)) for name, test in tests.items()}
    wanted = st.segmented_control(
        "Show",
        [name for name in SHOWS if counts[name] or name == "All"],
        default="All",
        key="golden-filter",
        label_visibility="collapsed",
        format_func=lambda name: f"{name} {counts.get(name, 0):,}",
        persist_state="session",
    )
    return [q for q in questions if tests[str(wanted or "All")](q)]


def _take_edits(corpus: Corpus, shown: Sequence[Question], edits: Mapping[str, Any]) -> None:
    """Apply what was typed, ticked or removed in the table as one change of the golden set."""
    changed = {}
    for row, values in edits.get("edited_rows", {}).items():
        question = shown[int(row)]
        tags = values.get("Tags", question.tags)
        changed[question.id] = replace(
            question,
            text=str(values.get("Question", question.text)).strip(),
            tags=tuple(dict.fromkeys(str(tag).strip() for tag in tags or () if str(tag).strip())),
            answerable=bool(values.get("Answerable", question.answerable)),
        )
    gone = [shown[int(row)].id for row in edits.get("deleted_rows", [])]

    def edit(questions: tuple[Question, ...]) -> tuple[Question, ...]:
        for id, question in changed.items():
            if not question.answerable and (question.references or question.lost):
                raise GoldenError(f"{id} has passages; remove it and add it as unanswerable if nothing answers it")
            questions = golden.replaced(questions, id, question)
        return golden.removed(questions, *gone)

    state.change_golden(edit, corpus)


def checks(corpus: Corpus, found: Anchoring) -> tuple[Finding, ...]:
    """Return what the checks find, kept until the set, the documents or the longest chunk change."""
    splitter = state.pipeline().splitter
    longest = splitter.chunk_size if splitter.measure == CHARACTERS else LONGEST_TOKEN * splitter.chunk_size
    gold = frozenset(r.span.document for q in found.questions for r in q.references)
    return _checks(corpus_stats.part(corpus, gold), found.questions, longest, found.anchors)


@cached(16, lambda found: 1)
def _checks(
    corpus: Corpus, questions: tuple[Question, ...], longest: int, anchors: tuple[Anchor, ...]
) -> tuple[Finding, ...]:
    return lint(questions, corpus, longest, anchors)


def linted(findings: Sequence[Finding], corpus: Corpus) -> None:
    """Draw every finding of the checks, by question."""
    if is_large(corpus):
        st.caption("Copies of passages are looked for in the documents that hold gold, and in a sample of the others.")
    if not findings:
        return
    with st.expander(f"checks: {size_label(len(findings), 'issues')}", icon=":material/rule:"):
        rows = [
            {"Question": f.question, "Finding": f.kind, "Severity": f.severity, "What": f.message} for f in findings
        ]
        st.dataframe(rows, hide_index=True, key="findings", height=min(300, 38 + 36 * len(rows)))
