"""Files become documents here: bytes in, one text with sections at exact spans out.

`parse_safely` and `read` do so in a process of their own with limits, because files are hostile until parsed.
"""

from workbench.parsers.comparison import Comparison, compare
from workbench.parsers.detect import FORMATS, Format, label
from workbench.parsers.files import Refusal, Unpacked, parse, parse_safely, paste, read, read_all, unpack
from workbench.parsers.pdf.page_images import Boxes, PageImage, boxes, page_image
from workbench.parsers.registry import PARSERS, Auto, Engine, Parser, PdfPlumber, PyPdf, Unstructured
from workbench.parsers.sandbox import Limits, isolation
from workbench.parsers.writer import Writer

__all__ = [
    "FORMATS",
    "PARSERS",
    "Auto",
    "Boxes",
    "Comparison",
    "Engine",
    "Format",
    "Limits",
    "PageImage",
    "Parser",
    "PdfPlumber",
    "PyPdf",
    "Refusal",
    "Unpacked",
    "Unstructured",
    "Writer",
    "boxes",
    "compare",
    "isolation",
    "label",
    "page_image",
    "parse",
    "parse_safely",
    "paste",
    "read",
    "read_all",
    "unpack",
]
