"""Rich Text Format by a reader of its control words: paragraphs, tables, headings by style, any code page.

Source: Rich Text Format Specification 1.9.1 (Microsoft, 2008).
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.detect import known
from workbench.parsers.writer import Writer

MAX_DEPTH = 10_000  # of groups
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z0-9'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\", re.S
)
_DESTINATIONS = frozenset(  # groups that hold no text of the document
    b"fonttbl colortbl stylesheet info pict object objdata listtable listoverridetable rsidtbl generator xmlnstbl "
    b"themedata colorschememapping datastore latentstyles fldinst header headerl headerr headerf footer footerl "
    b"footerr footerf bkmkstart bkmkend nonshppict filetbl revtbl template operator private pgptbl mmathPr "
    b"pnseclvl pntext pntxtb pntxta xe tc annotation atnid atnauthor atrfstart atrfend blipuid".split()
)
_SIGNS = {
    b"tab": "\t", b"line": "\n", b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"bullet": "•", b"emspace": "\u2003", b"enspace": "\u2002", b"zwj": "\u200d", b"zwnj": "\u200c",
}  # fmt: skip
_CHARSETS = {  # \fcharset → code page
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip


@dataclass(slots=True)
class _State:
    """The state that a group inherits from the one around it."""

    skipped: bool
    hidden: bool
    fallback: int  # how many characters follow a \u for readers that do not know it
    encoding: str


def read_rtf(data: bytes, writer: Writer) -> None:
    """Write the body: headings by outline level or a style named "heading", tables, list markers as text."""
    _Reader(data, writer).read()


class _Reader:
    def __init__(self, data: bytes, writer: Writer) -> None:
        self.data = data
        self.writer = writer
        self.page = "cp1252"
        self.fonts = _fonts(data)
        self.styles = _styles(data)
        self.paragraph: list[str] = []
        self.pending = bytearray()  # bytes of a code page that may be halves of one character
        self.level = 0
        self.cells: list[str] = []
        self.table: Any = None
        self.row = False  # whether the paragraph belongs to a table

    def read(self) -> None:
        state = _State(False, False, 1, self.page)
        groups: list[_State] = []
        skip = 0
        starred = opening = False
        at = 0
        for match in _TOKEN.finditer(self.data):
            if match.start() < at:  # inside \bin's raw bytes
                continue
            word, argument, code, symbol, brace, text = match.groups()
            first, opening = opening, False
            if brace:
                self.flush(state)
                if brace == b"{":
                    groups.append(replace(state))
                    opening = True
                    if len(groups) > MAX_DEPTH:
                        raise DocumentError(f"its groups are nested more than {MAX_DEPTH:,} deep. Save it again.")
                elif groups:
                    state = groups.pop()
                starred = False
                skip = 0
            elif word is not None:
                number = int(argument) if argument else None
                if word == b"bin":
                    at = match.end() + max(0, number or 0)
                elif (starred and word not in (b"shptxt",)) or (first and word in _DESTINATIONS):
                    state.skipped = True
                    starred = False
                elif skip and word != b"u":
                    skip -= 1
                elif not state.skipped:
                    skip = self.control(word, number, state)
                elif word == b"shptxt":
                    state.skipped = False
            elif code is not None:
                if skip:
                    skip -= 1
                elif not state.skipped and not state.hidden:
                    self.pending.append(int(code, 16))
            elif symbol is not None:
                if symbol == b"*":
                    starred = first
                elif not state.skipped and not state.hidden:
                    self.symbol(symbol, state)
            elif text is not None and not state.skipped and not state.hidden:
                dropped = min(skip, len(text))
                skip -= dropped
                self.pending += text[dropped:]
        self.flush(state)
        self.end_paragraph()
        self.end_table()

    def control(self, word: bytes, number: int | None, state: _State) -> int:
        """Act on a control word; return how many characters to skip after it."""
        if word == b"u" and number is not None:
            self.flush(state)
            if not state.hidden:
                self.paragraph.append(chr(number & 0xFFFF))
            return state.fallback
        self.flush(state)
        if word in (b"par", b"sect", b"page"):
            self.end_paragraph()
        elif word == b"pard":
            self.level, self.row = 0, False
        elif word == b"intbl":
            self.row = True
        elif word in (b"cell", b"nestcell"):
            self.cells.append(self.taken())
        elif word in (b"row", b"nestrow"):
            self.end_row()
        elif word == b"outlinelevel":
            self.level = min(6, (number or 0) + 1) if 0 <= (number or 0) < 9 else 0
        elif word == b"s":
            self.level = self.styles.get(number or 0, self.level)
        elif word == b"uc":
            state.fallback = min(max(number if number is not None else 1, 0), 100)
        elif word == b"f":
            state.encoding = self.fonts.get(number or 0) or self.page
        elif word == b"ansicpg":
            if known(f"cp{number}"):
                self.page = state.encoding = f"cp{number}"
        elif word in (b"mac", b"pc", b"pca"):
            self.page = state.encoding = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}[word]
        elif word in (b"v", b"deleted"):
            state.hidden = number != 0
        elif word == b"plain":
            state.hidden = False
        elif word in _SIGNS and not state.hidden:
            self.paragraph.append(_SIGNS[word])
        return 0

    def symbol(self, symbol: bytes, state: _State) -> None:
        if symbol in b"\\{}":
            self.pending += symbol
            return
        self.flush(state)
        if symbol in (b"\r", b"\n"):
            self.end_paragraph()
        else:
            self.paragraph.append({b"~": "\xa0", b"_": "-", b"-": ""}.get(symbol, ""))

    def flush(self, state: _State) -> None:
        """Decode the pending bytes in the code page of their font."""
        if self.pending:
            self.paragraph.append(bytes(self.pending).decode(state.encoding, "replace"))
            self.pending.clear()

    def taken(self) -> str:
        """Take the paragraph's text, its UTF-16 halves joined."""
        text = "".join(self.paragraph)
        self.paragraph.clear()
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()

    def end_paragraph(self) -> None:
        if self.row or self.cells:  # a paragraph inside a cell
            self.paragraph.append("\n")
            return
        text = self.taken()
        if not text:
            return
        self.end_table()
        writer = self.writer
        writer.separate(2)
        if self.level:
            with writer.section("heading", self.level):
                writer.write(text)
        else:
            writer.write(text)
        writer.separate(2)

    def end_row(self) -> None:
        writer = self.writer
        if any(self.cells):
            if self.table is None:
                writer.separate(2)
                self.table = writer.section("table")
                self.table.__enter__()
            with writer.row():  # a bar ends each cell, as readers of RTF write it into plain text
                writer.write("|".join([*(" ".join(cell.split()) for cell in self.cells), ""]))
        self.cells.clear()
        self.row = False

    def end_table(self) -> None:
        if self.cells:
            self.end_row()
        if self.table is not None:
            self.table.__exit__(None, None, None)
            self.table = None
            self.writer.separate(2)


def _group(data: bytes, name: bytes) -> bytes:
    """Return the group that starts with this destination; b"" for none."""
    start = data.find(b"{\\" + name)
    if start < 0:
        return b""
    depth = 0
    for match in re.finditer(rb"\\.|[{}]", data[start : start + 2_000_000], re.S):
        depth += {b"{": 1, b"}": -1}.get(match[0], 0)
        if depth == 0:
            return data[start : start + match.end()]
    return b""


def _fonts(data: bytes) -> dict[int, str]:
    """Return font number → code page."""
    found = {}
    for number, body in re.findall(rb"\\f(\d{1,6})(?=\D)([^{};]*)", _group(data, b"fonttbl")):
        match = re.search(rb"\\fcharset(\d{1,3})", body)
        encoding = _CHARSETS.get(int(match[1])) if match else None
        if encoding and encoding != "cp1252":  # the default of every font: the document's own page counts
            found[int(number)] = encoding
    return found


def _styles(data: bytes) -> dict[int, int]:
    """Return style number → heading level."""
    found = {}
    for number, level in re.findall(rb"\{\\s(\d{1,6})(?=\D)[^{};]*? heading (\d);", _group(data, b"stylesheet"), re.I):
        found[int(number)] = min(6, max(1, int(level)))
    return found
