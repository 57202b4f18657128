"""File names as labels: cleaned for showing, never used as paths."""

import re
import unicodedata

MAX_LENGTH = 200


def label(name: str) -> str:
    """The last part of a path, on one line, without characters that are not seen; "unnamed" for none."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    shown = "".join(
        " " if c.isspace() else c
        for c in last
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") or c == "\u200d"
    )
    shown = " ".join(shown.split())
    if len(shown) > MAX_LENGTH:
        stem, dot, extension = shown.rpartition(".")
        kept = dot + extension if stem and len(extension) <= 10 else ""
        shown = shown[: MAX_LENGTH - 1 - len(kept)] + "…" + kept
    return shown if shown.strip(". ") else "unnamed"
