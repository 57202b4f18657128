"""Values of rows that anyone may have written: whether they are usable, and how a message of one line shows them."""

import json
from typing import Any


def is_text(value: Any) -> bool:
    """Whether it is text that can be written down again: not empty, no half of a surrogate pair."""
    return isinstance(value, str) and bool(value.strip()) and not any("\ud800" <= c <= "\udfff" for c in value)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """What kind of JSON value it is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def short(value: Any, bare: bool = False) -> str:
    """A value of any size for a message of one line; text in quotation marks unless bare."""
    if isinstance(value, list | dict):
        return kind(value)
    text = " ".join(value.split()) if bare else json.dumps(value, ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 60 else f"{text[:57]}…"
