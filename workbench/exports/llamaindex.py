"""`export.py` for LlamaIndex."""

from typing import Any

from workbench.exports import blocks
from workbench.exports.indexing import index_blocks
from workbench.exports.modules import literal
from workbench.pipelines import Pipeline

PACKAGES = {
    "llama-index-core": "0.14.25",
    "llama-index-embeddings-huggingface": "0.8.0",
    "llama-index-vector-stores-faiss": "0.7.0",
}
"""What the code was tried with."""

_SPLIT = '''def load_documents(path: Path) -> list[Document]:
    """The parsed texts as LlamaIndex documents; the metadata holds what the parser knows of headings and tables."""
    return [
        Document(
            text=parsed.text, id_=parsed.id, metadata={"document": parsed.id, "name": parsed.name, "parsed": parsed}
        )
        for parsed in read_documents(path)
    ]


class SpanNodeParser(NodeParser):
    """splitter.py as a LlamaIndex node parser. Each node holds its exact place, `start_char_idx` to `end_char_idx`."""

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:
        chunks = []
        for node in nodes:
            parsed = node.metadata.get("parsed") or plain_document(node.get_content())
            for start, end, header in spans(parsed):
                meta = {"document": parsed.id, "name": parsed.name, "start": start, "end": end, "chunk": len(chunks)}
                if header:
                    meta["header"] = header
                chunks.append(
                    TextNode(
                        text=parsed.text[start:end],
                        start_char_idx=start,
                        end_char_idx=end,
                        metadata=meta,
                        # The header is embedded before the text, as a line of its own; no other metadata is.
                        excluded_embed_metadata_keys=[key for key in meta if key != "header"],
                        excluded_llm_metadata_keys=[key for key in meta if key != "name"],
                        metadata_template="{value}",
                        text_template="{metadata_str}\\n\\n{content}",
                    )
                )
        return chunks


def split(documents: list[Document]) -> list[TextNode]:
    """The chunks, with their places."""
    parser = SpanNodeParser(include_metadata=False, include_prev_next_rel=False)
    return parser._parse_nodes(documents)
'''

_STATIC = '''class StaticEmbedding(BaseEmbedding):
    """embedder.py behind LlamaIndex's interface."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return encode([text])[0].tolist()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return encode(texts).tolist()

    def _get_query_embedding(self, query: str) -> list[float]:
        return encode([query])[0].tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)
'''

_EMBEDDINGS = """    embeddings = HuggingFaceEmbedding(
        model_name=MODEL,
        query_instruction={query},
        text_instruction={passage},
        normalize=False,  # the model's own configuration says whether it does
        model_kwargs={"dtype": {dtype}},
{truncate}    )"""

_PROMPTS = """    # The class gives some models prefixes of its own where none is named; these were measured.
    embeddings._model.prompts = {"query": {query}, "text": {passage}}"""

_STORE = '''class FilledFaissVectorStore(FaissVectorStore):
    """A store over an index that holds the nodes' vectors already, in their order: filled at once, not one by one."""

    def add(self, nodes: list[BaseNode], **kwargs: Any) -> list[str]:
        return [str(node.metadata["chunk"]) for node in nodes]
'''

_RETRIEVER = '''class RankedRetriever(BaseRetriever):
    """retriever.py behind LlamaIndex's interface."""

    def __init__(self, chunks: list[TextNode], rows: Collection, k: int = K) -> None:
        super().__init__()
        self.chunks, self.rows, self.k = chunks, rows, k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = ranked(self.rows, query_bundle.query_str, self.k)
        return [NodeWithScore(node=self.chunks[row], score=score) for row, score in found]
'''


def code(pipeline: Pipeline) -> str:
    """The text of `export.py`."""
    imports = [
        "from collections.abc import Callable, Sequence",
        "from typing import Any",
        "from llama_index.core.node_parser import NodeParser",
        "from splitter import plain_document, read_documents\nfrom splitter import split as spans",
    ]
    schema = {"BaseNode", "Document", "MetadataMode", "NodeWithScore", "TextNode"}
    parts = [_SPLIT]
    build = [
        "def build(chunks: list[TextNode]) -> tuple[Callable[[str], list[NodeWithScore]], np.ndarray | None]:",
        '    """What finds the best chunks for a query, and the vectors of the chunks."""',
        "    texts = [chunk.get_content(MetadataMode.EMBED) for chunk in chunks]",
    ]
    if pipeline.retriever.needs_vectors:
        build += _embedding(pipeline, imports, parts)
        build.append("    vectors = np.array(embeddings.get_text_embedding_batch(texts), np.float32)")
    if pipeline.retriever.kind == "dense":
        imports += [
            "import faiss",
            "from llama_index.core import StorageContext, VectorStoreIndex",
            "from llama_index.vector_stores.faiss import FaissVectorStore",
        ]
        parts += [_STORE, *index_blocks(pipeline)]
        build += [
            "    for chunk, vector in zip(chunks, vectors, strict=True):",
            "        chunk.embedding = vector.tolist()",
            "    store = FilledFaissVectorStore(faiss_index=build_index(vectors))",
            "    context = StorageContext.from_defaults(vector_store=store)",
            "    index = VectorStoreIndex(chunks, storage_context=context, embed_model=embeddings)",
            "    return index.as_retriever(similarity_top_k=K).retrieve, vectors",
        ]
    else:
        schema.add("QueryBundle")
        imports += ["from llama_index.core.retrievers import BaseRetriever", "from retriever import Collection, ranked"]
        extra = blocks.ranking_blocks(pipeline)
        imports += ["import faiss"] if any("faiss" in block for block in extra) else []
        parts += [_RETRIEVER, *extra]
        build += blocks.collection_lines(pipeline, "texts", "vectors", "embeddings.get_query_embedding(query)")
        vectors = "vectors" if pipeline.retriever.needs_vectors else "None"
        build.append(f"    return RankedRetriever(chunks, rows).retrieve, {vectors}")
    imports.append(f"from llama_index.core.schema import {', '.join(sorted(schema))}")
    main = blocks.main_block(
        'hit.node.metadata["chunk"]', "hit.node.metadata['name']", "hit.node.text", "chunk.metadata", "chunk.text"
    )
    return blocks.joined([blocks.head(pipeline, "LlamaIndex", imports), *parts, "\n".join(build), main])


def _embedding(pipeline: Pipeline, imports: list[str], parts: list[str]) -> list[str]:
    e: Any = pipeline.embedder
    if e.kind == "static":
        imports += ["from llama_index.core.embeddings import BaseEmbedding", "from embedder import encode"]
        parts.append(_STATIC)
        return ["    embeddings = StaticEmbedding()"]
    imports += ["import torch", "from llama_index.embeddings.huggingface import HuggingFaceEmbedding"]
    text = _EMBEDDINGS if e.prefix(True) and e.prefix(False) else f"{_EMBEDDINGS}\n{_PROMPTS}"
    text = text.replace("{truncate}", f"        truncate_dim={e.truncate_dim},\n" if e.truncate_dim else "")
    text = text.replace("{dtype}", f"torch.{e.dtype}").replace("{passage}", literal(e.prefix(False)))
    return [text.replace("{query}", literal(e.prefix(True)))]
