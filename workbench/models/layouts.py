"""What the small files of a sentence-transformers folder say: dimensions, maximum length, pooling, prompts.

Supported layouts are data: a folder whose modules are all in `MODULES` and whose weights are safetensors. Everything
else is refused with the reason, before any library gets to see the folder.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.errors import ModelUnavailable

MODULES = frozenset({"Transformer", "Pooling", "Normalize", "Dense", "StaticEmbedding"})
"""The modules, by class name, that a model may consist of. None of them runs code or unpickles data from the folder."""

_POOLINGS = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
_TRANSFORMER_SETTINGS = ("sentence_bert_config.json", *(f"sentence_{kind}_config.json" for kind in (
    "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")))  # fmt: skip
_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")


@dataclass(frozen=True, slots=True)
class Layout:
    """A model folder as read; the fields are those of `models.Model`."""

    kind: str
    dimensions: int
    max_tokens: int | None
    weights: tuple[Path, ...]
    tokenizer: Path
    normalised: bool
    query_prompt: str
    passage_prompt: str
    licence: str


def read_layout(name: str, folder: Path) -> Layout:
    """Return the layout of a model folder; it is read again only where a file of it has changed.

    Raises:
        ModelUnavailable: it is not a model, or one that could not be loaded safely.
    """
    files = sorted(p for pattern in ("*", "*/*") for p in folder.glob(pattern) if p.is_file())
    return _read(name, folder, tuple((str(p), (s := p.stat()).st_size, s.st_mtime_ns) for p in files))


@lru_cache(maxsize=32)
def _read(name: str, folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Layout:
    modules = _modules(name, folder)
    kinds = [kind for kind, _ in modules]
    first = modules[0][1]
    tokenizer = first / "tokenizer.json"
    if not tokenizer.is_file():
        raise ModelUnavailable(
            f"model {name!r} has no tokenizer.json; save it with a fast tokenizer (transformers: use_fast=True)"
        )
    weights = tuple(w for kind, path in modules if kind in ("Transformer", "StaticEmbedding", "Dense")
                    for w in _weights(name, path))  # fmt: skip
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return Layout(
        kind="static" if kinds[0] == "StaticEmbedding" else "sentence-transformer",
        dimensions=_dimensions(name, modules),
        max_tokens=_truncation(tokenizer) if kinds[0] == "StaticEmbedding" else _max_tokens(first, tokenizer),
        weights=weights,
        tokenizer=tokenizer,
        normalised=kinds[-1] == "Normalize",
        query_prompt=prompts.get("query") or "",
        passage_prompt=next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), ""),
        licence=_licence(folder),
    )


def _modules(name: str, folder: Path) -> list[tuple[str, Path]]:
    """Return (class name, folder) of each module in order."""
    if not (folder / "modules.json").is_file():
        if not (folder / "config.json").is_file():
            raise ModelUnavailable(
                f"model {name!r} is a folder without modules.json or config.json; name the folder that holds them"
            )
        return [("Transformer", folder), ("Pooling", folder)]  # a bare transformer: mean pooling, as its library does
    modules = []
    for entry in _json(folder / "modules.json", list):
        origin, _, kind = str(entry.get("type", "")).rpartition(".")
        path = (folder / str(entry.get("path", ""))).resolve()
        if not origin.startswith("sentence_transformers") or kind not in MODULES:
            raise ModelUnavailable(
                f"model {name!r} needs {origin}.{kind}, which is not among the modules that load safely: "
                f"{', '.join(sorted(MODULES))}"
            )
        if not path.is_relative_to(folder.resolve()):
            raise ModelUnavailable(f"model {name!r} names a module outside its folder: {entry.get('path')}")
        modules.append((kind, path))
    kinds = [kind for kind, _ in modules]
    if not kinds or kinds[0] not in ("Transformer", "StaticEmbedding"):
        raise ModelUnavailable(f"model {name!r} does not begin with a Transformer or StaticEmbedding module")
    if kinds[0] == "StaticEmbedding" and kinds[1:] not in ([], ["Normalize"]):
        raise ModelUnavailable(
            f"model {name!r} has {', '.join(kinds[1:])} after its static embedding; only Normalize may follow"
        )
    return modules


def is_mean_pooled(name: str, folder: Path) -> bool:
    """Return whether a text's vector is the mean of its tokens' states, brought to length 1 or not."""
    modules = _modules(name, folder)
    if [kind for kind, _ in modules][:2] != ["Transformer", "Pooling"] or {k for k, _ in modules[2:]} - {"Normalize"}:
        return False
    config = _json(modules[1][1] / "config.json")
    modes = config.get("pooling_mode") or [m for m in _POOLINGS if config.get(f"pooling_mode_{m}")] or ["mean"]
    return modes in ("mean", ["mean"], ["mean_tokens"])


def _weights(name: str, folder: Path) -> list[Path]:
    if (index := folder / "model.safetensors.index.json").is_file():
        paths = [folder / shard for shard in sorted(set(_json(index).get("weight_map", {}).values()))]
    else:
        paths = [folder / "model.safetensors"]
    if missing := [path for path in paths if not path.is_file()]:
        raise ModelUnavailable(
            f"model {name!r} has no {missing[0].name} in {folder.name}; weights in other formats (.bin, .pt) are not "
            "read because they can run code: save the model again with safetensors"
        )
    return paths


def _dimensions(name: str, modules: list[tuple[str, Path]]) -> int:
    width: int | None = None
    for kind, folder in modules:
        config = _json(folder / "config.json")
        if kind == "StaticEmbedding":
            width = _table_width(name, folder / "model.safetensors")
        elif kind == "Transformer":
            text = {**config, **(config.get("text_config") or {})}
            width = next((text[key] for key in _WIDTHS if key in text), None)
        elif kind == "Pooling" and ("word_embedding_dimension" in config or "embedding_dimension" in config):
            modes = config.get("pooling_mode") or [m for m in _POOLINGS if config.get(f"pooling_mode_{m}")]
            count = 1 if isinstance(modes, str) else max(1, len(modes))
            width = config.get("word_embedding_dimension", config.get("embedding_dimension")) * count
        elif kind == "Dense":
            width = config.get("out_features", width)
    if not isinstance(width, int) or width < 1:
        raise ModelUnavailable(f"model {name!r} does not say how many dimensions its vectors have")
    return width


def _table_width(name: str, path: Path) -> int:
    """Return the number of columns of a static model's token table, from the header of its file."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(min(int.from_bytes(file.read(8), "little"), 1 << 24)))
        if "embedding.weight" not in header and ("mapping" in header or "weights" in header):
            raise ModelUnavailable(
                f"model {name!r} maps or weighs its tokens (model2vec); save it again as a plain StaticEmbedding"
            )
        return int(header.get("embedding.weight", header.get("embeddings"))["shape"][1])
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ModelUnavailable(f"model {name!r} has no token table in model.safetensors ({error})") from error


def _max_tokens(folder: Path, tokenizer: Path) -> int | None:
    """Return the model's maximum length less its special tokens, read as sentence-transformers reads it."""
    from tokenizers import Tokenizer

    settings: dict[str, Any] = next((s for f in _TRANSFORMER_SETTINGS if (s := _json(folder / f))), {})
    own = settings.get("processor_kwargs") or settings.get("tokenizer_args") or {}
    limit = settings.get("max_seq_length") or own.get("model_max_length")
    if not limit:
        config = _json(folder / "config.json")
        limits = (_json(folder / "tokenizer_config.json").get("model_max_length"),
                  {**config, **(config.get("text_config") or {})}.get("max_position_embeddings"))  # fmt: skip
        limit = min((n for n in limits if isinstance(n, int | float) and 0 < n < 1 << 24), default=None)
    specials: int = Tokenizer.from_file(str(tokenizer)).num_special_tokens_to_add(False)
    return int(limit) - specials if limit else None


def _truncation(tokenizer: Path) -> int | None:
    """Return the length at which a tokenizer's own file truncates texts, the only limit of a static model."""
    limit = (_json(tokenizer).get("truncation") or {}).get("max_length")
    return limit if isinstance(limit, int) else None


def _licence(folder: Path) -> str:
    """Return the licence that the model card's first lines name; "" where they name none."""
    card = folder / "README.md"
    if not card.is_file():
        return ""
    with card.open(encoding="utf-8", errors="replace") as file:
        match = re.search(r"^license:\s*(\S.*?)\s*$", file.read(20_000), re.MULTILINE)
    return match.group(1) if match else ""


def _json(path: Path, shape: type = dict) -> Any:
    """Return the file's content; an empty one of that shape where it is absent or something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return shape()
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path.name} in {path.parent.name} cannot be read: {error}") from error
    return content if isinstance(content, shape) else shape()
