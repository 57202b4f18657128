"""The engine behind LangChain's interfaces: loader, text splitter, embeddings and retriever."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_text_splitters import TextSplitter

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


class WorkbenchLoader(BaseLoader):
    """Documents read by the pipeline's parser from a file or folder, or from an export's `documents.jsonl`."""

    def __init__(self, path: str | Path, pipeline: Pipeline | str | Path) -> None:
        self.path, self.pipeline = path, load_pipeline(pipeline)

    def lazy_load(self) -> Iterator[Document]:
        """Yield each document with its whole text."""
        for document in read_documents(self.path, self.pipeline):
            yield Document(document.text, id=document.id, metadata=metadata_of(document))


class WorkbenchSplitter(TextSplitter):
    """The pipeline's splitter. Each chunk's metadata holds its exact place, `start` to `end`, and its `header`."""

    def __init__(self, pipeline: Pipeline | str | Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.splitter = load_pipeline(pipeline).splitter

    def split_text(self, text: str) -> list[str]:
        """Return the chunks of a plain text."""
        return [piece.text for piece in pieces(parsed(text, {}), self.splitter)]

    def create_documents(self, texts: list[str], metadatas: list[dict[Any, Any]] | None = None) -> list[Document]:
        """Return the chunks of each text; `split_documents` calls this with the documents' metadata."""
        chunks = []
        for text, metadata in zip(texts, metadatas or [{} for _ in texts], strict=True):
            known = {key: value for key, value in metadata.items() if key != "parsed"}
            chunks += [_chunk(piece, known) for piece in pieces(parsed(text, metadata), self.splitter)]
        return chunks


class WorkbenchEmbeddings(Embeddings):
    """The pipeline's embedder. A chunk with a header is embedded as `embedded_texts` gives it."""

    def __init__(self, pipeline: Pipeline | str | Path) -> None:
        self.embedder = load_pipeline(pipeline).embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each passage."""
        vectors: list[list[float]] = embed(self.embedder, texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a query."""
        vector: list[float] = self.embedder.encode_query([text])[0].tolist()
        return vector


def embedded_texts(chunks: Iterable[Document]) -> list[str]:
    """Return what is embedded for each chunk: the path of headings above it, a blank line, its text."""
    return [embedded_text(chunk.page_content, chunk.metadata) for chunk in chunks]


class WorkbenchRetriever(BaseRetriever):
    """The pipeline over whole documents: `WorkbenchRetriever.from_documents(documents, "pipeline.yaml")`."""

    search: Any
    k: int

    @classmethod
    def from_documents(
        cls, documents: Iterable[Document], pipeline: Pipeline | str | Path, store: Store | None = None
    ) -> "WorkbenchRetriever":
        """Cut, embed and index whole documents, such as `WorkbenchLoader` gives."""
        pipeline = load_pipeline(pipeline)
        texts = [parsed(document.page_content, document.metadata) for document in documents]
        return cls(search=Search(texts, pipeline, store), k=pipeline.k)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [_chunk(piece, {"score": score}) for piece, score in self.search(query, self.k)]


def _chunk(piece: Piece, known: dict[Any, Any]) -> Document:
    return Document(piece.text, id=piece.id, metadata=known | piece.metadata)
