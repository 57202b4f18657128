"""`export.py` for Haystack."""

from typing import Any

from workbench.exports import blocks
from workbench.exports.embedding import needs_unit
from workbench.exports.indexing import index_blocks, is_plain
from workbench.exports.modules import literal
from workbench.pipelines import Pipeline

PACKAGES = {"haystack-ai": "3.4.1", "sentence-transformers-haystack": "2.0.0"}
"""What the code was tried with."""

_SPLIT = '''def load_documents(path: Path) -> list[Document]:
    """The parsed texts as Haystack documents; the meta holds what the parser knows of headings and tables."""
    return [
        Document(id=parsed.id, content=parsed.text, meta={"document": parsed.id, "name": parsed.name, "parsed": parsed})
        for parsed in read_documents(path)
    ]


@component
class SpanSplitter:
    """splitter.py as a Haystack component. Each chunk's meta holds its exact place, `start` to `end`."""

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        chunks = []
        for document in documents:
            parsed = document.meta.get("parsed") or plain_document(document.content, document.id)
            for start, end, header in spans(parsed):
                meta = {"document": parsed.id, "name": parsed.name, "start": start, "end": end, "chunk": len(chunks)}
                if header:
                    meta["header"] = header
                chunks.append(Document(content=parsed.text[start:end], meta=meta))
        return {"documents": chunks}


def split(documents: list[Document]) -> list[Document]:
    """The chunks, with their places."""
    return SpanSplitter().run(documents=documents)["documents"]
'''

_TEXT = '''def embedded_text(chunk: Document) -> str:
    """What is embedded for a chunk: the path of headings above it, a blank line, its text."""
    header = chunk.meta.get("header", "")
    return f"{header}\\n\\n{chunk.content}" if header else chunk.content
'''

_STATIC = '''@component
class StaticDocumentEmbedder:
    """embedder.py for documents."""

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        vectors = encode([embedded_text(document) for document in documents])
        pairs = zip(documents, vectors.tolist(), strict=True)
        return {"documents": [replace(document, embedding=vector) for document, vector in pairs]}


@component
class StaticTextEmbedder:
    """embedder.py for queries."""

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        return {"embedding": encode([text])[0].tolist()}
'''

_EMBEDDERS = """    model = {"model": MODEL, "progress_bar": False, "model_kwargs": {"dtype": {dtype}}{truncate}}
    document_embedder = SentenceTransformersDocumentEmbedder(
        **model, meta_fields_to_embed=["header"], embedding_separator="\\n\\n", encode_kwargs={"prompt": {passage}}
    )
    query_embedder = SentenceTransformersTextEmbedder(**model, encode_kwargs={"prompt": {query}})
    document_embedder.warm_up()
    query_embedder.warm_up()"""

_FAISS = '''@component
class FaissRetriever:
    """Searches a FAISS index, which Haystack's own stores do not have."""

    def __init__(self, chunks: list[Document], index: faiss.Index, top_k: int = K) -> None:
        self.chunks, self.index, self.top_k = chunks, index, top_k

    @component.output_types(documents=list[Document])
    def run(self, query_embedding: list[float]) -> dict[str, list[Document]]:
        scores, rows = self.index.search(np.array([query_embedding], np.float32), self.top_k)
        found = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return {"documents": [replace(self.chunks[row], score=score) for row, score in found if row >= 0]}
'''

_RETRIEVER = '''@component
class RankedRetriever:
    """retriever.py behind Haystack's interface."""

    def __init__(self, chunks: list[Document], rows: Collection, top_k: int = K) -> None:
        self.chunks, self.rows, self.top_k = chunks, rows, top_k

    @component.output_types(documents=list[Document])
    def run(self, query: str) -> dict[str, list[Document]]:
        found = ranked(self.rows, query, self.top_k)
        return {"documents": [replace(self.chunks[row], score=score) for row, score in found]}
'''

_QUERY = """    pipeline = Pipeline()
    pipeline.add_component("embedder", query_embedder)
    pipeline.add_component("retriever", retriever)
    pipeline.connect("embedder.embedding", "retriever.query_embedding")

    def search(query: str) -> list[Document]:
        return pipeline.run({"embedder": {"text": query}})["retriever"]["documents"]

    return search, vectors"""


def code(pipeline: Pipeline) -> str:
    """The text of `export.py`."""
    imports = [
        "from collections.abc import Callable",
        "from splitter import plain_document, read_documents\nfrom splitter import split as spans",
    ]
    core = {"Document", "component"}
    parts = [_SPLIT]
    needs_vectors, dense = pipeline.retriever.needs_vectors, pipeline.retriever.kind == "dense"
    if not dense or pipeline.embedder.kind == "static":
        parts.append(_TEXT)
        imports.append("from dataclasses import replace")
    build = [
        "def build(chunks: list[Document]) -> tuple[Callable[[str], list[Document]], np.ndarray | None]:",
        '    """What finds the best chunks for a query, and the vectors of the chunks."""',
    ]
    if needs_vectors:
        build += _embedding(pipeline, imports, parts)
        build += [
            '    chunks = document_embedder.run(documents=chunks)["documents"]',
            "    vectors = np.array([chunk.embedding for chunk in chunks], np.float32)",
        ]
    if dense:
        core.add("Pipeline")
        if is_plain(pipeline.index):
            how = "cosine" if needs_unit(pipeline.embedder, pipeline.index.metric) else "dot_product"
            imports += [
                "from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever",
                "from haystack.document_stores.in_memory import InMemoryDocumentStore",
            ]
            build += [
                f'    store = InMemoryDocumentStore(embedding_similarity_function="{how}")',
                "    store.write_documents(chunks)",
                "    retriever = InMemoryEmbeddingRetriever(store, top_k=K)",
            ]
        else:
            imports += ["import faiss", "from dataclasses import replace"]
            parts += [_FAISS, *index_blocks(pipeline)]
            build.append("    retriever = FaissRetriever(chunks, build_index(vectors))")
        build.append(_QUERY)
    else:
        imports.append("from retriever import Collection, ranked")
        extra = blocks.ranking_blocks(pipeline)
        imports += ["import faiss"] if any("faiss" in block for block in extra) else []
        parts += [_RETRIEVER, *extra]
        texts = "[embedded_text(chunk) for chunk in chunks]"
        build += blocks.collection_lines(pipeline, texts, "vectors", 'query_embedder.run(text=query)["embedding"]')
        build += [
            "    retriever = RankedRetriever(chunks, rows)",
            "",
            "    def search(query: str) -> list[Document]:",
            '        return retriever.run(query=query)["documents"]',
            "",
            f"    return search, {'vectors' if needs_vectors else 'None'}",
        ]
    imports.append(f"from haystack import {', '.join(sorted(core))}")
    main = blocks.main_block('hit.meta["chunk"]', "hit.meta['name']", "hit.content", "chunk.meta", "chunk.content")
    return blocks.joined([blocks.head(pipeline, "Haystack", imports), *parts, "\n".join(build), main])


def _embedding(pipeline: Pipeline, imports: list[str], parts: list[str]) -> list[str]:
    e: Any = pipeline.embedder
    if e.kind == "static":
        imports.append("from embedder import encode")
        parts.append(_STATIC)
        return ["    document_embedder, query_embedder = StaticDocumentEmbedder(), StaticTextEmbedder()"]
    home = "haystack_integrations.components.embedders.sentence_transformers"
    imports += [
        "import torch",
        f"from {home} import (\n    SentenceTransformersDocumentEmbedder,\n    SentenceTransformersTextEmbedder,\n)",
    ]
    text = _EMBEDDERS.replace("{truncate}", f', "truncate_dim": {e.truncate_dim}' if e.truncate_dim else "")
    text = text.replace("{dtype}", f"torch.{e.dtype}").replace("{passage}", literal(e.prefix(False)))
    return [text.replace("{query}", literal(e.prefix(True)))]
