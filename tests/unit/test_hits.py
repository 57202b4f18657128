"""The rows of hit lists: exact snippets, marks that are the query's terms, gold, movement, and what a click may say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.documents import Corpus, Document, Section
from workbench.records import Hit
from workbench.retrievers.analyser import matches
from workbench.spans import Span
from workbench.ui.components.hits import (
    BEFORE,
    LEAD,
    SLACK,
    WINDOW,
    WORD,
    Column,
    HitClick,
    HitEvents,
    _events,
    column,
    payload,
)

PLAIN = (
    "the leave of parents lasts E-4417 weeks, or § 12.3(b)? 東京都 \U0001f600 e\u0301te\u0301 form\n 88-1032-B \r\n\r\n"
)
WORDS = st.sampled_from(PLAIN.split(" "))
TEXTS = st.lists(WORDS, min_size=1, max_size=200).map(" ".join)


def corpus_of(text: str, **more) -> Corpus:
    return Corpus((Document("s", "d", "name.md", text, **more),))


def one(text: str, query: str, span: Span | None = None, **more):
    hit = Hit(span or Span("d", 0, len(text)), 0.5, 1, 0)
    return column("Dense", [hit], corpus_of(text), query, **more).rows[0]


@pytest.mark.parametrize("narrow", [False, True])
@given(text=TEXTS, query=st.lists(WORDS, max_size=5).map(" ".join))
def test_a_snippet_is_a_piece_of_the_chunk_with_its_terms_marked(narrow, text, query):
    row = one(text, query)
    start, end = row.shown(narrow)
    snippet = row.snippet(narrow)
    assert row.text == text
    assert 0 <= start <= end <= len(text)
    assert snippet == text[start:end] == snippet.strip()
    assert len(snippet) <= WINDOW + SLACK
    # Ends stand at white space, so no word is cut, and a snippet has the marks that its words would have on their own.
    assert start == 0 or text[start - 1].isspace()
    assert end == len(text) or text[end].isspace()
    assert row.snippet_marks(narrow) == matches(query, snippet)
    assert bool(row.snippet_marks(narrow)) == bool(matches(query, text))


@pytest.mark.parametrize("narrow", [False, True])
@given(text=st.text(max_size=900), query=st.text(max_size=40))
def test_marks_lie_inside_whatever_the_text(narrow, text, query):
    row = one(text, query)
    snippet = row.snippet(narrow)
    end = 0
    for a, b in row.snippet_marks(narrow):
        assert end <= a < b <= len(snippet)
        end = b
    assert snippet.strip() == snippet
    assert len(snippet) <= WINDOW + SLACK
    assert bool(snippet) == bool(text.strip())


def test_a_window_goes_to_the_rare_and_long_terms():
    text = "The form of the house is the one that the law asks for. " * 8
    text += "Parental leave lasts twenty weeks here. " + "No more. " * 40
    row = one(text, "how many weeks of parental leave is the")
    for narrow, before in ((False, BEFORE), (True, LEAD)):
        snippet = row.snippet(narrow)
        assert "Parental leave lasts twenty weeks" in snippet
        assert snippet.index("Parental") <= before
        assert len(snippet) >= WINDOW - WORD - BEFORE + before


def test_a_window_near_the_end_is_filled_from_before():
    row = one("Words of no use here. " * 40 + "Then the remedy.", "remedy")
    assert row.snippet().endswith("Then the remedy.")
    assert len(row.snippet()) >= WINDOW - WORD
    assert row.snippet(narrow=True) == "use here. Then the remedy."


def test_without_a_query_a_chunk_is_shown_from_its_beginning():
    row = one("  \n" + "Some words. " * 60, "")
    assert row.snippet() == row.snippet(narrow=True)
    assert row.snippet().startswith("Some words.")
    assert row.snippet_marks() == []


def test_gold_is_whole_cut_none_or_unknown():
    text = "0123456789" * 10
    span = Span("d", 20, 60)
    kinds = {
        "whole": [Span("d", 90, 95), Span("d", 30, 40)],
        "cut": [Span("d", 55, 70)],
        "none": [Span("d", 60, 70), Span("other", 30, 40)],
    }
    for kind, gold in kinds.items():
        assert one(text, "", span, gold=gold).gold == kind
    assert one(text, "", span).gold == ""
    assert one(text, "", span, gold=[]).gold == "none"
    assert one(text, "", span, gold=[Span("d", 55, 70), Span("d", 30, 40)]).gold_marks == ((35, 40), (10, 20))


def test_a_row_says_where_it_stands():
    text = "Leave\n\nParents take weeks.\n\nPay\n\nMuch."
    sections = (Section("heading", 1, Span("d", 0, 5), "Leave"), Section("heading", 2, Span("d", 28, 31), "Pay"))
    corpus = corpus_of(text, sections=sections, pages=((3, Span("d", 0, 20)), (4, Span("d", 20, len(text)))))
    hits = [Hit(Span("d", 7, 26), 0.5, 1, 1, "Leave"), Hit(Span("d", 33, 38), 0.4, 2, 0)]
    first, second = column("BM25", hits, corpus, "weeks", numbers=[10, 20], tokens=[3, 4]).rows
    assert (first.number, first.name, first.page, first.path, first.tokens) == (20, "name.md", 3, ("Leave",), 4)
    assert (second.number, second.page, second.path, second.tokens) == (10, 4, ("Leave", "Pay"), 3)
    assert column("BM25", hits, corpus, "").rows[0].number == 2


TEXT = "abcdefghij" * 100


def listed(title: str, *starts: int, size: int = 10) -> Column:
    hits = [Hit(Span("d", s, s + size), 0.9 - i / 100, i + 1, s // 10) for i, s in enumerate(starts)]
    return column(title, hits, corpus_of(TEXT), "abc")


def passages(data: dict) -> list[list[int]]:
    return [[row[3] for row in col["rows"]] for col in data["columns"]]


def test_the_same_span_is_one_passage_and_one_item():
    data = payload([listed("Dense", 0, 10, 20), listed("BM25", 20, 30), listed("Hybrid", 20, 0, 30)], None)
    first, second, third = passages(data)
    assert second[0] == first[2] == third[0]
    assert third[1:] == [first[0], second[1]]
    assert len({*first, *second, *third}) == len(data["items"]) == 4
    assert all(row[4] == "" for col in data["columns"] for row in col["rows"])
    assert "gone" not in data["columns"][1]


def test_movement_names_what_moved_came_and_went_across_chunkings():
    data = payload([listed("A", 0, 20, 40), listed("B", 22, 60, 2, size=8)], None, movement=True)
    a, b = passages(data)
    assert [b[0], b[2]] == [a[1], a[0]]
    assert b[1] not in a
    assert [row[4] for row in data["columns"][1]["rows"]] == [1, "new", -2]
    assert [row[4] for row in data["columns"][0]["rows"]] == ["", "", ""]
    gone = data["columns"][1]["gone"]
    assert [(row[1], row[3], row[4]) for row in gone] == [(3, a[2], "gone")]
    assert data["items"][gone[0][0]]["span"] == ["d", 40, 50]


def test_equal_objects_do_not_confuse_movement():
    """Two pipelines may return the very same hits: each keeps its own passage."""
    col = listed("A", 0, 20, 40)
    data = payload([col, col], None, movement=True)
    assert passages(data)[0] == passages(data)[1] == [0, 1, 2]
    assert [row[4] for row in data["columns"][1]["rows"]] == [0, 0, 0]


def test_the_selected_hit_alone_comes_in_full():
    columns = [listed("Dense", 0, 10), listed("BM25", 20), listed("Hybrid", 10, 20), Column("E", note="embedding")]
    data = payload(columns, Span("d", 10, 20))
    assert data["items"][data["selected"]]["span"] == ["d", 10, 20]
    assert data["detail"]["text"] == TEXT[10:20]
    assert data["detail"]["ranks"] == [["Dense", "2", "0.890"], ["BM25", "", ""], ["Hybrid", "1", "0.900"]]
    for nothing in (None, Span("d", 500, 510)):
        assert not payload(columns, nothing).keys() & {"selected", "detail"}


def test_scores_of_a_column_have_the_same_decimals():
    def shown(*scores: float) -> list[str]:
        hits = [Hit(Span("d", i, i + 1), s, i + 1, i) for i, s in enumerate(scores)]
        return [row[2] for row in payload([column("x", hits, corpus_of(TEXT), "")], None)["columns"][0]["rows"]]

    assert shown(0.71, 0.6) == ["0.710", "0.600"]
    assert shown(12.3456, 0.5) == ["12.35", "0.50"]
    assert shown(0.0328, 0.01) == ["0.0328", "0.0100"]
    assert shown(0.0) == ["0.0000"]
    assert shown() == []


def test_what_is_sent_is_json_and_has_no_long_text_twice():
    corpus = corpus_of("leave " * 5_000)
    hits = [Hit(Span("d", 0, 30_000), 0.5, 1, 0)]
    columns = [column(t, hits, corpus, "leave") for t in ("a", "b", "c")]
    assert len(json.dumps(payload(columns, None))) < 2_000


@pytest.mark.parametrize(
    "value",
    [None, [], "x", 3, [0, 1], [0, 1, "d", 0], [0, 9, "d", 0, 10], [9, 1, "d", 0, 10], [-1, 1, "d", 0, 10],
     ["0", 1, "d", 0, 10], [0, 1, "d", 0, 11], [0, 1, "e", 0, 10], [[0], 1, "d", 0, 10], [0, 1, ["d"], None, {}]],
)  # fmt: skip
def test_a_click_that_fits_no_row_is_none(value):
    assert _events([listed("Dense", 0, 10)], value) == HitEvents()


def test_a_click_names_its_hit():
    events = _events([listed("Dense", 0, 10), listed("BM25", 20)], [1, 1, "d", 20, 30])
    assert events.clicked == HitClick(1, 1, Span("d", 20, 30))
    assert _events([], "close") == HitEvents(closed=True)
