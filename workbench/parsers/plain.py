"""Text formats whose text is the file's own, so that every offset is the file's: plain text, CSV, JSON, RST, Org."""

import csv
import re
from collections.abc import Callable, Iterator

from workbench.parsers.encodings import decode
from workbench.parsers.writers import MAX_SECTIONS, Writer, clean

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


def source(data: bytes, writer: Writer, declared: str = "") -> str:
    """The decoded file, written as it is."""
    text, warnings = decode(data, writer.encoding, declared)
    for warning in warnings:
        writer.warn(warning)
    if zeros := text.count("\0"):
        writer.warn(f"{zeros:,} zero bytes (NUL) were replaced by \ufffd")
    text = clean(text)
    writer.write(text)
    return text


def lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line, its line break included."""
    for match in _LINE.finditer(text):
        if match.end() > match.start():
            yield match.span()


def read_text(data: bytes, writer: Writer) -> None:
    """Plain text and JSON: no sections."""
    source(data, writer)


def read_rst(data: bytes, writer: Writer) -> None:
    """reStructuredText: underlined titles, code blocks."""
    text = source(data, writer)
    rows = [(s, e, text[s:e].rstrip()) for s, e in lines(text)]
    order: list[str] = []
    for i in range(1, len(rows)):
        start, _, title = rows[i - 1]
        line = rows[i][2]
        if not (
            title and not title[0].isspace() and _underline(line) and len(line) >= len(title) and not _underline(title)
        ):
            continue
        over = i > 1 and rows[i - 2][2] == line
        style = line[0] + ("=" if over else "")
        if style not in order:
            order.append(style)
        writer.mark("heading", min(6, order.index(style) + 1), start, start + len(title), title)
    _indented(rows, re.compile(r"\s*\.\. (?:code|code-block|sourcecode|highlight)::\s*(\S*)"), writer)


def _underline(line: str) -> bool:
    return len(line) >= 3 and line[0] in "=-`:'\"~^_*+#<>." and line == line[0] * len(line)


def _indented(rows: list[tuple[int, int, str]], opening: re.Pattern[str], writer: Writer) -> None:
    """Mark the indented block after each line that `opening` matches as code."""
    for i, (_, _, line) in enumerate(rows):
        match = opening.fullmatch(line)
        if not match:
            continue
        depth = len(line) - len(line.lstrip())
        block = []
        for start, _, body in rows[i + 1 :]:
            if body and len(body) - len(body.lstrip()) <= depth:
                break
            if body:
                block.append((start, start + len(body)))
        if block:
            writer.mark("code", 1, block[0][0], block[-1][1], match[1])


def read_org(data: bytes, writer: Writer) -> None:
    """Org: starred headlines, source blocks."""
    text = source(data, writer)
    begun: tuple[int, str] | None = None
    for start, end in lines(text):
        line = text[start:end].rstrip()
        if match := re.match(r"(\*+) +(.+)", line):
            writer.mark("heading", min(6, len(match[1])), start, start + len(line), match[2])
        elif match := re.match(r"\s*#\+begin_(?:src|example)\s*(\S*)", line, re.I):
            begun = (start, match[1])
        elif begun and re.match(r"\s*#\+end_(?:src|example)", line, re.I):
            writer.mark("code", 1, begun[0], start + len(line), begun[1])
            begun = None


def read_csv(data: bytes, writer: Writer) -> None:
    """CSV: rows as sections, the delimiter found by itself."""
    _read_rows(data, writer, _delimiter)


def read_tsv(data: bytes, writer: Writer) -> None:
    """Tab-separated values: rows as sections."""
    _read_rows(data, writer, lambda text: "\t")


def _read_rows(data: bytes, writer: Writer, delimiter: Callable[[str], str]) -> None:
    text = source(data, writer)
    ends: list[int] = [0]

    def feed() -> Iterator[str]:
        for start, end in lines(text):
            ends.append(end)
            yield text[start:end]

    # The limit belongs to the whole process and is only ever raised; the file is in memory already.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    rows: list[tuple[int, int]] = []
    start = 0
    try:
        for cells in csv.reader(feed(), delimiter=delimiter(text)):
            if any(cell.strip() for cell in cells):
                rows.append((start, ends[-1]))
            start = ends[-1]
            if len(rows) >= MAX_SECTIONS:
                break
    except csv.Error as error:
        writer.warn(f"rows after character {start:,} could not be told apart ({error})")
    spans = [(s, s + len(text[s:e].rstrip("\r\n"))) for s, e in rows]
    if spans:
        writer.mark("table", 1, spans[0][0], spans[-1][1])
    for s, e in spans:
        writer.mark("row", 1, s, e)


def _delimiter(text: str) -> str:
    """The candidate that cuts the first lines into the most even number of cells."""
    sample = [line for line in text[:50_000].splitlines()[:50] if line.strip()]

    def evenness(candidate: str) -> tuple[float, int]:
        try:
            counts = [len(row) for row in csv.reader(sample, delimiter=candidate) if row]
        except csv.Error:
            return (0.0, 0)
        usual = max(set(counts), key=lambda n: (counts.count(n), n), default=1)
        return (counts.count(usual) / len(counts) if usual > 1 else 0.0, usual)

    return max(",;\t|", key=evenness)
