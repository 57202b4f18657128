"""HTML through a browser's own parser (lexbor), walked with an explicit stack, with blanks folded as a browser does."""

import re
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.writer import Writer, clean

_SKIPPED = frozenset({"script", "style", "template", "head", "iframe", "object", "-comment", "-doctype"})
_HEADINGS = {f"h{i}": i for i in range(1, 7)}
_PARAGRAPHS = frozenset(
    "p blockquote pre ul ol dl table figure h1 h2 h3 h4 h5 h6 address hr details fieldset form".split(),
)
_BLOCKS = _PARAGRAPHS | frozenset(
    "html body div section article aside header footer main nav li dt dd tr caption figcaption "
    "summary option legend center "
    "thead tbody tfoot dir menu search hgroup title".split(),
)
_APART = frozenset("button textarea select input svg math video audio canvas text".split())
"""What stands in a line and yet apart from the words beside it."""
_SECTIONS = {
    "table": "table",
    "blockquote": "quote",
    "ul": "list",
    "ol": "list",
    "figcaption": "caption",
    "caption": "caption",
}
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding\s*=\s*[\"']([\w.:-]+)", re.I)
_NESTING = re.compile(  # elements whose every opening makes the parser look through all that are open
    r"<(/?)(?:div|span|section|article|aside|header|footer|main|nav|address|hgroup|figure|figcaption|summary|search|"
    r"ul|ol|dl|dir|menu|table|blockquote|details|center|fieldset|pre|listing|form|button)\b",
    re.I,
)
MAX_DEPTH = 5_000


def read_html(data: bytes, writer: Writer) -> None:
    """Write the text of an HTML file."""
    match = _CHARSET.search(data[:4096])
    declared = (match[1] or match[2]).decode("ascii", "replace") if match else ""
    write_html(writer.decoded(data, declared), writer)


def write_html(html: str, writer: Writer) -> None:
    """Write what a reader of the page would see.

    Raises:
        DocumentError: nested so deep that the parser's time would grow with the square of it.
    """
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    depth = deepest = 0
    for tag in _NESTING.finditer(html):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise DocumentError(
            f"its elements are nested {deepest:,} deep; the limit is {MAX_DEPTH:,}. Save it as plain text."
        )
    try:
        root = LexborHTMLParser(clean(html)).root
    except SelectolaxError as error:  # it reads anything that it has the memory for
        raise MemoryError from error
    if root is not None:
        _Walk(writer).walk(root)


class _Walk:
    """One pass over a tree of nodes; the stack holds the contexts that close an element."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.pre = 0
        self.lists: list[int | None] = []  # of each open list: the next number, None for bullets
        self.rows: list[bool] = []  # of each open row: whether no cell has been written yet
        self.tables = 0
        self.quotes = 0

    def walk(self, root: Any) -> None:
        stack: list[tuple[Any, Any]] = [(root, None)]
        while stack:
            node, closing = stack.pop()
            if closing is not None:
                self.close(node, closing)
                continue
            tag = node.tag
            if tag == "-text":
                text = node.text_content or ""
                self.writer.verbatim(text) if self.pre else self.writer.flow(text)
                continue
            if tag in _SKIPPED:
                continue
            if tag == "br":
                self.writer.verbatim("\n") if self.pre else self.writer.separate(1)
                continue
            if tag in _APART:
                self.writer.blank()
            if tag == "img" or tag == "area":
                if alt := (node.attributes.get("alt") or "").strip():
                    self.writer.flow(f" {alt} ")
                continue
            stack.append((tag, self.open(tag, node)))
            children = []
            child = node.child
            while child is not None:
                children.append((child, None))
                child = child.next
            stack.extend(reversed(children))

    def open(self, tag: str, node: Any) -> list[Any]:
        """Enter an element; return the contexts to leave when it closes."""
        writer, contexts = self.writer, []
        if tag == "tr":
            contexts.append(writer.row(max(1, self.tables)))
            self.rows.append(True)
        elif tag in ("td", "th"):
            first = self.rows[-1] if self.rows else True
            if self.rows:
                self.rows[-1] = False
            contexts.append(writer.cell(first))
        elif tag in _BLOCKS:
            writer.separate(self.gap(tag))
        if tag in _HEADINGS:
            contexts.append(writer.section("heading", _HEADINGS[tag]))
        elif tag == "table":
            self.tables += 1
            contexts.append(writer.section("table", self.tables))
        elif tag in ("ul", "ol"):
            start = node.attributes.get("start") or ""
            self.lists.append(None if tag == "ul" else int(start) if re.fullmatch(r"\d{1,9}", start) else 1)
            contexts.append(writer.section("list", len(self.lists)))
        elif tag in _SECTIONS:
            self.quotes += tag == "blockquote"
            contexts.append(writer.section(_SECTIONS[tag], max(1, self.quotes)))
        elif tag == "pre":
            self.pre += 1
            contexts.append(writer.section("code", 1, _language(node)))
        for context in contexts:
            context.__enter__()
        if tag == "li" and self.lists:
            number = self.lists[-1]
            writer.hold("  " * (len(self.lists) - 1) + ("- " if number is None else f"{number}. "))
            if number is not None:
                self.lists[-1] = number + 1
        return contexts

    def close(self, tag: str, contexts: list[Any]) -> None:
        for context in reversed(contexts):
            context.__exit__(None, None, None)
        if tag == "li":
            self.writer.hold("")
        elif tag == "tr":
            self.rows.pop()
        elif tag == "table":
            self.tables -= 1
        elif tag in ("ul", "ol"):
            self.lists.pop()
        elif tag == "pre":
            self.pre -= 1
        elif tag == "blockquote":
            self.quotes -= 1
        if tag in _BLOCKS:
            self.writer.separate(self.gap(tag))
        elif tag in _APART:
            self.writer.blank()

    def gap(self, tag: str) -> int:
        """Return the newlines around a block: a blank line for paragraphs outside lists."""
        return 2 if tag in _PARAGRAPHS and not (self.lists and tag in ("ul", "ol", "p")) else 1


def _language(node: Any) -> str:
    """Return the language in a code block's class, as highlighters write it."""
    names = node.attributes.get("class") or ""
    child = node.first_child
    if child is not None and child.tag == "code":
        names += " " + (child.attributes.get("class") or "")
    match = re.search(r"(?:language|lang|highlight-source)-([\w+#-]+)", names)
    return match[1] if match else ""
