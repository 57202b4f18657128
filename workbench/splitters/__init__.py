"""Splitters: a document to chunks, which are spans and never strings.

A splitter is a frozen dataclass that is called with a document. To add one, write its class and name it here.
"""

from workbench.extensions import methods
from workbench.splitters.levels import tree
from workbench.splitters.parents import ParentChild, SentenceWindow
from workbench.splitters.pieces import Cut
from workbench.splitters.recursive import Code, Recursive, Separator
from workbench.splitters.semantic import Cluster, Semantic
from workbench.splitters.sentences import Sentences
from workbench.splitters.sizes import Splitter
from workbench.splitters.structure import Structure
from workbench.splitters.windows import Fixed

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
