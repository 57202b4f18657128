"""Headers, footers and page numbers of PDF pages; text recognition; two parsers' texts side by side."""

import io
import shutil

import pytest

from workbench.documents import Document
from workbench.errors import DocumentError, SpecError
from workbench.parsers import Auto, PdfPlumber, PyPdf, compare, parse, parse_safely
from workbench.parsers.comparison import opcodes
from workbench.parsers.pdf.headers_footers import edge_lines, without


def lines_of(pages: list[str]) -> list[list[tuple[str, str]]]:
    found = zip(pages, edge_lines(pages), strict=True)
    return [[(line.edge, page[line.start : line.end]) for line in lines] for page, lines in found]


def made(count: int, first: bool = False) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out)
    for page in range(1, count + 1):
        body = [(72, 700 - 20 * i, f"Body {'abcdefgh'[page]} line {'abcdefgh'[i]}") for i in range(4)]
        edges = [(72, 800, "Pump manual"), (72, 30, f"Page {page} of {count}")]
        for x, y, line in [*edges, *body] if first else [edges[0], *body, edges[1]]:
            canvas.drawString(x, y, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("parser", [Auto, PyPdf, PdfPlumber])
def test_running_lines_are_marked_or_dropped(parser, first):
    data = made(4, first)
    kept = parse("a.pdf", data, parser())
    marked = [(s.kind, kept[s.span]) for s in kept.sections]
    footer = "footer" if parser is not PyPdf or not first else "header"  # pypdf tells no places
    wanted = [("header", "Pump manual"), (footer, "Page {} of 4")]
    assert marked == [(k, text.format(page)) for page in range(1, 5) for k, text in wanted]
    dropped = parse("a.pdf", data, parser(furniture="drop"))
    assert "Pump manual" not in dropped.text
    assert "Page" not in dropped.text
    assert dropped.text.count("Body") == 16
    assert [dropped[s].count("Body") for _, s in dropped.pages] == [4] * 4
    assert dropped.warnings == ("8 lines of headers, footers and page numbers were left out, as chosen",)
    assert not dropped.sections


def test_two_pages_are_too_few_to_tell():
    assert not parse("a.pdf", made(2)).sections


def test_lines_that_come_again_count_only_at_the_edge():
    body = ["alpha\nbeta\ngamma\ndelta", "one\ntwo\nthree\nfour", "red\ngreen\nblue\nwhite", "x\ny\nz\nw"]
    pages = [f"HEAD\n{text}\nsame inside\n{text}\n{i + 5}" for i, text in enumerate(body)]
    assert lines_of(pages) == [[("header", "HEAD"), ("footer", str(i + 5))] for i in range(4)]
    assert without(pages[0], edge_lines(pages)[0]) == f"{body[0]}\nsame inside\n{body[0]}"


def test_left_and_right_pages_differ_and_a_blank_page_does_no_harm():
    pages = [f"{'Left' if i % 2 else 'Right'} head\nwords {'abcdefgh'[i]}\nmore {'hgfedcba'[i]}" for i in range(8)]
    pages[3] = ""
    found = lines_of(pages)
    assert found[3] == []
    assert all(f == [("header", f"{'Left' if i % 2 else 'Right'} head")] for i, f in enumerate(found) if i != 3)


def test_numbers_that_do_not_go_up_with_the_page_are_kept():
    pages = [f"{n}\nwords {c}\nend {c}" for n, c in zip((17, 4, 99, 23), "abcd", strict=True)]
    assert lines_of(pages) == [[]] * 4
    pages = [f"{n}\nwords {c}\nend {c}" for n, c in zip((17, 18, 19, 20), "abcd", strict=True)]
    assert [len(f) for f in lines_of(pages)] == [1] * 4


def scan(words: str) -> bytes:
    """A PDF of one page that is only a picture of words."""
    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    picture = Image.new("RGB", (1000, 300), "white")
    ImageDraw.Draw(picture).text((50, 100), words, fill="black", font=ImageFont.load_default(60))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(500, 150))
    canvas.drawImage(ImageReader(picture), 0, 0, 500, 150)
    canvas.save()
    return out.getvalue()


def test_scans_are_recognised_as_scans_and_read_where_that_was_chosen():
    data = scan("Pressure valve closed")
    with pytest.raises(DocumentError, match=r"^a\.pdf: its only page holds no text .*OCR"):
        parse("a.pdf", data)
    if not shutil.which("tesseract"):
        with pytest.raises(DocumentError, match=r"tesseract is not installed: install"):
            parse_safely("a.pdf", data, Auto(ocr="scanned"))
        pytest.skip("tesseract is not installed: the text of scans is not tested")
    document = parse_safely("a.pdf", data, Auto(ocr="scanned"))
    assert document.text == "Pressure valve closed"
    assert "read by text recognition (tesseract" in document.warnings[0]
    with pytest.raises(DocumentError, match=r"Is 'xyz' installed"):
        parse_safely("a.pdf", data, Auto(ocr="scanned", ocr_languages="xyz"))
    assert Auto(ocr="scanned").fingerprint != Auto().fingerprint


def test_languages_of_scans_are_names():
    with pytest.raises(SpecError, match="ocr_languages"):
        Auto(ocr_languages="--evil")


def document(text: str, source: str = "s", sections=()) -> Document:
    return Document(source, text[:9] + str(len(text)), "n.pdf", text)


def test_two_texts_of_one_file_are_compared_by_words():
    first, second = document("The pump is  red.\nIt hums."), document("The big pump is red. It hums !")
    found = compare(first, second, (0.5, None))
    assert found.words == (8, 9)
    assert found.common == 7
    assert found.similarity == pytest.approx(14 / 17)
    assert [(c.kind, first.text[slice(*c.first)], second.text[slice(*c.second)]) for c in found.changes] == [
        ("insert", "", "big"),
        ("replace", ".", "!"),
    ]
    assert found.missing == ((".", 1),)
    assert dict(found.added) == {"big": 1, "!": 1}
    assert found.seconds == (0.5, None)
    assert compare(first, first).similarity == 1.0
    with pytest.raises(DocumentError, match="different files"):
        compare(first, document("x", "other"))


def test_opcodes_rebuild_both_texts_at_any_length():
    import random

    chance = random.Random(3)
    a = [chance.choice("abcdefghij") + str(chance.randrange(400)) for _ in range(9_000)]
    b = list(a)
    for _ in range(150):
        at = chance.randrange(len(b))
        b[at : at + chance.randrange(40)] = [str(chance.random()) for _ in range(chance.randrange(30))]
    i = j = common = 0
    for kind, p, q, r, s in opcodes(a, b):
        assert (p, r) == (i, j)
        assert (a[p:q] == b[r:s]) if kind == "equal" else (q > p or s > r)
        common += q - p if kind == "equal" else 0
        i, j = q, s
    assert (i, j) == (len(a), len(b))
    assert common > 6_000


def test_parsers_of_one_pdf_side_by_side():
    data = made(3)
    found = compare(parse("a.pdf", data), parse("a.pdf", data, PyPdf(furniture="drop")))
    assert found.sections == {"footer": (3, 0), "header": (3, 0)}
    assert ("manual", 3) in found.missing
    assert not found.added
