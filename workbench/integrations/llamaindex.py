"""The engine behind LlamaIndex's interfaces: reader, node parser, embedding and retriever."""
# mypy: disable-error-code="import-not-found, misc"

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.node_parser import NodeParser
from llama_index.core.readers.base import BaseReader
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import (
    BaseNode,
    Document,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from workbench.embedders import embed
from workbench.integrations import Piece, Search, load_pipeline, metadata_of, parsed, pieces, read_documents
from workbench.pipelines import Pipeline
from workbench.store import Store


class WorkbenchReader(BaseReader):
    """Documents read by the pipeline's parser from a file or folder, or from an export's `documents.jsonl`."""

    def __init__(self, pipeline: Pipeline | str | Path) -> None:
        self.pipeline = load_pipeline(pipeline)

    def load_data(self, path: str | Path) -> list[Document]:
        """Return each document with its whole text."""
        hidden = {"excluded_embed_metadata_keys": ["parsed"], "excluded_llm_metadata_keys": ["parsed"]}
        return [
            Document(text=document.text, id_=document.id, metadata=metadata_of(document), **hidden)
            for document in read_documents(path, self.pipeline)
        ]


class WorkbenchNodeParser(NodeParser):
    """The pipeline's splitter. Each node holds its exact place, `start_char_idx` to `end_char_idx`, and its header."""

    splitter: Any

    def __init__(self, pipeline: Pipeline | str | Path, **kwargs: Any) -> None:
        super().__init__(splitter=load_pipeline(pipeline).splitter, **kwargs)

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:
        documents = [parsed(node.get_content(), {"document": node.node_id} | node.metadata) for node in nodes]
        return [_node(piece) for document in documents for piece in pieces(document, self.splitter)]

    def _postprocess_parsed_nodes(self, nodes: list[BaseNode], parent_doc_map: dict[str, Document]) -> list[BaseNode]:
        return nodes  # LlamaIndex would look each text up in its document, and can find another place of it


class WorkbenchEmbedding(BaseEmbedding):
    """The pipeline's embedder. LlamaIndex embeds a node's header before its text, as the engine does."""

    embedder: Any

    def __init__(self, pipeline: Pipeline | str | Path, **kwargs: Any) -> None:
        embedder = load_pipeline(pipeline).embedder
        super().__init__(embedder=embedder, model_name=embedder.source.name, **kwargs)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = embed(self.embedder, texts).tolist()
        return vectors

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self.embedder.encode_query([query])[0].tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class WorkbenchRetriever(BaseRetriever):
    """The pipeline over whole documents: `WorkbenchRetriever.from_documents(documents, "pipeline.yaml")`."""

    def __init__(self, search: Search, k: int) -> None:
        super().__init__()
        self.search, self.k = search, k

    @classmethod
    def from_documents(
        cls, documents: Iterable[Document], pipeline: Pipeline | str | Path, store: Store | None = None
    ) -> "WorkbenchRetriever":
        """Cut, embed and index whole documents, such as `WorkbenchReader` gives."""
        pipeline = load_pipeline(pipeline)
        texts = [parsed(document.text, {"document": document.node_id} | document.metadata) for document in documents]
        return cls(Search(texts, pipeline, store), pipeline.k)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self.search(query_bundle.query_str, self.k)
        return [NodeWithScore(node=_node(piece), score=score) for piece, score in found]


def _node(piece: Piece) -> TextNode:
    """Return the chunk as a node; of its metadata, the header alone is embedded, as a paragraph before the text."""
    meta = piece.metadata
    return TextNode(
        id_=piece.id,
        text=piece.text,
        start_char_idx=piece.start,
        end_char_idx=piece.end,
        metadata=meta,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=piece.document)},
        excluded_embed_metadata_keys=[key for key in meta if key != "header"],
        excluded_llm_metadata_keys=[key for key in meta if key != "name"],
        metadata_template="{value}",
        text_template="{metadata_str}\n\n{content}",
    )
