"""Text formats: plain text, CSV, RST, Org, Markdown, JSON, notebooks and e-mail."""

import csv
import email
import email.policy
import json
import re
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.detect import label
from workbench.parsers.html import write_html
from workbench.parsers.writer import MAX_SECTIONS, Writer, clean

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


def source(data: bytes, writer: Writer, declared: str = "") -> str:
    """Decode the file, write it as it is, and return it."""
    text = writer.decoded(data, declared)
    if zeros := text.count("\0"):
        writer.warn(f"{zeros:,} zero bytes (NUL) were replaced by \ufffd")
    text = clean(text)
    writer.write(text)
    return text


def lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line, its line break included."""
    for match in _LINE.finditer(text):
        if match.end() > match.start():
            yield match.span()


def read_text(data: bytes, writer: Writer) -> None:
    """Write plain text, without sections."""
    source(data, writer)


def read_rst(data: bytes, writer: Writer) -> None:
    """Write reStructuredText and mark underlined titles and code blocks."""
    text = source(data, writer)
    rows = [(s, e, text[s:e].rstrip()) for s, e in lines(text)]
    order: list[str] = []
    for i in range(1, len(rows)):
        start, _, title = rows[i - 1]
        line = rows[i][2]
        if not title or title[0].isspace() or _underline(title):
            continue
        if not _underline(line) or len(line) < len(title):
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
    """Write Org and mark starred headlines and source blocks."""
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
    """Write CSV and mark its rows; the delimiter is detected."""
    _read_rows(data, writer, _delimiter)


def read_tsv(data: bytes, writer: Writer) -> None:
    """Write tab-separated values and mark their rows."""
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
    """Return the delimiter that cuts the first lines into the most even number of cells."""
    sample = [line for line in text[:50_000].splitlines()[:50] if line.strip()]

    def evenness(candidate: str) -> tuple[float, int]:
        try:
            counts = [len(row) for row in csv.reader(sample, delimiter=candidate) if row]
        except csv.Error:
            return (0.0, 0)
        usual = max(set(counts), key=lambda n: (counts.count(n), n), default=1)
        return (counts.count(usual) / len(counts) if usual > 1 else 0.0, usual)

    return max(",;\t|", key=evenness)


_FRONT = re.compile(r"(---|\+\+\+)[ \t]*(?:\r\n|\r|\n).*?(?:\r\n|\r|\n)(?:\1|\.\.\.)[ \t]*(?:\r\n|\r|\n|$)", re.S)
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_KINDS = {"table_open": "table", "bullet_list_open": "list", "ordered_list_open": "list", "blockquote_open": "quote"}


def read_markdown(data: bytes, writer: Writer) -> None:
    """Write Markdown and mark its headings, code, tables, rows, lists and quotes; front matter is text only."""
    mark_markdown(source(data, writer), writer)


def mark_markdown(text: str, writer: Writer, offset: int = 0) -> None:
    """Mark the structure of Markdown already written from `offset` on, as a CommonMark parser reads it."""
    from markdown_it import MarkdownIt

    front = _FRONT.match(text)
    skipped = front.end() if front else 0
    # The parser knows three line ends as one; U+0000 is gone already. Line numbers are all that is taken from it.
    starts = [(skipped + s, skipped + e) for s, e in lines(text[skipped:])]
    tokens = MarkdownIt("commonmark").enable("table").parse(text[skipped:])
    depth = {"list": 0, "quote": 0, "table": 0}
    for i, token in enumerate(tokens):
        kind = _KINDS.get(token.type)
        if token.type.replace("_close", "_open") in _KINDS and token.nesting:
            depth[_KINDS[token.type.replace("_close", "_open")]] += token.nesting
        if token.map is None or token.map[0] >= len(starts):
            continue
        start = starts[token.map[0]][0]
        end = starts[min(token.map[1], len(starts)) - 1][1]
        body = text[start:end].rstrip()
        end = start + len(body)
        start += offset + len(body) - len(body.lstrip())
        end += offset
        if start >= end:
            continue
        if kind:
            writer.mark(kind, depth[kind], start, end)
        elif token.type == "heading_open":
            writer.mark("heading", int(token.tag[1]), start, end, _title(tokens[i + 1].content))
        elif token.type in ("fence", "code_block"):
            writer.mark("code", 1, start, end, token.info.split()[0] if token.info.strip() else "")
        elif token.type == "tr_open":
            writer.mark("row", 1, start, end)


def _title(content: str) -> str:
    """Return a heading's words: links and images by their text, tags left out."""
    return _TAG.sub("", _LINK.sub(r"\1", content))


_PROBED = 20  # lines that must be records before all are taken for records


def read_notebook(data: bytes, writer: Writer) -> None:
    """Write the cells in order: Markdown with its structure, code, and its output without pictures."""
    text = writer.decoded(data)
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"its JSON cannot be read ({error}). Save the notebook again.") from None
    if not isinstance(notebook, dict):
        raise DocumentError("it is JSON, but not a notebook. Rename it to .json.")
    cells = notebook.get("cells")
    if cells is None:  # notebooks of version 3
        sheets = notebook.get("worksheets")
        cells = [c for s in sheets for c in _list(_get(s, "cells"))] if isinstance(sheets, list) else None
    if not isinstance(cells, list):
        raise DocumentError("it is JSON, but not a notebook: it has no cells. Rename it to .json.")
    metadata = _get(notebook, "metadata")
    language = _get(_get(metadata, "kernelspec"), "language") or _get(_get(metadata, "language_info"), "name")
    pictures = 0
    for cell in cells:
        body = _joined(_get(cell, "source") or _get(cell, "input")).strip("\n")
        kind = _get(cell, "cell_type")
        writer.separate(2)
        if kind == "code":
            with writer.section("code", 1, language if isinstance(language, str) else ""):
                writer.write(body)
            for output in _list(_get(cell, "outputs")):
                said = _output(output)
                pictures += not said
                writer.separate(2)
                writer.write(said)
        else:
            anchor = writer.anchor()
            writer.write(body)
            if kind in ("markdown", "heading") and anchor.start is not None:
                mark_markdown(body, writer, anchor.start)
            writer.forget(anchor)
    if pictures:
        writer.warn(f"{pictures:,} outputs of the notebook hold no text (pictures?) and are left out")


def read_json(data: bytes, writer: Writer) -> None:
    """Write JSON as it is; if each line is a record of its own, the lines are rows."""
    text = source(data, writer)
    records = [(s, s + len(text[s:e].rstrip())) for s, e in lines(text) if text[s:e].strip()]
    if len(records) < 2 or not all(_record(text[s:e]) for s, e in records[:_PROBED]):
        return
    writer.mark("table", 1, records[0][0], records[-1][1])
    for s, e in records:
        writer.mark("row", 1, s, e)


def _record(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _output(output: Any) -> str:
    """Return the text of an output; "" for a picture."""
    if traceback := _get(output, "ename"):
        return f"{traceback}: {_get(output, 'evalue')}"
    data = _get(output, "data")
    return _joined(_get(output, "text") or _get(data, "text/plain")).strip("\n")


def _get(value: Any, key: str) -> Any:
    return value.get(key, "") if isinstance(value, dict) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(v for v in _list(value) if isinstance(v, str))


_UNSHOWN = re.compile(rb"<style.*?</style\s*>|<script.*?</script\s*>|<!--.*?-->|<[^<>]*>|&\w+;", re.S | re.I)
_HEADERS = ("From", "To", "Cc", "Date")


def read_eml(data: bytes, writer: Writer) -> None:
    """Write subject, sender, receivers, date and message of an e-mail; a warning names the attachments."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    _head(message, writer, 1)
    attachments = []
    for part in _parts(message):
        if part.get_content_type() == "message/rfc822":
            for inner in part.get_payload():
                if isinstance(inner, Message):
                    _head(inner, writer, 2)
            continue
        file = part.get_filename()
        if file or part.get_content_maintype() != "text":
            attachments.append(label(file or part.get_content_type()))
            continue
        writer.separate(2)
        text = writer.decoded(_bytes(part), part.get_content_charset() or "")
        if part.get_content_subtype() == "html":
            write_html(text, writer)
        else:
            writer.write(text.replace("\r\n", "\n").strip("\n"))
    if attachments:
        writer.warn(f"attachments are not read; upload them as files of their own: {', '.join(attachments[:20])}")


def _head(message: Message, writer: Writer, level: int) -> None:
    """Write the subject as heading, and sender, receivers and date."""
    writer.separate(2)
    if subject := _header(message, "Subject"):
        with writer.section("heading", level):
            writer.write(subject)
        writer.separate(2)
    with writer.section("header", level):
        for name in _HEADERS:
            if value := _header(message, name):
                writer.separate(1)
                writer.write(f"{name}: {value}")
    writer.separate(2)


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, TypeError):  # headers that the standard library's parser trips over
        return ""


def _parts(message: Message) -> Iterator[Message]:
    """Yield the parts to read: of alternatives the plain text if it is as complete, else the last readable one.

    A message inside is yielded itself, for its headers, and then its parts.
    """
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if not (part.is_multipart() and isinstance(payload, list)):
            yield part
            continue
        if part.get_content_type() == "message/rfc822":
            yield part
        parts = [p for p in payload if isinstance(p, Message)]
        if part.get_content_type() == "multipart/alternative":
            plain = [p for p in parts if p.get_content_type() == "text/plain" and _bytes(p).strip()]
            rich = [p for p in parts if p.get_content_type() == "text/html" or p.is_multipart()]
            parts = (plain[:1] if not (plain and rich and _stub(plain[0], rich[-1])) else []) or rich[-1:] or parts[-1:]
        stack.extend(reversed(parts))


def _stub(plain: Message, rich: Message) -> bool:
    """Return whether the plain text only says that the message is in HTML: it has far fewer words."""
    if rich.is_multipart():
        return False
    words = len(re.findall(rb"\w+", _bytes(plain)[:200_000]))
    shown = _UNSHOWN.sub(b" ", _bytes(rich)[:200_000])
    return words < 40 and len(re.findall(rb"\w+", shown)) > 5 * words + 20


def _bytes(part: Message) -> bytes:
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else b""
