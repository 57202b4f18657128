"""A page of a PDF as a PNG file, drawn by pdfium, of bounded size."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 4_000_000
_MAX_SIDE = 16_000  # pixels


def page_png(page: Any, scale: float) -> tuple[bytes, int, int, float]:
    """A pdfium page as PNG, its width and height in pixels, and the scale, lowered where the page is very large."""
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
    """(height, width, 3) uint8 as a PNG file. Source: PNG specification, third edition, sections 5, 7 and 9."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # the first byte of each row: not filtered
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
