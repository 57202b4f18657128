"""Tables of PDF pages by the gaps between words; prose, lists and headings are none."""

import io

import pytest

from workbench.documents import Document
from workbench.parsers import Auto, PdfPlumber, boxes, parse
from workbench.spans import Span
from workbench.splitters import SPLITTERS

PROSE = [
    "The pump was installed in May and has run since without",
    "a fault, as the log of the controller shows. The vessel",
]
TABLE = [
    ["Code", "Meaning", "Reset"],
    ["E-1", "Phase missing", "manual"],
    ["E-2", "Dry", "automatic"],
    ["E-3", "", "yes"],
]


def made(table: list[list[str]], head: str = "", pages: int = 1) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out)
    for number in range(pages):
        y = 780
        for line in [head, *PROSE] if head else PROSE:
            canvas.drawString(72, y, line)
            y -= 16
        for row in table:
            for x, cell in zip((72, 150, 320), row, strict=False):
                canvas.drawString(x, y, cell)
            y -= 16
        for line in [*PROSE, f"Only on this page: {'abc'[number]}"]:
            canvas.drawString(72, y, line)
            y -= 16
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def tables(d: Document) -> list[tuple[str, str]]:
    return [(s.kind, d[s.span]) for s in d.sections if s.kind in ("table", "row")]


BOTH = pytest.mark.parametrize("parser", [Auto, PdfPlumber])


@BOTH
def test_rows_stay_together_and_cells_apart(parser):
    data = made(TABLE)
    d = parse("a.pdf", data, parser())
    rows = ["Code\tMeaning\tReset", "E-1\tPhase missing\tmanual", "E-2\tDry\tautomatic", "E-3\tyes"]
    assert tables(d) == [("table", "\n".join(rows)), *(("row", row) for row in rows)]
    assert " ".join(PROSE[0].split()) in d.text
    start = d.text.index("Phase missing")
    assert len(boxes(d, data, 1).over(Span(d.id, start, start + 13))) == 1


@BOTH
def test_a_cell_of_several_lines_stays_in_its_row(parser):
    d = parse("a.pdf", made([*TABLE[:2], ["", "or two"], *TABLE[2:]]), parser())
    assert ("row", "E-1\tPhase missing\tmanual\nor two") in tables(d)


@BOTH
@pytest.mark.parametrize(
    "lines",
    [
        [["•", "one thing"], ["•", "another thing"], ["•", "a third"]],
        [["1.", "one thing"], ["2.", "another thing"], ["10.", "a third"]],
        [["Only", "two"], ["rows", "here"]],
        [[line] for line in PROSE * 3],
    ],
)
def test_lists_and_prose_are_no_tables(lines, parser):
    assert tables(parse("a.pdf", made(lines), parser())) == []


@BOTH
def test_tables_move_with_what_is_left_out(parser):
    data = made(TABLE, "RUNNING HEAD", pages=3)
    kept, dropped = parse("a.pdf", data, parser()), parse("a.pdf", data, parser(furniture="drop"))
    assert "RUNNING" in kept.text
    assert "RUNNING" not in dropped.text
    assert tables(kept) == tables(dropped)
    assert len(tables(kept)) == 15


def test_chunks_of_a_pdf_table_carry_its_head_row():
    d = parse("a.pdf", made(TABLE + [[f"E-{i}", "words of it", "yes"] for i in range(4, 20)]))
    cut = SPLITTERS["recursive"](chunk_size=80, chunk_overlap=0, unit="characters", header="path")(d)
    assert sum(header == "Code\tMeaning\tReset" for header in cut.headers) > 3
