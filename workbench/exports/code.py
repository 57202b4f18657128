"""`export.py` of each target: at most 60 lines, as a colleague would have written them.

Every export.py has `load_documents`, `split` and `build`, which `verify` calls (see driver.py).
"""

from pathlib import Path
from typing import Any

from workbench import models
from workbench.exports.targets import FRAMEWORKS, HUB_NAMES, native, scales
from workbench.pipelines import Pipeline
from workbench.tokens import BPE_ENCODINGS

_NAMES = {
    "langchain": ("WorkbenchLoader", "WorkbenchSplitter"),
    "llamaindex": ("WorkbenchReader", "WorkbenchNodeParser"),
    "haystack": ("WorkbenchConverter", "WorkbenchSplitter"),
}
"""The classes of `workbench.integrations` that load and split."""


def code(pipeline: Pipeline, target: str) -> str:
    """Return the text of `export.py`."""
    label = pipeline.label.replace("\\", "/").replace('"', "'")
    label = label if len(label) <= 60 else f"{label[:59]}…"
    values: dict[str, Any] = {"label": label, "k": pipeline.k, "splitter": pipeline.splitter}
    if target in FRAMEWORKS:
        values |= _facts(pipeline, target)
    return rendered(f"{target}.py", values)


def rendered(name: str, values: dict[str, Any]) -> str:
    """Return a file of an export from its template in `templates/`; `x | py` is x as Python writes it."""
    from jinja2 import Environment, FileSystemLoader

    folder = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(loader=folder, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["py"] = literal
    return environment.get_template(f"{name}.jinja").render(values)


def _facts(pipeline: Pipeline, target: str) -> dict[str, Any]:
    own, s = native(pipeline, target), pipeline.splitter
    names = [*(() if own.splitter else _NAMES[target]), *(() if own.search else ["WorkbenchRetriever"])]
    facts: dict[str, Any] = {"own": own, "names": ", ".join(sorted(names)), "tokenizer": None}
    if own.splitter and s.unit == "tokens":
        bpe = s.tokenizer in BPE_ENCODINGS
        facts |= {"encoding": s.tokenizer} if bpe else {"tokenizer": _tokenizer(s.tokenizer)}
    if own.search:
        e: Any = pipeline.embedder
        facts |= {"embedder": e, "scales": scales(pipeline), "hub": HUB_NAMES.get(e.source.name, e.source.name)}
        facts |= {"query": e.prefix(query=True), "passage": e.prefix(query=False)}
        facts["truncate"] = f', "truncate_dim": {e.truncate_dim}' if e.truncate_dim else ""
    return facts


def _tokenizer(name: str) -> dict[str, str]:
    """Return where a model's tokenizer comes from: a file of the package that carries it, or the hub."""
    if is_packaged(name):
        model = models.find(name)
        return {"package": model.folder.name, "file": model.tokenizer.relative_to(model.folder).as_posix()}
    return {"hub": HUB_NAMES.get(name, name)}


def is_packaged(name: str) -> bool:
    """Return whether an export has the model from a package, and not from the hub."""
    return models.find(name).home.startswith("package ") and name not in HUB_NAMES and "/" not in name


def literal(value: Any) -> str:
    """Return the value as Python writes it, texts between double quotes."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if not isinstance(value, str) or '"' in value:
        return repr(value)
    return f'"{repr(value + chr(34))[1:-2]}"'.replace("\\'", "'") if "'" in value else f'"{repr(value)[1:-1]}"'
