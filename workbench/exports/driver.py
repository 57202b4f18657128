"""Run exports and write what they give: chunks, vectors and hits, a line of JSON each, as dumps of `verify`.

`verify` starts it in the export's environment. It imports nothing of the workbench, whose version may be another there.

python driver.py JOB.json     {"target", "documents", "queries" or null, "folders": {folder: file to write}}
"""

import base64
import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

NAMES = {
    "langchain": ("page_content", "metadata", "id"),
    "llamaindex": ("text", "metadata", "node_id"),
    "haystack": ("content", "meta", "id"),
    "python": ("text", "metadata", "id"),
}
"""What a target calls a chunk's text, its metadata and its id."""


def rows(export: Any, target: str, documents: str, queries: list[str] | None) -> list[dict[str, Any]]:
    """Return what an export gives; without `queries` the chunks alone, or else vectors and hits too."""
    content, metadata, id = NAMES[target]
    plain = export.split

    def split(loaded: Any) -> Any:
        chunks = plain(loaded)
        for number, chunk in enumerate(chunks):
            if getattr(chunk, id) is None:  # of a splitter that gives none
                setattr(chunk, id, str(number))
        return chunks

    export.split = split
    loaded = export.load_documents(documents)
    chunks = split(loaded)
    out = []
    for chunk in chunks:
        meta = getattr(chunk, metadata)
        row = {"document": meta["document"], "start": meta.get("start"), "end": meta.get("end")}
        text = getattr(chunk, content).encode("utf-8", "surrogatepass")
        out.append(row | {"header": meta.get("header", ""), "sha256": hashlib.sha256(text).hexdigest()})
    if queries is None:
        return out
    numbers = {getattr(chunk, id): number for number, chunk in enumerate(chunks)}
    built = export.build(loaded)
    vectors = vectors_of(built, target)
    for row, vector in zip(out, vectors if vectors is not None else [], strict=vectors is not None):
        row["vector"] = base64.b64encode(vector.astype("<f4").tobytes()).decode()
    for query in queries:
        hits = [numbers[getattr(hit, id)] for hit in found(export, built, target, query)]
        out.append({"query": query, "hits": hits})
    return out


def found(export: Any, built: Any, target: str, query: str) -> list[Any]:
    """Return the chunks that are found for a query, the best first."""
    if target == "langchain":
        return list(built.invoke(query))
    if target == "llamaindex":
        return [hit.node for hit in built.retrieve(query)]
    return list(export.search(built, query)) if target == "haystack" else [piece for piece, _ in built(query)]


def vectors_of(built: Any, target: str) -> Any:
    """Return (n, dim) the vectors that were put into the index; of the engine, those that it embedded, or None."""
    if target == "haystack":
        built = built.get_component("retriever")
    engine: Any = built if target == "python" else getattr(built, "search", None)
    if hasattr(engine, "vectors"):
        return engine.vectors
    if target == "haystack":
        import numpy as np

        return np.array([document.embedding for document in built.document_store.filter_documents()], np.float32)
    index = built.vectorstore.index if target == "langchain" else built._vector_store.client
    return index.reconstruct_n(0, index.ntotal)


def main() -> None:
    """Run each folder's export.py as a module of its own."""
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for folder, written in job["folders"].items():
        os.chdir(folder)
        spec = importlib.util.spec_from_file_location("export", Path(folder) / "export.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        lines = rows(module, job["target"], job["documents"], job["queries"])
        Path(written).write_text("".join(json.dumps(row) + "\n" for row in lines), "utf-8")


if __name__ == "__main__":
    main()
