"""Text formats: the text is the file's own, for any input; encodings; names; the writer."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.errors import DocumentError, SpecError
from workbench.parsers import Auto, label, parse, paste
from workbench.parsers.detect import decode
from workbench.parsers.writer import Writer, clean

LETTERS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=200)
PIECES = [
    "# H\n",
    "## Two\n",
    "\n",
    "\r\n",
    "\r",
    "- item\n",
    "> quote\n",
    "```py\n",
    "```\n",
    "|a|b|\n|-|-|\n|1|2|\n",
    "---\n",
    "a: b\n",
]
PIECES += [
    "Title\n===\n",
    "    code\n",
    "text é 🙂 e\u0301 ",
    '"',
    ",",
    ";",
    "\t",
    'x,"y\nz",w\n',
    "\x0c",
    "\u2028",
    "\x85",
]
CELLS = LETTERS.filter(lambda t: t.strip() and "\r" not in t)  # the csv module writes a bare \r without quotes
MADE = st.lists(st.one_of(st.sampled_from(PIECES), LETTERS), max_size=30).map("".join)
MARK = "visible "


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.tsv", "a.rst", "a.org", "a.json"])
@given(text=MADE)
@example(text="---\ntitle: x\n---\n# H\n")
@example(text="# One\r\n\r\n# Two\r\n| a |\r\n|---|\r\n| b |")
@example(text='a,"b\r\nc",d\r\n"unterminated\r\nx')
@example(text="\x1b$B nothing Japanese")
def test_the_text_is_the_files_own_and_sections_fit(name, text):
    text = MARK + text
    d = parse(name, text.encode("utf-8"))
    assert d.text == text
    for section in d.sections:
        assert section.span.start < section.span.end <= len(text)
        assert d[section.span].strip()
        assert d[section.span][-1] not in "\r\n"


@given(text=MADE)
@example(text="\ud800 lone \0 nul")
def test_pasted_text_is_kept_as_it_is(text):
    d = paste(MARK + text, "note.md")
    assert d.text == clean(MARK + text)
    assert len(d.text) == len(MARK + text)


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=5), min_size=1, max_size=8))
def test_rows_of_a_csv_are_its_records(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    d = parse("a.csv", out.getvalue().encode())
    found = [next(csv.reader(io.StringIO(d[s.span], newline=""))) for s in d.sections if s.kind == "row"]
    if d.text.count(",") > 2 * sum(d.text.count(c) for c in ";|\t"):
        assert len(found) == len(rows)
        assert [len(r) for r in found] == [len(r) for r in rows]


def test_markdown_structure():
    text = "---\ntitle: Front\n---\n\n# One *x*\n\nSome\n\nTwo\n---\n\n```python\ncode\n```\n\n"
    text += "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    text += "- x\n  - y\n\n> quote\n\n### [Link](http://a.b) `c`\n"
    d = parse("a.md", text.encode())
    got = [(s.kind, s.level, s.title, d[s.span].split("\n")[0]) for s in d.sections]
    assert got == [
        ("heading", 1, "One *x*", "# One *x*"),
        ("heading", 2, "Two", "Two"),
        ("code", 1, "python", "```python"),
        ("table", 1, "", "| a | b |"),
        ("row", 1, "", "| a | b |"),
        ("row", 1, "", "| 1 | 2 |"),
        ("list", 1, "", "- x"),
        ("list", 2, "", "- y"),
        ("quote", 1, "", "> quote"),
        ("heading", 3, "Link `c`", "### [Link](http://a.b) `c`"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_move_sections(end):
    lines = ["# One", "", "a\x0cb\u2028c\x85d", "", "## Two", "", "| a | b |", "|---|---|", "| 1 | 2 |"]
    d = parse("a.md", end.join(lines).encode())
    assert [d[s.span] for s in d.headings] == ["# One", "## Two"]
    assert [d[s.span] for s in d.sections if s.kind == "row"] == ["| a | b |", "| 1 | 2 |"]
    d = parse("a.csv", end.join(["a,b", "1,2", "", "3,4"]).encode())
    assert [d[s.span] for s in d.sections if s.kind == "row"] == ["a,b", "1,2", "3,4"]


def test_restructured_text_and_org_structure():
    rst = "=====\nTitle\n=====\n\nPart\n----\n\n.. code-block:: python\n\n    x = 1\n\nText\n"
    d = parse("a.rst", rst.encode())
    assert [(s.kind, s.level, s.title, d[s.span]) for s in d.sections] == [
        ("heading", 1, "Title", "Title"),
        ("heading", 2, "Part", "Part"),
        ("code", 1, "python", "    x = 1"),
    ]
    d = parse("a.org", b"* One\ntext\n** Two\n#+BEGIN_SRC sh\nls\n#+END_SRC\n")
    assert [(s.kind, s.level, s.title) for s in d.sections] == [
        ("heading", 1, "One"),
        ("heading", 2, "Two"),
        ("code", 1, "sh"),
    ]


@pytest.mark.parametrize(
    "data, text, said",
    [
        ("naïve €".encode(), "naïve €", ""),
        ("naïve €".encode("utf-8-sig"), "naïve €", ""),
        ("naïve €".encode("utf-16"), "naïve €", "UTF-16"),
        ("naïve and plain €".encode("utf-16-le"), "naïve and plain €", "UTF-16-LE"),
        ("naïve and plain €".encode("utf-16-be"), "naïve and plain €", "UTF-16-BE"),
        ("naïve €".encode("utf-32"), "naïve €", "UTF-32"),
        ("naïve and plain €".encode("utf-32-be"), "naïve and plain €", "UTF-32-BE"),
        ("“naïve” – café €".encode("cp1252"), "“naïve” – café €", "Windows-1252"),
        ("Größe".encode("latin-1"), "Größe", "Windows-1252"),
        (
            "これは日本語の文章です。文字コードを推定します。".encode("shift_jis"),
            "これは日本語の文章です。文字コードを推定します。",
            "cp932",
        ),
        (
            "Это русский текст, и его кодировка неизвестна.".encode("cp1251"),
            "Это русский текст, и его кодировка неизвестна.",
            "cp1251",
        ),
        ("日本語のテキスト".encode("iso2022_jp"), "日本語のテキスト", "ISO-2022-JP"),
        (("ä" * 50).encode() + b"\xff", "ä" * 50 + "\ufffd", "not valid UTF-8"),
    ],
)
def test_encodings(data, text, said):
    got, warnings = decode(data)
    assert got == text
    assert said in " ".join(warnings)
    assert bool(warnings) == bool(said)


def test_an_encoding_of_ones_own():
    assert parse("a.txt", "Größe".encode("cp1250"), Auto(encoding="cp1250")).text == "Größe"
    assert Auto(encoding="utf-8").fingerprint != Auto().fingerprint
    with pytest.raises(SpecError, match="no-such-encoding"):
        Auto(encoding="no-such-encoding")


def test_zero_bytes_and_lone_surrogates_are_replaced_one_for_one():
    d = parse("a.txt", b"before\0after")
    assert d.text == "before\ufffdafter"
    assert "zero bytes" in d.warnings[0]
    assert clean("a\ud800b") == "a\ufffdb"


@pytest.mark.parametrize(
    "name, shown",
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.txt", "x.txt"),
        ("invoice\u202etxt.exe", "invoicetxt.exe"),
        ("new\nline\x00.txt", "new line.txt"),
        ("lone\udc80.txt", "lone.txt"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("  ", "unnamed"),
        ("<b>.txt", "<b>.txt"),
        ("café 🙂.txt", "café 🙂.txt"),
    ],
)
def test_names_are_labels(name, shown):
    assert label(name) == shown


def test_long_names_are_cut_before_their_extension():
    shown = label("a" * 300 + ".txt")
    assert len(shown) == 200
    assert shown.endswith("….txt")


def test_the_writer_keeps_breaks_out_of_sections():
    w = Writer()
    w.separate(2)
    with w.section("heading", 1):
        w.flow("  A   title ")
    w.separate(2)
    with w.section("table"):
        for cells in (["", "x", "y"], ["two\nlines", "z"], ["", ""], ["end"]):
            with w.row():
                for i, cell in enumerate(cells):
                    with w.cell(i == 0):
                        w.write(cell)
    w.separate(2)
    with w.section("list"):
        w.separate(2)
    w.write("after")
    d = w.draft("test", "text/plain")
    assert d.text == "A title\n\n\tx\ty\ntwo\nlines\nz\nend\n\nafter"
    assert [(k, d.text[s:e], t) for k, _, s, e, t in d.sections] == [
        ("heading", "A title", "A title"),
        ("table", "\tx\ty\ntwo\nlines\nz\nend", ""),
        ("row", "\tx\ty", ""),
        ("row", "two\nlines\nz", ""),
        ("row", "end", ""),
    ]


def test_the_writer_stops_at_its_limit():
    w = Writer(limit=10)
    w.write("12345")
    with pytest.raises(DocumentError, match="more than 10 characters"):
        w.write("678901")


def test_the_language_of_a_text():
    german = "Die Bedienungsanleitung beschreibt, wie die Pumpe eingebaut und gewartet wird."
    assert parse("a.txt", german.encode()).language == "de"
    assert parse("a.txt", b"The manual says how to install the pump and how to service it.").language == "en"
    assert parse("a.txt", b"E-4417 88-1032-B").language == ""
