"""Jupyter notebooks and JSON lines: cells as Markdown, code and output; records as rows."""

import json
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.encodings import decode
from workbench.parsers.markdowns import mark_markdown
from workbench.parsers.plain import lines, source
from workbench.parsers.writers import Writer

_PROBED = 20  # lines that must be records before all are taken for records


def read_notebook(data: bytes, writer: Writer) -> None:
    """The cells in order: Markdown with its structure, code as code, and what it printed; pictures are left out."""
    text, warnings = decode(data, writer.encoding)
    for warning in warnings:
        writer.warn(warning)
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"its JSON cannot be read ({error}). Save the notebook anew.") from None
    if not isinstance(notebook, dict):
        raise DocumentError("it is JSON, but not a notebook. Rename it to .json.")
    cells = notebook.get("cells")
    if cells is None:  # notebooks of version 3
        sheets = notebook.get("worksheets")
        cells = [c for s in sheets for c in _list(_get(s, "cells"))] if isinstance(sheets, list) else None
    if not isinstance(cells, list):
        raise DocumentError("it is JSON, but not a notebook: it has no cells. Rename it to .json.")
    metadata = _get(notebook, "metadata")
    language = _get(_get(metadata, "kernelspec"), "language") or _get(_get(metadata, "language_info"), "name")
    pictures = 0
    for cell in cells:
        body = _joined(_get(cell, "source") or _get(cell, "input")).strip("\n")
        kind = _get(cell, "cell_type")
        writer.separate(2)
        if kind == "code":
            with writer.section("code", 1, language if isinstance(language, str) else ""):
                writer.write(body)
            for output in _list(_get(cell, "outputs")):
                said = _output(output)
                pictures += not said
                writer.separate(2)
                writer.write(said)
        else:
            anchor = writer.anchor()
            writer.write(body)
            if kind in ("markdown", "heading") and anchor.start is not None:
                mark_markdown(body, writer, anchor.start)
            writer.forget(anchor)
    if pictures:
        writer.warn(f"{pictures:,} outputs of the notebook hold no text (pictures?) and are left out")


def read_json(data: bytes, writer: Writer) -> None:
    """JSON as it is; where each line is a record of its own, the lines are rows."""
    text = source(data, writer)
    records = [(s, s + len(text[s:e].rstrip())) for s, e in lines(text) if text[s:e].strip()]
    if len(records) < 2 or not all(_record(text[s:e]) for s, e in records[:_PROBED]):
        return
    writer.mark("table", 1, records[0][0], records[-1][1])
    for s, e in records:
        writer.mark("row", 1, s, e)


def _record(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _output(output: Any) -> str:
    """The text of an output; "" for a picture."""
    if traceback := _get(output, "ename"):
        return f"{traceback}: {_get(output, 'evalue')}"
    data = _get(output, "data")
    return _joined(_get(output, "text") or _get(data, "text/plain")).strip("\n")


def _get(value: Any, key: str) -> Any:
    return value.get(key, "") if isinstance(value, dict) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(v for v in _list(value) if isinstance(v, str))
