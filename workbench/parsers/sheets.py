"""Spreadsheets (.xlsx, .xls, .ods, .xlsb) through calamine: each sheet under its name, rows as lines of cells."""

import datetime
import io
import re
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.archives import Archive, xml_root
from workbench.parsers.office import write_boxes, write_chart
from workbench.parsers.writer import Writer

MAX_CELLS = 20_000_000
_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\br=\"(\d+)\"")
_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{1,3})(\d+)\"")
_UNCOMPUTED = re.compile(rb"<(?:\w+:)?f[^>]*>[^<]*</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</")
_REPEATED = re.compile(rb"number-(?:rows|columns)-repeated=\"(\d+)\"")


def read_sheets(data: bytes, writer: Writer) -> None:
    """Write every sheet: a heading, then blocks of rows, separated by blank rows."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    repeats = data.startswith(b"PK") and _inspect(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = book.sheet_names
    except PasswordError:
        raise DocumentError("the workbook is protected by a password. Save a copy without it.") from None
    except CalamineError as error:
        raise DocumentError(f"the workbook is damaged ({error}). Save it again.") from None
    drawn = _Drawn(data) if data.startswith(b"PK") else None
    written = False
    hidden = [s.name for s in book.sheets_metadata if not str(s.visible).endswith(".Visible")]
    for name in names:
        try:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        except CalamineError as error:
            writer.warn(f"sheet {name!r} could not be read ({error})")
            continue
        if any(_shown(cell) for row in rows for cell in row):
            written = True
            _sheet(name, rows, writer)
        if drawn and drawn.write(name, writer):
            written = True
        elif len(names) > 1 and not any(map(any, rows)):
            writer.warn(f"sheet {name!r} is empty")
        if name in hidden and rows:
            writer.warn(f"sheet {name!r} is hidden; its text is included")
    if drawn and drawn.formulas:
        writer.warn(
            f"{drawn.formulas:,} formulas hold no stored value and show as empty: open the file in a spreadsheet "
            "program and save it"
        )
    if not written and repeats:
        raise DocumentError(
            f"its cells are repeated to more than {MAX_CELLS:,}, the limit. Delete the repeated rows or columns."
        )


def _sheet(name: str, rows: list[list[Any]], writer: Writer) -> None:
    writer.separate(2)
    with writer.section("sheet", 1, name):
        with writer.section("heading", 1):
            writer.write(" ".join(name.split()))
        writer.separate(2)
        block: list[str] = []
        for row in [*rows, []]:
            line = "\t".join(map(_shown, row)).rstrip()
            if line:
                block.append(line)
            elif block:
                with writer.section("table"):
                    for text in block:
                        with writer.row():
                            writer.write(text)
                writer.separate(2)
                block = []


def _shown(value: Any) -> str:
    """Return a cell's value on one line: whole numbers without a point, dates in ISO form."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    return str(value)


class _Drawn:
    """The parts of a workbook (.xlsx) beside its cells: comments, charts, text boxes; and formulas without a value."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.formulas = 0
        self.parts: dict[str, str] = {}  # sheet name → its part
        with Archive(data) as archive:
            if "xl/workbook.xml" in archive.names:
                relations = archive.relations("xl/workbook.xml")
                for sheet in archive.xml("xl/workbook.xml").iter("{*}sheet"):
                    id = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), "")
                    if id in relations and relations[id][1] in archive.names:
                        self.parts[sheet.get("name", "")] = relations[id][1]
                        if relations[id][1].endswith(".xml"):
                            self.formulas += len(_UNCOMPUTED.findall(archive.read(relations[id][1])))

    def write(self, name: str, writer: Writer) -> bool:
        """Write what is beside the cells of a sheet; return whether there was anything."""
        if name not in self.parts:
            return False
        before = writer.length
        with Archive(self.data) as archive:
            for kind, part in archive.relations(self.parts[name]).values():
                if part not in archive.names:
                    continue
                if kind == "comments":
                    for comment in archive.xml(part).iter("{*}comment"):
                        text = " ".join("".join(t.text or "" for t in comment.iter("{*}t")).split())
                        writer.separate(2)
                        writer.write(f"Comment on {comment.get('ref', '?')}: {text}" if text else "")
                elif kind == "drawing":
                    write_boxes(archive.xml(part), writer)
                    for inner, chart in archive.relations(part).values():
                        if inner == "chart" and chart in archive.names:
                            write_chart(archive.xml(chart), writer)
        return writer.length > before


def _inspect(data: bytes) -> bool:
    """Return whether an OpenDocument sheet repeats cells beyond the limit.

    Raises:
        DocumentError: the file unpacks to too much, or cells lie so far apart that the area between cannot be held.
    """
    with Archive(data) as archive:
        for name in sorted(archive.names):
            if not name.endswith((".xml", ".rels", ".bin")):
                continue
            if re.match(r"/?xl/worksheets/[^/]*\.xml$", name):
                _check_area(archive.read(name))
            elif name == "content.xml":
                content = archive.read(name)
                xml_root(content)  # refuses what is not well-formed, where calamine would never end
                return max((int(n[:12]) for n in _REPEATED.findall(content)), default=0) > 100_000
            else:
                archive.read(name)
    return False


def _check_area(sheet: bytes) -> None:
    """Refuse a sheet whose used range is far larger than its content: calamine would fill it with empty cells."""
    bottom = max((int(r[:10]) for r in _ROW.findall(sheet)), default=0)
    columns: set[bytes] = set()
    for letters, row in _CELL.findall(sheet):
        columns.add(letters)
        bottom = max(bottom, int(row[:10])) if len(row) > 6 else bottom
    right = max(map(_column, columns), default=0)
    if bottom * right > MAX_CELLS:
        raise DocumentError(
            f"a sheet's used range is {bottom:,} rows by {right:,} columns, more than {MAX_CELLS:,} cells, the limit. "
            "Delete the cells that lie far from the others."
        )


def _column(letters: bytes) -> int:
    """A → 1, Z → 26, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
