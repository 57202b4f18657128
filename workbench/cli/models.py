"""`models`: the embedding models, and whether each can be had here and now.

A server is asked only where its model is named: listing what is defined calls out to nobody.
"""

from typing import Any

from workbench import endpoints, models
from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.flags import Flags
from workbench.cli.output import warn, write_json
from workbench.errors import ModelUnavailable

_COLUMNS = ("name", "kind", "dimensions", "max_tokens", "available", "price", "home", "licence")


def run(arguments: list[str]) -> int:
    """Write a row for each packaged and remote model, or each named one; stderr tells how to have what is not here."""
    flags = Flags(
        "models",
        "The packaged models and those behind endpoints, or those named. Max tokens is what a text may have, specials "
        "excluded; price is in US dollars per million tokens. A server is asked whether it is there only for models "
        "that are named.",
    )
    help = "a packaged model, endpoint/model, a folder, or a hub id in the cache"
    flags.add_argument("names", nargs="*", metavar="NAME", help=help)
    given = flags.read(arguments)
    rows, missing = [], 0
    for name in given["names"] or (*models.PACKAGED, *endpoints.remote_models()):
        try:
            rows.append(_row(models.find(name), ask=bool(given["names"])))
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


def _row(model: models.Model, ask: bool) -> dict[str, Any]:
    values = {key: getattr(model, key) for key in _row_keys() if key != "available"}
    values["note"] = model.missing or model.note
    remote = endpoints.remote_model(model.name)
    return dict.fromkeys(_row_keys()) | values | {"available": _answers(remote, ask) if remote else not model.missing}


def _answers(remote: endpoints.Remote, ask: bool) -> bool | None:
    """Whether the server has the model; None where it was not asked, or does not tell.

    Raises:
        ModelUnavailable: there is no key, or no server.
    """
    remote.endpoint.secret()
    ids = endpoints.served(remote.endpoint) if ask else None
    if ids is not None and remote.id not in ids:
        raise ModelUnavailable(
            f"endpoint {remote.endpoint.name} ({remote.endpoint.host}) does not list the model {remote.id!r}; correct "
            "its id"
        )
    return None if ids is None else True


def _row_keys() -> tuple[str, ...]:
    return (*_COLUMNS, "sha256", "note")


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows under their columns' names, aligned."""
    columns = [c for c in _COLUMNS if c != "price" or any(row["price"] is not None for row in rows)]
    texts = [[c.replace("_", " ") for c in columns], *([_cell(row, c) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in texts) for i in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in texts)


def _cell(row: dict[str, Any], column: str) -> str:
    value = row[column]
    if column == "available":
        return {True: "yes", False: "no"}.get(value, "not asked")
    if column == "max_tokens" and value is None and row["available"] and row["kind"] != "remote":
        return "no limit"
    return "–" if value in (None, "") else str(value)
