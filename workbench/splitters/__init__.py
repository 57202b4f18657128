"""Splitters: a document to chunks, which are spans and never strings.

A splitter is a frozen dataclass that is called with a document. To add one, write its class and name it here.
"""

from workbench.splitters.semantic import Cluster, Semantic
from workbench.splitters.sentences import Sentences, SentenceWindow
from workbench.splitters.separators import Code, Fixed, ParentChild, Recursive, Separator
from workbench.splitters.splitter import Splitter
from workbench.splitters.structure import Structure

SPLITTERS: dict[str, type[Splitter]] = {
    cls.kind: cls
    for cls in (Recursive, Fixed, Sentences, Structure, Code, Separator, Semantic, Cluster, ParentChild, SentenceWindow)
}

__all__ = [
    "SPLITTERS", "Cluster", "Code", "Fixed", "ParentChild", "Recursive", "Semantic", "SentenceWindow", "Sentences",
    "Separator", "Splitter", "Structure",
]  # fmt: skip
