"""OpenDocument text (.odt) by a walk over its XML, EPUB by its pages in reading order, XML by its elements' text."""

import posixpath
import re
from typing import Any
from urllib.parse import unquote

from workbench.errors import DocumentError
from workbench.parsers.archives import Archive, xml_root
from workbench.parsers.detect import decode
from workbench.parsers.html import read_html
from workbench.parsers.writer import Writer

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_SKIPPED = frozenset(_TEXT + tag for tag in ("tracked-changes", "note-citation", "sequence-decls"))
_SKIPPED |= {_OFFICE + "annotation", _OFFICE + "forms"}
_MAX_BLANKS = 100
_MAX_REPEATS = 1_000


def read_odt(data: bytes, writer: Writer) -> None:
    """Write the headings, paragraphs, lists and tables of the text body."""
    with Archive(data) as archive:
        if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise DocumentError("it is protected by a password. Save a copy without it.")
        body = archive.xml("content.xml").find(f"{_OFFICE}body/{_OFFICE}text")
    if body is None:
        raise DocumentError("it holds no text body. Save it again as .odt.")
    _blocks(body, writer, 0, 0)


def _blocks(parent: Any, writer: Writer, lists: int, tables: int) -> None:
    for element in parent:
        tag = element.tag
        if tag == _TEXT + "h" or tag == _TEXT + "p":
            gap = 1 if lists else 2
            writer.separate(gap)
            if tag == _TEXT + "h":
                level = element.get(_TEXT + "outline-level", "1")
                with writer.section("heading", min(6, max(1, int(level) if level.isdigit() else 1))):
                    _inline(element, writer)
            else:
                _inline(element, writer)
            writer.separate(gap)
        elif tag == _TEXT + "list":
            writer.separate(1 if lists else 2)
            with writer.section("list", lists + 1):
                for item in element:
                    writer.hold("  " * lists + "- ")
                    _blocks(item, writer, lists + 1, tables)
                    writer.hold("")
            writer.separate(1 if lists else 2)
        elif tag == _TABLE + "table":
            writer.separate(2)
            with writer.section("table", tables + 1):
                for row in element.iter(_TABLE + "table-row"):
                    if next(row.iterancestors(_TABLE + "table")) is element:
                        with writer.row(tables + 1):
                            _cells(row, writer, tables + 1)
            writer.separate(2)
        elif tag not in _SKIPPED:
            _blocks(element, writer, lists, tables)


def _cells(row: Any, writer: Writer, tables: int) -> None:
    first = True
    for cell in row.iterchildren(_TABLE + "table-cell", _TABLE + "covered-table-cell"):
        repeats = cell.get(_TABLE + "number-columns-repeated", "1")
        for _ in range(min(int(repeats), _MAX_REPEATS) if repeats.isdigit() else 1):
            with writer.cell(first):
                _blocks(cell, writer, 0, tables)
            first = False


def _inline(element: Any, writer: Writer) -> None:
    writer.flow(element.text or "")
    for child in element:
        tag = child.tag
        if tag == _TEXT + "s":
            count = child.get(_TEXT + "c", "1")
            writer.write(" " * min(int(count[:12]) if count.isdigit() else 1, _MAX_BLANKS))
        elif tag == _TEXT + "tab":
            writer.write("\t")
        elif tag == _TEXT + "line-break":
            writer.write("\n")
        elif tag == _TEXT + "note":
            writer.flow(" [")
            for body in child.iterchildren(_TEXT + "note-body"):
                for paragraph in body.iter(_TEXT + "p"):
                    _inline(paragraph, writer)
            writer.flow("]")
        elif tag.endswith("}text-box"):
            _blocks(child, writer, 0, 0)
        elif tag not in _SKIPPED:
            _inline(child, writer)
        writer.flow(child.tail or "")


def read_epub(data: bytes, writer: Writer) -> None:
    """Write the pages of the book in the order of its spine."""
    with Archive(data) as archive:
        if "META-INF/rights.xml" in archive.names:
            raise DocumentError("the book is protected against copying (DRM), so it cannot be read.")
        container = archive.xml("META-INF/container.xml")
        package = next((e.get("full-path", "") for e in container.iter("{*}rootfile")), "")
        if package not in archive.names:
            raise DocumentError("its table of parts points outside the book. Save or convert it again.")
        root = archive.xml(package)
        hrefs = {e.get("id"): e.get("href", "") for e in root.iter("{*}item") if "html" in e.get("media-type", "")}
        folder = posixpath.dirname(package)
        if title := " ".join((root.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").split()):
            with writer.section("heading", 1):
                writer.write(title)
        missing = 0
        for entry in root.iter("{*}itemref"):
            name = posixpath.normpath(posixpath.join(folder, unquote(hrefs.get(entry.get("idref"), ""))))
            if name not in archive.names:
                missing += 1
                continue
            writer.separate(2)
            read_html(archive.read(name), writer)
        if missing:
            writer.warn(f"{missing} of the book's pages are missing in the file")


def read_xml(data: bytes, writer: Writer) -> None:
    """Write the text of the elements, without attributes; those that hold only others get lines of their own."""
    declared = re.match(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)", data[:1_000])
    if writer.encoding or data.startswith((b"\xff\xfe", b"\xfe\xff")) or (declared is None and b"\0" in data[:100]):
        text, _ = decode(data, writer.encoding)
        data = re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.S).encode("utf-8", "replace")
    _element(xml_root(data.lstrip()), writer)
    if not writer.length:
        writer.warn("the elements hold no text, only attributes: shown as the source")
        writer.write(decode(data, writer.encoding)[0])


def _element(element: Any, writer: Writer) -> None:
    if not isinstance(element.tag, str) or element.tag.rpartition("}")[2] in ("script", "style"):  # or an entity
        return
    own = (element.text or "").strip() or any((child.tail or "").strip() for child in element)
    writer.flow(element.text or "")
    for child in element:
        if not own:
            writer.separate(1)
        _element(child, writer)
        if own:
            writer.flow(child.tail or "")
    if not own and len(element):
        writer.separate(2 if any(len(child) for child in element) else 1)
