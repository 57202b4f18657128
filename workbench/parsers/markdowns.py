"""Markdown as it is: the source is the text, and a CommonMark parser says where its blocks stand."""

import re

from workbench.parsers.plain import lines, source
from workbench.parsers.writers import Writer

_FRONT = re.compile(r"(---|\+\+\+)[ \t]*(?:\r\n|\r|\n).*?(?:\r\n|\r|\n)(?:\1|\.\.\.)[ \t]*(?:\r\n|\r|\n|$)", re.S)
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_KINDS = {"table_open": "table", "bullet_list_open": "list", "ordered_list_open": "list", "blockquote_open": "quote"}


def read_markdown(data: bytes, writer: Writer) -> None:
    """Headings, code, tables with rows, lists and quotes; front matter stays in the text and out of the structure."""
    mark_markdown(source(data, writer), writer)


def mark_markdown(text: str, writer: Writer, offset: int = 0) -> None:
    """Mark the structure of Markdown that is written already, from `offset` on."""
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
    """A heading's words: links and images by their text, tags left out."""
    return _TAG.sub("", _LINK.sub(r"\1", content))
