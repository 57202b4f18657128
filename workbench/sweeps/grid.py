"""Grids: a pipeline, and what to vary in it.

base: {splitter: {kind: recursive, unit: tokens}, retriever: {kind: dense}, k: 5}
vary:
  splitter.chunk_size: [100, 200, 400]
  splitter.chunk_overlap: [0, 25%]
  retriever: [dense, {kind: hybrid, fusion: rrf}]
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from math import prod
from typing import Any

from workbench.errors import SpecError, WorkbenchError
from workbench.pipelines import REGISTRIES, VERSION, Pipeline, from_mapping, read_yaml

LARGEST = 5_000
"""Combinations that a grid may have."""

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%")


@dataclass(frozen=True, slots=True)
class Grid:
    """`base` is a pipeline in its file's form, `vary` maps a path to the values that it takes in turn.

    A path is a part's field (`splitter.chunk_size`), its kind (`retriever.kind`), a whole part (`retriever`, whose
    values are kinds or mappings with their own fields) or `k`. A field that a kind does not have is left out there. An
    overlap may be a share of the size: "25%".

    Raises:
        SpecError: an unknown path, no value, or too many combinations.
    """

    base: Mapping[str, Any]
    vary: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        for path, values in self.vary.items():
            _check_path(path)
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise SpecError(f"vary.{path} must be a list of at least one value, not {values!r}")
        if len(self) > LARGEST:
            raise SpecError(f"the grid has {len(self):,} combinations; at most {LARGEST:,} are taken: vary less")

    def __len__(self) -> int:
        return prod(len(values) for values in self.vary.values())


@dataclass(frozen=True, slots=True)
class Skipped:
    """A combination that no pipeline can have, or that could not be measured, and why."""

    settings: Mapping[str, Any]
    reason: str

    def __str__(self) -> str:
        return f"{', '.join(f'{path} {value}' for path, value in self.settings.items()) or 'base'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Expansion:
    """The pipelines of a grid, each once, in its order; what was skipped; how many combinations came out the same."""

    pipelines: tuple[Pipeline, ...]
    skipped: tuple[Skipped, ...] = ()
    repeated: int = 0


def read_grid(text: str) -> Grid:
    """Return the grid that a YAML file describes.

    Raises:
        SpecError: not YAML, an unknown key, or a grid that is not valid.
    """
    data = read_yaml(text, "the grid")
    if not isinstance(data, dict) or not ({"base", "vary"} & set(data)):
        raise SpecError("a grid file holds the mappings `base`, a pipeline, and `vary`, paths with lists of values")
    if unknown := [key for key in data if key not in ("workbench", "base", "vary")]:
        raise SpecError(f"a grid has no key {unknown[0]!r}; its keys are workbench, base, vary")
    if data.get("workbench", VERSION) != VERSION:
        raise SpecError(f"workbench: {data['workbench']!r} is not a known form; this version reads {VERSION}")
    parts: dict[str, Any] = {key: data.get(key) if data.get(key) is not None else {} for key in ("base", "vary")}
    for key, part in parts.items():
        if not isinstance(part, dict):
            raise SpecError(f"{key} must be a mapping, not {part!r}")
    return Grid(**parts)


def expand(grid: Grid) -> Expansion:
    """Return the pipelines of a grid. Impossible combinations are skipped with the reason, equal ones taken once.

    A retriever that needs no vectors is measured once, whatever the model and the index are.
    """
    found: dict[str, Pipeline] = {}
    skipped: list[Skipped] = []
    for settings in combinations(grid):
        try:
            pipeline = from_mapping(_applied(grid.base, settings))
        except WorkbenchError as error:
            skipped.append(Skipped(settings, str(error)))
            continue
        if not pipeline.retriever.needs_vectors and found:
            first = next(iter(found.values()))
            pipeline = replace(pipeline, embedder=first.embedder, index=first.index)
        found.setdefault(pipeline.fingerprint, pipeline)
    return Expansion(tuple(found.values()), tuple(skipped), len(grid) - len(found) - len(skipped))


def combinations(grid: Grid) -> Iterator[dict[str, Any]]:
    """Yield every combination as path → value; the last path changes fastest."""
    for values in product(*grid.vary.values()):
        yield dict(zip(grid.vary, values, strict=True))


def _applied(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with the settings applied: whole parts first, then kinds, then fields, shares last."""
    out = {key: dict(value) if isinstance(value, Mapping) else value for key, value in base.items()}
    for path, value in sorted(settings.items(), key=lambda item: _rank(item[0])):
        part, _, name = path.partition(".")
        if path == "k":
            out["k"] = value
        elif not name and isinstance(value, Mapping):
            out[part] = dict(value)
        else:
            block = out.get(part)
            block = out[part] = {"kind": _default_kind(part)} if not isinstance(block, dict) else block
            if name in ("", "kind"):
                known = _fields(part, value)
                out[part] = {"kind": value} | {k: v for k, v in block.items() if k in known}
            elif name in _fields(part, block.get("kind")):
                block[name] = value
    _resolve_share(out.get("splitter"))
    return out


def _resolve_share(splitter: Any) -> None:
    """Put characters or tokens for an overlap that is a share of the size, rounded down."""
    if not isinstance(splitter, dict) or not isinstance(overlap := splitter.get("chunk_overlap"), str):
        return
    cls = REGISTRIES["splitter"].get(str(splitter.get("kind")))
    size = splitter.get(
        "chunk_size", next((f.default for f in fields(cls) if f.name == "chunk_size"), None) if cls else None
    )
    if (match := _SHARE.fullmatch(overlap.strip())) and isinstance(size, int):
        splitter["chunk_overlap"] = int(size * float(match[1]) / 100 + 1e-9)


def _check_path(path: Any) -> None:
    if not isinstance(path, str):
        raise SpecError(f"vary has the path {path!r}; a path is text such as splitter.chunk_size")
    part, dot, name = path.partition(".")
    if path == "k" or (part in REGISTRIES and not dot):
        return
    if part not in REGISTRIES:
        raise SpecError(f"vary has no path {path!r}; a path begins with {', '.join(REGISTRIES)}, or is k")
    known = {f.name for cls in REGISTRIES[part].values() for f in fields(cls)} | {"kind"}
    if name not in known:
        raise SpecError(f"vary.{path}: no {part} has the field {name!r}; there are {', '.join(sorted(known))}")


def _rank(path: str) -> int:
    return 0 if "." not in path else 1 if path.endswith(".kind") else 2


def _fields(part: str, kind: Any) -> set[str]:
    """Return the fields of a kind; none for an unknown kind, which is refused when the pipeline is made."""
    cls = REGISTRIES[part].get(kind) if isinstance(kind, str) else None
    return {f.name for f in fields(cls)} if cls else set()


def _default_kind(part: str) -> str:
    return str(getattr(Pipeline(), part).kind)
