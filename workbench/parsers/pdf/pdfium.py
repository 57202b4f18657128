"""PDF pages through pdfium: opening, characters and their places, images; and words broken at a line's end."""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import DocumentError

_SPECIAL = re.compile("\r\n?|[\ufffe\x02]|\xad(?:\r\n?|\n)")
_HYPHENATED = re.compile(r"(\S*)(-|\xad)\n(?=(.?))")
PASSWORD = DocumentError("the PDF asks for a password. Save a copy without it.")
_FINE = 1_000  # device units a point, since pdfium gives a page's corners in whole numbers


def characters(textpage: Any) -> tuple[str, list[int]]:
    """Return the characters of a page as code points, and pdfium's index of each.

    pdfium counts UTF-16 units: a character beyond U+FFFF is two of its indices, the first of which has its box.
    """
    import pypdfium2.raw as pdfium

    codes = [pdfium.FPDFText_GetUnicode(textpage, i) for i in range(textpage.count_chars())]
    out, indices = [], []
    i = 0
    while i < len(codes):
        code = codes[i]
        step = 1
        if 0xD800 <= code < 0xDC00 and i + 1 < len(codes) and 0xDC00 <= codes[i + 1] < 0xE000:
            code = 0x10000 + ((code - 0xD800) << 10) + (codes[i + 1] - 0xDC00)
            step = 2
        out.append(chr(code) if code <= 0x10FFFF else "\ufffd")
        indices.append(i)
        i += step
    return "".join(out), indices


def turn(shown: Any) -> NDArray[np.float64]:
    """Return the affine map (2, 3) from the page's own units to points of the page as it is shown."""
    import ctypes

    import pypdfium2.raw as pdfium

    width, height = shown.get_size()
    fine = max(1.0, min(_FINE, 1e8 / max(width, height, 1.0)))
    size = (round(width * fine), round(height * fine))
    far = 1_000.0
    found = []
    for x, y in ((0.0, 0.0), (far, 0.0), (0.0, far)):
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(shown, 0, 0, *size, 0, x, y, across, down)
        found.append(np.array([across.value, down.value]) / fine)
    origin, right, up = found
    return np.column_stack([(right - origin) / far, (up - origin) / far, origin])


MAX_PIXELS = 4_000_000
_MAX_SIDE = 16_000  # pixels


def page_png(page: Any, scale: float) -> tuple[bytes, int, int, float]:
    """Return a page as PNG, its width and height in pixels, and the scale, lowered for a very large page."""
    width, height = page.get_size()
    scale = min(scale, (MAX_PIXELS / max(width * height, 1e-6)) ** 0.5, _MAX_SIDE / max(width, height, 1e-6))
    bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
    try:
        pixels = bitmap.to_numpy()
        if pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        drawn = png(np.ascontiguousarray(pixels[:, :, :3]))
    finally:
        bitmap.close()
    return drawn, pixels.shape[1], pixels.shape[0], scale


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels (height, width, 3) as a PNG file. Source: PNG specification, third edition, sections 5, 7 and 9."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # the first byte of each row: not filtered
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def fold(raw: str, mend: bool = True) -> str:
    """Return pdfium's text of a page with plain line ends and words joined that were broken at a line's end.

    pdfium marks such a break by U+FFFE and leaves the line end out. The hyphen stays without `mend`, and in a compound:
    with another hyphen in the word, or anything but lower-case letters beside the break.
    """
    return fold_places(raw, mend)[0]


def fold_places(raw: str, mend: bool = True) -> tuple[str, Sequence[int]]:
    """Return `fold(raw, mend)` and the index in `raw` of each of its characters."""
    if not _SPECIAL.search(raw):
        text = raw.rstrip(" \n")
        return text, range(len(text))
    parts: list[str] = []
    places: list[int] = []
    at = 0
    word = ""  # what stands before a break, back to the last blank or break
    for match in _SPECIAL.finditer(raw):
        piece = raw[at : match.start()]
        parts.append(piece)
        places.extend(range(at, match.start()))
        word = re.split(r"\s", word + piece)[-1]
        at = match.end()
        sign = "\n" if match[0][0] == "\r" else "" if mend and whole(word, raw[at : at + 1]) else "-"
        parts.append(sign)
        places.extend([match.start()] * len(sign))
        word = ""
    parts.append(raw[at:])
    places.extend(range(at, len(raw)))
    text = "".join(parts).rstrip(" \n")
    return text, places[: len(text)]


def mend(text: str) -> str:
    """Return text of printed lines with words joined that a hyphen breaks at a line's end."""
    return _HYPHENATED.sub(lambda m: m[1] if m[2] == "\xad" or whole(m[1], m[3]) else m[0], text)


def whole(before: str, after: str) -> bool:
    """Return whether a word that a hyphen breaks between these at a line's end is written without it."""
    return before[-1:].islower() and after.islower() and "-" not in before


@contextmanager
def open_pdf(data: bytes) -> Iterator[Any]:
    """Open a pdfium document.

    Raises:
        DocumentError: damaged, or protected by a password.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise PASSWORD from None
        raise damaged(error) from None
    try:
        yield pdf
    finally:
        pdf.close()


def damaged(error: object) -> DocumentError:
    """Return the error for a PDF that a library cannot open, with its reason."""
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return DocumentError(f"the PDF is damaged or cut short ({said}). Print or save it to PDF again.")
