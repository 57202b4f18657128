"""The characters of a PDF page as pdfium counts and places them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FINE = 1_000  # device units a point, where pdfium tells a page's corners in whole numbers


def characters(textpage: Any) -> tuple[str, list[int]]:
    """The characters of a page as code points, and the index by which pdfium knows each.

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
    """(2, 3): from the page's own units to points of the page as it is shown."""
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
