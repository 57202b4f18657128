"""PDF files, page by page, through pdfium, and through pypdf for comparison."""

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.pdf.headers_footers import edge_lines, shift, without
from workbench.parsers.pdf.pdfium import (
    PASSWORD,
    characters,
    damaged,
    fold_places,
    mend,
    open_pdf,
    page_png,
    turn,
)
from workbench.parsers.pdf.tables import PageTable, aligned_tables, tabbed
from workbench.parsers.writer import MAX_CHARACTERS, Writer

REMEDY = "install tesseract (Debian: tesseract-ocr and its languages), or upload a searchable PDF"
SCALE = 300 / 72  # tesseract reads best at about 300 dots per inch
OCR_LANGUAGES = re.compile(r"[A-Za-z_]{2,20}(\+[A-Za-z_]{2,20})*")


@lru_cache
def tesseract_version() -> str:
    """Return the version of the installed tesseract; "" for none."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return match[0] if match else ""


def recognise(png: bytes, languages: str, seconds: float = 60) -> str:
    """Return the text in a picture, line by line.

    Raises:
        DocumentError: tesseract is not installed, lacks these languages, or fails.
    """
    if not tesseract_version():
        raise DocumentError(f"text recognition was asked for, but tesseract is not installed: {REMEDY}.")
    command = [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "-l", languages]
    try:
        done = subprocess.run(command, input=png, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise DocumentError(f"text recognition of a page took longer than {seconds:g} s, the limit.") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise DocumentError(f"tesseract could not read a page ({said or done.returncode}). Is {languages!r} installed?")
    return done.stdout.decode("utf-8", "replace").replace("\x0c", "").strip()


Entry = tuple[int, str, int | None]
"""Level from 0, title, and the index of the page that it points to, or None."""


def mark_outline(entries: Iterable[Entry], texts: Sequence[str], writer: Writer) -> None:
    """Mark the titles of an outline that are a line, or its start, as headings; `texts` are the written pages."""
    reached: dict[int, int] = {}
    starts = {number - 1: start for number, start, _ in writer.pages}
    for level, title, index in entries:
        words = title.split()
        if not words or index is None or index not in starts:
            continue
        pattern = re.compile(
            r"^[ \t]*(?:[\dA-Z]+(?:\.\d+)*\.?\s+)?(" + r"\s+".join(map(re.escape, words)) + r")", re.I | re.M
        )
        match = pattern.search(texts[index], reached.get(index, 0)) or pattern.search(texts[index])
        if match:
            reached[index] = match.end()
            start = starts[index] + match.start(1)
            writer.mark("heading", min(6, level + 1), start, starts[index] + match.end(1), match[1])


MAX_PAGES = 200_000
_MAX_FAILURES = 1_000


@dataclass(frozen=True, slots=True)
class PdfOptions:
    """Options for a page's text. `ocr`: the languages in which scanned pages are recognised, "" for no recognition."""

    drop_furniture: bool = False
    mend_hyphens: bool = True
    ocr: str = ""


def read_pdf(data: bytes, writer: Writer, options: PdfOptions = PdfOptions()) -> None:
    """Write the pages by pdfium, and mark the outline's entries as headings if their titles are found on the page."""
    import pypdfium2

    with open_pdf(data) as pdf:
        tables: dict[int, list[PageTable]] = {}

        def page_text(i: int) -> str:
            page = pdf[i]
            try:
                textpage = page.get_textpage()
                try:
                    raw = textpage.get_text_range()
                    text, places = fold_places(raw, options.mend_hyphens)
                    if textpage.count_chars() == len(raw) and (found := aligned_tables(text, places, textpage)):
                        tables[i] = found
                        text = tabbed(text, found)
                    return text
                finally:
                    textpage.close()
            finally:
                page.close()

        def height(i: int, offset: int) -> float | None:
            try:
                return _height(pdf[i], offset, options.mend_hyphens)
            except pypdfium2.PdfiumError:
                return None

        texts = write_pages(len(pdf), page_text, (pypdfium2.PdfiumError,), writer, options, data, height, tables)
        try:
            entries = [(b.level, b.get_title(), b.get_dest()) for b in pdf.get_toc(max_depth=6)]
        except Exception as error:  # noqa: BLE001 - a broken outline costs its headings, not the text
            writer.warn(f"the outline could not be read ({error})")
            return
        pointed = ((level, title, place.get_index() if place else None) for level, title, place in entries)
        mark_outline(pointed, texts, writer)


def read_pypdf(data: bytes, writer: Writer, mode: str, options: PdfOptions = PdfOptions()) -> None:
    """Write the pages as pypdf extracts them."""
    import logging

    import pypdf
    from pypdf.errors import PdfReadError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise PASSWORD
        count = len(reader.pages)
    except PdfReadError as error:
        raise damaged(error) from None

    def page_text(i: int) -> str:
        text = reader.pages[i].extract_text(extraction_mode=mode).rstrip()  # type: ignore[arg-type]
        return mend(text) if options.mend_hyphens and mode == "plain" else text

    failures = (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError)
    write_pages(count, page_text, failures, writer, options, data)


def write_pages(
    count: int,
    page_text: Callable[[int], str],
    failures: tuple[type[Exception], ...],
    writer: Writer,
    options: PdfOptions,
    data: bytes,
    height: Callable[[int, int], float | None] | None = None,
    tables: Mapping[int, list[PageTable]] | None = None,
) -> list[str]:
    """Write every page and return the texts as written; warn of pages without text and of unreadable ones."""
    if count > MAX_PAGES:
        raise DocumentError(
            f"the PDF says that it has {count:,} pages; the limit is {MAX_PAGES:,}. Split it into parts."
        )
    if not count:
        raise damaged("it has no page")
    texts: list[str] = []
    empty, broken = [], []
    length = 0
    for number in range(1, count + 1):
        try:
            text = page_text(number - 1)
        except failures:
            text = ""
            broken.append(number)
            if len(broken) > _MAX_FAILURES:
                raise DocumentError(
                    f"more than {_MAX_FAILURES:,} of the PDF's pages cannot be read. Print or save it to PDF again."
                ) from None
        if not text.strip() and number not in broken[-1:]:
            empty.append(number)
        length += len(text)
        if length > MAX_CHARACTERS:
            raise DocumentError(f"it holds more than {MAX_CHARACTERS:,} characters of text, the limit. Split it.")
        texts.append(text)
    if options.ocr and empty:
        empty = _recognise(data, empty, texts, writer, options.ocr)
    if len(empty) == count:
        what = "its only page holds no text" if count == 1 else f"none of its {count:,} pages holds any text"
        raise DocumentError(
            f"{what} (a scan or pictures?). Run text recognition (OCR) on it first, then upload the result"
            + (
                f", or choose it in the parser: tesseract {tesseract_version()} is installed."
                if tesseract_version()
                else "."
            )
        )
    _write(texts, writer, options, height, tables or {})
    if broken:
        writer.warn(f"{_pages(broken)} could not be read")
    if empty:
        writer.warn(
            f"{_pages(empty)} {'holds' if len(empty) == 1 else 'hold'} no text (blank, or a scan?): "
            "run OCR first if something should stand there"
        )
    return texts


def _height(page: Any, offset: int, mended: bool) -> float | None:
    """Return the height of a character of `fold`'s text on its page, 0 to 1; None if it has no place."""
    textpage = page.get_textpage()
    try:
        raw, indices = characters(textpage)
        _, places = fold_places(raw, mended)
        if offset >= len(places):
            return None
        left, bottom, right, top = textpage.get_charbox(indices[places[offset]])
    finally:
        textpage.close()
    _, down = turn(page) @ ((left + right) / 2, (bottom + top) / 2, 1.0)
    return 1.0 - float(down) / max(float(page.get_height()), 1e-6)


def _write(
    texts: list[str],
    writer: Writer,
    options: PdfOptions,
    height: Callable[[int, int], float | None] | None,
    tables: Mapping[int, list[PageTable]],
) -> None:
    """Write the pages with their tables; mark headers and footers, or drop them from `texts` too."""
    lines = edge_lines(texts, height)
    for i, found in enumerate(lines):
        grids_here = tables.get(i, [])
        if options.drop_furniture and found:
            grids_here = [g.moved(by) for g in grids_here if (by := shift(texts[i], found, *_ends(g))) is not None]
            texts[i] = without(texts[i], found)
        with writer.page(i + 1):
            writer.write(texts[i])
        start = writer.pages[-1][1]
        for grid in grids_here:
            first, last = _ends(grid)
            writer.mark("table", 1, start + first, start + last)
            for row_start, row_end in grid.rows:
                writer.mark("row", 1, start + row_start, start + row_end)
        if not options.drop_furniture:
            for line in found:
                writer.mark(line.edge, 1, start + line.start, start + line.end)
        writer.separate(2)
    if options.drop_furniture and (dropped := sum(map(len, lines))):
        writer.warn(f"{dropped:,} lines of headers, footers and page numbers were left out, as chosen")


def _ends(grid: PageTable) -> tuple[int, int]:
    return grid.rows[0][0], grid.rows[-1][1]


def _recognise(data: bytes, empty: list[int], texts: list[str], writer: Writer, languages: str) -> list[int]:
    """Fill in the texts of scanned pages; return those without any."""
    found = []
    with open_pdf(data) as pdf:
        for number in empty:
            texts[number - 1] = recognise(page_png(pdf[number - 1], SCALE)[0], languages)
            if texts[number - 1]:
                found.append(number)
    if found:
        which = f"{_pages(found)} {'was' if len(found) == 1 else 'were'}"
        writer.warn(f"{which} read by text recognition (tesseract {tesseract_version()}): expect errors")
    return [n for n in empty if n not in set(found)]


def _pages(numbers: list[int]) -> str:
    """Return "page 3" or "pages 3, 5-9"."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    named = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    shown = ", ".join(named[:20]) + (" and others" if len(named) > 20 else "")
    return ("page " if len(numbers) == 1 else "pages ") + shown
