"""PDF text, page by page, through pdfium; and through pypdf, for comparison."""

import io
import re
from typing import Any

from workbench.errors import DocumentError
from workbench.parsers.writers import Writer

MAX_PAGES = 200_000
_MAX_FAILURES = 1_000
_SEPARATED = re.compile(r"\r\n?")
_BROKEN = re.compile("(\\S*)[\ufffe\x02\xad](?=(.?))", re.S)
_PASSWORD = DocumentError("the PDF asks for a password. Save a copy without it.")


def fold(raw: str) -> str:
    """pdfium's text of a page with plain line ends and with words that were broken at a line's end made whole.

    pdfium marks such a break by U+FFFE and leaves the line end out. The hyphen stays where the word is a compound:
    where there is another hyphen in it, or anything but lower-case letters beside the break.
    """
    text = _SEPARATED.sub("\n", raw).rstrip(" \n")
    return _BROKEN.sub(_joined, text) if "\ufffe" in text or "\x02" in text else text


def _joined(match: re.Match[str]) -> str:
    before, after = match[1], match[2]
    whole = before[-1:].islower() and after.islower() and "-" not in before
    return before if whole else before + "-"


def read_pdf(data: bytes, writer: Writer) -> None:
    """Pages, and the outline's entries as headings where their titles are found on their page."""
    import pypdfium2
    import pypdfium2.raw

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise _PASSWORD from None
        raise DocumentError(
            f"the PDF is damaged or cut short ({_reason(error)}). Print or save it to PDF anew."
        ) from None
    try:

        def page_text(i: int) -> str:
            page = pdf[i]
            try:
                textpage = page.get_textpage()
                try:
                    return fold(textpage.get_text_range())
                finally:
                    textpage.close()
            finally:
                page.close()

        texts = _write_pages(len(pdf), page_text, (pypdfium2.PdfiumError,), writer)
        _outline(pdf, texts, writer)
    finally:
        pdf.close()


def read_pypdf(data: bytes, writer: Writer, mode: str) -> None:
    """Pages, as pypdf extracts them."""
    import logging

    import pypdf
    from pypdf.errors import PdfReadError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise _PASSWORD
        count = len(reader.pages)
    except PdfReadError as error:
        raise DocumentError(
            f"the PDF is damaged or cut short ({_reason(error)}). Print or save it to PDF anew."
        ) from None
    failures = (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError)
    _write_pages(count, lambda i: reader.pages[i].extract_text(extraction_mode=mode).rstrip(), failures, writer)  # type: ignore[arg-type]


def _write_pages(count: int, page_text: Any, failures: tuple[type[Exception], ...], writer: Writer) -> list[str]:
    """Write every page; the texts. Says which pages hold none or cannot be read."""
    if count > MAX_PAGES:
        raise DocumentError(
            f"the PDF says that it has {count:,} pages; the limit is {MAX_PAGES:,}. Split it into parts."
        )
    texts: list[str] = []
    empty, broken = [], []
    for number in range(1, count + 1):
        try:
            text = page_text(number - 1)
        except failures:
            text = ""
            broken.append(number)
            if len(broken) > _MAX_FAILURES:
                raise DocumentError(
                    f"more than {_MAX_FAILURES:,} of the PDF's pages cannot be read. Print or save it to PDF anew."
                ) from None
        texts.append(text)
        with writer.page(number):
            writer.write(text)
        writer.separate(2)
        if not text.strip() and number not in broken[-1:]:
            empty.append(number)
    if len(empty) == count:
        what = "its only page holds no text" if count == 1 else f"none of its {count:,} pages holds any text"
        raise DocumentError(
            f"{what} (a scan or pictures?). Run text recognition (OCR) on it first, then upload the result."
        )
    if broken:
        writer.warn(f"{_pages(broken)} could not be read")
    if empty:
        writer.warn(
            f"{_pages(empty)} {'holds' if len(empty) == 1 else 'hold'} no text (blank, or a scan?): "
            "run OCR first if something should stand there"
        )
    return texts


def _reason(error: Exception) -> str:
    """What a library says, without its full stop."""
    return " ".join(str(error).split()).rstrip(".")


def _pages(numbers: list[int]) -> str:
    """`page 3` or `pages 3, 5-9`."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    named = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    shown = ", ".join(named[:20]) + (" and others" if len(named) > 20 else "")
    return ("page " if len(numbers) == 1 else "pages ") + shown


def _outline(pdf: Any, texts: list[str], writer: Writer) -> None:
    """Mark the outline's titles where they stand as a line, or at a line's start, on the page that they point to."""
    reached: dict[int, int] = {}
    try:
        entries = [(b.level, b.get_title(), b.get_dest()) for b in pdf.get_toc(max_depth=6)]
    except Exception as error:  # noqa: BLE001 - a broken outline costs its headings, not the text
        writer.warn(f"the outline could not be read ({error})")
        return
    starts = {number - 1: start for number, start, _ in writer.pages}
    for level, title, place in entries:
        words = title.split()
        index = place.get_index() if place else None
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
