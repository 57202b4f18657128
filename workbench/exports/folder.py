"""`export`: a pipeline as a folder of code, data and facts that a colleague can run and that `verify` can prove."""

import json
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

from workbench import models
from workbench.documents import Corpus
from workbench.embedders import find_adapter
from workbench.errors import SpecError
from workbench.exports.bundle import bundle
from workbench.exports.code import code, is_packaged
from workbench.exports.targets import FRAMEWORKS, TARGETS, Note, native, support
from workbench.exports.wheel import DISTRIBUTION, FOLDER, wheel
from workbench.golden import write_golden
from workbench.integrations import ADAPTER
from workbench.pipelines import REGISTRIES, Pipeline, collection, to_yaml
from workbench.records import Question
from workbench.retrievers import Collection
from workbench.specs import digest
from workbench.store import Store
from workbench.tokens import BPE_ENCODINGS
from workbench.workspaces.parsed import to_json

FORMAT = 2
"""Of manifest.json. In format 1 export.py printed its own chunks, vectors and hits; `verify` knows both."""

MANIFEST, DOCUMENTS, GOLDEN = "manifest.json", "documents.jsonl", "golden.jsonl"

PACKAGES = {
    "langchain": {
        "langchain-core": "1.8.3",
        "langchain-community": "0.4.2",
        "langchain-huggingface": "1.2.3",
        "langchain-text-splitters": "1.1.3",
    },
    "llamaindex": {
        "llama-index-core": "0.14.25",
        "llama-index-embeddings-huggingface": "0.8.0",
        "llama-index-vector-stores-faiss": "0.7.0",
    },
    "haystack": {"haystack-ai": "3.4.1", "sentence-transformers-haystack": "2.0.0"},
}
"""The packages of each framework, at the versions that the code was tried with."""

Progress = Callable[[int, int], None]


def export(
    pipeline: Pipeline,
    corpus: Corpus | None,
    golden: Sequence[Question] | None,
    target: str,
    out: Path,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write code for `target`, pinned requirements and the data that is given into the folder `out`; return the files.

    `corpus` is carried as parsed text, since another reader gives other text; a bundle cannot do without. `golden`
    goes along, and its questions are what `verify` asks. Code that imports the workbench has its wheel beside it.
    Files of the same names are replaced, others stay.

    Raises:
        NotExpressible: there is no such target.
        SpecError: the target cannot express the pipeline (every reason is named), or needs a corpus.
    """
    notes = support(pipeline, target)
    if stops := [note for note in notes if note.stops]:
        reasons = "; ".join(f"{note.part} {note.kind}: {note.text}" for note in stops)
        others = ", ".join(name for name in TARGETS if name != target)
        raise SpecError(f"{target} cannot express this pipeline. {reasons}. Other targets are {others}")
    if golden and corpus is None:
        raise SpecError("a golden set stands on documents: give the documents too")
    files: dict[str, bytes] = {"pipeline.yaml": to_yaml(pipeline).encode()}
    if adapter := getattr(pipeline.embedder, "adapter", ""):
        files[ADAPTER] = find_adapter(adapter).data
    if corpus is not None:
        files[DOCUMENTS] = b"".join(documents_lines(corpus))
        if golden:
            files[GOLDEN] = write_golden(golden, corpus).encode()
    rows = collection(corpus, pipeline.splitter) if corpus is not None else None
    if target == "bundle":
        if corpus is None or rows is None:
            raise SpecError("a bundle holds chunks and vectors: give the documents too")
        files |= bundle(pipeline, corpus, rows, store, progress)
    else:
        files["export.py"] = code(pipeline, target).encode()
        files["requirements.txt"] = "".join(f"{line}\n" for line in requirements(pipeline, target)).encode()
        if uses_engine(pipeline, target):
            name, data = wheel()
            files[f"{FOLDER}/{name}"] = data
    files["README.md"] = _readme(pipeline, target, notes, corpus, golden or ()).encode()
    facts = _manifest(pipeline, target, notes, corpus, rows, files)
    files[MANIFEST] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    try:
        for name, data in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(data)
    except OSError as error:
        raise SpecError(f"{out}: the export cannot be written ({error.strerror})") from None
    return [out / name for name in files]


def uses_engine(pipeline: Pipeline, target: str) -> bool:
    """Whether the exported code imports the workbench."""
    return target == "python" or (target in FRAMEWORKS and not native(pipeline, target).alone)


def requirements(pipeline: Pipeline, target: str) -> list[str]:
    """Return what the exported code needs, each at the version that it was tried with; the wheel by its path."""
    vectors = pipeline.retriever.needs_vectors
    own = native(pipeline, target) if target in FRAMEWORKS else None
    needed, named = {"numpy"}, set(_models(pipeline))
    transformer = any(not models.available(n) or models.find(n).kind not in ("static", "remote") for n in named)
    if pipeline.splitter.unit == "tokens":
        needed.add("bpe-openai" if pipeline.splitter.tokenizer in BPE_ENCODINGS else "tokenizers")
        named |= {pipeline.splitter.tokenizer} - set(BPE_ENCODINGS)
    if vectors:
        needed |= {"sentence-transformers", "transformers", "torch"} if transformer else {"safetensors", "tokenizers"}
    if vectors and (own is None or target != "haystack" or not own.search):
        needed.add("faiss-cpu")
    for name, package in (("stop_words", "bm25s"), ("stemmer", "PyStemmer")):
        if getattr(pipeline.retriever, name, "none") != "none":
            needed.add(package)
    needed |= {models.find(name).home.split()[1] for name in named if models.available(name) and is_packaged(name)}
    needed |= _others(pipeline)
    unused: tuple[str, ...] = () if own and own.search else ("huggingface", "sentence-transformers")
    unused += () if own and own.search else ("faiss", "langchain-community")
    packages = {n: v for n, v in PACKAGES.get(target, {}).items() if not any(part in n for part in unused)}
    lines = [f"{n}=={v}" for n, v in packages.items()]
    lines += [f"{name}=={version(name).partition('+')[0]}" for name in sorted(needed)]
    if uses_engine(pipeline, target):
        extras = "[models]" if transformer else ""
        lines.append(f"./{FOLDER}/{wheel()[0]}{extras}")
    return lines


def _models(pipeline: Pipeline) -> Iterable[str]:
    """Yield the models that the pipeline's methods load."""
    for part in _parts(pipeline):
        if model := getattr(part, "model", ""):
            yield model


def _parts(pipeline: Pipeline) -> list[Any]:
    """Return the methods that an export runs: without vectors, no embedder and no index."""
    unused = () if pipeline.retriever.needs_vectors else ("embedder", "index")
    return [getattr(pipeline, name) for name in REGISTRIES if name not in unused]


def _others(pipeline: Pipeline) -> set[str]:
    """Return the distributions of other packages that the pipeline's methods come from."""
    modules = {type(part).__module__.partition(".")[0] for part in _parts(pipeline)} - {"workbench"}
    known = packages_distributions() if modules else {}
    return {known[module][0] for module in modules if module in known} - {DISTRIBUTION}


def documents_lines(corpus: Corpus) -> Iterable[bytes]:
    """Yield the parsed documents, a line of JSON each, in the corpus's order."""
    for document in corpus:
        data = to_json(document)
        try:
            data.decode()
        except UnicodeDecodeError:  # half a character, which only JSON's own escapes can carry
            data = json.dumps(json.loads(data.decode("utf-8", "surrogatepass"))).encode()
        yield data + b"\n"


def _manifest(
    pipeline: Pipeline,
    target: str,
    notes: list[Note],
    corpus: Corpus | None,
    rows: Collection | None,
    files: dict[str, bytes],
) -> dict[str, Any]:
    lines = []
    for i in range(len(rows) if rows is not None else 0):
        span, text = rows.span(i), rows.text(i).encode("utf-8", "surrogatepass")  # type: ignore[union-attr]
        lines.append(f"{span.document} {span.start} {span.end} {digest(text)}")
    return {
        "format": FORMAT,
        "target": target,
        "pipeline": pipeline.fingerprint,
        "label": pipeline.label,
        "embedder": pipeline.embedder.identity() if pipeline.retriever.needs_vectors else None,
        "corpus": corpus.id if corpus is not None else None,
        "documents": len(corpus) if corpus is not None else 0,
        "chunks": len(rows) if rows is not None else None,
        "chunks_sha256": digest("\n".join(lines).encode()) if rows is not None else None,
        "versions": {name: v for name in _VERSIONS if (v := _version(name))},
        "notes": [{"part": n.part, "kind": n.kind, "level": n.level, "text": n.text} for n in notes],
        "files": {name: digest(data) for name, data in sorted(files.items())},
    }


_VERSIONS = ("numpy", "tokenizers", "faiss-cpu", "torch", "transformers")


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _readme(
    pipeline: Pipeline, target: str, notes: Sequence[Note], corpus: Corpus | None, golden: Sequence[Question]
) -> str:
    """Return the text of README.md: how to install, run, verify and feed own files, and what is not the same."""
    name = FRAMEWORKS.get(target, {"bundle": "a bundle", "python": "the workbench as a library"}.get(target, target))
    lines = [f"# {pipeline.label}: {name}", "", *_intro(pipeline, target, corpus), ""]
    lines += ["## How each part is given", "", "| part | kind | how | what to know |", "|---|---|---|---|"]
    lines += [f"| {n.part} | {n.kind} | {n.level} | {n.text.replace('|', '/')} |" for n in notes]
    return "\n".join([*lines, "", *_about_models(pipeline, target), *_verified(corpus, golden)])


def _intro(pipeline: Pipeline, target: str, corpus: Corpus | None) -> list[str]:
    data = f" The parsed text of {len(corpus)} documents is in `documents.jsonl`." if corpus is not None else ""
    if target == "bundle":
        return [
            f"Chunks, vectors and a FAISS index.{data}",
            "",
            "    pip install -r requirements.txt",
            "    python load.py --query-vector vector.json   # the nearest chunks; see load.py for the loaders",
            "",
            "`chunks.parquet` has a row for each chunk, `vectors.parquet` its vector in the same order, `index.faiss` "
            "the index over them, which compares with every vector. `load.py` reads all three, checks their checksums "
            "against `manifest.json`, and loads them into Chroma or Qdrant. `pgvector.sql` makes a PostgreSQL "
            "table and fills it from `pgvector.copy` (`psql -v ON_ERROR_STOP=1 -f pgvector.sql`).",
        ]
    lines = [
        f"`pipeline.yaml` as code.{data} In this folder:",
        "",
        "    pip install -r requirements.txt",
        '    python export.py "a question"',
        "",
        "## Your own files",
        "",
    ]
    if uses_engine(pipeline, target):
        return [
            *lines,
            '    python export.py "a question" FILE_OR_FOLDER',
            "",
            f"Files are read by the parser of `pipeline.yaml` ({pipeline.parser.kind}). PDF and office files need "
            f"`pip install \"./{FOLDER}/{wheel()[0]}[parsers]\"`. In Python: `from export import build, "
            "load_documents`, then `build(load_documents(path))`; `build` takes documents of your own loaders, too, "
            "which are cut as plain text.",
            "",
            f"The workbench itself is in `{FOLDER}/`, at the version that this was exported with; it needs no package "
            "index for it.",
        ]  # fmt: skip
    return [
        *lines,
        '    python export.py "a question" MINE.jsonl',
        "",
        'A line of JSON for each document: `{"id": "1", "name": "handbook", "text": "…"}`. In Python: `from export '
        "import build`, and `build(documents)` takes the documents of any loader whose metadata has `name`. To read "
        "files as the workbench does, export again with other documents: `python -m workbench export --config "
        f"pipeline.yaml --target {target} --out OTHER_FOLDER DOCS`.",
    ]


def _about_models(pipeline: Pipeline, target: str) -> list[str]:
    if target == "bundle":
        return []
    own, lines = native(pipeline, target) if target in FRAMEWORKS else None, []
    if pipeline.retriever.needs_vectors:
        where = f"The embedding model is `{pipeline.embedder.source.name}`."
        how = " `MODEL_PATH` names a local folder of it, for machines without the hub." if own and own.search else ""
        lines.append(where + how)
    if pipeline.splitter.unit == "tokens":
        where = f"Chunks are measured with the tokenizer of `{pipeline.splitter.tokenizer}`."
        lines.append(where + (" `TOKENIZER_PATH` names a local `tokenizer.json`." if own and own.splitter else ""))
    fetched = [name for name in _models(pipeline) if not models.find(name).home.startswith(("package ", "endpoint "))]
    if fetched and uses_engine(pipeline, target):
        lines.append(f"Fetch once: {', '.join(f'`hf download {name}`' for name in fetched)}, or set "
                     "`WORKBENCH_ALLOW_DOWNLOADS=1`.")  # fmt: skip
    return ["## Models", "", *lines, ""] if lines else []


def _verified(corpus: Corpus | None, golden: Sequence[Question]) -> list[str]:
    lines = ["## How it is verified", "", "    python -m workbench verify THIS_FOLDER [DOCS]", ""]
    if corpus is None:
        lines.append("No documents came along: name them, and they are parsed and compared.")
    asked = f", and the hits of the {len(golden)} questions in `golden.jsonl`" if golden else ""
    lines.append(
        "`verify` checks the hash of every file, runs this code in a process of its own with the packages of "
        "`requirements.txt`, and compares every "
        f"chunk's place, the hash of its text, its vector (cosine at least 0.9999){asked} with what the workbench "
        "gives. It prints `equal`, or each difference with its cause. Chunks of equal score may stand "
        "in another order; that is reported and is no difference."
    )
    if not golden:
        lines.append("Without questions it says `hits: not compared`; name some with `--query`.")
    else:
        lines.append("It also says which wrong parameters of the ranking would have given the same hits.")
    return [*lines, ""]
