"""Splitters: a document to chunks, which are spans and never strings.

A splitter is a frozen dataclass that is called with a document. To add one, write its class and name it here.
"""

from workbench.splitters.recursive import Code, Recursive, Separator
from workbench.splitters.sentences import Sentences
from workbench.splitters.sizes import Splitter
from workbench.splitters.structure import Structure
from workbench.splitters.windows import Fixed

SPLITTERS: dict[str, type[Splitter]] = {
    cls.kind: cls for cls in (Recursive, Fixed, Sentences, Structure, Code, Separator)
}

__all__ = ["SPLITTERS", "Code", "Fixed", "Recursive", "Sentences", "Separator", "Splitter", "Structure"]
