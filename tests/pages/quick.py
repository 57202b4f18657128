"""The pipeline that the tests of the pages work with, and how they find a control."""

from streamlit.testing.v1 import AppTest

from workbench.embedders import Static
from workbench.pipelines import Pipeline
from workbench.splitters import Recursive

FAST = Pipeline(splitter=Recursive(tokenizer="wordllama-256"), embedder=Static())
"""The default with the model that embeds the sample in a moment."""


def control(app: AppTest, kind: str, name: str):
    """Return the widget of this kind that has the name now: its key ends in spaces once another took its place."""
    return next(widget for widget in getattr(app, kind) if (widget.key or "").rstrip() == name)
