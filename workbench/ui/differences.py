"""What a part of the current configuration says otherwise than its default, in words, each with its undo."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from workbench.pipelines import REGISTRIES
from workbench.specs import defaults, from_dict, to_dict
from workbench.ui import sessions
from workbench.ui.shell import plain

LONGEST = 24  # characters of a value that still reads at a glance


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not at its default: in words, and the default."""

    field: str
    words: str
    usual: Any


def differences(pipeline: Mapping[str, Any], part: str) -> list[Difference]:
    """Return the fields of a part that are not at their defaults, in their order.

    Args:
        pipeline: plain values, in the form of the pipeline file.
    """
    values = pipeline[part]
    usual = defaults(REGISTRIES[part][values["kind"]])
    if part == "splitter":  # sizes count the model's tokens, unless another tokenizer was chosen
        counts = values["unit"] == "tokens"
        usual["tokenizer"] = pipeline["embedder"]["model"] if counts else values["tokenizer"]
    plainly = {name: list(value) if isinstance(value, tuple) else value for name, value in usual.items()}
    return [Difference(f, _words(f, values[f]), plainly[f]) for f in plainly if values[f] != plainly[f]]


def _words(field: str, value: Any) -> str:
    name = field.replace("_", " ")
    if isinstance(value, bool):
        return f"{name} {'on' if value else 'off'}"
    if isinstance(value, int | float):
        return f"{name} {value:g}"
    if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= LONGEST:
        return f"{name} {value}"
    return f"{name} changed"


def undo(part: str, difference: Difference) -> None:
    """Set the field back to its default; where that does not fit the other fields, the reason is reported."""
    wanted = {**sessions.mapping()[part], difference.field: difference.usual}
    sessions.attempt(lambda: sessions.put(part, to_dict(from_dict(REGISTRIES[part], wanted, part))))


def changed(part: str, leave_out: Iterable[str] = ()) -> None:
    """Draw what differs from the default, one button each; a click undoes it."""
    shown = [d for d in differences(sessions.mapping(), part) if d.field not in leave_out]
    if not shown:
        return
    with st.container(horizontal=True, gap="xxsmall", key=f"changed-{part}"):
        for difference in shown:
            st.button(
                plain(difference.words), icon=":material/undo:", icon_position="right",
                key=f"undo-{part}-{difference.field}", help="Not the default. A click sets it back.",
                on_click=undo, args=(part, difference),
            )  # fmt: skip
