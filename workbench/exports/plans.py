"""What an export is made of: which part of a pipeline a framework's own class gives, and which is generated."""

from dataclasses import dataclass, fields
from typing import Any

from workbench.exports.indexing import KINDS, is_plain, refusal
from workbench.exports.ranking import after_ranking, retriever_source
from workbench.exports.sources import NotExpressible
from workbench.exports.splitting import hub_name, splitter_source
from workbench.pipelines import Pipeline
from workbench.specs import Spec
from workbench.tokens import BPE_ENCODINGS, tokenizer

FRAMEWORKS = {"langchain": "LangChain", "llamaindex": "LlamaIndex", "haystack": "Haystack"}
TARGETS = (*FRAMEWORKS, "bundle", "python")
"""What can be exported to: three frameworks, the index with its data, and the workbench itself as a library."""

EXACT, GENERATED, IMPOSSIBLE = "exact", "generated", "not expressible"


@dataclass(frozen=True, slots=True)
class Note:
    """How a target gives a part of the pipeline, and a line for people on what differs or has to be known.

    `level` is "exact" (the framework's own class gives the same), "generated" (code in the export does) or "not
    expressible"; `stops` says that there is no export for this reason.
    """

    part: str
    kind: str
    level: str
    text: str
    stops: bool = False


_EMBEDDERS: dict[str, frozenset[str]] = {
    "sentence-transformer": frozenset({"model", "dtype", "query_prefix", "passage_prefix", "truncate_dim"}),
    "static": frozenset({"model", "truncate_dim"}),
}
"""The embedders that exports know, and the fields of them that they carry over."""

_NOTHING = (None, "", "none", 0, False)


def support(pipeline: Pipeline, target: str) -> list[Note]:
    """What the target does with each part of the pipeline, in the order of the flow.

    Raises:
        NotExpressible: there is no such target.
    """
    if target not in TARGETS:
        raise NotExpressible(f"there is no target {target!r}; there are {', '.join(TARGETS)}")
    if target in ("bundle", "python"):
        return _of_ourselves(pipeline, target)
    name = FRAMEWORKS[target]
    parser = Note(
        "parser",
        pipeline.parser.kind,
        IMPOSSIBLE,
        f"{name}'s readers give other text than the workbench's; documents.jsonl carries the parsed text instead",
    )
    notes = [parser, _splitter(pipeline, target)]
    if pipeline.retriever.needs_vectors:
        notes += [_embedder(pipeline, target), _index(pipeline, target)]
    return [*notes, _retriever(pipeline, target)]


def _of_ourselves(pipeline: Pipeline, target: str) -> list[Note]:
    what = (
        "the workbench itself runs it"
        if target == "python"
        else "its results are in the bundle; the pipeline itself is in pipeline.yaml"
    )
    notes = [
        Note(part, getattr(pipeline, part).kind, EXACT, what) for part in ("parser", "splitter", "embedder", "index")
    ]
    if target == "bundle" and not pipeline.retriever.needs_vectors:
        notes = [note for note in notes if note.part not in ("embedder", "index")]
        text = "a bundle is of vectors, which this retriever has none of: choose another target"
        return [*notes, Note("retriever", pipeline.retriever.kind, IMPOSSIBLE, text, stops=True)]
    if target == "bundle" and pipeline.retriever.kind != "dense":
        text = "load.py searches the vectors alone (dense); export to a framework for the whole retriever"
        return [*notes, Note("retriever", pipeline.retriever.kind, IMPOSSIBLE, text)]
    return [*notes, Note("retriever", pipeline.retriever.kind, EXACT, what)]


_OWN = {"chunk_size", "chunk_overlap", "unit", "tokenizer", "header", "separators"}


def uses_own_splitter(pipeline: Pipeline, target: str) -> bool:
    """Whether the framework's own class gives the same chunks, which is proven for one alone."""
    s: Any = pipeline.splitter
    known = s.kind == "recursive" and {f.name for f in fields(s)} == _OWN
    return target == "langchain" and known and s.header == "none"


def _splitter(pipeline: Pipeline, target: str) -> Note:
    s = pipeline.splitter
    if uses_own_splitter(pipeline, target):
        text = (
            "RecursiveCharacterTextSplitter gives the same texts; it does not know where they stand (its start_index "
            "is looked up and can be -1 or wrong), so verify compares texts, in order, and not places"
        )
        return Note("splitter", s.kind, EXACT, text)
    try:
        splitter_source(s)
    except NotExpressible as error:
        return Note("splitter", s.kind, IMPOSSIBLE, f"not expressible yet: {error}", stops=True)
    return Note(
        "splitter",
        s.kind,
        GENERATED,
        f"splitter.py holds the same function with exact places, behind {FRAMEWORKS[target]}'s splitter interface",
    )


def _unknown(part: str, spec: Spec) -> Note | None:
    """A note that stops the export where code could only be wrong: an unknown kind, or a field that is not known."""
    known = (_EMBEDDERS if part == "embedder" else KINDS).get(spec.kind)
    if known is None:
        return Note(part, spec.kind, IMPOSSIBLE, f"not expressible yet: exports do not know the {part}", stops=True)
    for f in fields(spec):
        value = getattr(spec, f.name)
        if f.name not in known and value not in _NOTHING:
            text = f"not expressible yet: exports do not know its setting {f.name} ({value!r})"
            return Note(part, spec.kind, IMPOSSIBLE, text, stops=True)
    return None


def _embedder(pipeline: Pipeline, target: str) -> Note:
    e: Any = pipeline.embedder
    if unknown := _unknown("embedder", e):
        return unknown
    if e.kind == "static":
        return Note("embedder", e.kind, GENERATED, "embedder.py holds the same mean of token vectors")
    where = f"the model {hub_name(e.model)}, or the folder MODEL_PATH"
    if target == "langchain" and not keeps_line_ends(pipeline):
        text = (
            "HuggingFaceEmbeddings turns line ends into spaces, which this model's tokenizer tells apart; a small "
            f"Embeddings class leaves the text alone ({where})"
        )
        return Note("embedder", e.kind, GENERATED, text)
    return Note("embedder", e.kind, EXACT, f"the framework's own class with {e.dtype} and the prefixes; {where}")


def keeps_line_ends(pipeline: Pipeline) -> bool:
    """Whether LangChain's class, which embeds a line's end as a space, gives the same vectors for this model."""
    return tokenizer(pipeline.embedder.tokenizer).ends_at_space


def _index(pipeline: Pipeline, target: str) -> Note:
    i: Any = pipeline.index
    if unknown := _unknown("index", i):
        return unknown
    if why := refusal(i):
        return Note("index", i.kind, IMPOSSIBLE, f"not expressible yet: {why}", stops=True)
    if pipeline.retriever.kind != "dense":
        if getattr(i, "storage", "") != "float32":
            why = f"{pipeline.retriever.kind} over a {i.kind} index that does not keep every number"
            return Note("index", i.kind, IMPOSSIBLE, f"not expressible yet: {why}", stops=True)
        return Note("index", i.kind, GENERATED, f"FAISS, the same {i.kind} index with the same parameters")
    ties = "; chunks of equal score may stand in another order"
    if target == "haystack":
        if is_plain(i):
            return Note("index", i.kind, EXACT, "InMemoryDocumentStore compares with every vector too" + ties)
        text = "Haystack's own stores have no such index; a small component searches it in FAISS" + ties
        return Note("index", i.kind, GENERATED, text)
    return Note("index", i.kind, EXACT, "the framework's FAISS store over the same index" + ties)


def _retriever(pipeline: Pipeline, target: str) -> Note:
    r = pipeline.retriever
    if why := after_ranking(r):
        return Note("retriever", r.kind, IMPOSSIBLE, f"not expressible yet: {why}", stops=True)
    if r.kind == "dense":
        return Note("retriever", r.kind, EXACT, "the framework's own vector retriever")
    try:
        retriever_source(r)
    except NotExpressible as error:
        return Note("retriever", r.kind, IMPOSSIBLE, f"not expressible yet: {error}", stops=True)
    return Note(
        "retriever",
        r.kind,
        GENERATED,
        f"retriever.py holds the same ranking (the framework's BM25 counts other terms), behind "
        f"{FRAMEWORKS[target]}'s retriever interface",
    )


def is_counted_by_model(pipeline: Pipeline) -> bool:
    """Whether chunks are measured by a model's tokenizer, which the export then needs."""
    return pipeline.splitter.unit == "tokens" and pipeline.splitter.tokenizer not in BPE_ENCODINGS
