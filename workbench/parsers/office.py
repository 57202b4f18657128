"""Microsoft Office: Word and PowerPoint by a walk over their XML, and what Office files draw."""

from dataclasses import dataclass
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.archives import Archive, xml_root
from workbench.parsers.writer import Writer

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
CHART = _C + "chart"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_MAX_POINTS = 10_000

Relations = dict[str, tuple[str, str]]


def write_drawing(element: Any, archive: Archive, relations: Relations, writer: Writer) -> None:
    """Write the text of the part that a CHART or DIAGRAM element points to."""
    _, part = relations.get(element.get(_R + ("id" if element.tag == CHART else "dm"), ""), ("", ""))
    if part not in archive.names:
        return
    root = archive.xml(part)
    if element.tag == CHART:
        write_chart(root, writer)
    else:
        for paragraph in root.iter(_A + "p"):
            _line(_text(paragraph), writer)
    writer.separate(2)


def write_chart(root: Any, writer: Writer) -> None:
    """Write a chart's titles, each a line, and its values as a table: categories by series."""
    writer.separate(2)
    for title in root.iter(_C + "title"):
        for paragraph in title.iter(_A + "p"):
            _line(_text(paragraph), writer)
    series = [(_points(s, "tx"), _points(s, "cat", "xVal"), _points(s, "val", "yVal")) for s in root.iter(_C + "ser")]
    if not any(values for *_, values in series):
        return
    categories = max((c for _, c, _ in series), key=len)
    writer.separate(2)
    with writer.section("table"):
        _row(["", *(" ".join(name.values()) for name, *_ in series)], writer)
        for i in sorted({i for _, _, values in series for i in values} | set(categories))[:_MAX_POINTS]:
            _row([categories.get(i, ""), *(values.get(i, "") for *_, values in series)], writer)
    writer.separate(2)


def write_boxes(root: Any, writer: Writer) -> None:
    """Write the text boxes and shapes of a sheet's drawing, a paragraph a line."""
    for body in root.iter("{*}txBody"):
        writer.separate(2)
        for paragraph in body.iter(_A + "p"):
            _line(_text(paragraph), writer)


def _points(series: Any, *tags: str) -> dict[int, str]:
    """Return the stored values of a series by index."""
    for tag in tags:
        holder = series.find(_C + tag)
        if holder is None:
            continue
        points = {
            int(p.get("idx", "0")): " ".join((p.findtext(_C + "v") or "").split())
            for p in holder.iter(_C + "pt")
            if p.get("idx", "0").isdigit()
        }
        if points or holder.find(_C + "v") is None:
            return points
        return {0: holder.findtext(_C + "v") or ""}
    return {}


def _row(cells: list[str], writer: Writer) -> None:
    with writer.row():
        for i, cell in enumerate(cells):
            with writer.cell(i == 0):
                writer.write(cell)


def _line(text: str, writer: Writer) -> None:
    if text.strip():
        writer.separate(1)
        writer.write(text.strip())


def _text(paragraph: Any) -> str:
    return "".join(t.text or "" for t in paragraph.iter(_A + "t"))


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DROPPED = {_FALLBACK}  # deleted or moved away, a fallback of what is beside it, or not text
_DROPPED |= {_W + tag for tag in "del moveFrom instrText delText pPr rPr tblPr tblGrid trPr tcPr sdtPr sectPr".split()}
_CHARACTERS = {_W + "tab": "\t", _W + "cr": "\n", _W + "noBreakHyphen": "-", _W + "ptab": "\t"}
_INLINE = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}inline"
_KINDS = {"caption": "caption", "quote": "quote", "intense quote": "quote"}
_TEXT = frozenset({_W + "t", _M + "t"})


def read_docx(data: bytes, writer: Writer) -> None:
    """Write the body, then foot- and endnotes and comments; headers and footers are left out."""
    with Archive(data) as archive:
        raw = archive.read("word/document.xml")
        if _STRICT.encode() in raw[:5_000]:
            raise DocumentError(
                "a Word file in the Strict Open XML form. Save it as an ordinary .docx (Word Document)."
            )
        root = xml_root(raw)
        walk = _Walk(writer, _styles(archive), archive, rendered=b"lastRenderedPageBreak" in raw)
        body = root.find(_W + "body")
        if body is None:
            raise DocumentError("the Word file has no body. Save it again.")
        walk.blocks(body)
        walk.end_list()
        for part, kind in (("word/footnotes.xml", "footnote"), ("word/endnotes.xml", "endnote")):
            if part in archive.names and walk.notes:
                for note in archive.xml(part).iterchildren(_W + kind):
                    if note.get(_W + "type") in (None, "normal"):
                        writer.separate(2)
                        walk.blocks(note)
        if "word/comments.xml" in archive.names:
            for comment in archive.xml("word/comments.xml").iterchildren(_W + "comment"):
                writer.separate(2)
                writer.hold(f"Comment ({comment.get(_W + 'author') or 'unnamed'}): ")
                walk.blocks(comment)
                writer.hold("")
        walk.finish_pages()


@dataclass(slots=True)
class _Style:
    kind: str = ""  # "caption" or "quote"
    level: int = 0  # of a heading, 0 for none
    listed: int = 0  # depth of a list, 0 for none


def _styles(archive: Archive) -> dict[str, _Style]:
    """Return the paragraph styles by id, each resolved by name, outline level or the style that it is based on."""
    if "word/styles.xml" not in archive.names:
        return {}
    elements = {s.get(_W + "styleId", ""): s for s in archive.xml("word/styles.xml").iterchildren(_W + "style")}
    found: dict[str, _Style] = {}
    for id in elements:
        style = _Style()
        seen: set[str] = set()
        current = id
        while current in elements and current not in seen:
            seen.add(current)
            element = elements[current]
            name = _value(element, "name").lower()
            properties = element.find(_W + "pPr")
            if not style.level:
                if name.startswith("heading ") and name[8:].isdigit():
                    style.level = min(6, max(1, int(name[8:])))
                elif name == "title":
                    style.level = 1
                elif properties is not None:
                    style.level = _outline(properties)
            style.kind = style.kind or _KINDS.get(name, "")
            if not style.listed and properties is not None:
                style.listed = _listed(properties)
            current = _value(element, "basedOn")
        if style.level:
            style.listed = 0
        found[id] = style
    return found


def _value(element: Any, tag: str) -> str:
    child = element.find(_W + tag)
    return child.get(_W + "val") or "" if child is not None else ""


def _outline(properties: Any) -> int:
    level = _value(properties, "outlineLvl")
    return min(6, int(level) + 1) if level.isdigit() and int(level) < 9 else 0


def _listed(properties: Any) -> int:
    numbering = properties.find(_W + "numPr")
    if numbering is None or _value(numbering, "numId") == "0":
        return 0
    level = _value(numbering, "ilvl")
    return 1 + (int(level) if level.isdigit() else 0)


class _Walk:
    """One pass over the body. Nesting is bounded by the XML parser (256 levels)."""

    def __init__(self, writer: Writer, styles: dict[str, _Style], archive: Archive, rendered: bool) -> None:
        self.archive = archive
        self.relations = archive.relations("word/document.xml")
        self.writer = writer
        self.styles = styles
        self.rendered = rendered
        self.tables = 0
        self.breaks: list[Any] = []
        self.list: Any = None
        self.notes = False

    def blocks(self, parent: Any) -> None:
        for element in parent:
            tag = element.tag
            if tag == _W + "p":
                self.paragraph(element)
            elif tag == _W + "tbl":
                self.table(element)
            elif tag not in _DROPPED:
                self.blocks(element)  # w:sdt, w:ins, w:customXml, mc:AlternateContent …

    def paragraph(self, element: Any) -> None:
        properties = element.find(_W + "pPr")
        style = self.styles.get(_value(properties, "pStyle"), _Style()) if properties is not None else _Style()
        level, listed = style.level, style.listed
        if properties is not None:
            if properties.find(_W + "numPr") is not None:
                listed = _listed(properties)
            level = level or _outline(properties)
        boxes: list[Any] = []
        writer = self.writer
        if level or not listed:
            self.end_list()
        if level and not self.tables:
            writer.separate(2)
            with writer.section("heading", level):
                self.runs(element, boxes)
            writer.separate(2)
        elif style.kind and not self.tables:
            writer.separate(2)
            with writer.section(style.kind):
                self.runs(element, boxes)
            writer.separate(2)
        elif listed:
            writer.separate(1 if self.list is not None else 2)
            if self.list is None and not self.tables:
                self.list = writer.section("list", 1)
                self.list.__enter__()
            writer.hold("  " * (min(listed, 9) - 1) + "- ")
            self.runs(element, boxes)
            writer.hold("")
            writer.separate(1)
        else:
            writer.separate(2)
            self.runs(element, boxes)
            writer.separate(2)
        for box in boxes:
            if box.tag in (CHART, DIAGRAM):
                write_drawing(box, self.archive, self.relations, writer)
            else:
                self.blocks(box)

    def end_list(self) -> None:
        if self.list is not None:
            self.list.__exit__(None, None, None)
            self.list = None
            self.writer.separate(2)

    def runs(self, parent: Any, boxes: list[Any]) -> None:
        for element in parent:
            tag = element.tag
            if tag in _TEXT:
                self.writer.write(element.text or "")
            elif tag in _CHARACTERS:
                self.writer.write(_CHARACTERS[tag])
            elif tag == _W + "br":
                if element.get(_W + "type") == "page":
                    if not self.rendered:
                        self.breaks.append(self.writer.anchor())
                else:
                    self.writer.write("\n")
            elif tag == _W + "lastRenderedPageBreak":
                self.breaks.append(self.writer.anchor())
            elif tag == _INLINE:
                self.inline(element, boxes)
            elif tag in (_W + "txbxContent", CHART, DIAGRAM):
                boxes.append(element)
            elif tag in (_W + "footnoteReference", _W + "endnoteReference"):
                self.notes = True
            elif tag not in _DROPPED:
                self.runs(element, boxes)

    def inline(self, element: Any, boxes: list[Any]) -> None:
        """Write a shape set in the line: one paragraph stays in the line, more are a box of their own."""
        for content in element.iter(_W + "txbxContent"):
            paragraphs = [p for p in content if p.tag == _W + "p"]
            if len(content) == len(paragraphs) == 1:
                self.runs(paragraphs[0], boxes)
            else:
                boxes.append(content)
        boxes += element.iter(CHART, DIAGRAM)

    def table(self, element: Any) -> None:
        self.end_list()
        writer = self.writer
        writer.separate(2)
        self.tables += 1
        with writer.section("table", self.tables):
            for row in self.inside(element, "tr"):
                with writer.row(self.tables):
                    first = True
                    for _ in range(self.before(row)):
                        with writer.cell(first):
                            first = False
                    for cell in self.inside(row, "tc"):
                        with writer.cell(first):
                            self.blocks(cell)
                        first = False
        self.tables -= 1
        writer.separate(2)

    def inside(self, parent: Any, tag: str) -> list[Any]:
        """Return the rows of a table or cells of a row, those in content controls and insertions too."""
        found: list[Any] = []
        for element in parent:
            if element.tag == _W + tag:
                if element.find(f"{_W}trPr/{_W}del") is None:
                    found.append(element)
            elif element.tag in (_W + "sdt", _W + "sdtContent", _W + "ins", _W + "customXml", _W + "smartTag"):
                found += self.inside(element, tag)
        return found

    def before(self, row: Any) -> int:
        """Return how many columns a row leaves out before its first cell."""
        properties = row.find(_W + "trPr")
        columns = _value(properties, "gridBefore") if properties is not None else ""
        return min(int(columns), 100) if columns.isdigit() else 0

    def finish_pages(self) -> None:
        """Set the pages by Word's last page breaks; none if the file has none."""
        length = self.writer.length
        starts = sorted({0} | {length if place.start is None else place.start for place in self.breaks})
        if len(starts) > 1:
            self.writer.pages = [
                (i + 1, s, e) for i, (s, e) in enumerate(zip(starts, [*starts[1:], length], strict=True))
            ]
            self.writer.warn("page numbers are approximate: a Word file holds only where its pages last broke")


_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_TITLES = frozenset({"title", "ctrTitle"})
_LEFT_OUT = frozenset({"sldNum", "dt", "hdr", "sldImg"})


def read_pptx(data: bytes, writer: Writer) -> None:
    """Write the slides in the order of the show, each with its notes."""
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
    """Return a shape's role on the slide: title, body, sldNum …; "" for none."""
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
    """Return the paragraphs of a text body, one a line; deeper levels are indented."""
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
    """Write the reviewers' comments, in the old form (p:text) or the new one (paragraphs)."""
    for comment in root.iter("{*}cm"):
        text = "".join(t.text or "" for t in comment.iter(_P + "text")) or _paragraphs(comment)
        if text.strip():
            writer.separate(2)
            writer.write("Comment: " + text.strip())
