"""Tables as CSV that a spreadsheet opens as text, whoever wrote what stands in them."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any) -> Any:
    """The value; text that a spreadsheet would take for a formula stands behind an apostrophe, numbers stay numbers.

    Source: OWASP, "CSV Injection".
    """
    if not isinstance(value, str):
        return value
    begins = value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)
    return f"'{value}" if begins and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").replace("%", ""))
    except ValueError:
        return False
    return text == text.strip()


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The rows' columns as CSV with a head, lines ended as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(name) for name in columns])
    writer.writerows([[cell(row.get(name, "")) for name in columns] for row in rows])
    return out.getvalue()
