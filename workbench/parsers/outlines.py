"""A PDF's outline: its entries as headings, where their titles stand on the pages that they point to."""

import re
from collections.abc import Iterable, Sequence

from workbench.parsers.writers import Writer

Entry = tuple[int, str, int | None]
"""Level from 0, title, and the index of the page that it points to; None where it points to none."""


def mark_outline(entries: Iterable[Entry], texts: Sequence[str], writer: Writer) -> None:
    """Nothing; marks titles that stand as a line, or at a line's start. `texts` are the pages as `writer` has them."""
    reached: dict[int, int] = {}
    starts = {number - 1: start for number, start, _ in writer.pages}
    for level, title, index in entries:
        words = title.split()
        if not words or index is None or index not in starts:
            continue
        pattern = re.compile(
            r"^[ \t]*(?:[\dA-Z]+(?:\.\d+)*\.?\s+)?(" + r"\s+".join(map(re.escape, words)) + r")", re.I | re.M
        )
        match = pattern.search(texts[index], reached.get(index, 0)) or pattern.search(texts[index])
        if match:
            reached[index] = match.end()
            start = starts[index] + match.start(1)
            writer.mark("heading", min(6, level + 1), start, starts[index] + match.end(1), match[1])
