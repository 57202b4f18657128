"""Texts of documents and people in tables, so that no cell of a CSV file that is made of them is a formula.

Streamlit's tables offer a CSV download that writes cells as they are, and a spreadsheet runs a cell that begins like a
formula. So the pages' style hides that download, except for tables whose key begins with "csv-": those hold numbers and
words of our own, or are drawn from `cells`.
"""

from collections.abc import Iterable
from typing import Any

from workbench.reports.render import cell

__all__ = ["cell", "cells"]


def cells(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table, `cell` applied to each text and each column's name."""
    return [{cell(name): _value(value) for name, value in row.items()} for row in rows]


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value
