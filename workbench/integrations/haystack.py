"""The engine behind Haystack's interfaces: components that read, split, embed and retrieve."""
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from haystack import Document, component

from workbench.documents import Document as Parsed
from workbench.embedders import embed
from workbench.integrations import (
    Piece,
    Search,
    embedded_text,
    load_pipeline,
    metadata_of,
    parsed,
    pieces,
    read_documents,
)
from workbench.pipelines import Pipeline
from workbench.store import Store


@component
class WorkbenchConverter:
    """Documents read by the pipeline's parser from files or folders, or from an export's `documents.jsonl`."""

    def __init__(self, pipeline: Pipeline | str | Path) -> None:
        self.pipeline = load_pipeline(pipeline)

    @component.output_types(documents=list[Document])
    def run(self, sources: list[str | Path]) -> dict[str, list[Document]]:
        """Return each document with its whole text."""
        read = [document for source in sources for document in read_documents(source, self.pipeline)]
        return {"documents": [Document(id=one.id, content=one.text, meta=metadata_of(one)) for one in read]}


@component
class WorkbenchSplitter:
    """The pipeline's splitter. Each chunk's meta holds its exact place, `start` to `end`, and its `header`."""

    def __init__(self, pipeline: Pipeline | str | Path) -> None:
        self.splitter = load_pipeline(pipeline).splitter

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Return the chunks of all documents."""
        return {
            "documents": [_chunk(piece) for document in _parsed(documents) for piece in pieces(document, self.splitter)]
        }


@component
class WorkbenchDocumentEmbedder:
    """The pipeline's embedder for chunks; a header is embedded before the text."""

    def __init__(self, pipeline: Pipeline | str | Path) -> None:
        self.embedder = load_pipeline(pipeline).embedder

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Return the same chunks with their vectors."""
        vectors = embed(self.embedder, [embedded_text(document.content, document.meta) for document in documents])
        pairs = zip(documents, vectors.tolist(), strict=True)
        return {"documents": [replace(document, embedding=vector) for document, vector in pairs]}


@component
class WorkbenchTextEmbedder:
    """The pipeline's embedder for queries."""

    def __init__(self, pipeline: Pipeline | str | Path) -> None:
        self.embedder = load_pipeline(pipeline).embedder

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        """Return the query's vector."""
        return {"embedding": self.embedder.encode_query([text])[0].tolist()}


@component
class WorkbenchRetriever:
    """The pipeline over whole documents: `WorkbenchRetriever(documents, "pipeline.yaml")`."""

    def __init__(self, documents: list[Document], pipeline: Pipeline | str | Path, store: Store | None = None) -> None:
        self.search = Search(_parsed(documents), load_pipeline(pipeline), store)

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """Return the best chunks, as many as the pipeline says by default."""
        return {"documents": [replace(_chunk(piece), score=score) for piece, score in self.search(query, top_k)]}


def _parsed(documents: Iterable[Document]) -> list[Parsed]:
    return [parsed(document.content or "", {"document": document.id} | document.meta) for document in documents]


def _chunk(piece: Piece) -> Document:
    return Document(id=piece.id, content=piece.text, meta=piece.metadata)
