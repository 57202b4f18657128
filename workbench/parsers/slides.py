"""PowerPoint (.pptx) by a walk over its XML: one slide, one page; titles, tables, groups, notes."""

from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.archives import Archive
from workbench.parsers.drawings import CHART, DIAGRAM, Relations, write_drawing
from workbench.parsers.writers import Writer

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLES = frozenset({"title", "ctrTitle"})
_LEFT_OUT = frozenset({"sldNum", "dt", "hdr", "sldImg"})


def read_pptx(data: bytes, writer: Writer) -> None:
    """Slides in the order of the show, each with its notes."""
    with Archive(data) as archive:
        parts = archive.relations("ppt/presentation.xml")
        order = archive.xml("ppt/presentation.xml").find(_P + "sldIdLst")
        slides = [parts[id] for s in order if (id := s.get(_R + "id", "")) in parts] if order is not None else []
        if not slides:
            raise DocumentError("the presentation has no slides.")
        pictures = []
        for number, (_, part) in enumerate(slides, 1):
            root = archive.xml(part)
            title = next(
                (" ".join(_paragraphs(s).split()) for s in root.iter(_P + "sp") if _placeholder(s) in _TITLES), ""
            )
            writer.separate(2)
            with writer.page(number), writer.section("slide", 1, title or f"Slide {number}"):
                before = writer.length
                relations = archive.relations(part)
                _shapes(root, writer, archive, relations)
                if writer.length == before:
                    pictures.append(number)
                for kind, target in relations.values():
                    if kind == "notesSlide" and target in archive.names:
                        _notes(archive.xml(target), writer)
                    elif kind == "comments" and target in archive.names:
                        _comments(archive.xml(target), writer)
            if root.get("show") == "0":
                writer.warn(f"slide {number} is hidden in the show; its text is included")
        if pictures:
            writer.warn(f"slides {', '.join(map(str, pictures[:20]))} hold no text (pictures only?)")


def _placeholder(shape: Any) -> str:
    """A shape's role on the slide: title, body, sldNum …; "" for none."""
    mark = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return mark.get("type", "body") if mark is not None else ""


def _shapes(parent: Any, writer: Writer, archive: Archive, relations: Relations) -> None:
    for element in parent:
        if element.tag == _P + "sp":
            _shape(element, writer)
        elif element.tag == _A + "tbl":
            _table(element, writer)
        elif element.tag in (CHART, DIAGRAM):
            write_drawing(element, archive, relations, writer)
        elif element.tag != _FALLBACK:
            _shapes(element, writer, archive, relations)  # groups, graphic frames, the tree itself


def _shape(shape: Any, writer: Writer) -> None:
    role = _placeholder(shape)
    text = _paragraphs(shape)
    if role in _LEFT_OUT or not text.strip():
        return
    writer.separate(2)
    if role in _TITLES:
        with writer.section("heading", 1):
            writer.write(text.strip())
    elif role == "ftr":
        with writer.section("footer"):
            writer.write(text)
    else:
        writer.write(text)
    writer.separate(2)


def _paragraphs(parent: Any) -> str:
    """The paragraphs of a text body, one a line; deeper levels are indented."""
    found = []
    for paragraph in parent.iter(_A + "p"):
        properties = paragraph.find(_A + "pPr")
        level = properties.get("lvl", "0") if properties is not None else "0"
        parts = []
        for element in paragraph.iter(_A + "t", _A + "br", _A + "tab"):
            parts.append(element.text or "" if element.tag == _A + "t" else "\n" if element.tag == _A + "br" else "\t")
        text = "".join(parts).replace("\v", "\n")
        if text.strip():
            found.append("  " * (int(level) if level.isdigit() and len(level) == 1 else 0) + text)
    return "\n".join(found)


def _table(table: Any, writer: Writer) -> None:
    writer.separate(2)
    with writer.section("table"):
        for row in table.iterchildren(_A + "tr"):
            with writer.row():
                for i, cell in enumerate(row.iterchildren(_A + "tc")):
                    with writer.cell(i == 0):
                        writer.write(_paragraphs(cell).strip())
    writer.separate(2)


def _notes(root: Any, writer: Writer) -> None:
    for shape in root.iter(_P + "sp"):
        text = _paragraphs(shape).strip()
        if _placeholder(shape) == "body" and text:
            writer.separate(2)
            writer.write("Notes: " + text)


def _comments(root: Any, writer: Writer) -> None:
    """Remarks of reviewers, in the old form (p:text) or the new one (paragraphs)."""
    for comment in root.iter("{*}cm"):
        text = "".join(t.text or "" for t in comment.iter(_P + "text")) or _paragraphs(comment)
        if text.strip():
            writer.separate(2)
            writer.write("Comment: " + text.strip())
