"""Files become documents here: bytes in, one text with sections at exact spans out.

`parse_safely` and `read` do so in a process of their own with limits, because files are hostile until parsed.
"""

from workbench.parsers.comparisons import Comparison, compare
from workbench.parsers.files import Refusal, parse, parse_safely, paste, read, read_all
from workbench.parsers.methods import PARSERS, Auto, Engine, Parser, PdfPlumber, PyPdf, Unstructured
from workbench.parsers.names import label
from workbench.parsers.pages import Boxes, PageImage, boxes, page_image
from workbench.parsers.sandbox import Limits, isolation
from workbench.parsers.sniffing import FORMATS, Format
from workbench.parsers.writers import Writer
from workbench.parsers.zips import Unpacked, unpack

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
