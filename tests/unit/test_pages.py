"""A PDF's page beside its text: images of bounded size, and each character of the text where pdfium finds it."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import Auto, Boxes, PdfPlumber, PyPdf, boxes, page_image, parse
from workbench.parsers.comparison import align
from workbench.parsers.pdf.pdfium import png
from workbench.spans import Span

MANUAL = Path(__file__).parents[2] / "sample_docs" / "hx-service-manual.pdf"


def made(pages: list[list[tuple[float, float, str]]], size=(612, 792), rotate: int = 0) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size)
    for lines in pages:
        canvas.setFont("Helvetica", 12)
        for x, y, line in lines:
            canvas.drawString(x, y, line)
        canvas.showPage()
    canvas.save()
    if not rotate:
        return out.getvalue()
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_page(pypdf.PdfReader(out).pages[0].rotate(rotate))
    turned = io.BytesIO()
    writer.write(turned)
    return turned.getvalue()


def span(document: Document, words: str, page: int = 1) -> Span:
    area = next(s for number, s in document.pages if number == page)
    start = document.text.index(words, area.start, area.end)
    return Span(document.id, start, start + len(words))


def found_by_pdfium(data: bytes, words: str, page: int) -> list[tuple[float, float, float, float]]:
    """Where pdfium's own search finds the words first: left, bottom, right, top in the page's units."""
    import pypdfium2

    pdf = pypdfium2.PdfDocument(data)
    textpage = pdf[page - 1].get_textpage()
    index, count = textpage.search(words, match_case=True).get_next()
    rectangles = [textpage.get_rect(i) for i in range(textpage.count_rects(index, count))]
    textpage.close()
    pdf.close()
    return rectangles


def test_a_word_lies_where_it_was_drawn():
    from reportlab.pdfbase.pdfmetrics import stringWidth

    data = made([[(100, 700, "The quick fox"), (100, 600, "jumps over")], [(50, 50, "second page")]])
    document = parse("a.pdf", data)
    page = boxes(document, data, 1)
    assert (page.width, page.height) == (612, 792)
    ((left, top, right, bottom),) = page.over(span(document, "quick"))
    start = 100 + stringWidth("The ", "Helvetica", 12)
    assert left == pytest.approx(start, abs=1)
    assert right == pytest.approx(start + stringWidth("quick", "Helvetica", 12), abs=1)
    assert top < 792 - 700 < bottom
    assert bottom - top < 20
    assert len(page.over(span(document, "fox\njumps"))) == 2
    second = boxes(document, data, 2)
    ((left, top, _, bottom),) = second.over(span(document, "second page", 2))
    assert left == pytest.approx(50, abs=1)
    assert top < 792 - 50 < bottom
    assert not len(page.over(span(document, "second", 2)))


def excerpt(first: int, last: int) -> bytes:
    """These pages of the sample manual, from 0, as a file of their own, which is read in a third of the time."""
    import pypdfium2

    out, part = io.BytesIO(), pypdfium2.PdfDocument.new()
    part.import_pages(pypdfium2.PdfDocument(MANUAL), list(range(first, last)))
    part.save(out)
    return out.getvalue()


def test_words_of_the_sample_manual_lie_where_pdfium_finds_them():
    data = excerpt(4, 12)
    plumbed = PdfPlumber(), PdfPlumber(mode="layout", furniture="drop", hyphens="keep")
    for parser in (Auto(), PyPdf(), Auto(furniture="drop"), Auto(hyphens="keep"), *plumbed):
        document = parse("m.pdf", data, parser)
        checked = 0
        for number, area in document.pages:
            page = boxes(document, data, number)
            seen = [c for c in document[area] if not c.isspace()]
            assert len(page.offsets) >= 0.99 * len(seen)
            for word in sorted({w for w in document[area].split() if len(w) > 9 and document[area].count(w) == 1})[:3]:
                if len(theirs := found_by_pdfium(data, word, number)) != 1:
                    continue
                (x0, y0, x1, y1) = theirs[0]
                ((left, top, right, bottom),) = page.over(span(document, word, number))
                assert (left, right) == (pytest.approx(x0, abs=1.5), pytest.approx(x1, abs=1.5))
                assert top - 1.5 <= page.height - y1 <= page.height - y0 <= bottom + 1.5
                checked += 1
        assert checked > 10


def test_a_place_gives_its_character_and_a_far_one_none():
    data = made([[(100, 700, "one two"), (100, 660, "three")]])
    document = parse("a.pdf", data)
    page = boxes(document, data, 1)
    for offset, (left, top, right, bottom) in zip(page.offsets.tolist(), page.rectangles.tolist(), strict=True):
        assert page.offset_at((left + right) / 2, (top + bottom) / 2) == offset
    assert document.text[page.offset_at(0, 792 - 700, reach=200)] == "o"
    assert page.offset_at(500, 500) is None
    none = Boxes(document.id, 1, 1.0, 1.0, np.empty(0, np.int64), np.empty((0, 4)))
    assert none.offset_at(0, 0) is None
    assert none.over(Span(document.id, 0, 3)) == []


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_turned_pages_are_measured_as_they_are_shown(rotate):
    data = made([[(100, 700, "Turned words")]], rotate=rotate)
    document = parse("a.pdf", data)
    page = boxes(document, data, 1)
    assert (page.width, page.height) == ((792, 612) if rotate % 180 else (612, 792))
    image = page_image("a.pdf", data, 1, scale=2)
    pixels = decoded(image.png)
    dark = np.argwhere(pixels.min(axis=2) < 128)
    top, left = dark.min(axis=0) / image.scale
    bottom, right = dark.max(axis=0) / image.scale
    x0, y0 = page.rectangles[:, :2].min(axis=0)
    x1, y1 = page.rectangles[:, 2:].max(axis=0)
    assert x0 - 2 <= left <= right <= x1 + 2
    assert y0 - 2 <= top <= bottom <= y1 + 2
    assert (right - left) * (bottom - top) > 0.4 * (x1 - x0) * (y1 - y0)


def test_a_cropped_page_is_measured_from_its_crop():
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(made([[(100, 700, "Cropped words")]])))
    writer = pypdf.PdfWriter()
    page = reader.pages[0]
    page.cropbox = pypdf.generic.RectangleObject((50, 400, 550, 760))
    writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    document = parse("a.pdf", out.getvalue())
    found = boxes(document, out.getvalue(), 1)
    assert (found.width, found.height) == (500, 360)
    assert found.rectangles[0][0] == pytest.approx(50, abs=1)
    assert found.rectangles[0][1] < 60 < found.rectangles[0][3]


def surrogate_pdf() -> bytes:
    """A page that draws A, B and C, of which B stands for a character beyond U+FFFF."""
    cmap = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
    cmap += b"1 begincodespacerange <00> <FF> endcodespacerange\n"
    cmap += b"3 beginbfchar <41> <0041> <42> <D83DDE00> <43> <0043> endbfchar endcmap end end"
    body = b"BT /F 20 Tf 100 700 Td (ABC) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(cmap), cmap),
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    xref = len(out)
    out += b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return bytes(out + b"trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % xref)


def test_characters_beyond_the_first_plane_are_one_character_each():
    document = parse("a.pdf", surrogate_pdf())
    assert document.text == "A😀C" == parse("a.pdf", surrogate_pdf(), PdfPlumber()).text
    page = boxes(document, surrogate_pdf(), 1)
    assert page.offsets.tolist() == [0, 1, 2]
    lefts = page.rectangles[:, 0]
    assert lefts[0] == pytest.approx(100, abs=1)
    assert (np.diff(lefts) > 10).all()


def test_mended_words_have_their_boxes_on_both_lines():
    data = made([[(100, 700, "The instal-"), (100, 680, "lation of pumps")]])
    document = parse("a.pdf", data)
    assert document.text == "The installation of pumps"
    page = boxes(document, data, 1)
    first, second = page.over(span(document, "installation"))
    assert first[3] <= second[1] + 6
    assert second[0] == pytest.approx(100, abs=1)
    kept = parse("a.pdf", data, Auto(hyphens="keep"))
    assert "instal-lation" in kept.text
    assert len(boxes(kept, data, 1).offsets) == len(page.offsets) + 1
    for engine in (PyPdf, PdfPlumber):
        assert parse("a.pdf", data, engine()).text == "The installation of pumps"
        assert parse("a.pdf", data, engine(hyphens="keep")).text == "The instal-\nlation of pumps"


def test_alignment_passes_over_what_only_one_text_has():
    text, other = "head\nThe instal-\nlation is done", "The installation  is really done"
    places = align(text, other)
    assert [other[p] for i, p in enumerate(places) if p is not None] == [
        c for c, p in zip(text, places, strict=True) if p is not None
    ]
    assert places[: len("head")] == [None] * 4
    assert [c for c, p in zip(text, places, strict=True) if p is not None] == list("Theinstallationisdone")


def decoded(data: bytes) -> np.ndarray:
    """The pixels of a PNG that `png` wrote."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        size = struct.unpack(">II", content[:8]) if kind == b"IHDR" else size
        body += content if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(size[1], 1 + 3 * size[0])
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(size[1], size[0], 3)


def test_images_are_png_that_others_read():
    from PIL import Image

    pixels = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    assert (np.asarray(Image.open(io.BytesIO(png(pixels)))) == pixels).all()
    image = page_image("m.pdf", MANUAL.read_bytes(), 3, scale=1)
    shown = np.asarray(Image.open(io.BytesIO(image.png)))
    assert shown.shape == (image.height, image.width, 3)
    assert (shown == decoded(image.png)).all()
    assert shown.min() < 100
    assert (shown == 255).mean() > 0.5


def test_pixels_are_bounded():
    image = page_image("a.pdf", made([[(72, 72, "wide")]], size=(14_000, 14_000)), 1, scale=4)
    assert image.width * image.height <= 4_010_000
    assert image.scale < 0.2


def test_what_cannot_be_shown_is_said():
    data = made([[(72, 72, "x")]])
    with pytest.raises(DocumentError, match=r"^a\.pdf: it has 1 pages; there is no page 2"):
        page_image("a.pdf", data, 2)
    with pytest.raises(DocumentError, match=r"^a\.pdf: scale \(9\) must be"):
        page_image("a.pdf", data, 1, scale=9)
    with pytest.raises(DocumentError, match=r"^a\.pdf: the PDF is damaged"):
        page_image("a.pdf", b"%PDF-1.4 no", 1)
    document = parse("a.txt", b"words")
    with pytest.raises(DocumentError, match=r"^a\.txt: it has no page 1"):
        boxes(document, b"words", 1)
