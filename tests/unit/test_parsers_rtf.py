"""RTF by its control words: text, code pages, tables, headings, and what holds no text."""

import pytest

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import parse


def rtf(body: str) -> Document:
    head = (
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fnil\fcharset204 Times;}"
        r"{\f2\fcharset128 Mincho;}}{\stylesheet{\s0 Normal;}{\s1\b heading 1;}}{\info{\title No}}"
    )
    return parse("a.rtf", (head + body + "}").encode("ascii"))


@pytest.mark.parametrize(
    "body, text",
    [
        (r"One\par Two {\b bold} words\line next", "One\n\nTwo bold words\nnext"),
        (r"\'e4\'80 \u8364? \u8364\'80 \uc0\u8364 x", "ä€ € € €x"),
        (r"{\f1 \'cf\'f0}{\f2 \'93\'fa\'96\'7b}", "Пр日本"),
        (r"\uc1\u-10179?\u-8704?!", "😀!"),
        (r"a\~b\_c\-d \\ \{ \}", "a\xa0b-cd \\ { }"),
        (r"{\*\generator X;}{\pict 89504e}{\header top}seen{\v hidden}{\footer low}", "seen"),
        (r'{\field{\*\fldinst HYPERLINK "x"}{\fldrslt link}} after', "link after"),
        (r"{\pard\bin5 {{{{{still}", "still"),
        (r"note{\footnote  below} on", "note below on"),
        (r"\rquote s \emdash  \ldblquote q\rdblquote", "’s — “q”"),
    ],
)
def test_text(body, text):
    assert rtf(body).text == text


def test_headings_and_tables():
    d = rtf(
        r"\pard\s1 Top\par\pard\outlinelevel1 Sub\par\pard words\par"
        r"\trowd\cellx1\cellx2\pard\intbl a\cell b\par c\cell\row\trowd\intbl 1\cell\cell\row\pard after\par"
    )
    assert d.text == "Top\n\nSub\n\nwords\n\na|b c|\n1||\n\nafter"
    assert [(s.kind, s.level, d[s.span]) for s in d.sections] == [
        ("heading", 1, "Top"),
        ("heading", 2, "Sub"),
        ("table", 1, "a|b c|\n1||"),
        ("row", 1, "a|b c|"),
        ("row", 1, "1||"),
    ]


def test_nesting_is_bounded_and_broken_files_are_read_as_far_as_they_go():
    with pytest.raises(DocumentError, match="nested more than 10,000 deep"):
        parse("a.rtf", b"{\\rtf1 x" + b"{" * 20_000)
    assert parse("a.rtf", b"{\\rtf1 kept }}}} too").text == "kept  too"
    assert parse("a.rtf", b"{\\rtf1 cut \\'e").text.startswith("cut")
