"""What can be exported to, and what each target makes of a pipeline: a framework's own class, or the engine behind it.

A part is native where the framework's class provably gives the same: proven, and not listed, is what this module knows.
Everything else, methods of other packages included, goes through `workbench.integrations`.
"""

from dataclasses import dataclass
from typing import Any

from workbench.embedders import SentenceTransformer
from workbench.endpoints import remote_model
from workbench.errors import WorkbenchError
from workbench.indexes import Flat
from workbench.pipelines import Pipeline
from workbench.retrievers import Dense
from workbench.splitters import Recursive
from workbench.tokens import tokenizer

FRAMEWORKS = {"langchain": "LangChain", "llamaindex": "LlamaIndex", "haystack": "Haystack"}
TARGETS = (*FRAMEWORKS, "bundle", "python")
"""What can be exported to: three frameworks, the index with its data, and the workbench itself as a library."""

EXACT, INTEGRATION, IMPOSSIBLE = "exact", "integration", "not expressible"

HUB_NAMES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
"""What a packaged model is called on the hub, from where an export has it."""


class NotExpressible(WorkbenchError):
    """A target that does not exist; the message names those that do."""


@dataclass(frozen=True, slots=True)
class Note:
    """How a target gives a part of the pipeline, and a line for people on what differs or has to be known.

    `level` is "exact" (the framework's own class gives the same), "integration" (the workbench does, behind the
    framework's interface) or "not expressible"; `stops` says that there is no export for this reason.
    """

    part: str
    kind: str
    level: str
    text: str
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Native:
    """What the framework's own classes give: the splitter; embedder, index and retriever, which go together."""

    splitter: bool
    search: bool

    @property
    def alone(self) -> bool:
        """Return whether the export needs nothing of the workbench."""
        return self.splitter and self.search


def native(pipeline: Pipeline, target: str) -> Native:
    """Return which parts `target`'s own classes give exactly: every boundary, vector and hit.

    Types are compared, as a subclass may do more than what it is built on. An approximate index is the engine's: built
    by another hand, it may find others.
    """
    splitter, e, index = pipeline.splitter, pipeline.embedder, pipeline.index
    search = pipeline.retriever == Dense()
    search = search and type(index) is Flat and index.storage == "float32"
    search = search and type(e) is SentenceTransformer and not e.adapter
    if target == "langchain":  # its stores embed a chunk's text alone, without a header
        plain = splitter.header == "none" and type(splitter).__module__.startswith("workbench.")
        search = search and plain and keeps_line_ends(pipeline)
    return Native(target == "langchain" and search and type(splitter) is Recursive, search)


def keeps_line_ends(pipeline: Pipeline) -> bool:
    """Return whether LangChain's class, which embeds a line's end as a space, gives the same vectors for this model."""
    return tokenizer(pipeline.embedder.tokenizer).ends_at_space


def scales(pipeline: Pipeline) -> bool:
    """Return whether vectors must be brought to length 1 for a flat index to give the pipeline's own scores."""
    e: Any = pipeline.embedder
    rough = getattr(e, "dtype", "float32") != "float32" or bool(getattr(e, "truncate_dim", 0))
    return rough or not e.normalised if pipeline.index.metric == "cosine" else rough and e.normalised


def support(pipeline: Pipeline, target: str) -> list[Note]:
    """Return what the target does with each part of the pipeline, in the order of the flow.

    Raises:
        NotExpressible: there is no such target.
    """
    if target not in TARGETS:
        raise NotExpressible(f"there is no target {target!r}; there are {', '.join(TARGETS)}")
    if target in ("bundle", "python"):
        return _of_ourselves(pipeline, target)
    name, own, vectors = FRAMEWORKS[target], native(pipeline, target), pipeline.retriever.needs_vectors
    same = f"the workbench itself behind {name}'s interface, with the same settings"
    text = f"{name}'s readers give other text than the workbench's; documents.jsonl carries the parsed text instead"
    notes = [Note("parser", pipeline.parser.kind, IMPOSSIBLE, text)]
    text = f"{same}; each chunk holds its exact place"
    if own.splitter:
        text = (
            "RecursiveCharacterTextSplitter gives the same texts; it does not know where they stand (its start_index "
            "is looked up and can be -1 or wrong), so verify compares texts, in order, and not places"
        )
    notes.append(_note("splitter", pipeline.splitter, own.splitter, text))
    if vectors:
        e: Any = pipeline.embedder
        text = same
        if own.search:
            where = HUB_NAMES.get(e.model, e.model)
            text = f"the framework's own class with {e.dtype} and the prefixes; the model {where}, or MODEL_PATH"
        elif target == "langchain" and type(e) is SentenceTransformer and not keeps_line_ends(pipeline):
            text += "; HuggingFaceEmbeddings turns line ends into spaces, which this model's tokenizer tells apart"
        notes.append(_note("embedder", e, own.search, text))
        store = "InMemoryDocumentStore" if target == "haystack" else "the framework's FAISS store"
        text = f"{store} compares with every vector too; chunks of equal score may stand in another order"
        notes.append(_note("index", pipeline.index, own.search, text if own.search else same))
    text = "the framework's own vector retriever" if own.search else f"{same}: it cuts, embeds and ranks as here"
    return [*notes, _note("retriever", pipeline.retriever, own.search, text)]


def _note(part: str, spec: Any, exact: bool, text: str) -> Note:
    if host := _host(spec):
        return Note(
            part, spec.kind, IMPOSSIBLE, f"not expressible yet: its model is behind {host}, which code for frameworks "
            "does not call", stops=True,
        )  # fmt: skip
    return Note(part, spec.kind, EXACT if exact else INTEGRATION, text)


def _host(spec: Any) -> str:
    """Return the host of the remote model that a method uses; "" where it uses none."""
    remote = remote_model(getattr(spec, "model", "") or "")
    return remote.endpoint.host if remote else ""


def _of_ourselves(pipeline: Pipeline, target: str) -> list[Note]:
    what = (
        "the workbench itself runs it"
        if target == "python"
        else "its results are in the bundle; the pipeline itself is in pipeline.yaml"
    )
    parts = ["parser", "splitter", "embedder", "index"]
    text, level, stops = what, EXACT, False
    if target == "bundle" and not pipeline.retriever.needs_vectors:
        parts = parts[:2]
        text = "a bundle is of vectors, which this retriever has none of: choose another target"
        level, stops = IMPOSSIBLE, True
    elif target == "bundle" and pipeline.retriever.kind != "dense":
        text = "load.py searches the vectors alone (dense); export to a framework for the whole retriever"
        level = IMPOSSIBLE
    notes = [Note(part, getattr(pipeline, part).kind, EXACT, what) for part in parts]
    return [*notes, Note("retriever", pipeline.retriever.kind, level, text, stops)]
