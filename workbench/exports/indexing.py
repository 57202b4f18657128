"""`build_index` of exported code: the FAISS index with the same parameters, filled the same way."""

from typing import Any

from workbench.exports.embedding import needs_unit
from workbench.pipelines import Pipeline

KINDS: dict[str, frozenset[str]] = {
    "flat": frozenset({"metric", "storage"}),
    "hnsw": frozenset({"metric", "storage", "m", "ef_construction", "ef_search"}),
    "ivf-flat": frozenset({"metric", "storage", "nlist", "nprobe"}),
    "ivf-pq": frozenset({"metric", "nlist", "nprobe", "m", "nbits", "rerank", "oversample"}),
    "sq8": frozenset({"metric", "rerank", "oversample"}),
}
"""The indexes that exports know, and the fields of them that they carry over."""

STORAGES = {"float32": "", "float16": "faiss.ScalarQuantizer.QT_fp16", "int8": "faiss.ScalarQuantizer.QT_8bit"}
"""How vectors can be kept, and FAISS's name for it."""

UNIT = '''def unit(rows: np.ndarray) -> np.ndarray:
    """The rows at length 1; a row of zeros stays as it is."""
    rows = np.asarray(rows, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)).astype(np.float32)[:, None]
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
'''

_ABOUT = {
    "flat": "Compares with every vector.",
    "hnsw": "Walks a graph of neighbours.",
    "ivf-flat": "Looks through the lists around the nearest centres.",
    "ivf-pq": "Looks through the lists around the nearest centres, at codes of the vectors.",
    "sq8": "Compares with every vector, a byte for each dimension.",
}


def is_plain(index: Any) -> bool:
    """Whether the index keeps every number and compares with every vector."""
    return bool(index.kind == "flat" and index.storage == "float32")


def refusal(index: Any) -> str:
    """Why there is no such index in exported code; "" where there is one."""
    if index.kind not in KINDS:
        return f"exports do not know the index {index.kind}"
    if (storage := getattr(index, "storage", "float32")) not in STORAGES:
        return f"a {index.kind} index that keeps {storage} is not FAISS's alone"
    if (rerank := getattr(index, "rerank", "none")) not in ("none", *STORAGES):
        return f"a {index.kind} index that reranks by {rerank} is not FAISS's alone"
    return ""


def index_blocks(pipeline: Pipeline) -> list[str]:
    """`build_index(vectors)`, and `unit` where vectors are brought to length 1."""
    index: Any = pipeline.index
    cosine = needs_unit(pipeline.embedder, index.metric)
    lines = ["def build_index(vectors: np.ndarray) -> faiss.Index:", f'    """{_ABOUT[index.kind]}"""']
    lines.append("    rows = unit(vectors)" if cosine else "    rows = np.ascontiguousarray(vectors, np.float32)")
    lines.append("    n, dim = rows.shape")
    lines += [f"    {line}" for line in _made(index, _wide(pipeline))]
    if cosine:
        unit = "faiss.NormalizationTransform(dim)"
        lines.append(f"    return faiss.IndexPreTransform({unit}, index)  # queries at length 1")
    else:
        lines.append("    return index")
    return [*([UNIT] if cosine else []), "\n".join(lines) + "\n"]


def _wide(pipeline: Pipeline) -> str:
    """How many rows are asked of the index at most, as Python writes it."""
    depth = getattr(pipeline.retriever, "depth", 0)
    return f"max(K, {depth})" if depth else "K"


def _made(index: Any, wide: str) -> list[str]:
    if index.kind == "flat":
        return _stored("index", index.storage)
    if index.kind == "sq8":
        return [*_stored("index", "int8"), *_reranked(index)]
    kind = STORAGES[getattr(index, "storage", "float32")]
    if index.kind == "hnsw":
        made = f"faiss.IndexHNSWSQ(dim, {kind}, {index.m}, " if kind else f"faiss.IndexHNSWFlat(dim, {index.m}, "
        lines = [
            f"index = {made}faiss.METRIC_INNER_PRODUCT)",
            f"index.hnsw.efConstruction = {index.ef_construction}",
            f"index.hnsw.efSearch = max({index.ef_search}, {wide} + 16)",
        ]
        return [*lines, *_filled()]
    lines = ["centres = faiss.IndexFlatIP(dim)"]
    if not index.nlist:
        lines.append("lists = max(1, min(round(4 * n**0.5), n // 39))")
    lists = str(index.nlist or "lists")
    if index.kind == "ivf-pq":
        inner = f"faiss.IndexIVFPQ(centres, dim, {lists}, {index.m}, {index.nbits}, faiss.METRIC_INNER_PRODUCT)"
        lines += [f"index = {inner}", "index.pq.cp.min_points_per_centroid = 1"]
    elif kind:
        inner = f"faiss.IndexIVFScalarQuantizer(centres, dim, {lists}, {kind}, faiss.METRIC_INNER_PRODUCT)"
        lines.append(f"index = {inner}")
    else:
        lines.append(f"index = faiss.IndexIVFFlat(centres, dim, {lists}, faiss.METRIC_INNER_PRODUCT)")
    lines += ["index.cp.min_points_per_centroid = 1", f"index.nprobe = min({index.nprobe}, index.nlist)"]
    return [*lines, *_filled(), *(_reranked(index) if index.kind == "ivf-pq" else [])]


def _stored(name: str, storage: str) -> list[str]:
    """The rows kept so, each compared with."""
    if storage == "float32":
        return [f"{name} = faiss.IndexFlatIP(dim)", f"{name}.add(rows)"]
    made = f"faiss.IndexScalarQuantizer(dim, {STORAGES[storage]}, faiss.METRIC_INNER_PRODUCT)"
    return [f"{name} = {made}", f"{name}.train(rows)", f"{name}.add(rows)"]


def _filled() -> list[str]:
    return [
        "threads = faiss.omp_get_max_threads()",
        "faiss.omp_set_num_threads(1)  # several would build another index each time",
        "index.train(rows)",
        "index.add(rows)",
        "faiss.omp_set_num_threads(threads)",
    ]


def _reranked(index: Any) -> list[str]:
    """The rows that the codes propose scored anew by others kept beside them."""
    if index.rerank == "none":
        return []
    return [
        *_stored("beside", index.rerank),
        "index = faiss.IndexRefine(index, beside)",
        f"index.k_factor = {index.oversample} * (K + 16) / K  # so many are proposed for each one wanted",
    ]
