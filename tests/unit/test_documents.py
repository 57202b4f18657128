"""Documents, corpora and chunks: what is derived from text and sections."""

import numpy as np
import pytest

from workbench.documents import Chunks, Corpus, Document, Section
from workbench.errors import DocumentError
from workbench.spans import Span

TEXT = "# One\nalpha\n## Two\nbeta\n# Three\ngamma"


def document(id: str = "d", name: str = "d.md") -> Document:
    headings = [("One", 1), ("Two", 2), ("Three", 1)]
    sections = [
        Section("heading", level, Span(id, at, at + level + 1 + len(title)), title)
        for title, level in headings
        for at in [TEXT.index("#" * level + " " + title)]
    ]
    pages = ((1, Span(id, 0, 19)), (2, Span(id, 19, len(TEXT))))
    return Document(source="s", id=id, name=name, text=TEXT, sections=tuple(reversed(sections)), pages=pages)


@pytest.mark.parametrize(
    "word, path, page",
    [("# One", ("One",), 1), ("alpha", ("One",), 1), ("beta", ("One", "Two"), 2), ("gamma", ("Three",), 2)],
)
def test_where_an_offset_stands(word: str, path: tuple[str, ...], page: int) -> None:
    at = TEXT.index(word)
    assert document().heading_path(at) == path
    assert document().page_at(at) == page


@pytest.mark.parametrize("at, page", [(0, 1), (18, 1), (19, 2), (len(TEXT) - 1, 2), (len(TEXT), 2)])
def test_a_page_begins_with_its_first_character(at: int, page: int) -> None:
    assert document().page_at(at) == page


def test_what_stands_before_the_first_page_is_on_none() -> None:
    text = "cover, then text"
    one = Document("s", "d", "d", text, pages=((5, Span("d", 7, 11)), (6, Span("d", 11, 16))))
    assert [one.page_at(at) for at in (0, 6, 7, 10, 11, 15)] == [None, None, 5, 5, 6, 6]


def test_a_document_without_pages_has_none() -> None:
    assert Document("s", "d", "d", "text").page_at(2) is None
    assert Document("s", "d", "d", "text").heading_path(2) == ()


def test_text_comes_from_spans() -> None:
    corpus = Corpus((document(),))
    assert corpus[Span("d", 6, 11)] == "alpha"
    with pytest.raises(DocumentError, match="not in this corpus"):
        corpus[Span("x", 0, 1)]
    with pytest.raises(DocumentError, match="does not belong"):
        document()[Span("x", 0, 1)]


def test_a_corpus_is_its_content_in_the_order_of_names() -> None:
    a, b = document("1", "b.md"), document("2", "a.md")
    assert [d.name for d in Corpus((a, b))] == ["a.md", "b.md"]
    assert Corpus((a, b)) == Corpus((b, a, a))
    assert Corpus((a, b)).id == Corpus((b, a)).id != Corpus((a,)).id
    assert Corpus((a,)) != Corpus((document("1", "other name.md"),))  # names are shown, so what is kept must not mix
    assert Corpus((a,)).id == Corpus((document("1", "other name.md"),)).id


def test_a_document_is_its_id() -> None:
    one, same, later = document("1"), document("1", "other.md"), document("2")
    assert one == same
    assert hash(one) == hash(same)
    assert one != later
    assert later != one
    assert one != one.id


def test_white_space_is_what_python_takes_for_it() -> None:
    text = "a \t\u00a0b\u2003\u3000c\u3001\u200b😀 \ud800\n"
    found = Document("s", "white", "d", text).blanks.tolist()
    assert found == [i for i, c in enumerate(text) if c.isspace()]


def test_a_corpus_is_another_under_other_names_whichever_comes_first() -> None:
    one, other = Corpus((document("1", "b.md"),)), Corpus((document("1", "c.md"),))
    assert one != other
    assert other != one


def test_a_parent_holds_its_chunk() -> None:
    spans = np.array([[6, 11], [19, 23]])
    held = Chunks("d", spans, parents=np.array([[0, 19], [19, 23]]))
    assert held.bytes > Chunks("d", spans).bytes >= spans.nbytes
    assert Chunks("d", spans, ("", "One > Two")).bytes > Chunks("d", spans).bytes
    for parents in ([[7, 19], [19, 23]], [[0, 10], [19, 23]], [[0, 19]]):
        with pytest.raises(ValueError, match="parent that holds it"):
            Chunks("d", spans, parents=np.array(parents))


def test_chunks_are_columns_that_iterate() -> None:
    chunks = Chunks.of(document(), [(6, 11), (19, 23)], ["", "One > Two"])
    assert [c.span.start for c in chunks] == [6, 19]
    assert chunks[1].header == "One > Two"
    assert chunks.texts(document()) == ["alpha", "One > Two\n\nbeta"]
    with pytest.raises(ValueError, match="read-only"):
        chunks.spans[0] = 1
    with pytest.raises(ValueError, match="1 headers for 2 chunks"):
        Chunks("d", np.array([[0, 1], [1, 2]]), ("one",))
