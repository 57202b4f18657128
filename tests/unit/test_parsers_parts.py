"""What stands beside the body of a file: comments, charts, hidden sheets, notebooks' outputs, messages in messages."""

import datetime
import email.message
import io
import json

import pytest

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import parse


def kinds(d: Document, *wanted: str) -> list[tuple[str, str]]:
    return [(s.kind, d[s.span]) for s in d.sections if s.kind in wanted]


def test_word_comments_captions_and_quotes():
    import docx

    d = docx.Document()
    p = d.add_paragraph("A claim.")
    d.add_comment(p.runs, text="Is it so?", author="Ann", initials="a")
    d.add_paragraph("Figure 1: a pump", style="Caption")
    d.add_paragraph("Said before.", style="Quote")
    d.sections[0].header.paragraphs[0].text = "RUNNING HEAD"
    out = io.BytesIO()
    d.save(out)
    document = parse("a.docx", out.getvalue())
    assert document.text == "A claim.\n\nFigure 1: a pump\n\nSaid before.\n\nComment (Ann): Is it so?"
    assert kinds(document, "caption", "quote") == [("caption", "Figure 1: a pump"), ("quote", "Said before.")]


def test_powerpoint_charts():
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    p = pptx.Presentation()
    slide = p.slides.add_slide(p.slide_layouts[5])
    slide.shapes.title.text = "Sales"
    data = CategoryChartData()
    data.categories = ["East", "West"]
    data.add_series("2025", (1.5, 2))
    data.add_series("2026", (3, None))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(3), Inches(2), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "By region"
    out = io.BytesIO()
    p.save(out)
    document = parse("a.pptx", out.getvalue())
    assert document.text == "Sales\n\nBy region\n\n\t2025\t2026\nEast\t1.5\t3\nWest\t2"
    assert [text for _, text in kinds(document, "row")] == ["\t2025\t2026", "East\t1.5\t3", "West\t2"]


def test_excel_comments_charts_hidden_sheets_and_formulas():
    import openpyxl
    from openpyxl.chart import BarChart, Reference
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Hours", "Total"])
    sheet.append([datetime.timedelta(hours=30), "=A2*2"])
    sheet["A1"].comment = Comment("as worked", "Ann")
    chart = BarChart()
    chart.title = "Hours a week"
    chart.add_data(Reference(sheet, min_col=1, min_row=2, max_row=2))
    sheet.add_chart(chart, "D1")
    hidden = book.create_sheet("Notes")
    hidden["A1"] = "not for all"
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    document = parse("a.xlsx", out.getvalue())
    blocks = document.text.split("\n\n")
    assert blocks[:2] == ["Sheet", "Hours\tTotal\n30:00:00"]
    assert set(blocks[2:4]) == {"Comment on A1: as worked", "Hours a week"}
    assert blocks[4:] == ["Notes", "not for all"]
    assert "sheet 'Notes' is hidden; its text is included" in document.warnings
    assert any(w.startswith("1 formulas hold no stored value") for w in document.warnings)


def test_notebooks():
    cells = [
        {"cell_type": "markdown", "source": ["# One\n", "\n", "Words\n", "\n", "| a | b |\n|---|---|\n| 1 | 2 |"]},
        {"cell_type": "markdown", "source": ""},
        {"cell_type": "code", "source": "x = 1\nx", "outputs": [{"data": {"text/plain": ["1"]}}, {"data": {}}]},
        {"cell_type": "code", "source": "1/0", "outputs": [{"ename": "ZeroDivisionError", "evalue": "by zero"}]},
        {"cell_type": "raw", "source": "# not a heading"},
    ]
    notebook = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}
    d = parse("a.ipynb", json.dumps(notebook).encode())
    assert d.text == (
        "# One\n\nWords\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nx = 1\nx\n\n1\n\n1/0\n\n"
        "ZeroDivisionError: by zero\n\n# not a heading"
    )
    assert kinds(d, "heading", "code", "table") == [
        ("heading", "# One"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("code", "x = 1\nx"),
        ("code", "1/0"),
    ]
    assert d.warnings == ("1 outputs of the notebook hold no text (pictures?) and are left out",)
    for data, said in ((b"[1]", "not a notebook"), (b'{"a": 1}', "no cells"), (b"{", "JSON cannot be read")):
        with pytest.raises(DocumentError, match=said):
            parse("a.ipynb", data)


def test_json_lines_are_rows_and_json_is_not():
    d = parse("a.jsonl", b'{"a": 1}\n\n{"b": "\xc3\xa4"}\n')
    assert kinds(d, "row") == [("row", '{"a": 1}'), ("row", '{"b": "ä"}')]
    assert not parse("a.json", b'{\n"a": [1,\n2]}').sections


def test_messages_in_messages_and_plain_parts_that_say_nothing():
    inner = email.message.EmailMessage()
    inner["Subject"], inner["From"] = "Inner", "x@example.org"
    inner.set_content("inner words")
    outer = email.message.EmailMessage()
    outer["Subject"], outer["From"] = "Outer", "a@example.org"
    outer.set_content("outer words")
    outer.add_attachment(inner)
    d = parse("a.eml", outer.as_bytes())
    assert d.text == "Outer\n\nFrom: a@example.org\n\nouter words\n\nInner\n\nFrom: x@example.org\n\ninner words"
    assert [(s.level, s.title) for s in d.headings] == [(1, "Outer"), (2, "Inner")]
    rich = email.message.EmailMessage()
    rich.set_content("This message is in HTML.")
    rich.add_alternative("<p>" + "words of the message " * 30, subtype="html")
    assert parse("b.eml", rich.as_bytes()).text.startswith("words of the message")


def test_controls_and_drawings_of_a_page_stand_apart_from_words():
    html = "<p>Size<select><option>small<option>large</select>or<button>Buy</button>now "
    html += "<svg><text>chart</text></svg>end."
    assert " ".join(parse("a.html", html.encode()).text.split()) == "Size small large or Buy now chart end."


def test_text_that_runs_from_right_to_left_is_kept_in_reading_order():
    html = '<html dir="rtl"><h1>שלום</h1><table><tr><td>אחד<td>שתיים</table><p>سلام 123'
    assert parse("a.html", html.encode()).text == "שלום\n\nאחד\tשתיים\n\nسلام 123"
