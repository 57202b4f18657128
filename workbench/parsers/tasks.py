"""What the process that reads foreign files can be asked for: each takes a name, bytes and plain JSON arguments."""

from collections.abc import Callable, Mapping
from typing import Any

from workbench.parsers import pages
from workbench.parsers.methods import PARSERS, added_formats, parse_draft
from workbench.specs import from_dict


def parse(name: str, data: bytes, parser: Mapping[str, Any], format: str) -> dict[str, Any]:
    """A draft as plain values."""
    return parse_draft(name, data, from_dict(PARSERS, parser, "parser"), format).to_plain()


__all__ = ["TASKS", "added_formats", "parse"]

TASKS: dict[str, Callable[..., Any]] = {
    "parse": parse,
    "image": pages.draw,
    "boxes": pages.measure,
}
