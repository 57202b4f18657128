"""PDF text through pdfplumber, an extra that need not be installed: words by places, ruled tables cell by cell."""

import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from typing import Any

from workbench.parsers.grids import Grid
from workbench.parsers.lines import Laid, laid_out
from workbench.parsers.outlines import Entry, mark_outline
from workbench.parsers.pdfs import MAX_PAGES, PASSWORD, PdfOptions, damaged, write_pages
from workbench.parsers.writers import Writer

NEEDS = "pdfplumber==0.11.10"
"""What pip installs it by."""

_UNKNOWN = re.compile(r"\(cid:\d+\)")  # what pdfminer writes for a character that its font gives no letter for
_LEVELS = 6
_MAX_ENTRIES = 100_000


def installed() -> bool:
    """Whether pdfplumber is here; it is not imported."""
    return find_spec("pdfplumber") is not None


def read_plumbed(data: bytes, writer: Writer, mode: str, options: PdfOptions) -> None:
    """Pages with their tables, and the outline's entries as headings where their titles are found on their page.

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
    tables: dict[int, list[Grid]] = {}
    unknown = 0

    def page_text(i: int) -> str:
        nonlocal unknown
        page = Page(pdf, found[i], i + 1)
        try:
            with _told():
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
    """A pdfplumber document and pdfminer's pages of it.

    Raises:
        DocumentError: damaged, or protected by a password.
    """
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfpage import PDFPage
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        with _told():
            pdf = pdfplumber.open(io.BytesIO(data))
        found = list(islice(PDFPage.create_pages(pdf.doc), MAX_PAGES + 1))
    except RecursionError:
        raise
    except failures as error:
        reason = error.args[0] if isinstance(error, PdfminerException) and error.args else error
        raise (PASSWORD if isinstance(reason, PDFPasswordIncorrect) else damaged(reason)) from None
    yield pdf, found


@contextmanager
def _told() -> Iterator[None]:
    """Lets an end of memory or of files out of the error in which pdfplumber wraps all that goes wrong."""
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
    """The entries of the outline, in their order. pdfminer's own walk goes one call deeper with every sibling."""
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
    """The index of the page that an entry points to; None where it points nowhere in this file."""
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
