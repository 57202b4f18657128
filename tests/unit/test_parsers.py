"""Formats other than text, on small files made here; refusals; reading files and folders."""

import datetime
import email.message
import io
import zipfile

import pytest

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import FORMATS, PARSERS, Auto, PyPdf, Unstructured, parse, paste, read, read_all, sandbox
from workbench.parsers.pdf.pdfium import fold
from workbench.specs import from_dict, to_dict


def sections(d: Document) -> list[tuple[str, int, str, str]]:
    return [(s.kind, s.level, s.title, d[s.span]) for s in d.sections]


def made_pdf(pages, outline=(), password=None) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, encrypt=StandardEncryption(*password) if password else None)
    for i, lines in enumerate(pages):
        for title, level, page in outline:
            if page == i:
                canvas.bookmarkPage(title)
                canvas.addOutlineEntry(title, title, level)
        for j, line in enumerate(lines):
            canvas.drawString(72, 750 - 20 * j, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def made_docx() -> bytes:
    import docx

    d = docx.Document()
    d.add_heading("Handbook", 0)
    d.add_heading("Leave", 1)
    d.add_paragraph("Every employee has 30 days.")
    d.add_paragraph("first", style="List Bullet")
    d.add_paragraph("second", style="List Bullet")
    table = d.add_table(2, 2)
    for i, text in enumerate(["Weeks", "Pay", "14", "100 %"]):
        table.cell(i // 2, i % 2).text = text
    inner = table.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "n1", "n2"
    d.add_heading("End", 2)
    d.add_paragraph("Same.")
    d.add_paragraph("Same.")
    out = io.BytesIO()
    d.save(out)
    return out.getvalue()


def made_pptx() -> bytes:
    import pptx
    from pptx.util import Inches

    p = pptx.Presentation()
    for number in (1, 2):
        slide = p.slides.add_slide(p.slide_layouts[1])
        slide.shapes.title.text = f"Slide title {number}"
        slide.placeholders[1].text = f"Point {number}\nAnother"
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table
    for i, text in enumerate("abcd"):
        table.cell(i // 2, i % 2).text = text
    group = slide.shapes.add_group_shape()
    group.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "Deep in groups"
    slide.notes_slide.notes_text_frame.text = "Say this."
    p.slides.add_slide(p.slide_layouts[6])
    out = io.BytesIO()
    p.save(out)
    return out.getvalue()


def made_xlsx() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Prices"
    for row in (
        ["SKU", "Price", "Since"],
        ["88-1032-B", 12.5, datetime.date(2026, 5, 1)],
        ["88-1033-A", 13, None],
        [],
        ["Total", 25.5],
    ):
        sheet.append(row)
    book.create_sheet("Empty")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def made_zip(members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, text in members.items():
            z.writestr(name, text)
    return out.getvalue()


def test_pdf_pages_outline_and_blank_pages():
    data = made_pdf(
        [["Manual", "1 Introduction", "Some words."], [], ["2 Repair", "Turn it off."]],
        [("Introduction", 0, 0), ("Repair", 0, 2), ("Not there", 1, 2)],
    )
    d = parse("manual.pdf", data)
    assert [d[span] for _, span in d.pages] == ["Manual\n1 Introduction\nSome words.", "", "2 Repair\nTurn it off."]
    assert d.text == "Manual\n1 Introduction\nSome words.\n\n2 Repair\nTurn it off."
    assert sections(d) == [("heading", 1, "Introduction", "Introduction"), ("heading", 1, "Repair", "Repair")]
    assert d.page_at(d.text.index("Turn")) == 3
    assert d.warnings == ("page 2 holds no text (blank, or a scan?): run OCR first if something should stand there",)
    assert (d.media_type, d.parser.split()[0]) == ("application/pdf", "pdf")
    assert d.parser.endswith("(pypdfium2 5.15.2)")


def test_pypdf_reads_pages_and_refuses_alike():
    d = parse("a.pdf", made_pdf([["One line"], ["Two"]]), PyPdf())
    assert [d[span] for _, span in d.pages] == ["One line", "Two"]
    for parser in (Auto(), PyPdf(), PyPdf(mode="layout")):
        assert "Secret" in parse("a.pdf", made_pdf([["Secret text"]], password=("", "owner")), parser).text
        with pytest.raises(DocumentError, match=r"a\.pdf: the PDF asks for a password"):
            parse("a.pdf", made_pdf([["Secret"]], password=("user", "owner")), parser)
        with pytest.raises(DocumentError, match=r"a\.pdf: its only page holds no text .*OCR"):
            parse("a.pdf", made_pdf([[]]), parser)


def test_a_word_broken_at_a_lines_end_is_made_whole_and_a_compound_keeps_its_hyphen():
    assert fold("infor\ufffemation\r\nnext") == "information\nnext"
    assert fold("BERT\ufffebased state-of-the\ufffeart 2020\ufffe21") == "BERT-based state-of-the-art 2020-21"


def test_word_structure():
    d = parse("h.docx", made_docx())
    assert d.text == (
        "Handbook\n\nLeave\n\nEvery employee has 30 days.\n\n- first\n- second\n\n"
        "Weeks\tPay\n14\t100 %\nn1\tn2\n\nEnd\n\nSame.\n\nSame."
    )
    assert sections(d) == [
        ("heading", 1, "Handbook", "Handbook"),
        ("heading", 1, "Leave", "Leave"),
        ("list", 1, "", "- first\n- second"),
        ("table", 1, "", "Weeks\tPay\n14\t100 %\nn1\tn2"),
        ("row", 1, "", "Weeks\tPay"),
        ("row", 1, "", "14\t100 %\nn1\tn2"),
        ("table", 2, "", "n1\tn2"),
        ("row", 2, "", "n1\tn2"),
        ("heading", 2, "End", "End"),
    ]
    assert d.heading_path(len(d.text)) == ("Leave", "End")


def test_word_keeps_what_counts_and_drops_what_was_deleted():
    ns = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = "<w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent>"
    body = (
        "<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t> added</w:t><w:tab/><w:t>t</w:t><w:br/><w:t>b</w:t></w:r></w:ins></w:p>"
        f"<w:sdt><w:sdtContent><w:p><w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
        "</mc:AlternateContent><w:t>with</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:r><w:lastRenderedPageBreak/><w:t>Page two</w:t></w:r></w:p>"
    )
    data = made_zip({"word/document.xml": f"<w:document {ns} {mc}><w:body>{body}</w:body></w:document>"})
    d = parse("a.docx", data)
    assert d.text == "kept added\tt\nb\n\nwith\n\nBox\n\nPage two"
    assert [d[s].strip() for _, s in d.pages] == ["kept added\tt\nb\n\nwith\n\nBox", "Page two"]
    assert "approximate" in d.warnings[0]


def test_powerpoint_structure():
    d = parse("a.pptx", made_pptx())
    assert [number for number, _ in d.pages] == [1, 2, 3]
    assert d[d.pages[0][1]] == "Slide title 1\n\nPoint 1\nAnother"
    assert d[d.pages[1][1]] == "Slide title 2\n\nPoint 2\nAnother\n\na\tb\nc\td\n\nDeep in groups\n\nNotes: Say this."
    assert [s.title for s in d.sections if s.kind == "slide"] == ["Slide title 1", "Slide title 2"]
    assert [(s.title, d[s.span]) for s in d.headings] == [
        ("Slide title 1", "Slide title 1"),
        ("Slide title 2", "Slide title 2"),
    ]
    assert [d[s.span] for s in d.sections if s.kind == "row"] == ["a\tb", "c\td"]
    assert "slides 3 hold no text" in d.warnings[0]


def test_excel_structure():
    d = parse("a.xlsx", made_xlsx())
    assert d.text == "Prices\n\nSKU\tPrice\tSince\n88-1032-B\t12.5\t2026-05-01\n88-1033-A\t13\n\nTotal\t25.5"
    assert [(k, text) for k, _, _, text in sections(d) if k in ("heading", "table")] == [
        ("heading", "Prices"),
        ("table", "SKU\tPrice\tSince\n88-1032-B\t12.5\t2026-05-01\n88-1033-A\t13"),
        ("table", "Total\t25.5"),
    ]
    assert "sheet 'Empty' is empty" in d.warnings


def test_html_structure():
    html = """<!doctype html><html><head><title>No</title><style>p{}</style></head><body><script>no()</script>
    <h1>A <b>title</b></h1><p>One   paragraph<br>two&nbsp;lines</p><ul><li>x<li><p>y</p><ol start=3><li>z</ol></ul>
    <pre class="language-py">a
      b
</pre><table><caption>Cap</caption><tr><th>k<th>v<tr><td>1<td><td>3</table>
<noscript><p>kept</p></noscript><img alt="a picture" src=x>
    <blockquote>said</blockquote><template>no</template></body></html>"""
    d = parse("a.html", html.encode())
    assert d.text == (
        "A title\n\nOne paragraph\ntwo\xa0lines\n\n- x\n- y\n  3. z\n\na\n      b\n\n"
        "Cap\nk\tv\n1\t\t3\n\nkept\n\na picture\n\nsaid"
    )
    assert sections(d) == [
        ("heading", 1, "A title", "A title"),
        ("list", 1, "", "- x\n- y\n  3. z"),
        ("list", 2, "", "  3. z"),
        ("code", 1, "py", "a\n      b"),
        ("table", 1, "", "Cap\nk\tv\n1\t\t3"),
        ("caption", 1, "", "Cap"),
        ("row", 1, "", "k\tv"),
        ("row", 1, "", "1\t\t3"),
        ("quote", 1, "", "said"),
    ]


def test_html_in_its_declared_encoding():
    html = '<meta charset="windows-1251"><p>Привет, мир</p>'
    assert parse("a.html", html.encode("cp1251")).text == "Привет, мир"


def test_email_structure():
    message = email.message.EmailMessage()
    message["Subject"], message["From"], message["To"] = "Leaking pump", "a@example.org", "b@example.org"
    message.set_content("The plain words.\n")
    message.add_alternative("<p>The rich words.</p>", subtype="html")
    message.add_attachment(b"x", maintype="application", subtype="zip", filename="../../evil.zip")
    d = parse("a.eml", message.as_bytes())
    assert d.text == "Leaking pump\n\nFrom: a@example.org\nTo: b@example.org\n\nThe plain words."
    assert sections(d)[0] == ("heading", 1, "Leaking pump", "Leaking pump")
    assert d.warnings == ("attachments are not read; upload them as files of their own: evil.zip",)
    rich = email.message.EmailMessage()
    rich.set_content("<h1>Only</h1><p>rich</p>", subtype="html")
    assert parse("b.eml", rich.as_bytes()).text == "Only\n\nrich"


def test_xml_epub_and_odt():
    assert parse("a.xml", b"<a><b>One &amp; two</b><b>Three <i>four</i></b></a>").text == "One & two\nThree four"
    container = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    container += '<rootfile full-path="O/p.opf"/></rootfiles></container>'
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Book</dc:title></metadata>'
        '<manifest><item id="b" href="b.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
        '</manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    book = {
        "META-INF/container.xml": container,
        "O/p.opf": opf,
        "O/a.xhtml": "<h2>First</h2>",
        "O/b.xhtml": "<p>Second</p>",
    }
    assert parse("a.epub", made_zip(book)).text == "Book\n\nFirst\n\nSecond"
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    odt = (
        f'<o:document-content xmlns:o="{names}office:1.0" xmlns:t="{names}text:1.0" xmlns:b="{names}table:1.0">'
        "<o:body><o:text>"
        '<t:h t:outline-level="2">Head</t:h><t:p>a<t:s t:c="3"/>b</t:p>'
        "<t:list><t:list-item><t:p>item</t:p></t:list-item></t:list>"
        "<b:table><b:table-row>"
        "<b:table-cell><t:p>x</t:p></b:table-cell>"
        "<b:table-cell><t:p>y</t:p></b:table-cell></b:table-row></b:table>"
        "</o:text></o:body></o:document-content>"
    )
    d = parse("a.odt", made_zip({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": odt}))
    assert d.text == "Head\n\na   b\n\n- item\n\nx\ty"
    assert [(s.kind, s.level) for s in d.sections] == [("heading", 2), ("list", 1), ("table", 1), ("row", 1)]


@pytest.mark.parametrize(
    "name, data, said",
    [
        ("a.txt", b"", "empty (0 bytes)"),
        ("a.txt", b" \n\t\xc2\xa0", "no text"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a picture, which cannot be read. Run text recognition (OCR)"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a picture"),
        ("a.pdf", b"just words", "named .pdf, but its content is plain text. Rename it to .txt"),
        ("a.docx", b"<html><body>x</body></html>", "its content is HTML. Rename it to .html"),
        ("a.docx", b"PK\x03\x04broken", "damaged or cut short"),
        ("a.zip", made_zip({"a.txt": "x"}), "a ZIP archive, which cannot be read. Unpack it"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "Save it as .docx or PDF"),
        (
            "a.ppt",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "PowerPoint Document".encode("utf-16-le"),
            "Save it as .pptx or PDF",
        ),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__substg1.0_001A".encode("utf-16-le"), "Outlook"),
        ("a.rtf", b"words", "its content is plain text. Rename it to .txt"),
        ("a.exe", b"MZ\x90\0\x03\0\0\0\xff\xff\0\0", "a program"),
        ("a.bin", bytes(range(256)) * 4, "unknown binary"),
        ("a.pdf", b"%PDF-1.7\n", "damaged or cut short"),
        ("a.xml", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "refused"),
        ("a.xml", b"<a><b></a>", "cannot be read"),
        ("a.html", b"<div>" * 6000 + b"x", "nested 6,000 deep; the limit is 5,000"),
    ],
)
def test_refusals_name_the_file_the_reason_and_a_remedy(name, data, said):
    with pytest.raises(DocumentError) as refusal:
        parse("some/folder/" + name, data)
    assert str(refusal.value).startswith(name + ": ")
    assert said in str(refusal.value)


def test_content_decides_and_a_wrong_name_is_said():
    d = parse("a.txt", made_pdf([["Hello there"]]))
    assert (d.text, d.media_type) == ("Hello there", "application/pdf")
    assert d.warnings == ("named .txt, but its content is PDF: read as that",)
    assert parse("noname", b"<!DOCTYPE html><p>x</p>").media_type == "text/html"
    assert parse("noname", b"From: a@b\nSubject: c\n\nd").media_type == "message/rfc822"
    assert parse("code.py", b"print(1)").media_type == "text/plain"


def test_a_documents_id_is_its_content():
    data = b"# Title\n\nwords\n"
    d = parse("a.md", data)
    assert d.id == parse("b.md", data).id == parse("c.md", data, PyPdf()).id
    assert d.id != parse("a.txt", data).id  # another engine, other sections
    assert d.source == parse("a.txt", data).source
    assert d.id != parse("a.md", data + b" ").id


@pytest.mark.parametrize("cls", PARSERS.values())
def test_parsers_are_methods(cls):
    parser = cls()
    assert from_dict(PARSERS, to_dict(parser), "parser") == parser
    assert parser.identity()["engines"]
    assert parser("a.txt", b"Words enough to read.").text == "Words enough to read."
    assert len({c().fingerprint for c in PARSERS.values()}) == len(PARSERS)


def test_unstructured_refuses_pdf_with_the_reason():
    with pytest.raises(DocumentError, match=r"a\.pdf: unstructured reads PDF only .* Choose the parser auto or pypdf"):
        parse("a.pdf", made_pdf([["x"]]), Unstructured())


def test_every_format_has_an_engine_and_its_own_extensions():
    extensions = [e for f in FORMATS.values() for e in f.extensions]
    assert len(extensions) == len(set(extensions))
    for format in FORMATS:
        assert Auto().engine(format).label


def test_paste():
    assert paste("# One\n", "n.md").headings[0].title == "One"
    assert paste("%PDF-1.7 in words").media_type == "text/plain"
    with pytest.raises(DocumentError, match="nothing was pasted"):
        paste("")


def test_read_takes_folders_and_one_bad_file_does_not_stop_the_others(tmp_path):
    (tmp_path / "sub").mkdir()
    files = {
        "a.txt": b"first",
        "sub/b.md": b"# second",
        "bad.pdf": b"%PDF-nothing",
        ".hidden.txt": b"no",
        "sub/.git/c.txt": b"no",
    }
    files |= {"golden.jsonl": b"{}", "questions.csv": b"a,b", "LICENSE": b"terms"}
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    corpus, refusals = read_all([tmp_path], safely=False)
    assert [d.name for d in corpus] == ["LICENSE", "a.txt", "b.md"]
    assert [r.name for r in refusals] == ["bad.pdf"]
    with pytest.raises(DocumentError, match=r"bad\.pdf"):
        read(tmp_path, safely=False)
    assert [d.text for d in read(tmp_path / "a.txt", tmp_path / "sub", safely=False)] == ["first", "# second"]
    with pytest.raises(DocumentError, match="no such file"):
        read(tmp_path / "missing")


def test_one_process_at_most_is_begun_ahead() -> None:
    sandbox.close()
    for _ in range(3):
        sandbox.begin()
    assert len(sandbox._idle) == 1
    sandbox.close()
