"""The engine behind the interfaces of other frameworks: what the classes for LangChain, LlamaIndex and Haystack share.

Each takes a pipeline, or the path of its `pipeline.yaml`. Documents of a framework carry what the parser knows of
headings, tables and pages as plain values in their metadata, under `parsed`; a text without it is cut as plain text.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.documents import Corpus, Document
from workbench.embedders import keep_adapter, read_adapter
from workbench.errors import SpecError
from workbench.parsers import read
from workbench.pipelines import Pipeline, collection, embedded, from_yaml, indexed
from workbench.specs import digest
from workbench.splitters import Splitter
from workbench.store import Store
from workbench.vectors import Vectors
from workbench.workspaces.corpus_cache import from_json, to_json

ADAPTER = "adapter.safetensors"
"""What turns the vectors of queries, beside the `pipeline.yaml` that needs it."""


def load_pipeline(source: Pipeline | str | Path) -> Pipeline:
    """Return the pipeline that is given, or the one in a `pipeline.yaml`, with the adapter that lies beside it.

    Raises:
        SpecError: the file cannot be read, or is no pipeline.
    """
    if isinstance(source, Pipeline):
        return source
    path = Path(source)
    try:
        if (adapter := path.with_name(ADAPTER)).is_file():
            keep_adapter(read_adapter(adapter.read_bytes()))
        return from_yaml(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: the pipeline cannot be read ({error}); name a pipeline.yaml") from None


def read_documents(path: str | Path, pipeline: Pipeline) -> Corpus:
    """Return the parsed documents of an export's `documents.jsonl`; other files and folders are parsed now.

    Raises:
        SpecError: a line of `documents.jsonl` is no parsed document.
        DocumentError: a file cannot be read.
    """
    path = Path(path)
    if path.name != "documents.jsonl":
        return read(path, parser=pipeline.parser)
    try:
        lines = path.read_bytes().split(b"\n")
        named = [(line, json.loads(line.decode("utf-8", "surrogatepass"))["name"]) for line in lines if line]
        return Corpus(tuple(from_json(line, name) for line, name in named))
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise SpecError(f"{path}: it does not hold parsed documents ({error}); export again") from None


def metadata_of(document: Document) -> dict[str, Any]:
    """Return what a framework's document carries beside the text: plain values, from which `parsed` makes it again."""
    facts = json.loads(to_json(document).decode("utf-8", "surrogatepass"))
    facts["characters"] = len(facts.pop("text"))
    return {"document": document.id, "name": document.name, "parsed": facts}


def parsed(text: str, metadata: Mapping[str, Any]) -> Document:
    """Return the document that a framework holds; plain text where its metadata knows nothing of this text."""
    facts = dict(metadata.get("parsed") or {})
    if facts and facts.pop("characters") == len(text):
        return from_json(json.dumps(facts | {"text": text}).encode(), facts["name"])
    id = str(metadata.get("document") or digest(text.encode("utf-8", "surrogatepass")))
    name = next((str(metadata[key]) for key in ("name", "source", "file_name") if metadata.get(key)), id)
    return Document(source="", id=id, name=name, text=text)


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk as frameworks hold it: `text` is what stands in its document from `start` to `end`."""

    id: str
    text: str
    document: str
    name: str
    start: int
    end: int
    header: str = ""

    @property
    def metadata(self) -> dict[str, Any]:
        """The chunk's place; `header` only where there is one, as frameworks embed every key that is there."""
        place = {"document": self.document, "name": self.name, "start": self.start, "end": self.end}
        return place | ({"header": self.header} if self.header else {})


def pieces(document: Document, splitter: Splitter) -> list[Piece]:
    """Return the chunks of a document in the order of their places."""
    chunks = splitter(document)
    headers = chunks.headers or ("",) * len(chunks)
    found = sorted(zip(chunks.spans.tolist(), headers, strict=True), key=lambda chunk: chunk[0])
    id, name, text = document.id, document.name, document.text
    return [Piece(f"{id}-{i}", text[a:b], id, name, a, b, header) for i, ((a, b), header) in enumerate(found)]


def embedded_text(text: str, metadata: Mapping[str, Any]) -> str:
    """Return what is embedded for a chunk: the path of headings above it, a blank line, its text."""
    return f"{metadata['header']}\n\n{text}" if metadata.get("header") else text


class Search:
    """A pipeline over documents, cut, embedded and indexed when it is made.

    `vectors` (n, dim) float32 are those of the chunks in the order of documents and places; None where the retriever
    needs none. With a `store`, no text is embedded twice.
    """

    def __init__(self, documents: Iterable[Document], pipeline: Pipeline, store: Store | None = None) -> None:
        self.pipeline = pipeline
        self.vectors: Vectors | None = None
        self._rows = collection(Corpus(tuple(documents)), pipeline.splitter)
        if pipeline.retriever.needs_vectors:
            self.vectors = vectors = embedded(self._rows, pipeline.embedder, store)
            self._rows = indexed(self._rows, vectors, pipeline.embedder, pipeline.index)

    def __call__(self, query: str, k: int | None = None) -> list[tuple[Piece, float]]:
        """Return the best `k` hits with their scores, the best first; as many as the pipeline says by default."""
        rows, out = self._rows, []
        for hit in self.pipeline.retriever(rows, [query], k or self.pipeline.k)[0]:
            document = rows.corpus.document(hit.span.document)
            number = hit.chunk - int(np.searchsorted(rows.document_index, rows.document_index[hit.chunk]))
            start, end = hit.span.start, hit.span.end
            piece = Piece(
                f"{document.id}-{number}", document.text[start:end], document.id, document.name, start, end, hit.header
            )
            out.append((piece, hit.score))
        return out
