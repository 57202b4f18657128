"""Spreadsheets (.xlsx, .xls, .ods, .xlsb) through calamine: each sheet under its name, rows as lines of cells."""

import datetime
import io
import re
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.archives import Archive
from workbench.parsers.writers import Writer

MAX_CELLS = 20_000_000
_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\br=\"(\d+)\"")
_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{1,3})(\d+)\"")
_REPEATED = re.compile(rb"number-(?:rows|columns)-repeated=\"(\d+)\"")


def read_sheets(data: bytes, writer: Writer) -> None:
    """Every sheet: a heading, then blocks of rows, which blank rows keep apart."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    repeats = data.startswith(b"PK") and _inspect(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = book.sheet_names
    except PasswordError:
        raise DocumentError("the workbook is protected by a password. Save a copy without it.") from None
    except CalamineError as error:
        raise DocumentError(f"the workbook is damaged ({error}). Save it anew.") from None
    written = False
    for name in names:
        try:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
        except CalamineError as error:
            writer.warn(f"sheet {name!r} could not be read ({error})")
            continue
        if any(_shown(cell) for row in rows for cell in row):
            written = True
            _sheet(name, rows, writer)
        elif len(names) > 1:
            writer.warn(f"sheet {name!r} is empty")
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
    """A cell's value as one short line: whole numbers without a point, dates in ISO form."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    return str(value)


def _inspect(data: bytes) -> bool:
    """Whether an OpenDocument sheet repeats cells beyond the limit.

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
                return max((int(n[:12]) for n in _REPEATED.findall(archive.read(name))), default=0) > 100_000
            else:
                archive.read(name)
    return False


def _check_area(sheet: bytes) -> None:
    """Refuse a sheet whose used range is far larger than what stands in it: calamine would fill it with empty cells."""
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
