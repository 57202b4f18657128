"""A bundle: chunks and vectors as Parquet, a FAISS index, and code that reads it and fills vector databases."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.documents import Corpus
from workbench.errors import SpecError
from workbench.exports.code import rendered
from workbench.exports.comparison import Dump
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
    """Return the files by name: Parquet of chunks and vectors, index.faiss, data and code for databases.

    Vectors have length 1 where the index's metric is cosine. index.faiss compares with every vector, whatever index
    the pipeline names: any other can be built from it.
    """
    import faiss

    vectors = embedded(rows, pipeline.embedder, store, progress)
    vectors = unit(vectors) if pipeline.index.metric == "cosine" else vectors
    table = _chunks(corpus, rows)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    facts = {"cosine": pipeline.index.metric == "cosine", "dimensions": vectors.shape[1]}
    return {
        "chunks.parquet": _parquet(table),
        "vectors.parquet": _parquet({"chunk": list(range(len(rows))), "vector": list(vectors)}),
        "index.faiss": faiss.serialize_index(index).tobytes(),
        "pgvector.copy": _copy(table, vectors).encode("utf-8", "backslashreplace"),
        **{name: rendered(name, facts).encode() for name in ("pgvector.sql", "load.py", "databases.py")},
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
    """Return lines of PostgreSQL's text format: tabs between columns, backslashes before special characters."""
    columns = [table[name] for name in ("chunk", "document", "name", "start", "end", "header", "text")]
    lines = []
    for *values, vector in zip(*columns, vectors.tolist(), strict=True):
        shown = [*(_escaped(str(value)) for value in values), "[" + ",".join(map(repr, vector)) + "]"]
        lines.append("\t".join(shown) + "\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    """Escape a text for COPY; a NUL, which PostgreSQL cannot hold, becomes a space."""
    text = text.replace("\x00", " ").replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def read_bundle(folder: Path, pipeline: Pipeline, asked: Sequence[str]) -> Dump:
    """Return what the bundle's files hold, and the nearest rows of its FAISS index for each query.

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
        raise SpecError(f"{folder}: the bundle cannot be read ({error}); export again") from None
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
