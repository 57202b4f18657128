"""A PDF's page as an image, and a box on it for each character of the document's text.

All places are in points of the page as it is shown (turned and cropped), from its upper left corner: multiplied by the
scale of an image they are its pixels. Nothing is stored; both are made when a page is shown.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers.comparison import align
from workbench.parsers.pdf.pdfium import characters, fold_places, open_pdf, page_png, turn
from workbench.parsers.sandbox import Limits, do_apart
from workbench.spans import Span

MAX_SCALE = 4.0  # 288 dots per inch
MAX_CHARACTERS = 200_000  # of one page

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """A page as PNG, `width` by `height` pixels, `scale` pixels per point."""

    png: bytes
    width: int
    height: int
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """The visible characters of a page: `offsets` (n,) int64 into the document's text, ascending, and
    `rectangles` (n, 4) float64 as left, top, right, bottom; `width` and `height` of the page.
    """

    document: str
    page: int
    width: float
    height: float
    offsets: NDArray[np.int64]
    rectangles: NDArray[np.float64]

    def over(self, span: Span) -> list[Rectangle]:
        """Return the rectangles that cover a span on this page, one per line, or more at wide gaps."""
        if span.document != self.document:
            raise DocumentError(f"span of document {span.document[:8]} is not on a page of {self.document[:8]}")
        first, last = np.searchsorted(self.offsets, (span.start, span.end))
        merged: list[list[float]] = []
        for left, top, right, bottom in self.rectangles[first:last].tolist():
            if merged and _continues(merged[-1], left, top, bottom):
                line = merged[-1]
                line[1], line[3] = min(line[1], top), max(line[3], bottom)
                line[0], line[2] = min(line[0], left), max(line[2], right)
            else:
                merged.append([left, top, right, bottom])
        return [(a, b, c, d) for a, b, c, d in merged]

    def offset_at(self, x: float, y: float, reach: float = 10.0) -> int | None:
        """Return the offset of the character at a place, or of the nearest within `reach` points; None for none."""
        if not len(self.offsets):
            return None
        left, top, right, bottom = self.rectangles.T
        aside = np.maximum(np.maximum(left - x, x - right), 0.0)
        above = np.maximum(np.maximum(top - y, y - bottom), 0.0)
        distance = np.hypot(aside, above)
        nearest = int(distance.argmin())
        return int(self.offsets[nearest]) if distance[nearest] <= reach else None


def _continues(line: list[float], left: float, top: float, bottom: float) -> bool:
    """Return whether a character is on the line, at most two line heights after its end."""
    height = max(line[3] - line[1], bottom - top)
    overlap = min(line[3], bottom) - max(line[1], top)
    return overlap > 0.5 * min(line[3] - line[1], bottom - top) and -0.5 * height <= left - line[2] <= 2 * height


def page_image(name: str, data: bytes, page: int, scale: float = 1.5, limits: Limits | None = None) -> PageImage:
    """Draw a page of a PDF in a process of its own. `page` counts from 1; `scale` is reduced for very large pages.

    Raises:
        DocumentError: not a PDF that can be opened, no such page, or more than a limit.
    """
    drawn = do_apart("image", name, data, limits or Limits(), {"page": page, "scale": scale})
    return PageImage(
        base64.b64decode(drawn["png"], validate=True), int(drawn["width"]), int(drawn["height"]), float(drawn["scale"])
    )


def boxes(document: Document, data: bytes, page: int, limits: Limits | None = None) -> Boxes:
    """Return the places of a document's characters on a page of `data`, its file, for the text of every PDF parser.

    Characters that the parser added, or that pdfium reads differently, have no rectangle.

    Raises:
        DocumentError: not a PDF that can be opened, no such page, or more than a limit.
    """
    span = next((s for number, s in document.pages if number == page), None)
    if span is None or document.media_type != "application/pdf":
        raise DocumentError(f"{document.name}: it has no page {page} that can be shown as on paper.")
    arguments = {"page": page, "text": document[span]}
    measured = do_apart("boxes", document.name, data, limits or Limits(), arguments)
    return Boxes(
        document.id,
        page,
        float(measured["width"]),
        float(measured["height"]),
        np.asarray(measured["offsets"], np.int64) + span.start,
        np.asarray(measured["rectangles"], np.float64).reshape(-1, 4),
    )


def draw(name: str, data: bytes, page: int, scale: float) -> dict[str, Any]:
    """`page_image`, in this process."""
    if not 0 < scale <= MAX_SCALE:
        raise DocumentError(f"{name}: scale ({scale:g}) must be above 0 and at most {MAX_SCALE:g}.")
    with _opened(name, data, page) as shown:
        drawn, width, height, scale = page_png(shown, scale)
    return {"png": base64.b64encode(drawn).decode("ascii"), "width": width, "height": height, "scale": scale}


def measure(name: str, data: bytes, page: int, text: str) -> dict[str, Any]:
    """`boxes`, in this process; `text` is what the document holds of the page, and offsets count from its start."""
    import pypdfium2.raw as pdfium

    with _opened(name, data, page) as shown:
        width, height = shown.get_size()
        textpage = shown.get_textpage()
        try:
            count = textpage.count_chars()
            if count > MAX_CHARACTERS:
                raise DocumentError(f"{name}: page {page} holds {count:,} characters; {MAX_CHARACTERS:,} is the limit.")
            raw, indices = characters(textpage)
            read, places = fold_places(raw)
            text = text.replace("\t", " ")  # between the cells of a table
            if text != read:  # hyphens may have been kept
                kept = fold_places(raw, mend=False)
                read, places = kept if text == kept[0] else (read, places)
            onto = turn(shown)
            offsets, corners = [], []
            box = pdfium.FS_RECTF()
            for offset, place in enumerate(align(text, read)):
                if place is None or text[offset].isspace():
                    continue
                seen = pdfium.FPDFText_GetLooseCharBox(textpage, indices[places[place]], box)
                if seen and box.left != box.right and box.top != box.bottom:
                    offsets.append(offset)
                    corners.append((box.left, box.bottom, box.right, box.top))
        finally:
            textpage.close()
    points = np.asarray(corners, np.float64).reshape(-1, 2, 2) @ onto[:, :2].T + onto[:, 2]
    rectangles = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1).round(2)
    return {"width": width, "height": height, "offsets": offsets, "rectangles": rectangles.tolist()}


@contextmanager
def _opened(name: str, data: bytes, page: int) -> Iterator[Any]:
    """Open a page of a PDF; errors name the file."""
    import pypdfium2

    try:
        with open_pdf(data) as pdf:
            if not 1 <= page <= len(pdf):
                raise DocumentError(f"it has {len(pdf):,} pages; there is no page {page}.")
            try:
                shown = pdf[page - 1]
            except pypdfium2.PdfiumError as error:
                raise DocumentError(f"its page {page} is damaged ({error}).") from None
            try:
                yield shown
            finally:
                shown.close()
    except DocumentError as error:
        text = str(error)
        raise DocumentError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from None
