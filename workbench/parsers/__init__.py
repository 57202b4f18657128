"""Files become documents here: bytes in, one text with sections at exact spans out.

`parse_safely` and `read` do so in a process of their own with limits, because files are hostile until parsed.
"""

from workbench.parsers.files import Refusal, parse, parse_safely, paste, read, read_all
from workbench.parsers.methods import PARSERS, Auto, Parser, PyPdf, Unstructured
from workbench.parsers.names import label
from workbench.parsers.sandbox import Limits
from workbench.parsers.sniffing import FORMATS

__all__ = [
    "FORMATS",
    "PARSERS",
    "Auto",
    "Limits",
    "Parser",
    "PyPdf",
    "Refusal",
    "Unstructured",
    "label",
    "parse",
    "parse_safely",
    "paste",
    "read",
    "read_all",
]
