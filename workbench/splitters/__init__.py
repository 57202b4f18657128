"""Splitters: a document to chunks, which are spans and never strings.

A splitter is a frozen dataclass that is called with a document. To add one, write its class and name it here.
"""

from workbench.extensions import methods
from workbench.splitters.pieces import Cut, tree
from workbench.splitters.semantic import Cluster, Semantic
from workbench.splitters.sentences import Sentences, SentenceWindow
from workbench.splitters.separators import Code, Fixed, ParentChild, Recursive, Separator
from workbench.splitters.splitter import Splitter
from workbench.splitters.structure import Structure

SPLITTERS = methods(
    "splitters",
    Splitter,
    *(Recursive, Fixed, Sentences, Structure, Code, Separator, Semantic, Cluster, ParentChild, SentenceWindow),
)
"""kind → class."""

__all__ = [
    "SPLITTERS", "Cluster", "Code", "Cut", "Fixed", "ParentChild", "Recursive", "Semantic", "SentenceWindow",
    "Sentences", "Separator", "Splitter", "Structure", "tree",
]  # fmt: skip
