"""A bundle: chunks and vectors as Parquet, a FAISS index, and `load.py`, which reads it and fills vector databases."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.documents import Corpus
from workbench.errors import SpecError
from workbench.exports.running import Dump
from workbench.installation import needing
from workbench.pipelines import Pipeline, embedded
from workbench.retrievers import Collection
from workbench.specs import digest
from workbench.store import Store
from workbench.vectors import Vectors, top_k, unit

PACKAGES = ("numpy", "pyarrow", "faiss-cpu")
LOADERS = {"chromadb": "1.5.9", "qdrant-client": "1.20.0"}
"""Optional, for the loaders of load.py; what they were tried with."""


def bundle(
    pipeline: Pipeline,
    corpus: Corpus,
    rows: Collection,
    store: Store | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, bytes]:
    """File name → content: chunks.parquet, vectors.parquet, index.faiss, pgvector.sql and its data, load.py.

    Vectors stand at length 1 where the index's metric is cosine. index.faiss compares with every vector, whatever
    index the pipeline names: it can be rebuilt as any other.
    """
    import faiss

    vectors = embedded(rows, pipeline.embedder, store, progress)
    vectors = unit(vectors) if pipeline.index.metric == "cosine" else vectors
    table = _chunks(corpus, rows)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    return {
        "chunks.parquet": _parquet(table),
        "vectors.parquet": _parquet({"chunk": list(range(len(rows))), "vector": list(vectors)}),
        "index.faiss": faiss.serialize_index(index).tobytes(),
        "pgvector.copy": _copy(table, vectors).encode("utf-8", "backslashreplace"),
        "pgvector.sql": _sql(vectors.shape[1], pipeline.index.metric).encode(),
        "load.py": _LOAD.encode(),
        "requirements.txt": _requirements().encode(),
    }


def _requirements() -> str:
    from importlib.metadata import version

    lines = [f"{name}=={version(name)}" for name in PACKAGES]
    optional = [f"# optional: {name}=={release}" for name, release in LOADERS.items()]
    return "\n".join([*lines, *optional]) + "\n"


def _chunks(corpus: Corpus, rows: Collection) -> dict[str, list[Any]]:
    spans = [rows.span(i) for i in range(len(rows))]
    texts = [corpus[span].encode("utf-8", "replace").decode() for span in spans]
    return {
        "chunk": list(range(len(rows))),
        "document": [span.document for span in spans],
        "name": [corpus.document(span.document).name for span in spans],
        "start": [span.start for span in spans],
        "end": [span.end for span in spans],
        "header": list(rows.headers),
        "text": texts,
        "sha256": [digest(corpus[span].encode("utf-8", "surrogatepass")) for span in spans],
    }


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    with needing("exports", "a bundle"):
        import pyarrow as pa
        from pyarrow import parquet

    out = io.BytesIO()
    arrays = {name: pa.array(values, pa.list_(pa.float32())) if name == "vector" else pa.array(values)
              for name, values in columns.items()}  # fmt: skip
    parquet.write_table(pa.table(arrays), out)
    return out.getvalue()


def _copy(table: dict[str, list[Any]], vectors: Vectors) -> str:
    """Lines of PostgreSQL's text format: tabs between columns, backslashes before what it would misread."""
    columns = [table[name] for name in ("chunk", "document", "name", "start", "end", "header", "text")]
    lines = []
    for *values, vector in zip(*columns, vectors.tolist(), strict=True):
        shown = [*(_escaped(str(value)) for value in values), "[" + ",".join(map(repr, vector)) + "]"]
        lines.append("\t".join(shown) + "\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    """The text for COPY; a NUL, which PostgreSQL cannot hold, is a space."""
    text = text.replace("\x00", " ").replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _sql(dimensions: int, metric: str) -> str:
    operator, kind = ("<=>", "vector_cosine_ops") if metric == "cosine" else ("<#>", "vector_ip_ops")
    index = f"CREATE INDEX ON chunks USING hnsw (embedding {kind});\n" if dimensions <= 2_000 else ""
    return f"""-- psql -v ON_ERROR_STOP=1 -f pgvector.sql    (in this folder; needs the extension pgvector)
-- The nearest chunks of a query's vector:  SELECT * FROM chunks ORDER BY embedding {operator} '[…]' LIMIT 5;
BEGIN;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE chunks (
    chunk integer PRIMARY KEY,
    document text NOT NULL,
    name text NOT NULL,
    start_char integer NOT NULL,
    end_char integer NOT NULL,
    header text NOT NULL,
    text text NOT NULL,
    embedding vector({dimensions}) NOT NULL
);
\\copy chunks FROM 'pgvector.copy'
{index}COMMIT;
"""


def read_bundle(folder: Path, pipeline: Pipeline, asked: Sequence[str]) -> Dump:
    """What the bundle's files hold, and the nearest rows of its FAISS index for each query.

    Raises:
        SpecError: a file cannot be read.
    """
    import faiss
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(folder / "chunks.parquet").to_pydict()
        vectors = np.array(parquet.read_table(folder / "vectors.parquet")["vector"].to_pylist(), np.float32)
        index = faiss.deserialize_index(np.frombuffer((folder / "index.faiss").read_bytes(), np.uint8))
    except (OSError, ArrowException, RuntimeError, LookupError) as error:
        raise SpecError(f"{folder}: the bundle cannot be read ({error}); export anew") from None
    if index.ntotal != len(vectors) or len(vectors) != len(table["chunk"]):
        raise SpecError(f"{folder}: {len(table['chunk'])} chunks, {len(vectors)} vectors, {index.ntotal} in the index")
    hits = {}
    if pipeline.retriever.kind == "dense" and pipeline.index.kind == "flat" and len(vectors):
        held = index.reconstruct_n(0, index.ntotal)
        for query in asked:
            vector = pipeline.embedder.encode_query([query])
            vector = unit(vector) if pipeline.index.metric == "cosine" else vector
            scores = np.multiply(held, vector, dtype=np.float64).sum(axis=1).round(6)
            hits[query] = tuple(top_k(scores, pipeline.k)[0].tolist())
    places = tuple(zip(table["document"], table["start"], table["end"], strict=True))
    return Dump(places, tuple(table["header"]), tuple(table["sha256"]), vectors, hits)


_LOAD = '''"""Reads the bundle beside this file, and fills vector databases with it.

    python load.py                        check the files and say what is here
    python load.py --chroma FOLDER        fill a Chroma collection kept in this folder
    python load.py --qdrant FOLDER        fill a Qdrant collection kept in this folder
    python load.py --query-vector V.json  the nearest chunks of a vector, a JSON list
"""

import argparse
import hashlib
import json
from pathlib import Path

import faiss
import numpy as np
import pyarrow.parquet as parquet

HERE = Path(__file__).parent
COLUMNS = ("document", "name", "start", "end", "header")


def read() -> tuple[list[dict], np.ndarray, faiss.Index]:
    """The chunks, (n, dim) their vectors in the same order, and the index over them; checked by their hashes."""
    manifest = json.loads((HERE / "manifest.json").read_text("utf-8"))
    for name, wanted in manifest["files"].items():
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != wanted:
            raise SystemExit(f"{name} is not the file that was exported")
    chunks = parquet.read_table(HERE / "chunks.parquet").to_pylist()
    vectors = np.array(parquet.read_table(HERE / "vectors.parquet")["vector"].to_pylist(), np.float32)
    return chunks, vectors, faiss.read_index(str(HERE / "index.faiss"))


def into_chroma(client, name: str = "chunks"):
    """A new collection of a chromadb client with every chunk, its vector and its place."""
    chunks, vectors, _ = read()
    collection = client.create_collection(name, configuration={"hnsw": {"space": space()}}, embedding_function=None)
    for i in range(0, len(chunks), 1_000):
        part = chunks[i : i + 1_000]
        collection.add(
            ids=[str(chunk["chunk"]) for chunk in part],
            embeddings=vectors[i : i + 1_000],
            documents=[chunk["text"] for chunk in part],
            metadatas=[{key: chunk[key] for key in COLUMNS} for chunk in part],
        )
    return collection


def into_qdrant(client, name: str = "chunks") -> None:
    """A new collection of a qdrant client with every chunk, its vector and its place."""
    from qdrant_client.models import Distance, PointStruct, VectorParams

    chunks, vectors, _ = read()
    distance = Distance.COSINE if space() == "cosine" else Distance.DOT
    client.create_collection(name, vectors_config=VectorParams(size=vectors.shape[1], distance=distance))
    for i in range(0, len(chunks), 1_000):
        points = [
            PointStruct(
                id=chunk["chunk"], vector=vector.tolist(), payload={key: chunk[key] for key in (*COLUMNS, "text")}
            )
            for chunk, vector in zip(chunks[i : i + 1_000], vectors[i : i + 1_000], strict=True)
        ]
        client.upsert(name, points)


def space() -> str:
    """cosine, or ip for the dot product."""
    return "ip" if "metric: dot" in (HERE / "pipeline.yaml").read_text("utf-8") else "cosine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chroma", metavar="FOLDER")
    parser.add_argument("--qdrant", metavar="FOLDER")
    parser.add_argument("--query-vector", type=Path, metavar="V.json")
    given = parser.parse_args()
    chunks, vectors, index = read()
    print(f"{len(chunks)} chunks, vectors of {vectors.shape[1]} dimensions; every file is as it was exported")
    if given.chroma:
        import chromadb

        print(into_chroma(chromadb.PersistentClient(given.chroma)).count(), "in Chroma")
    if given.qdrant:
        from qdrant_client import QdrantClient

        client = QdrantClient(path=given.qdrant)
        into_qdrant(client)
        print(client.count("chunks").count, "in Qdrant")
    if given.query_vector:
        query = np.array([json.loads(given.query_vector.read_text("utf-8"))], np.float32)
        if space() == "cosine":
            faiss.normalize_L2(query)
        for score, row in zip(*(found[0].tolist() for found in index.search(query, 5)), strict=True):
            if row >= 0:
                print(f"{score:.4f} {chunks[row]['name']}: {chunks[row]['text'][:200]!r}")


if __name__ == "__main__":
    main()
'''
