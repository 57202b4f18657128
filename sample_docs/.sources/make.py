"""Remakes the binary documents of the sample corpus, and golden.jsonl, from the readable sources beside this file.

    .venv/bin/python sample_docs/.sources/make.py            documents and golden set
    .venv/bin/python sample_docs/.sources/make.py --golden   golden.jsonl alone, from questions.yaml

The text-like documents (.md, .txt, .html, .csv, .eml) are their own source. Output is the same bytes each time with the
same library versions: no clock and no random number goes in. Needs requirements-dev.txt.
"""

import io
import re
import sys
import zipfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
STAMP = (2026, 3, 2, 8, 0, 0)
ISO_STAMP = "2026-03-02T08:00:00Z"


def blocks(text: str) -> Iterator[tuple[str, str | list[list[str]]]]:
    """(kind, content) of each block: h1 h2, p, li, note (quoted lines), table (rows of cells)."""
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.split("\n")
        if heading := re.match(r"(#{1,2}) (.+)$", lines[0]):
            yield f"h{len(heading[1])}", heading[2]
        elif lines[0].startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            yield "table", [rows[0], *rows[2:]]
        elif lines[0].startswith("- "):
            yield from (("li", line[2:]) for line in lines)
        elif lines[0].startswith("> "):
            yield "note", " ".join(line[2:] for line in lines)
        else:
            yield "p", " ".join(lines)


def steady(data: bytes) -> bytes:
    """The same zip with every date fixed, so that equal content is equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "docProps/core.xml":
                body = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", ISO_STAMP.encode(), body)
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            new.writestr(info, body)
    return out.getvalue()


def manual_pdf(source: str) -> bytes:
    """An A5 manual with running header, page numbers and an outline."""
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Paragraph, Spacer, Table, TableStyle

    body = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=13.2, spaceAfter=6)
    small = ParagraphStyle("small", parent=body, fontSize=8.2, leading=10, spaceAfter=0)
    strong = ParagraphStyle("strong", parent=small, fontName="Times-Bold")
    heads = {
        "h1": ParagraphStyle("h1", fontName="Helvetica-Bold", fontSize=16, leading=20, spaceAfter=10),
        "h2": ParagraphStyle("h2", fontName="Helvetica-Bold", fontSize=11.5, leading=15, spaceBefore=8, spaceAfter=4, keepWithNext=1),
    }

    class Manual(BaseDocTemplate):
        def afterFlowable(self, flowable: object) -> None:
            if isinstance(flowable, Paragraph) and flowable.style.name in heads:
                key = f"section-{self.seq.nextf('section')}"
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(flowable.getPlainText(), key, 0 if flowable.style.name == "h1" else 1)

    def frame(canvas: object, document: object) -> None:
        canvas.setFont("Helvetica", 7.5)
        canvas.drawString(18 * mm, A5[1] - 11 * mm, "Hallmere HX booster sets - Service manual - 740-120 issue H")
        canvas.drawCentredString(A5[0] / 2, 9 * mm, str(document.page))

    out = io.BytesIO()
    margins = dict(leftMargin=18 * mm, rightMargin=16 * mm, topMargin=17 * mm, bottomMargin=16 * mm)
    about = dict(title="HX booster sets: service manual", author="Hallmere Pumps & Controls", invariant=1)
    document = Manual(out, pagesize=A5, **margins, **about)
    box = Frame(document.leftMargin, document.bottomMargin, document.width, document.height, id="page", leftPadding=0, rightPadding=0)
    document.addPageTemplates([PageTemplate("page", [box], onPage=frame)])

    title = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=24, leading=30, spaceAfter=14)
    story: list[object] = [
        Spacer(1, 45 * mm),
        Paragraph("HX booster sets", title),
        Paragraph("Service manual for HX 40, HX 60, HX 80 and HX 120 with controllers PC-300 and PC-450", body),
        Paragraph("740-120, issue H, February 2026. Hallmere Pumps &amp; Controls Ltd, Ostwick", body),
    ]
    for kind, content in blocks(source):
        if kind == "table":
            rows = [[Paragraph(escape(c), strong if i == 0 else small) for c in row] for i, row in enumerate(content)]
            widths = column_widths(content, document.width)
            table = Table(rows, colWidths=widths, repeatRows=1, hAlign="LEFT")
            grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
            table.setStyle(grid)
            story += [table, Spacer(1, 8)]
        elif kind in heads:
            if kind == "h1":
                story.append(PageBreak())
            story.append(Paragraph(escape(str(content)), heads[kind]))
        elif kind == "li":
            story.append(Paragraph(escape(str(content)), body, bulletText="•"))
        else:
            story.append(Paragraph(escape(str(content)), body))
    document.build(story)
    return out.getvalue()


def column_widths(rows: list[list[str]], width: float) -> list[float]:
    """Widths by the longest cell of each column, none narrower than its longest word."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    columns = list(zip(*rows, strict=True))
    words = [max(stringWidth(word, "Times-Bold", 8.2) for cell in c for word in cell.split() or [""]) + 13 for c in columns]
    spare = [max(0.0, min(150, max(stringWidth(cell, "Times-Bold", 8.2) for cell in c)) + 13 - w) for c, w in zip(columns, words, strict=True)]
    share = max(0.0, min(1.0, (width - sum(words)) / (sum(spare) or 1)))
    return [w + s * share for w, s in zip(words, spare, strict=True)]


def handbook_docx(source: str) -> bytes:
    """A Word document with heading styles and real tables."""
    from docx import Document

    document = Document()
    title = True
    for kind, content in blocks(source):
        if kind == "table":
            table = document.add_table(rows=0, cols=len(content[0]), style="Table Grid")
            for row in content:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        elif kind.startswith("h"):
            document.add_heading(str(content), 0 if title else int(kind[1]))
            title = False
        else:
            document.add_paragraph(str(content), style="List Bullet" if kind == "li" else None)
    document.core_properties.title = "Employee Handbook"
    document.core_properties.author = "Hallmere People & Culture"
    return saved(document)


def review_pptx(source: str) -> bytes:
    """A presentation: a slide for each heading, bullets or a table on it, quoted lines as the speaker's notes."""
    from pptx import Presentation
    from pptx.util import Inches, Pt

    show = Presentation()
    slide = None
    for kind, content in blocks(source):
        if kind == "h1":
            slide = show.slides.add_slide(show.slide_layouts[0 if slide is None else 5])
            slide.shapes.title.text = str(content)
            bullets = None
        elif kind == "p":
            slide.placeholders[1].text = str(content)
        elif kind == "note":
            slide.notes_slide.notes_text_frame.text = str(content)
        elif kind == "li":
            if bullets is None:
                bullets = slide.shapes.add_textbox(Inches(0.7), Inches(1.6), Inches(8.6), Inches(5)).text_frame
                bullets.word_wrap = True
                paragraph = bullets.paragraphs[0]
            else:
                paragraph = bullets.add_paragraph()
            paragraph.text = str(content)
            paragraph.font.size = Pt(20)
        else:
            size = (len(content), len(content[0]))
            table = slide.shapes.add_table(*size, Inches(0.7), Inches(1.6), Inches(8.6), Inches(0.4 * size[0])).table
            for y, row in enumerate(content):
                for x, text in enumerate(row):
                    table.cell(y, x).text = text
    show.core_properties.title = "Support review, third quarter 2026"
    show.core_properties.author = "Tomasz Bielak"
    return saved(show)


def catalogue_xlsx() -> bytes:
    """A workbook with a sheet for each group of articles."""
    import product_catalogue
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in product_catalogue.sheets().items():
        sheet = book.create_sheet(name)
        sheet.append(product_catalogue.COLUMNS)
        for row in rows:
            sheet.append(row)
        sheet.freeze_panes = "A2"
    book.properties.creator = "Hallmere Sales"
    book.properties.title = "Product catalogue and price list 2026"
    return saved(book)


def saved(document: object) -> bytes:
    """What the library saves, with fixed dates."""
    out = io.BytesIO()
    document.save(out)
    return steady(out.getvalue())


def documents() -> dict[str, bytes]:
    """File name → bytes of each document that is made from a source."""

    def source(name: str) -> str:
        return (SOURCES / name).read_text(encoding="utf-8")

    return {
        "hx-service-manual.pdf": manual_pdf(source("hx-service-manual.md")),
        "employee-handbook.docx": handbook_docx(source("employee-handbook.md")),
        "support-review-q3-2026.pptx": review_pptx(source("support-review-q3-2026.md")),
        "product-catalogue.xlsx": catalogue_xlsx(),
    }


def main(arguments: list[str]) -> None:
    """Write the documents into sample_docs, then the golden set over them."""
    target = SOURCES.parent
    if "--golden" not in arguments:
        for name, data in documents().items():
            (target / name).write_bytes(data)
            print(f"{name}: {len(data):,} bytes")
    import questions

    golden = questions.golden(target)
    (target / "golden.jsonl").write_text(golden, encoding="utf-8", newline="\n")
    print(f"golden.jsonl: {len(golden.splitlines())} questions")


if __name__ == "__main__":
    sys.path[:0] = [str(SOURCES), str(SOURCES.parents[1])]
    sys.dont_write_bytecode = True
    main(sys.argv[1:])
