"""The page Golden set: a selection becomes a question, drafts are reviewed, files are imported with a report, undo."""

import json

import pytest

from workbench import golden
from workbench.ui import golden_io
from workbench.workspaces import open_workspace


def said(app) -> str:
    return " ".join(e.value.replace("\\", "") for e in (*app.error, *app.warning, *app.success))


def whole(app) -> None:
    assert [e.message for e in app.exception] == []
    assert "Something went wrong" not in said(app)


def kept(corpus_of=None):
    workspace = open_workspace()
    corpus, _ = workspace.corpus()
    return workspace.golden.read(corpus).questions, corpus


def select(app, document, words: str):
    start = document.text.index(words)
    app.session_state["document"] = document.id
    app.session_state["golden-reader"] = {"sel": [document.id, start, start + len(words)]}
    return app.run()


def save(app, document, words: str, text: str):
    """Select the words, type the question, save. AppTest sends no component's value again, so it is set twice."""
    select(app, document, words)
    next(t for t in app.text_input if t.key.startswith("label-question-")).set_value(text)
    start = document.text.index(words)
    app.session_state["golden-reader"] = {"sel": [document.id, start, start + len(words)]}
    return next(b for b in app.button if b.label == "Save question").click().run()


@pytest.fixture
def policy(few):
    corpus, _ = few.corpus()
    return next(d for d in corpus if d.name == "travel-policy-2026.md")


def test_a_selection_becomes_a_question_with_exact_offsets(visit, few, policy):
    app = visit("Golden_set")
    whole(app)
    before, _ = kept()
    words = "Advances are no longer paid."
    save(app, policy, words, "Is money paid out before a trip?")
    whole(app)
    after, corpus = kept()
    assert len(after) == len(before) + 1
    new = after[-1]
    assert (new.text, corpus[new.references[0].span]) == ("Is money paid out before a trip?", words)


def test_a_selection_without_a_question_is_refused_and_stays(visit, few, policy):
    app = visit("Golden_set")
    before, _ = kept()
    save(app, policy, "Advances are no longer paid.", " ")
    assert "question is empty" in said(app)
    assert kept()[0] == before


def test_a_change_is_undone_and_redone(visit, few, policy):
    app = visit("Golden_set")
    before, _ = kept()
    save(app, policy, "Advances are no longer paid.", "Is money paid out before a trip?")
    app.button(key="golden-undo").click().run()
    whole(app)
    assert kept()[0] == before
    app.button(key="golden-redo").click().run()
    assert len(kept()[0]) == len(before) + 1


def test_a_question_that_nothing_answers_is_counted_apart(visit, few):
    app = visit("Golden_set")
    before, _ = kept()
    app.text_input(key="unanswerable").set_value("What is the capital of Mongolia?").run()
    whole(app)
    after, _ = kept()
    assert (len(after), after[-1].answerable) == (len(before) + 1, False)


def test_edits_in_the_table_are_one_change(visit, few):
    app = visit("Golden_set")
    questions, corpus = kept()
    edits = {"edited_rows": {"0": {"Question": "Reworded?", "Tags": ["new", " "]}}, "deleted_rows": [1]}
    with_edits(app, corpus, questions, edits)
    after, _ = kept()
    assert after[0].text == "Reworded?"
    assert after[0].tags == ("new",)
    assert [q.id for q in after] == [q.id for q in questions if q.id != questions[1].id]


def with_edits(app, corpus, questions, edits):
    """What the table's callback does, in a run of the app."""
    from streamlit.testing.v1 import AppTest

    def script():
        import streamlit as st

        from workbench.ui.golden_editor import _take_edits

        _take_edits(*st.session_state["given"])

    inner = AppTest.from_function(script, default_timeout=30)
    inner.session_state["given"] = (corpus, questions, edits)
    inner.run()
    assert [e.message for e in inner.exception] == []
    return inner


def test_a_question_with_passages_is_not_made_unanswerable(visit, few):
    app = visit("Golden_set")
    questions, corpus = kept()
    row = next(i for i, q in enumerate(questions) if q.references)
    inner = with_edits(app, corpus, questions, {"edited_rows": {str(row): {"Answerable": False}}})
    assert "has passages" in inner.session_state["messages"][0][1]
    assert kept()[0] == questions


def test_an_import_takes_what_it_can_and_reports_every_other_row(visit, few, policy):
    words = "Advances are no longer paid."
    start = policy.text.index(words)
    reference = {"document": policy.name, "start": start, "end": start + len(words), "quote": words}
    lines = [
        json.dumps({"id": "new", "question": "An advance?", "references": [reference], "tags": []}),
        json.dumps({"id": "gone", "question": "Who?", "references": [{**reference, "document": "gone.pdf"}]}),
        "not json",
    ]
    app = visit("Golden_set")
    before, _ = kept()
    uploader = next(u for u in app.file_uploader if u.key.startswith("golden-files"))
    uploader.upload("set.jsonl", "\n".join(lines).encode(), "application/jsonl").run()
    whole(app)
    assert "1 questions taken, 2 rows not taken" in said(app)
    assert len(kept()[0]) == len(before) + 1
    app.button(key="dismiss-import").click().run()
    assert "rows not taken" not in said(app)


def test_drafts_are_reviewed_before_they_count(visit, few):
    app = visit("Golden_set", **{"golden-view": "Review drafts"})
    before, _ = kept()
    app.button(key="draft-propose").click().run()
    whole(app)
    workspace = open_workspace()
    corpus, _ = workspace.corpus()
    drafts = workspace.golden.drafts(corpus)
    assert drafts
    assert kept()[0] == before
    text = app.text_area(key=f"draft-text-{drafts[0].id}")
    text.set_value("Edited by a person?").run()
    app.button(key="draft-accept").click().run()
    whole(app)
    assert kept()[0][-1].text == "Edited by a person?"
    app.button(key="draft-reject").click().run()
    assert len(workspace.golden.drafts(corpus)) == len(drafts) - 2


def test_what_the_checks_find_is_listed(visit, few, policy):
    app = visit("Golden_set")
    words = "Advances are no longer paid."
    for text in ("Are advances no longer paid?", "Are advances no longer paid ?"):
        save(app, policy, words, text)
    whole(app)
    assert any("checks: " in e.label for e in app.expander)


def test_a_link_that_only_reads_changes_nothing(visit, few, monkeypatch):
    monkeypatch.setattr(type(few), "writable", property(lambda self: False))
    app = visit("Golden_set")
    whole(app)
    assert not any(b.key in ("golden-undo", "draft-propose") for b in app.button)
    assert not any(t.key == "unanswerable" for t in app.text_input)


def test_rows_beyond_the_report_are_counted(visit, few):
    n = golden_io.MOST_LINES + 5
    lines = "".join(json.dumps({"id": f"q{i}", "question": ""}) + "\n" for i in range(n)).encode()
    app = visit("Golden_set")
    corpus, _ = few.corpus()
    _, problems = golden.read_golden(lines, corpus)
    app.session_state[golden_io.REPORT] = [golden_io._report("many.jsonl", [], problems)]
    app.run()
    whole(app)
    assert f"0 questions taken, {n} rows not taken" in said(app)
    assert any(c.value == f"The first {golden_io.MOST_LINES} of {n}." for c in app.caption)
