"""Query-side adapters: a small matrix learned from a golden set, kept as a safetensors file named by its content."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.atomic_files import replacing
from workbench.errors import ModelUnavailable, SpecError, StoreError
from workbench.memory_cache import cached
from workbench.records import Training, TrainingSet
from workbench.settings import home
from workbench.specs import digest
from workbench.vectors import Vectors, unit

SUFFIX = ".safetensors"

_NAME = re.compile("[0-9a-f]{32}")
_MOST_BYTES = 256 << 20  # a matrix of 8,000 × 8,000


@dataclass(frozen=True, slots=True)
class Origin:
    """What an adapter was learned from: the embedder's fingerprint, how many examples, and how strong the ridge was.

    `training` names the questions that it was learned from and judged by; None in files from before it was recorded.
    """

    base: str
    examples: int = 0
    ridge: float = 0.0
    training: TrainingSet | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the key `training` where there is none, as in older files."""
        row = asdict(self)
        return row if self.training else {key: value for key, value in row.items() if key != "training"}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Origin":
        """Return the origin that plain values hold.

        Raises:
            ValueError: the record of training is not one.
            TypeError: a key is missing or unknown.
        """
        return cls(**row | ({"training": TrainingSet.from_dict(row["training"])} if "training" in row else {}))


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """Turns query vectors: query + query · delta, where `delta` (dim, dim) float32 is the learned part."""

    delta: NDArray[np.float32]
    origin: Origin

    def __post_init__(self) -> None:
        shape = self.delta.shape
        if len(shape) != 2 or shape[0] != shape[1] or self.delta.dtype != np.float32:
            raise SpecError(f"an adapter's delta must be (dim, dim) float32, not {self.delta.dtype} of shape {shape}")
        if not np.isfinite(self.delta).all():
            raise SpecError("an adapter's delta must hold finite numbers")
        self.delta.setflags(write=False)

    def __call__(self, rows: Vectors, *, normalised: bool) -> Vectors:
        """Return (n, dim) float32 the rows turned, at length 1 again where they had it.

        A delta of zeros gives the rows as they are, to the last bit. Each row is turned by itself, so that a query's
        vector does not depend on the queries beside it.
        """
        if not self.delta.any():
            return rows
        out = np.array([row + row @ self.delta for row in rows], np.float32).reshape(rows.shape)
        return unit(out) if normalised else out

    @property
    def data(self) -> bytes:
        """The file: one tensor `delta`, and the origin as metadata."""
        from safetensors.numpy import save

        origin = json.dumps(self.origin.to_dict(), sort_keys=True)
        return save({"delta": np.ascontiguousarray(self.delta)}, metadata={"workbench": origin})

    @property
    def name(self) -> str:
        """The name under which pipelines know it: the first 32 hex digits of the file's sha256."""
        return digest(self.data)[:32]


def read_adapter(data: bytes) -> Adapter:
    """Return the adapter of a file's bytes.

    Raises:
        SpecError: it is not an adapter.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        origin = Origin.from_dict(json.loads(header["__metadata__"]["workbench"]))
        delta = load(data)["delta"]
    except (ValueError, LookupError, TypeError, SafetensorError) as error:
        raise SpecError(f"not an adapter: a safetensors file with the tensor `delta` is needed ({error})") from None
    return Adapter(delta, origin)


def keep_adapter(adapter: Adapter) -> str:
    """Write the adapter to its file, and return the name under which pipelines of this WORKBENCH_HOME find it.

    Raises:
        StoreError: the folder cannot be written.
    """
    data = adapter.data
    name = digest(data)[:32]
    path = _home() / f"{name}{SUFFIX}"
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise StoreError(f"the adapter cannot be kept in {path.parent} ({error.strerror}); make it writable") from error
    return name


def find_adapter(name: str) -> Adapter:
    """Return the adapter of this name; read once per process.

    Raises:
        SpecError: it is no name of an adapter.
        ModelUnavailable: it is not here, or is not what its name says.
    """
    if not _NAME.fullmatch(name):
        raise SpecError(f"adapter ({name!r}) must be the 32 hex digits that `adapt` gave it, or empty for none")
    path = _home() / f"{name}{SUFFIX}"
    try:
        status = path.stat()
    except OSError:
        raise ModelUnavailable(
            f"adapter {name} is not in {path.parent.name}/ of WORKBENCH_HOME; put the file that was exported with the "
            f"pipeline there as {name}{SUFFIX}, learn it again with `adapt`, or leave the field adapter empty"
        ) from None
    if status.st_size > _MOST_BYTES:
        raise ModelUnavailable(f"adapter {name} has {status.st_size:,} bytes; at most {_MOST_BYTES:,} are read")
    return _read(path, status.st_mtime_ns)


@cached(256 << 20, lambda adapter: adapter.delta.nbytes)
def _read(path: Path, changed: int) -> Adapter:
    data = path.read_bytes()
    if digest(data)[:32] != path.stem:
        raise ModelUnavailable(f"adapter {path.stem} is damaged: its content has another hash; copy it again")
    return read_adapter(data)


TRAINING = "training.json"
"""The file in a fine-tuned model's folder that names the questions it was trained on."""


def keep_training(folder: Path, training: Training) -> None:
    """Write beside a model what it was trained on."""
    row = {"sets": [one.to_dict() for one in training.sets], "known": training.known}
    (folder / TRAINING).write_text(json.dumps(row, indent=1, sort_keys=True) + "\n", "utf-8")


def training_beside(folder: Path) -> Training:
    """Return what a model's folder records that it was trained on here; an empty record where there is none.

    Raises:
        ModelUnavailable: it cannot be read.
    """
    path = folder / TRAINING
    if not path.is_file():
        return Training()
    try:
        row = json.loads(path.read_bytes())
        return Training(tuple(TrainingSet.from_dict(one) for one in row["sets"]), row["known"] is True)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelUnavailable(f"{path}: it does not name the questions of a training ({error})") from None


def _home() -> Path:
    return home() / "adapters"
