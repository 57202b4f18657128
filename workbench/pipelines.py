"""A pipeline: everything between a file and its hits, as one value with one identity, and the steps it runs through.

pipeline = Pipeline(splitter=Recursive(chunk_size=128, chunk_overlap=16))
hits = pipeline.run(read("sample_docs"), ["How long is parental leave?"])[0]
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from workbench.documents import Chunks, Corpus, Document
from workbench.embedders import EMBEDDERS, Embedder, SentenceTransformer, embed, embedder_for, preview_vectors
from workbench.embedders.embedder import SpanEncoder
from workbench.embedders.vector_cache import LARGE, pooled_vectors
from workbench.errors import SpecError
from workbench.indexes import INDEXES, Flat, IndexSpec
from workbench.indexes.mapped import SHARE, matrix
from workbench.memory_cache import cached
from workbench.parsers import PARSERS, Auto, Parser
from workbench.records import Hit, Training
from workbench.retrievers import MAX_K, RETRIEVERS, Collection, Dense, QueryEncoder, Retriever
from workbench.settings import home
from workbench.specs import fingerprint, from_dict, to_dict
from workbench.splitters import SPLITTERS, Recursive, Splitter
from workbench.splitters.chunk_cache import all_chunks, is_large
from workbench.store import Store
from workbench.vectors import Vectors

VERSION = 1
"""Of the YAML file's form, under its key `workbench`."""

REGISTRIES: dict[str, Mapping[str, type[Any]]] = {
    "parser": PARSERS,
    "splitter": SPLITTERS,
    "embedder": EMBEDDERS,
    "index": INDEXES,
    "retriever": RETRIEVERS,
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How documents become hits. Its fields are the blocks of the YAML file; `k` is the number of hits."""

    parser: Parser = field(default_factory=Auto)
    splitter: Splitter = field(default_factory=Recursive)
    embedder: Embedder = field(default_factory=SentenceTransformer)
    index: IndexSpec = field(default_factory=Flat)
    retriever: Retriever = field(default_factory=Dense)
    k: int = 5

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or not 1 <= self.k <= MAX_K:
            raise SpecError(f"k ({self.k!r}) must be a whole number from 1 to {MAX_K}")

    @property
    def fingerprint(self) -> str:
        """The pipeline's identity: a hash of every part's identity and k."""
        return fingerprint({name: getattr(self, name).identity() for name in REGISTRIES} | {"k": self.k})

    @property
    def training(self) -> Training:
        """What the parts that decide the hits were trained on, as far as their files say."""
        out = self.embedder.training if self.retriever.needs_vectors else Training()
        model = getattr(self.splitter, "model", "")  # of a semantic splitter, which cuts by what a model sees
        return out | embedder_for(model).training if model else out

    @property
    def label(self) -> str:
        """A few words for lists and status lines: `recursive 200/20 tokens · all-MiniLM-L6-v2 · dense`."""
        s = self.splitter
        return (
            f"{s.kind} {s.chunk_size}/{s.chunk_overlap} {s.unit} · {self.embedder.source.name} · {self.retriever.kind}"
        )

    def run(
        self,
        corpus: Corpus,
        queries: Sequence[str],
        store: Store | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[list[Hit]]:
        """Search a corpus: for each query at most `k` hits, the best first.

        Each text is embedded once, ever: vectors of chunks and queries are kept in `store`, by default the one of
        WORKBENCH_HOME that the app and the commands use; `Store(None)` writes nothing. `progress(done, total)` counts
        chunks.

        Raises:
            SpecError: `queries` is one text, not a list of them.
            StoreError: the store's folder cannot be written.
        """
        if isinstance(queries, str):
            raise SpecError(f"queries must be a list of texts: [{queries[:40]!r}]")
        kept = _store_in(home()) if store is None else store
        rows = collected(corpus, self.splitter, kept)
        if self.retriever.needs_vectors:
            rows = searchable(rows, self, kept, progress, encoder=StoredQueries(self.embedder, kept))
        return self.retriever(rows, list(queries), self.k)


@cache
def _store_in(folder: Path) -> Store:
    return Store(folder / "store")


@dataclass(frozen=True, slots=True)
class StoredQueries:
    """An embedder's queries, each encoded alone, with their vectors kept in the store: sets are asked often."""

    embedder: Embedder
    store: Store | None

    @property
    def fingerprint(self) -> str:
        return self.embedder.fingerprint

    @property
    def alone(self) -> bool:
        """Each query is encoded as if it came alone."""
        return True

    def encode_query(self, texts: Sequence[str], /) -> Vectors:
        return embed(self.embedder, texts, self.store, queries=True)


def to_mapping(pipeline: Pipeline) -> dict[str, Any]:
    """Return the pipeline as plain values, in the YAML file's form."""
    parts = {f.name: to_dict(getattr(pipeline, f.name)) for f in fields(pipeline) if f.name != "k"}
    return {"workbench": VERSION, **parts, "k": pipeline.k}


def to_yaml(pipeline: Pipeline) -> str:
    """Return the pipeline as a file for people: every field of every part, in the order of the flow."""
    return write_yaml(to_mapping(pipeline))


def write_yaml(data: Any) -> str:
    """Return plain values as YAML the way a person writes it: short collections on one line, line breaks escaped."""
    return yaml.dump(data, Dumper=_AsWritten, sort_keys=False, default_flow_style=None, allow_unicode=True, width=100)


class _AsWritten(yaml.SafeDumper):
    """YAML's safe dumper with double quotes: within single ones a line break cannot be escaped."""

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        return '"' if style == "'" else style


class _OneOfEach(yaml.SafeLoader):
    """YAML's safe loader; it refuses a repeated key, since a reviewer cannot see which of its values counts."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                problem = f"the key {key!r} is repeated"
                raise yaml.constructor.ConstructorError(None, None, problem, node.value[i][0].start_mark)
        return super().construct_mapping(node, deep)


def from_yaml(text: str) -> Pipeline:
    """Return the pipeline that a file describes; what it leaves out takes the documented default.

    Raises:
        SpecError: not YAML, an unknown key, kind or field, or a value outside its limits.
    """
    data = read_yaml(text, "the pipeline")
    if not isinstance(data, dict):
        raise SpecError("a pipeline file holds a mapping that starts with `workbench: 1`")
    return from_mapping(data)


def read_yaml(text: str, what: str) -> Any:
    """Return the plain values of a YAML file.

    Raises:
        SpecError: `what` is not valid YAML, or repeats a key.
    """
    try:
        return yaml.load(text, _OneOfEach)  # noqa: S506 — a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be read"
        raise SpecError(f"{what} is not valid YAML{where}: {reason}; indent blocks with spaces") from None


def from_mapping(data: Mapping[str, Any]) -> Pipeline:
    """Return the pipeline that a mapping of the YAML file's form describes.

    Raises:
        SpecError: as `from_yaml`.
    """
    version = data.get("workbench", VERSION)
    if type(version) is not int or version != VERSION:
        raise SpecError(f"workbench: {version!r} is not a known form; this version reads {VERSION}")
    known = ("workbench", *REGISTRIES, "k")
    if unknown := [key for key in data if key not in known]:
        raise SpecError(f"a pipeline has no key {unknown[0]!r}; its keys are {', '.join(known)}")
    parts = {name: from_dict(REGISTRIES[name], data[name], name) for name in REGISTRIES if name in data}
    return Pipeline(**parts, **({"k": data["k"]} if "k" in data else {}))


@cached(128 << 20, lambda chunks: chunks.bytes, key=lambda document, splitter: (document.id, splitter))
def split(document: Document, splitter: Splitter) -> Chunks:
    """Cut a document; the chunks of recent calls are held in memory."""
    return splitter(document)


def collection(corpus: Corpus, splitter: Splitter) -> Collection:
    """Return every chunk of a corpus as a row, searchable by its words at once."""
    return collected(corpus, splitter)


def weight(rows: Collection) -> int:
    """Estimate the bytes of rows, with their vectors and the index of words that they get when it is first needed."""
    return 60 * len(rows) + 5 * rows.corpus.characters + int(getattr(rows.index, "bytes", 0))


@cached(256 << 20, weight, key=lambda corpus, splitter, *_, **__: (corpus, splitter))
def collected(
    corpus: Corpus,
    splitter: Splitter,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Collection:
    """Return every chunk of a corpus as a row; recent collections are held in memory, see `all_chunks`.

    Raises:
        Cancelled: `cancelled()` was true; what was cut is in the store.
    """
    chunks = all_chunks(corpus, splitter, split, store, progress, cancelled)
    return Collection(corpus, chunks, store if is_large(corpus) else None)


def embedded(
    rows: Collection,
    embedder: Embedder,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Vectors:
    """Return (n, dim) the vectors of a collection's rows; each distinct text is embedded once, ever.

    An embedder that pools its vectors from token states of whole documents stores only very many of them: see
    `pooled_vectors`. Reports, stops and raises as `embedders.embed`.
    """
    if isinstance(embedder, SpanEncoder):
        embedder.prepare(rows.corpus, store, progress, cancelled)
        shape = len(rows), embedder.dimensions
        return pooled_vectors(embedder, embedder.fingerprint, parts(rows), shape, store, progress, cancelled)
    return embed(embedder, rows.texts(), store, progress, cancelled)


def previewed(rows: Collection, embedder: SentenceTransformer, store: Store | None = None) -> Vectors:
    """Return (n, dim) an approximation of `embedded`, pooled from token states; see `embedders.can_preview`."""
    found = [preview_vectors(document, chunks, embedder, store) for document, chunks in parts(rows)]
    return np.concatenate([np.empty((0, embedder.dimensions), np.float32), *found])


def parts(rows: Collection) -> Iterator[tuple[Document, Chunks]]:
    """Yield each document that has rows, with these as chunks."""
    documents, firsts = np.unique(rows.document_index, return_index=True)
    for i, first, last in zip(documents.tolist(), firsts.tolist(), [*firsts.tolist()[1:], len(rows)], strict=True):
        document, headers = rows.corpus.documents[i], tuple(rows.headers[first:last])
        yield document, Chunks(document.id, rows.spans[first:last], headers if any(headers) else ())


def indexed(rows: Collection, vectors: Vectors, embedder: QueryEncoder, index: IndexSpec) -> Collection:
    """Return the collection with a dense index over these vectors; a filtered search scans all allowed rows."""
    built = index(vectors)
    return rows.with_vectors(built, embedder, built.subset)


def searchable(
    rows: Collection,
    pipeline: Pipeline,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    encoder: QueryEncoder | None = None,
) -> Collection:
    """Return `rows` with the pipeline's index over their vectors: `embedded`, then `indexed`.

    A flat index over a large collection searches a file that is mapped into memory. Once that exists, nothing is
    embedded, and nothing is read before it is searched. `encoder` encodes queries, by default the embedder. Reports,
    stops and raises as `embedded`.
    """
    embedder, index = pipeline.embedder, pipeline.index
    asker = encoder or embedder
    folder = store.folder if store else None
    found = None
    if store and folder and isinstance(index, Flat) and index.mappable and len(rows) >= LARGE:

        def made() -> Vectors:
            return embedded(rows, embedder, store, progress, cancelled)

        key = fingerprint([rows.key, embedder.fingerprint, index.metric])
        shape, most = (len(rows), embedder.dimensions), int(SHARE * store.capacity_bytes)
        found = matrix(folder, key, shape, made, index.ready, most)
    if found is None or not isinstance(index, Flat):
        return indexed(rows, embedded(rows, embedder, store, progress, cancelled), asker, index)
    built = index.over(*found)
    return rows.with_vectors(built, asker, built.subset)


def prepared(
    corpus: Corpus,
    pipeline: Pipeline,
    store: Store | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Collection:
    """Return the rows that the pipeline searches, with vectors where its retriever needs them."""
    rows = collected(corpus, pipeline.splitter, store)
    if not pipeline.retriever.needs_vectors:
        return rows
    return searchable(rows, pipeline, store, progress)
