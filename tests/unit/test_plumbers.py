"""pdfplumber as an engine of PDF files: lines, ruled tables, the outline; and what is said where it is missing."""

import io
from pathlib import Path

import pytest

from workbench import cli
from workbench.documents import Document
from workbench.errors import DocumentError, SpecError
from workbench.parsers import PARSERS, Auto, Limits, PdfPlumber, boxes, compare, parse, parse_safely, sandbox
from workbench.parsers.pdf import pdfplumber
from workbench.parsers.pdf.pdfplumber import NEEDS, once
from workbench.parsers.pdf.tables import ruled_tables
from workbench.pipelines import from_yaml
from workbench.spans import Span
from workbench.specs import from_dict

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "sample_docs" / "hx-service-manual.pdf"


def drawn(draw, pages: int = 1) -> bytes:
    """A PDF on whose pages `draw(canvas)` has drawn."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(612, 792))
    for _ in range(pages):
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def read(draw, **fields) -> Document:
    return parse("a.pdf", drawn(draw), PdfPlumber(**fields))


def tables(d: Document) -> list[tuple[str, str]]:
    return [(s.kind, d[s.span]) for s in d.sections if s.kind in ("table", "row")]


ROWS = [["Code", "Meaning", "Reset"], ["E-1", "Phase missing in the sup-", "manual"], ["E-2", "", "yes"]]


def table(canvas, rows=ROWS, x=72, y=600, width=140, height=40) -> None:
    """A table with its lines; a second line in the cell that is broken."""
    across = range(len(rows[0]) + 1)
    canvas.grid([x + width * i for i in across], [y - height * i for i in range(len(rows) + 1)])
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            canvas.drawString(x + width * j + 4, y - height * i - 14, cell)
            if cell.endswith("-"):
                canvas.drawString(x + width * j + 4, y - height * i - 28, "ply of the pump")


def test_ruled_tables_have_their_cells_apart_and_their_rows_on_one_line():
    def draw(canvas):
        canvas.drawString(72, 700, "Before it.")
        table(canvas)
        canvas.drawString(72, 300, "After it.")

    data = drawn(draw)
    rows = ["Code\tMeaning\tReset", "E-1\tPhase missing in the supply of the pump\tmanual", "E-2\t\tyes"]
    for mode in ("plain", "layout"):
        d = parse("a.pdf", data, PdfPlumber(mode=mode))
        assert d.text == "\n".join(["Before it.", *rows, "After it."])
        assert tables(d) == [("table", "\n".join(rows)), *(("row", row) for row in rows)]
        start = d.text.index("supply of the pump")
        first, second = boxes(d, data, 1).over(Span(d.id, start, start + 18))
        assert first[3] <= second[1] + 6
    kept = parse("a.pdf", data, PdfPlumber(hyphens="keep"))
    assert "in the sup- ply of the pump" in kept.text


def test_frames_and_drawings_are_no_tables():
    def framed(canvas):
        canvas.rect(60, 60, 480, 680)
        canvas.grid([72, 300, 500], [700, 600])  # two boxes side by side
        canvas.drawString(80, 650, "Left of two boxes")
        canvas.drawString(310, 650, "Right of them")

    def plan(canvas):
        canvas.grid(range(20, 600, 1), range(20, 780, 1))
        canvas.drawString(80, 650, "Words on a plan")

    assert tables(read(framed)) == []
    assert read(plan).text == "Words on a plan"


def test_a_cell_that_reaches_over_rows_stands_in_its_first():
    def draw(canvas):
        for x0, y0, x1, y1 in (
            (72, 600, 372, 600), (72, 480, 372, 480), (172, 560, 372, 560), (172, 520, 372, 520),
            (72, 600, 72, 480), (172, 600, 172, 480), (272, 600, 272, 480), (372, 600, 372, 480),
        ):  # fmt: skip
            canvas.line(x0, y0, x1, y1)
        canvas.drawString(80, 530, "all three")
        for i in range(3):
            canvas.drawString(180, 580 - 40 * i, f"a{i}")
            canvas.drawString(280, 580 - 40 * i, f"b{i}")

    assert [text for kind, text in tables(read(draw)) if kind == "row"] == ["all three\ta0\tb0", "\ta1\tb1", "\ta2\tb2"]


def test_text_is_in_the_order_drawn_or_of_its_places():
    def draw(canvas):
        for x, words in ((72, "left"), (320, "right")):
            for i in range(3):
                canvas.drawString(x, 700 - 20 * i, f"{words} {i}")
        canvas.drawString(72, 740, "drawn last")

    assert read(draw).text == "left 0\nleft 1\nleft 2\nright 0\nright 1\nright 2\ndrawn last"
    placed = read(draw, mode="layout")
    assert placed.text == "drawn last\nleft 0 right 0\nleft 1 right 1\nleft 2 right 2"
    assert tables(placed) == []


def test_letters_that_are_raised_lowered_or_of_another_font_stay_on_their_line():
    def draw(canvas):
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 700, "the passage p")
        at = 72 + canvas.stringWidth("the passage p", "Helvetica", 12)
        canvas.setFont("Times-Roman", 8)
        canvas.drawString(at, 696, "i")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(at + 6, 700, "holds")
        canvas.setFont("Helvetica", 6)
        canvas.drawString(at + 6 + canvas.stringWidth("holds", "Helvetica", 12), 705, "2")

    assert read(draw).text == "the passage pi holds2"


def test_letters_drawn_twice_are_read_once_and_double_letters_twice():
    def draw(canvas):
        for shift in (0, 0.3):
            canvas.drawString(72 + shift, 700, "BOLD LLL")
        for letter, x in zip("EE", (72, 80), strict=True):
            for shift in (0, 0.3):
                canvas.drawString(x + shift, 650, letter)

    assert read(draw).text == "BOLD LLL\nEE"
    assert once([]) == []


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_turned_lines_are_read_along_their_way(angle):
    def draw(canvas):
        canvas.drawString(300, 500, "Upright")
        canvas.translate(300, 300)
        canvas.rotate(angle)
        canvas.drawString(0, 0, "Turned words")
        canvas.drawString(0, -20, "and more of them")

    data = drawn(draw)
    d = parse("a.pdf", data, PdfPlumber())
    assert d.text == "Upright\nTurned words\nand more of them"
    assert set(parse("a.pdf", data, PdfPlumber(mode="layout")).text.split("\n")) == set(d.text.split("\n"))


def test_words_without_blanks_between_them_are_told_by_their_gaps():
    def draw(canvas):
        canvas.setFont("Helvetica", 8)
        for x, word in ((72, "small"), (72 + canvas.stringWidth("small", "Helvetica", 8) + 2, "print")):
            canvas.drawString(x, 700, word)

    assert read(draw).text == "small print"


def test_an_outline_of_many_entries_becomes_headings():
    def draw(canvas):
        for i in range(1500):
            title = f"Part {i}"
            if i % 30 == 0:
                canvas.showPage()
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title, 0 if i % 3 == 0 else 1)
            canvas.drawString(72, 750 - 20 * (i % 30), title)

    data = drawn(draw)
    ours = [(s.level, s.title, d[s.span]) for d in [parse("a.pdf", data, PdfPlumber())] for s in d.headings]
    assert ours == [(1 if i % 3 == 0 else 2, f"Part {i}", f"Part {i}") for i in range(1500)]


def test_pages_that_hold_nothing_are_said_and_files_refused_as_by_the_other_engines():
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    def locked(user: str) -> bytes:
        out = io.BytesIO()
        canvas = Canvas(out, encrypt=StandardEncryption(user, "owner"))
        canvas.drawString(72, 700, "Secret text")
        canvas.showPage()
        canvas.showPage()
        canvas.save()
        return out.getvalue()

    d = parse("a.pdf", locked(""), PdfPlumber())
    assert [d[s] for _, s in d.pages] == ["Secret text", ""]
    assert d.warnings == ("page 2 holds no text (blank, or a scan?): run OCR first if something should stand there",)
    assert d.parser.startswith("pdfplumber plain 1 (pdfplumber ")
    for data, said in (
        (locked("user"), "the PDF asks for a password"),
        (drawn(lambda canvas: None), "its only page holds no text"),
        (locked("")[:600], "the PDF is damaged or cut short"),
        (b"%PDF-1.7\n", "the PDF is damaged or cut short"),
    ):
        with pytest.raises(DocumentError, match=rf"^a\.pdf: {said}"):
            parse("a.pdf", data, PdfPlumber())


def test_a_page_without_letters_for_its_characters_says_so():
    body = b"BT /F 20 Tf 100 700 Td <00410042> Tj (x) Tj ET BT /G 20 Tf 100 600 Td (words) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F 5 0 R /G 7 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /FontDescriptor << /Type /FontDescriptor >> "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data = b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (i, o) for i, o in enumerate(objects, 1))
    d = parse("a.pdf", data + b"trailer\n<< /Size 8 /Root 1 0 R >>\n%%EOF\n", PdfPlumber())
    assert "(cid" not in d.text
    assert d.text == "\ufffd\ufffd\nwords"
    assert d.warnings == ("2 characters have no letter in the PDF's fonts: \ufffd stands there",)


def test_the_sample_manual_has_the_words_of_the_other_engine():
    data = MANUAL.read_bytes()
    ours, others = parse("m.pdf", data, PdfPlumber()), parse("m.pdf", data, Auto())
    assert compare(others, ours).similarity > 0.999
    assert [s.title for s in ours.headings] == [s.title for s in others.headings]
    heads = {d[s.span].split("\n")[0] for d in [ours] for s in d.sections if s.kind == "table"}
    assert {"Code\tShort text\tReset\tPC-300", "Register\tContent\tUnit\tAccess"} <= heads


def test_it_runs_apart_within_a_limit_of_memory_and_too_little_is_said():
    data = MANUAL.read_bytes()
    assert parse_safely("m.pdf", data, PdfPlumber(), Limits(memory_bytes=1_000_000_000)).pages[-1][0] == 29
    sandbox.close()  # a process that has read it once reads it again in the memory that it has
    with pytest.raises(DocumentError, match=r"m\.pdf: .*memory") as refused:
        parse_safely("m.pdf", data, PdfPlumber(), Limits(memory_bytes=100_000_000))
    assert "/" not in str(refused.value).partition(":")[2]  # no path of the server


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "too many")])
def test_the_end_of_memory_is_no_damaged_page(error, monkeypatch):
    def out_of(self, page):
        raise error

    monkeypatch.setattr("pdfminer.pdfinterp.PDFPageInterpreter.process_page", out_of)
    with pytest.raises(type(error)):
        PdfPlumber().draft("a.pdf", drawn(lambda canvas: canvas.drawString(72, 72, "x")))


def test_a_page_of_too_many_lines_is_not_searched_for_tables():
    import pdfplumber

    def draw(canvas):
        table(canvas)

    def many(canvas):
        canvas.grid(range(20, 600, 5), range(20, 780, 5))

    with pdfplumber.open(io.BytesIO(drawn(draw))) as pdf:
        assert [[len(row) for row in t] for t in ruled_tables(pdf.pages[0])] == [[3, 3, 3]]
    with pdfplumber.open(io.BytesIO(drawn(many))) as pdf:
        assert ruled_tables(pdf.pages[0]) == []


# --- where it is not installed


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setattr(pdfplumber, "installed", lambda: False)


def test_what_is_said_names_the_version_that_is_tried_here():
    pins = (ROOT / "requirements-dev.txt").read_text().split("\n")
    assert NEEDS in pins
    assert NEEDS not in (ROOT / "requirements.txt").read_text()
    assert NEEDS in (ROOT / "README.md").read_text()
    assert PdfPlumber.missing() == ""


def test_without_it_the_parser_is_known_and_refused_with_the_remedy(absent):
    assert PARSERS["pdfplumber"] is PdfPlumber
    said = rf"the parser pdfplumber cannot be used: it is not installed; `pip install {NEEDS}` brings it"
    for attempt in (
        PdfPlumber,
        lambda: from_dict(PARSERS, {"kind": "pdfplumber"}, "parser"),
        lambda: from_yaml("workbench: 1\nparser: {kind: pdfplumber}\n"),
    ):
        with pytest.raises(SpecError, match=said):
            attempt()
    assert parse("a.txt", b"Other parsers read on.").text


@pytest.mark.parametrize("command", ["parse", "chunk", "doctor", "sweep"])
def test_commands_refuse_it_in_one_line(absent, command, tmp_path, capsys):
    config, grid = tmp_path / "p.yaml", tmp_path / "grid.yaml"
    config.write_text("workbench: 1\nparser: {kind: pdfplumber}\n")
    grid.write_text("base: {workbench: 1}\nvary: {parser.kind: [pdfplumber]}\n")
    golden = str(ROOT / "sample_docs" / "golden.jsonl")
    rest = {
        "parse": ["--parser", "pdfplumber"],
        "chunk": ["--parser", "pdfplumber"],
        "doctor": ["--config", str(config)],
        "sweep": ["--golden", golden, "--grid", str(grid), "--out", str(tmp_path / "out")],
    }[command]
    status = cli.main([command, str(MANUAL), *rest])
    out, err = capsys.readouterr()
    assert (status, out) == (cli.WRONG_INPUT, "")
    assert f"pip install {NEEDS}" in err
    assert "Traceback" not in err
