"""Real files: each is read or refused as the manifest beside it says, with its text in order and its sections exact."""

import json
from functools import cache
from pathlib import Path

import pytest

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import Auto, PdfPlumber, PyPdf, Unstructured, parse

SHARED = Path(__file__).parents[3] / "shared" / "files"
FILES = json.loads((SHARED / "manifest.json").read_text("utf-8"))["files"] if SHARED.is_dir() else []
READ = [f for f in FILES if f["outcome"].startswith("ok")]
REFUSED = {  # what the message must say, by the manifest's outcome or by format
    "reject_empty": "empty",
    "reject_no_text": "no text",
    "reject_password": "password",
    "msg": "Outlook",
    "doc": "old Word",
    "zip": "ZIP archive",
    "jpg": "picture",
}
# Whole numbers are shown as a spreadsheet shows them, without the ".0" that the file's XML holds. A floating text box
# is a block of its own, where the manifest joins it to the paragraph it is anchored in, without a blank.
OTHERWISE = {"13.0": "13", "0.0": "0", "<floating-shape>Paragraph with floating shape attached.": "<floating-shape>"}
SOURCE_IS_TEXT = ("md", "txt", "rst", "org", "csv", "tsv")

pytestmark = pytest.mark.skipif(not FILES, reason="the folder ../shared with real files is not here")


def fold(text: str) -> str:
    return " ".join(text.split())


@cache
def document(file: str) -> Document:
    return parse(file, (SHARED / file).read_bytes())


def names(files: list[dict]) -> list:
    return [pytest.param(f, id=f["file"]) for f in files]


@pytest.mark.parametrize("file", names(READ))
def test_the_text_holds_every_snippet_in_order(file):
    text, at = fold(document(file["file"]).text), 0
    for snippet in file["snippets_in_order"]:
        wanted = fold(OTHERWISE.get(snippet, snippet))
        found = text.find(wanted, at)
        assert found >= 0, f"{wanted!r} is not in the text after character {at}"
        at = found
    for snippet in file.get("snippets_any_order", []):
        assert fold(OTHERWISE.get(snippet, snippet)) in text


@pytest.mark.parametrize("file", names(READ))
def test_sections_and_pages_are_exact(file):
    d = document(file["file"])
    for section in d.sections:
        assert len(section.span) > 0
        assert d[section.span] == d[section.span].strip("\n")
        if section.kind == "heading":
            assert section.title
            assert section.title in fold(d[section.span]) or file["format"] == "md"
    tables = [s.span for s in d.sections if s.kind == "table"]
    for row in (s.span for s in d.sections if s.kind == "row"):
        assert any(table.covers(row) for table in tables)
    last = 0
    for number, (page, span) in enumerate(d.pages, 1):
        assert page == number
        assert span.start >= last
        last = span.end
    assert last <= len(d.text)


@pytest.mark.parametrize("file", names([f for f in READ if {"pages", "slides"} & f.keys()]))
def test_pages_and_slides_are_counted(file):
    d = document(file["file"])
    assert len(d.pages) == file.get("pages", file.get("slides"))
    blank = [number for number, span in d.pages if not d[span].strip()]
    assert blank == file.get("pages_without_text", [])
    assert bool(blank) == any("no text" in w for w in d.warnings)


@pytest.mark.parametrize("file", names([f for f in READ if f.get("headings")]))
def test_headings_are_found_with_their_level(file):
    got = [(s.level, s.title) for s in document(file["file"]).headings]
    wanted = [(level, fold(title)) for level, title in file["headings"] if not title.startswith("title:")]
    assert len(got) == file["n_headings"] - (len(wanted) < len(file["headings"]))
    for (level, title), (wanted_level, wanted_title) in zip(got, wanted, strict=False):
        assert level == wanted_level
        assert title.startswith(wanted_title)  # the manifest cuts long titles


@pytest.mark.parametrize("file", names([f for f in READ if f["format"] in ("md", "xlsx")]))
def test_code_and_sheets_are_counted(file):
    sections = document(file["file"]).sections
    assert sum(s.kind == "code" for s in sections) == file.get("n_code", 0)
    assert [s.title for s in sections if s.kind == "sheet"] == file.get("sheets", [])
    if "n_tables" in file:
        assert sum(s.kind == "table" for s in sections) == file["n_tables"]


@pytest.mark.parametrize("file", names([f for f in READ if f["format"] in SOURCE_IS_TEXT]))
def test_text_formats_keep_the_files_own_offsets(file):
    raw = (SHARED / file["file"]).read_bytes()
    decoded = {
        raw.decode(e, "replace").removeprefix("\ufeff")
        for e in ("utf-8", "utf-16", "utf-32", "cp1252", "utf-16-le", "utf-16-be")
    }
    assert document(file["file"]).text in decoded


@pytest.mark.parametrize("file", names([f for f in FILES if f not in READ]))
def test_the_others_are_refused_by_name_with_a_reason_and_a_remedy(file):
    with pytest.raises(DocumentError) as refusal:
        document(file["file"])
    message = str(refusal.value)
    assert message.startswith(file["file"] + ": ")
    assert (REFUSED.get(file["outcome"]) or REFUSED[file["format"]]) in message


def test_unicode_scripts_survive():
    text = document("UDHR_first_article_all.txt").text
    assert "すべての人間は" in text
    assert text == (SHARED / "UDHR_first_article_all.txt").read_bytes().decode("utf-8-sig")


@pytest.mark.parametrize("file", names([f for f in READ if f["format"] == "pdf" and "bold" not in f["notable"]]))
def test_pypdf_reads_the_same_pages(file):
    d = parse(file["file"], (SHARED / file["file"]).read_bytes(), PyPdf())
    ours = document(file["file"])
    assert d.parser.startswith("pypdf plain")
    assert len(d.pages) == len(ours.pages)
    assert d.id != ours.id
    assert d.source == ours.source


@pytest.mark.parametrize("file", names([f for f in READ if f["format"] == "pdf" and f.get("pages", 1) < 50]))
def test_pdfplumber_finds_every_snippet_in_order_and_all_anywhere_by_place(file):
    data = (SHARED / file["file"]).read_bytes()
    d, at = parse(file["file"], data, PdfPlumber()), 0
    for snippet in file["snippets_in_order"]:
        at = fold(d.text).find(fold(snippet), at)
        assert at >= 0, snippet
    placed = fold(parse(file["file"], data, PdfPlumber(mode="layout")).text)
    for snippet in [*file["snippets_in_order"], *file.get("snippets_any_order", [])]:
        assert fold(snippet) in placed
    assert [number for number, _ in d.pages] == [number for number, _ in document(file["file"]).pages]
    tables = [s.span for s in d.sections if s.kind == "table"]
    for section in d.sections:
        assert d[section.span] == d[section.span].strip("\n") != ""
        if section.kind == "row":
            assert any(table.covers(section.span) for table in tables)


@pytest.mark.parametrize(
    "name",
    [
        "fake-html-lang-de.html",
        "docx-tables.docx",
        "sample-presentation.pptx",
        "stanley-cups.xlsx",
        "codeblock.md",
        "family-day.eml",
        "stanley-cups-utf-16.csv",
    ],
)
def test_unstructured_writes_its_elements_at_exact_spans(name):
    d = parse(name, (SHARED / name).read_bytes(), Unstructured())
    ours = set(fold(document(name).text.replace(",", " ") if "csv" in name else document(name).text).split())
    theirs = set(fold(d.text).split())
    assert len(theirs & ours) >= 0.8 * len(theirs)
    assert "unstructured" in d.parser
    for section in d.headings:
        assert section.title == fold(d[section.span])
    if name.startswith("stanley"):
        rows = [d[s.span] for s in d.sections if s.kind == "row"]
        assert "Blues\tSTL\t1" in rows


def test_unstructured_refuses_what_it_cannot_read():
    for name in ("chevron-page.pdf", "README.rst"):
        with pytest.raises(DocumentError, match="Choose the parser auto"):
            parse(name, (SHARED / name).read_bytes(), Unstructured())


def test_the_encoding_can_be_chosen():
    raw = (SHARED / "umlauts-non-utf8.md").read_bytes()
    assert parse("a.md", raw, Auto(encoding="cp1250")).text == raw.decode("cp1250")
