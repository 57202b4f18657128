"""Chunking and embedding experiments on your own documents: the engine behind the app and the command line.

    from workbench import Pipeline, Recursive, read, search

    corpus = read("sample_docs")
    pipeline = Pipeline(splitter=Recursive(chunk_size=200, chunk_overlap=20, unit="tokens"))
    for hit in search(corpus, pipeline, "How long is parental leave?"):
        print(hit.rank, corpus[hit.span])

Names are imported on first use, so `import workbench` itself costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "1.0.0"

_HOMES = {
    "Chunk": "documents",
    "Chunks": "documents",
    "Corpus": "documents",
    "Document": "documents",
    "Section": "documents",
    "Span": "spans",
    "Hit": "records",
    "Question": "records",
    "WorkbenchError": "errors",
    "Recursive": "splitters",
    "Pipeline": "pipelines",
    "read": "parsers",
}

__all__ = sorted(_HOMES)  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(f"workbench.{_HOMES[name]}"), name)
