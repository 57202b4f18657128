"""`models`: the embedding models, and whether each can be had here and now."""

from typing import Any

from workbench import models
from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.flags import Flags
from workbench.cli.output import warn, write_json
from workbench.errors import ModelUnavailable

_COLUMNS = ("name", "kind", "dimensions", "max_tokens", "available", "home", "licence")


def run(arguments: list[str]) -> int:
    """Write a row for each packaged model, or each named one; stderr has a remedy for what cannot be had."""
    flags = Flags(
        "models", "The packaged models or those named. Max tokens is what a text may have, specials excluded."
    )
    flags.add_argument("names", nargs="*", metavar="NAME", help="a packaged model, a folder, or a hub id in the cache")
    given = flags.read(arguments)
    rows, missing = [], 0
    for name in given["names"] or models.PACKAGED:
        try:
            rows.append(_row(models.find(name)))
        except ModelUnavailable as error:
            missing += 1
            warn(f"error: {error}")
            rows.append(dict.fromkeys(_row_keys()) | {"name": name, "available": False, "note": str(error)})
    if given["json"]:
        for row in rows:
            write_json(row)
    else:
        print(_table(rows))
    return WRONG_INPUT if missing and given["names"] else DONE


def _row(model: models.Model) -> dict[str, Any]:
    values = {key: getattr(model, key) for key in _row_keys() if key != "available"}
    return dict.fromkeys(_row_keys()) | values | {"available": True}


def _row_keys() -> tuple[str, ...]:
    return (*_COLUMNS, "sha256", "note")


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows under their columns' names, aligned."""
    texts = [[c.replace("_", " ") for c in _COLUMNS], *([_cell(row, c) for c in _COLUMNS] for row in rows)]
    widths = [max(len(line[i]) for line in texts) for i in range(len(_COLUMNS))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in texts)


def _cell(row: dict[str, Any], column: str) -> str:
    value = row[column]
    if column == "available":
        return "yes" if value else "no"
    if column == "max_tokens" and value is None and row["available"]:
        return "no limit"
    return "–" if value in (None, "") else str(value)
