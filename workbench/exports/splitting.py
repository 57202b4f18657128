"""`splitter.py` of an export: the splitter's own source with exact spans, and nothing of the workbench besides."""

from dataclasses import fields
from functools import lru_cache

from workbench import models
from workbench.exports.modules import literal
from workbench.exports.sources import Place, vendored
from workbench.specs import Spec
from workbench.splitters import Splitter
from workbench.tokens import BPE_ENCODINGS

HUB_NAMES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
"""What a packaged model is called on the hub, from where an export has it."""

SPEC = '''
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spec:
    """A method with its settings."""
'''

_BPE = '''
from functools import cache


@cache
def tokenizer(name: str) -> "BytePairTokenizer":
    """The byte-pair tokenizer of this name."""
    import bpe_openai

    return BytePairTokenizer(name, "", bpe_openai.get_encoding(name))
'''

_OF_MODEL = '''
import os
from functools import cache


@cache
def tokenizer(name: str) -> "ModelTokenizer":
    """The tokenizer of the model: the file TOKENIZER_PATH, where that is set, or the hub's."""
    from tokenizers import Tokenizer as Rules

    path = os.environ.get("TOKENIZER_PATH")
    rules = Rules.from_file(path) if path else Rules.from_pretrained({hub})
    rules.no_truncation()
    rules.no_padding()
    return ModelTokenizer(name, "", rules)
'''

_OF_PACKAGE = '''
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def tokenizer(name: str) -> "ModelTokenizer":
    """The tokenizer of the model: the file TOKENIZER_PATH, where that is set, or the one in the package {package}."""
    from tokenizers import Tokenizer as Rules

    path = os.environ.get("TOKENIZER_PATH")
    rules = Rules.from_file(path or str(Path(find_spec("{package}").origin).parent / "{inside}"))
    rules.no_truncation()
    rules.no_padding()
    return ModelTokenizer(name, "", rules)
'''

_END = '''

SPLITTER = {call}


def split(document: Document) -> list[tuple[int, int, str]]:
    """(start, end, header) of each chunk in order; a chunk's text is `document.text[start:end]`."""
    return sorted((chunk.span.start, chunk.span.end, chunk.header) for chunk in SPLITTER(document))


def read_documents(path: str | Path) -> list[Document]:
    """The documents of a documents.jsonl, each with its text, headings, tables and pages, in order."""
    with open(path, encoding="utf-8") as file:
        return [_document(json.loads(line)) for line in file]


def _document(row: dict) -> Document:
    id = row["id"]
    row["sections"] = tuple(Section(kind, level, Span(id, a, b), title) for kind, level, a, b, title in row["sections"])
    row["pages"] = tuple((number, Span(id, a, b)) for number, a, b in row["pages"])
    return Document(**row)


def plain_document(text: str, id: str = "text") -> Document:
    """A text of which no headings, tables or pages are known."""
    return Document(source="", id=id, name=id, text=text)
'''


@lru_cache(maxsize=64)
def splitter_source(splitter: Splitter) -> str:
    """The text of `splitter.py`.

    Raises:
        NotExpressible: the splitter needs something that does not stand without the workbench.
    """
    cls = type(splitter)
    module = cls.__module__
    code = vendored(
        [(module, cls.__name__), ("workbench.documents", "Document"), ("workbench.documents", "Section")],
        stand_ins(splitter),
        ("__call__", "span", "header", "start", "end"),
    )
    head = (
        f'"""The `{splitter.kind}` splitter: a document to chunks with exact places in its text.\n\n'
        "Written from the workbench's own source, cut down to what this splitter needs; `python -m workbench verify`\n"
        'holds it equal.\n"""\n\n'
    )
    needed = "import json\nfrom pathlib import Path\n"
    return merged_imports(head, needed, code + _END.replace("{call}", call(splitter)))


def merged_imports(head: str, needed: str, code: str) -> str:
    """The module with some more standard imports among those at its top, each once, in order."""
    lines = code.splitlines()
    top: set[str] = set()
    at = 0
    while at < len(lines) and lines[at].startswith(("import ", "from ")):
        top.add(lines[at])
        at += 1
    for line in needed.splitlines():
        name = line.removeprefix("import ") if line.startswith("import ") else None
        if name is not None or not any(line == known for known in top):
            top.add(line)
    ordered = sorted(top, key=lambda s: (not s.startswith("import"), s))
    return head + "\n".join([*ordered, *lines[at:]]) + "\n"


def stand_ins(splitter: Splitter) -> dict[Place, str]:
    """What replaces the definitions that know the workbench's surroundings."""
    out: dict[Place, str] = {("workbench.specs", "Spec"): SPEC}
    if splitter.unit == "tokens":
        out["workbench.tokens", "tokenizer"] = _tokenizer(splitter.tokenizer)
    else:
        out["workbench.tokens", "tokenizer"] = (
            'def tokenizer(name: str) -> None:\n    """Nothing: sizes are counted in characters here."""\n'
        )
    if splitter.kind == "code":
        from workbench.splitters.separators import language_separators

        language = getattr(splitter, "language", "")
        lines = "\n".join(f"        {literal(s)}," for s in language_separators(language))
        out["workbench.splitters.separators", "language_separators"] = (
            "def language_separators(language: str) -> tuple[str, ...]:\n"
            f'    """The regular expressions at which {language} is cut, the coarsest first."""\n'
            f"    return (\n{lines}\n    )\n"
        )
    return out


def _tokenizer(name: str) -> str:
    if name in BPE_ENCODINGS:
        return _BPE
    model = models.find(name)
    if model.home.startswith("package ") and hub_name(name) == name and "/" not in name:
        module, inside = model.folder.name, model.tokenizer.relative_to(model.folder).as_posix()
        return _OF_PACKAGE.replace("{package}", module).replace("{inside}", inside)
    return _OF_MODEL.replace("{hub}", literal(hub_name(name)))


def hub_name(name: str) -> str:
    """The name under which the hub has a model; a folder or hub id as it is."""
    return HUB_NAMES.get(name, name)


def call(spec: Spec) -> str:
    """The method as Python writes it, every field given: `Recursive(chunk_size=200, …)`."""
    values = [f"    {f.name}={literal(getattr(spec, f.name))}," for f in fields(spec) if f.init]
    return "\n".join([f"{type(spec).__name__}(", *values, ")"]) if values else f"{type(spec).__name__}()"
