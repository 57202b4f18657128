"""What a replacement changed: characters by words, sections, and the golden passages of the file alone."""

from workbench.documents import Document, Section
from workbench.golden import Anchor, Anchoring
from workbench.spans import Span
from workbench.workspaces import golden
from workbench.workspaces.golden import change


def document(text: str, name: str = "a.md", headings: int = 0) -> Document:
    id = f"id of {text[:20]}"
    sections = tuple(Section("heading", 1, Span(id, 0, 1), "h") for _ in range(headings))
    return Document("s", id, name, text, sections=sections)


def test_blanks_do_not_count_and_words_do():
    found = change(document("one two  three"), document("one\ntwo four three", headings=1), Anchoring())
    assert (found.added, found.removed) == (4, 0)
    assert found.sections == (0, 1)
    assert found.summary == ""
    assert found.passages == 0


def test_passages_of_other_files_do_not_count():
    old, new = document("old"), document("new", "b.md")
    anchors = (
        Anchor("q1", "b.md", "x", "moved", span=Span(new.id, 0, 1)),
        Anchor("q2", "a.md", "y", "lost"),
        Anchor("q3", "b.md", "x", "kept", span=Span(new.id, 0, 1)),
        Anchor("q4", "c.md", "x", "lost"),
        Anchor("q5", "a.md", "x", "moved", span=Span("another", 0, 1)),
    )
    found = change(old, new, Anchoring((), anchors))
    assert found.passages == 3
    assert found.counts == (("kept", 1), ("moved", 1), ("lost", 1))
    assert found.summary == "1 moved, 1 were not found"


def test_long_texts_are_compared_by_lines_and_that_is_said(monkeypatch):
    monkeypatch.setattr(golden, "MOST_WORDS", 5)
    found = change(document("a b c\nd e f\n"), document("a  b c\nd e g\n"), Anchoring())
    assert not found.by_words
    assert (found.added, found.removed) == (5, 5)
