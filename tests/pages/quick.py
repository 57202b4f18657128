"""The pipeline that the tests of the pages work with."""

from workbench.embedders import Static
from workbench.pipelines import Pipeline
from workbench.splitters import Recursive

FAST = Pipeline(splitter=Recursive(tokenizer="wordllama-256"), embedder=Static())
"""The default with the model that embeds the sample in a moment."""
