"""`export.py` for LangChain."""

from typing import Any

from workbench.exports import blocks
from workbench.exports.indexing import index_blocks
from workbench.exports.modules import literal
from workbench.exports.plans import keeps_line_ends, uses_own_splitter
from workbench.exports.splitting import hub_name
from workbench.pipelines import Pipeline
from workbench.tokens import BPE_ENCODINGS

PACKAGES = {
    "langchain-core": "1.8.3",
    "langchain-community": "0.4.2",
    "langchain-huggingface": "1.2.3",
    "langchain-text-splitters": "1.1.3",
}
"""What the code was tried with."""

_LOAD = '''def load_documents(path: Path) -> list[Document]:
    """The parsed texts as LangChain documents."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [Document(row["text"], metadata={"document": row["id"], "name": row["name"]}) for row in rows]
'''

_OWN = '''def split(documents: list[Document]) -> list[Document]:
    """The chunks. LangChain does not know where they stand in their documents."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size={size},
        chunk_overlap={overlap},
        separators={separators},
{length}    )
    return numbered(splitter.split_documents(documents))
'''

_GENERATED = '''def load_documents(path: Path) -> list[Document]:
    """The parsed texts as LangChain documents; the metadata holds what the parser knows of headings and tables."""
    return [
        Document(parsed.text, metadata={"document": parsed.id, "name": parsed.name, "parsed": parsed})
        for parsed in read_documents(path)
    ]


class SpanSplitter(TextSplitter):
    """splitter.py as a LangChain splitter. Each chunk's metadata holds its exact place, `start` to `end`."""

    def split_text(self, text: str) -> list[str]:
        return [text[start:end] for start, end, _ in spans(plain_document(text))]

    def split_documents(self, documents: Iterable[Document]) -> list[Document]:
        chunks = []
        for document in documents:
            known = {key: value for key, value in document.metadata.items() if key != "parsed"}
            parsed = document.metadata.get("parsed") or plain_document(document.page_content)
            for start, end, header in spans(parsed):
                place = {"start": start, "end": end, "header": header}
                chunks.append(Document(document.page_content[start:end], metadata=known | place))
        return chunks


def split(documents: list[Document]) -> list[Document]:
    """The chunks, with their places."""
    return numbered(SpanSplitter().split_documents(documents))
'''

_NUMBERED = '''def numbered(chunks: list[Document]) -> list[Document]:
    """The chunks, each with its number in the order of the documents."""
    for number, chunk in enumerate(chunks):
        chunk.metadata["chunk"] = number
    return chunks
'''

_TEXT = '''def embedded_text(chunk: Document) -> str:
    """What is embedded for a chunk: the path of headings above it, a blank line, its text."""
    header = chunk.metadata["header"]
    return f"{header}\\n\\n{chunk.page_content}" if header else chunk.page_content
'''

_STATIC = '''class StaticEmbeddings(Embeddings):
    """embedder.py behind LangChain's interface."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return encode(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        return encode([text])[0].tolist()
'''

_VERBATIM = '''class VerbatimEmbeddings(Embeddings):
    """A sentence-transformers model. LangChain's own class turns line ends into spaces, which changes the vectors."""

    def __init__(self) -> None:
        self.model = SentenceTransformer(MODEL, model_kwargs={"dtype": {dtype}}{truncate})

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.model.encode(texts, prompt={passage}).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.model.encode([text], prompt={query})[0].tolist()
'''

_EMBEDDINGS = """    embeddings = HuggingFaceEmbeddings(
        model_name=MODEL,
        model_kwargs={"model_kwargs": {"dtype": {dtype}}{truncate}},
        encode_kwargs={"prompt": {passage}},
        query_encode_kwargs={"prompt": {query}},
    )"""

_STORE = """    store = FAISS(
        embeddings,
        build_index(vectors),
        InMemoryDocstore({str(i): chunk for i, chunk in enumerate(chunks)}),
        {i: str(i) for i in range(len(chunks))},
        distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
    )
    return store.as_retriever(search_kwargs={"k": K}).invoke, vectors"""

_RETRIEVER = '''class RankedRetriever(BaseRetriever):
    """retriever.py behind LangChain's interface."""

    chunks: list[Document]
    rows: Any
    k: int = K

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [self.chunks[row] for row, _ in ranked(self.rows, query, self.k)]
'''


def code(pipeline: Pipeline) -> str:
    """The text of `export.py`."""
    imports = ["from langchain_core.documents import Document"]
    parts = [_LOAD, _own_splitter(pipeline, imports)] if uses_own_splitter(pipeline, "langchain") else [_GENERATED]
    own = len(parts) == 2
    if not own:
        imports += [
            "from collections.abc import Callable, Iterable",
            "from langchain_text_splitters import TextSplitter",
            "from splitter import plain_document, read_documents\nfrom splitter import split as spans",
        ]
    else:
        imports.append("from collections.abc import Callable")
    parts.append(_NUMBERED)
    if not own:
        parts.append(_TEXT)
    texts = "[chunk.page_content for chunk in chunks]" if own else "[embedded_text(chunk) for chunk in chunks]"
    build = [
        "def build(chunks: list[Document]) -> tuple[Callable[[str], list[Document]], np.ndarray | None]:",
        '    """What finds the best chunks for a query, and the vectors of the chunks."""',
        f"    texts = {texts}",
    ]
    if pipeline.retriever.needs_vectors:
        build += _embedding(pipeline, imports, parts)
        build.append("    vectors = np.array(embeddings.embed_documents(texts), np.float32)")
    if pipeline.retriever.kind == "dense":
        imports += [
            "import faiss",
            "from langchain_community.docstore.in_memory import InMemoryDocstore",
            "from langchain_community.vectorstores import FAISS",
            "from langchain_community.vectorstores.utils import DistanceStrategy",
        ]
        parts += index_blocks(pipeline)
        build.append(_STORE)
    else:
        imports += [
            "from typing import Any",
            "from langchain_core.callbacks import CallbackManagerForRetrieverRun",
            "from langchain_core.retrievers import BaseRetriever",
            "from retriever import Collection, ranked",
        ]
        extra = blocks.ranking_blocks(pipeline)
        imports += ["import faiss"] if any("faiss" in block for block in extra) else []
        parts += [_RETRIEVER, *extra]
        build += blocks.collection_lines(pipeline, "texts", "vectors", "embeddings.embed_query(query)")
        vectors = "vectors" if pipeline.retriever.needs_vectors else "None"
        build.append(f"    return RankedRetriever(chunks=chunks, rows=rows).invoke, {vectors}")
    main = blocks.main_block(
        'hit.metadata["chunk"]',
        "hit.metadata['name']",
        "hit.page_content",
        "chunk.metadata",
        "chunk.page_content",
    )
    return blocks.joined([blocks.head(pipeline, "LangChain", imports), *parts, "\n".join(build), main])


def _own_splitter(pipeline: Pipeline, imports: list[str]) -> str:
    s: Any = pipeline.splitter
    imports.append("from langchain_text_splitters import RecursiveCharacterTextSplitter")
    length = ""
    lead = ""
    if s.unit == "tokens" and s.tokenizer in BPE_ENCODINGS:
        imports.append("import bpe_openai")
        lead = f'encoding = bpe_openai.get_encoding("{s.tokenizer}")\n\n\n'
        length = "        length_function=lambda text: len(encoding.encode_ordinary(text)),\n"
    elif s.unit == "tokens":
        imports += ["import os", "from tokenizers import Tokenizer"]
        lead = _tokenizer(s.tokenizer, imports)
        length = "        length_function=lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids),\n"
    body = _OWN.replace("{size}", str(s.chunk_size)).replace("{overlap}", str(s.chunk_overlap))
    return lead + body.replace("{separators}", literal(list(s.separators))).replace("{length}", length)


def _tokenizer(name: str, imports: list[str]) -> str:
    from workbench import models

    model = models.find(name)
    if model.home.startswith("package ") and hub_name(name) == name and "/" not in name:
        imports.append("from importlib.util import find_spec")
        inside = model.tokenizer.relative_to(model.folder).as_posix()
        otherwise = f'Tokenizer.from_file(str(Path(find_spec("{model.folder.name}").origin).parent / "{inside}"))'
    else:
        otherwise = f"Tokenizer.from_pretrained({literal(hub_name(name))})"
    return (
        'path = os.environ.get("TOKENIZER_PATH")  # a tokenizer.json\n'
        f"tokenizer = Tokenizer.from_file(path) if path else {otherwise}\n"
        "tokenizer.no_truncation()\n"
        "tokenizer.no_padding()\n\n\n"
    )


def _embedding(pipeline: Pipeline, imports: list[str], parts: list[str]) -> list[str]:
    e: Any = pipeline.embedder
    if e.kind == "static":
        imports += ["from langchain_core.embeddings import Embeddings", "from embedder import encode"]
        parts.append(_STATIC)
        return ["    embeddings = StaticEmbeddings()"]
    imports.append("import torch")
    filled = {"{dtype}": f"torch.{e.dtype}", "{passage}": literal(e.prefix(False)), "{query}": literal(e.prefix(True))}
    own = not keeps_line_ends(pipeline)
    cut = e.truncate_dim
    filled["{truncate}"] = (f", truncate_dim={cut}" if own else f', "truncate_dim": {cut}') if cut else ""
    if own:
        imports += ["from langchain_core.embeddings import Embeddings",
                    "from sentence_transformers import SentenceTransformer"]  # fmt: skip
        parts.append(_filled(_VERBATIM, filled))
        return ["    embeddings = VerbatimEmbeddings()"]
    imports.append("from langchain_huggingface import HuggingFaceEmbeddings")
    return [_filled(_EMBEDDINGS, filled)]


def _filled(text: str, values: dict[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(key, value)
    return text
