"""PDF text through pdfplumber, an extra: words by their places on the page, ruled tables cell by cell."""

import io
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import groupby, islice, pairwise
from typing import Any, Literal

from workbench.parsers.pdf import MAX_PAGES, Entry, PdfOptions, mark_outline, write_pages
from workbench.parsers.pdf.pdfium import PASSWORD, damaged, whole
from workbench.parsers.pdf.tables import (
    GAP,
    MAX_CHARACTERS,
    PageTable,
    Ruled,
    TextLine,
    ruled_tables,
    sorted_in,
    tabbed,
    tables_among,
)
from workbench.parsers.writer import Writer

Char = dict[str, Any]
"""A character of pdfplumber: text, x0, top, x1, bottom, size, matrix."""

_HYPHENS = ("-", "\xad")
_TWIN = 0.3  # of its width and size: a character drawn again so near is the same, made bold
_RAISED = 0.5  # of the larger size: so far from its base line a raised or lowered letter still is on the line
_BLANK = 0.1  # of the larger size: nearer to each other, two parts of a line are one word
_LEAST_ROWS = 2  # … of a ruled table, with as many filled cells each: else lines frame something else


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a blank between them. `turned` is the direction of its line, see `_direction`; `base` the place
    of its base line, in points across that direction.
    """

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float
    base: float
    turned: str


@dataclass(frozen=True, slots=True)
class Laid:
    """A page's text with its tables, and for each line its start in the text and its top on paper, in points."""

    text: str
    tables: list[PageTable]
    starts: list[int]
    tops: list[float]


def laid_out(page: Any, placed: bool, mend: bool) -> Laid:
    """Return the text of pdfplumber's `page` in the order in which it is drawn, or, if `placed`, from the top down."""
    chars = once(page.chars)
    kept: list[tuple[Ruled, list[list[str]]]] = []
    owner: dict[int, int] = {}  # of a character in a table: which
    for table in ruled_tables(page):
        cells = sorted_in([c for c in chars if id(c) not in owner], table)
        if sum(sum(map(bool, row)) >= _LEAST_ROWS for row in cells) >= _LEAST_ROWS:
            owner |= {id(c): len(kept) for row in cells for cell in row for c in cell}
            kept.append((table, [[_cell_text(cell, mend) for cell in row] for row in cells]))
    sheet = _Sheet(columns=placed)
    blocks = _by_place(chars, owner, kept) if placed else _as_drawn(chars, owner)
    for block in blocks:
        if isinstance(block, int):
            table, rows = kept[block]
            sheet.table(rows, min(box[1] for box in table[0] if box))
        else:
            for line in mended(block) if mend else block:
                sheet.line(line)
    return sheet.laid()


def once(chars: Iterable[Char]) -> list[Char]:
    """Return the characters without those drawn again in their place, as programs do for bold letters."""
    out: list[Char] = []
    seen: dict[tuple[str, int, int], list[Char]] = {}
    for char in chars:
        x, y = round(char["x0"]), round(char["top"])
        near = (c for i in (-1, 0, 1) for j in (-1, 0, 1) for c in seen.get((char["text"], x + i, y + j), ()))
        if any(
            abs(c["x0"] - char["x0"]) < _TWIN * (char["x1"] - char["x0"])
            and abs(c["top"] - char["top"]) < _TWIN * char["size"]
            for c in near
        ):
            continue
        seen.setdefault((char["text"], x, y), []).append(char)
        out.append(char)
    return out


def words(chars: Sequence[Char]) -> Iterator[Word]:
    """Yield the words of consecutive characters, split at blanks and gaps."""
    from pdfplumber.utils.text import WordExtractor

    extractor = WordExtractor(x_tolerance_ratio=0.15)
    for turned, run in groupby(chars, _direction):
        for letters in extractor.iter_chars_to_words(run, turned):
            yield Word(
                "".join(str(extractor.expansions.get(c["text"], c["text"])) for c in letters),
                min(c["x0"] for c in letters),
                min(c["top"] for c in letters),
                max(c["x1"] for c in letters),
                max(c["bottom"] for c in letters),
                max(c["size"] for c in letters),
                letters[-1]["matrix"][5 if turned in ("ltr", "rtl") else 4],
                turned,
            )


def drawn_lines(found: Iterable[Word]) -> list[list[Word]]:
    """Return the words by line, in the order given: a word that does not continue the last begins a new line.

    Parts without a blank between them are joined: pdfplumber also splits at raised letters and other font sizes.
    """
    out: list[list[Word]] = []
    for word in found:
        gap = _gap(out[-1][-1], word) if out else None
        if gap is None:
            out.append([word])
        elif gap < _BLANK * max(word.size, out[-1][-1].size):
            out[-1][-1] = _joined(out[-1][-1], word)
        else:
            out[-1].append(word)
    return out


def mended(lines: Iterable[Sequence[Word]]) -> list[list[Word]]:
    """Return the lines with words joined that a hyphen breaks at a line's end; their lines become one."""
    out: list[list[Word]] = []
    for line in lines:
        last, first = out[-1][-1] if out else None, line[0]
        if last and last.text[-1:] in _HYPHENS and len(last.text) > 1 and last.turned == first.turned:
            stem = last.text[:-1]
            if last.text[-1] == "\xad" or whole(stem, first.text[:1]):
                out[-1][-1] = replace(last, text=stem + first.text, x1=first.x1)
                out[-1].extend(line[1:])
                continue
        out.append(list(line))
    return out


def _direction(char: Char) -> Literal["ltr", "rtl", "ttb", "btt"]:
    """Return the direction of a character's line: ltr, or rtl (upside down), ttb, btt."""
    along, up = char["matrix"][:2]
    if abs(along) >= abs(up):
        return "ltr" if along >= 0 else "rtl"
    return "btt" if up > 0 else "ttb"


def _gap(last: Word, word: Word) -> float | None:
    """Return the gap along their line between two words; None if the second does not follow on that line."""
    size = max(last.size, word.size)
    if last.turned != word.turned or abs(last.base - word.base) > _RAISED * size:
        return None
    gap = {
        "ltr": word.x0 - last.x1,
        "rtl": last.x0 - word.x1,
        "ttb": word.top - last.bottom,
        "btt": last.top - word.bottom,
    }[last.turned]
    return gap if gap >= -size else None


def _joined(last: Word, word: Word) -> Word:
    """Return both as one word, on the base line of the larger."""
    larger = last if last.size >= word.size else word
    return replace(
        larger,
        text=last.text + word.text,
        x0=min(last.x0, word.x0),
        top=min(last.top, word.top),
        x1=max(last.x1, word.x1),
        bottom=max(last.bottom, word.bottom),
    )


def _as_drawn(chars: Sequence[Char], owner: dict[int, int]) -> Iterator[list[list[Word]] | int]:
    """Yield lines, and a table's number at its first character."""
    seen: set[int] = set()
    free: list[Char] = []
    for char in chars:
        table = owner.get(id(char))
        if table is None:
            free.append(char)
        elif table not in seen:
            seen.add(table)
            yield drawn_lines(words(free))
            yield table
            free = []
    yield drawn_lines(words(free))


def _by_place(
    chars: Sequence[Char], owner: dict[int, int], tables: Sequence[tuple[Ruled, Any]]
) -> Iterator[list[list[Word]] | int]:
    """Yield lines from the top down, each from the left, and a table's number at its top."""
    from pdfplumber.utils.clustering import cluster_objects

    free = [c for c in chars if id(c) not in owner]
    level = [c for c in free if _direction(c) == "ltr"]
    rows = cluster_objects(level, lambda c: -c["matrix"][5], 3)
    lines = [line for row in rows for line in drawn_lines(words(sorted(row, key=lambda c: float(c["x0"]))))]
    lines += drawn_lines(words([c for c in free if _direction(c) != "ltr"]))
    placed: list[tuple[float, list[list[Word]] | int]] = [(min(w.top for w in line), [line]) for line in lines]
    placed += [(min(b[1] for b in table[0] if b), i) for i, (table, _) in enumerate(tables)]
    for is_table, run in groupby(sorted(placed, key=lambda p: p[0]), lambda p: isinstance(p[1], int)):
        if is_table:
            yield from (block for _, block in run)
        else:
            yield [line for _, block in run if not isinstance(block, int) for line in block]


def _cell_text(chars: Sequence[Char], mend: bool) -> str:
    lines = drawn_lines(words(chars))
    return " ".join(word.text for line in (mended(lines) if mend else lines) for word in line)


class _Sheet:
    """A page's text, written line by line."""

    def __init__(self, columns: bool) -> None:
        """`columns`: lines may run through several columns of prose, so that gaps mean no table."""
        self._columns = columns
        self._parts: list[str] = []
        self._length = 0
        self._lines: list[TextLine | None] = []
        self._tables: list[PageTable] = []
        self._starts: list[int] = []
        self._tops: list[float] = []

    def line(self, found: Sequence[Word]) -> None:
        """Write the words of a line, and note the gaps that are wider than between words."""
        start = self._begin(found[0].top)
        at, gaps = start, []
        for left, right in pairwise(found):
            at += len(left.text)
            if left.turned == "ltr" and right.x0 - left.x1 > GAP * max(left.size, right.size):
                gaps.append((at, left.x1, right.x0))
            at += 1
        text = " ".join(word.text for word in found)
        self._write(text)
        self._lines.append(TextLine.of(text, start, gaps))

    def table(self, rows: Sequence[Sequence[str]], top: float) -> None:
        """Write a table, a row per line with tabs between the cells; empty rows are left out."""
        places = []
        for row in rows:
            if text := "\t".join(row).rstrip("\t"):
                start = self._begin(top)
                self._write(text)
                places.append((start, start + len(text)))
        self._tables.append(PageTable(tuple(places), ()))
        self._lines.append(None)

    def laid(self) -> Laid:
        """Return the page; tables without ruled lines are found too."""
        text = "".join(self._parts)
        found = [] if self._columns or len(text) > MAX_CHARACTERS else tables_among(self._lines)
        tables = sorted([*self._tables, *found], key=lambda table: table.rows[0])
        return Laid(tabbed(text, found), tables, self._starts, self._tops)

    def _begin(self, top: float) -> int:
        if self._parts:
            self._write("\n")
        self._starts.append(self._length)
        self._tops.append(top)
        return self._length

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


NEEDS = "pdfplumber==0.11.10"
"""The requirement for pip."""

_UNKNOWN = re.compile(r"\(cid:\d+\)")  # what pdfminer writes for a character that its font gives no letter for
_LEVELS = 6
_MAX_ENTRIES = 100_000


def installed() -> bool:
    """Return whether pdfplumber is installed, without importing it."""
    return find_spec("pdfplumber") is not None


def read_plumbed(data: bytes, writer: Writer, mode: str, options: PdfOptions) -> None:
    """Write the pages with their tables, and mark the outline's entries as headings if found on their page.

    `mode` is "plain" for the order in which the text is drawn, "layout" for the order of its places.
    """
    import logging
    import struct
    import zlib

    from pdfminer.psexceptions import PSException
    from pdfplumber.page import Page
    from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    logging.getLogger("pdfplumber").setLevel(logging.CRITICAL)
    laid: dict[int, tuple[Laid, float, float]] = {}
    tables: dict[int, list[PageTable]] = {}
    unknown = 0

    def page_text(i: int) -> str:
        nonlocal unknown
        page = Page(pdf, found[i], i + 1)
        try:
            with _unwrapped():
                for char in page.chars:
                    if _UNKNOWN.fullmatch(char["text"]):
                        char["text"] = "\ufffd"
                        unknown += 1
            sheet = laid_out(page, mode == "layout", options.mend_hyphens)
            laid[i] = sheet, page.bbox[1], page.bbox[3]
        finally:
            page.close()
        if sheet.tables:
            tables[i] = sheet.tables
        return sheet.text

    def height(i: int, offset: int) -> float | None:
        if i not in laid:
            return None
        sheet, top, bottom = laid[i]
        line = bisect_right(sheet.starts, offset) - 1
        return 1.0 - (sheet.tops[line] - top) / max(bottom - top, 1e-6) if line >= 0 else None

    failures = (
        PdfminerException, MalformedPDFException, PSException, ValueError, LookupError, TypeError, AttributeError,
        AssertionError, ArithmeticError, EOFError, RecursionError, NotImplementedError, struct.error, zlib.error,
    )  # fmt: skip
    with _opened(data, failures) as (pdf, found):
        texts = write_pages(len(found), page_text, failures, writer, options, data, height, tables)
        if unknown:
            what = "1 character has" if unknown == 1 else f"{unknown:,} characters have"
            writer.warn(f"{what} no letter in the PDF's fonts: \ufffd stands there")
        try:
            entries = _outline(pdf.doc, {page.pageid: i for i, page in enumerate(found)})
        except failures as error:  # a broken outline costs its headings, not the text
            writer.warn(f"the outline could not be read ({error})")
            return
        mark_outline(entries, texts, writer)


@contextmanager
def _opened(data: bytes, failures: tuple[type[Exception], ...]) -> Iterator[tuple[Any, list[Any]]]:
    """Open a pdfplumber document; yield it with pdfminer's pages.

    Raises:
        DocumentError: damaged, or protected by a password.
    """
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfpage import PDFPage
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        with _unwrapped():
            pdf = pdfplumber.open(io.BytesIO(data))
        found = list(islice(PDFPage.create_pages(pdf.doc), MAX_PAGES + 1))
    except RecursionError:
        raise
    except failures as error:
        reason = error.args[0] if isinstance(error, PdfminerException) and error.args else error
        raise (PASSWORD if isinstance(reason, PDFPasswordIncorrect) else damaged(reason)) from None
    yield pdf, found


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Unwrap an end of memory or of files from the error in which pdfplumber wraps every failure."""
    from pdfminer.psexceptions import PSException
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        yield
    except PdfminerException as error:
        reason = error.args[0] if error.args else error
        if isinstance(reason, MemoryError | OSError) and not isinstance(reason, PSException):
            raise reason from None
        raise


def _outline(document: Any, pages: Mapping[Any, int]) -> list[Entry]:
    """Return the outline's entries in order. pdfminer's own walk goes one call deeper with every sibling."""
    from pdfminer.pdftypes import dict_value, resolve1, str_value
    from pdfminer.utils import decode_text

    out: list[Entry] = []
    seen: set[int] = set()
    waiting = [(dict_value(document.catalog.get("Outlines")).get("First"), 0)] if "Outlines" in document.catalog else []
    while waiting and len(out) < _MAX_ENTRIES:
        reference, level = waiting.pop()
        if reference is None or getattr(reference, "objid", None) in seen:
            continue
        seen.add(getattr(reference, "objid", -1))
        entry = dict_value(reference)
        title = resolve1(entry.get("Title"))
        out.append((level, decode_text(str_value(title)) if title else "", _target(document, entry, pages)))
        waiting.append((entry.get("Next"), level))
        if level + 1 < _LEVELS:
            waiting.append((entry.get("First"), level + 1))
    return out


def _target(document: Any, entry: Mapping[str, Any], pages: Mapping[Any, int]) -> int | None:
    """Return the index of the page that an entry points to; None if it is not in this file."""
    from pdfminer.pdftypes import PDFObjRef, resolve1
    from pdfminer.psexceptions import PSException
    from pdfminer.psparser import PSLiteral

    action = resolve1(entry.get("A"))
    place = resolve1(entry.get("Dest") or (action.get("D") if isinstance(action, dict) else None))
    try:
        if isinstance(place, str | bytes | PSLiteral):
            place = resolve1(document.get_dest(place.name if isinstance(place, PSLiteral) else place))
    except (PSException, LookupError, TypeError):
        return None
    if isinstance(place, dict):
        place = resolve1(place.get("D"))
    first = place[0] if isinstance(place, list) and place else None
    if isinstance(first, PDFObjRef):
        return pages.get(first.objid)
    return first if isinstance(first, int) and 0 <= first < len(pages) else None
