"""Vectors from `/embeddings`, each number of the answer checked before it counts."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from workbench.endpoints.calls import ask
from workbench.endpoints.definitions import Remote
from workbench.endpoints.usage import Usage, count
from workbench.errors import ModelUnavailable

_LARGEST = float(np.finfo(np.float32).max)
_NUMBER = 40  # bytes that a number of a vector may take in JSON, at most
_FRAME = 1 << 16  # bytes of an answer beside its numbers, at most, and per vector a hundredth of it


def embeddings(remote: Remote, texts: Sequence[str]) -> NDArray[np.float32]:
    """(n, dim) float32, a row for each text as the server gives it, in one request; the usage is counted.

    Raises:
        ModelUnavailable: no sound answer: the message says what is wrong with it.
    """
    width = remote.model.dimensions
    if not texts:
        return np.empty((0, width), np.float32)
    body: dict[str, Any] = {"model": remote.id, "input": list(texts), "encoding_format": "float"}
    if remote.model.send_dimensions:
        body["dimensions"] = width
    most = len(texts) * (width * _NUMBER + _FRAME // 100) + _FRAME
    answer = ask(remote.endpoint, "embeddings", body, most)
    rows = _rows(remote, answer, len(texts), width)
    tokens = reported(answer, "total_tokens") or reported(answer, "prompt_tokens")
    name = f"{remote.endpoint.name}/{remote.name}"
    count(name, Usage(1, tokens, tokens * (remote.model.price or 0.0) / 1e6))
    return rows


def reported(answer: Any, field: str) -> int:
    """A count of tokens as the answer reports it; 0 where it does not."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    value = usage.get(field) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _rows(remote: Remote, answer: Any, n: int, width: int) -> NDArray[np.float32]:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        _fail(remote, "answered without a list of vectors (data); is this the URL of its API?")
    if len(data) != n:
        _fail(remote, f"answered {n} texts with {len(data)} vectors; lower batch_size, its server may cap it")
    rows = np.empty((n, width), np.float32)
    seen: set[int] = set()
    for place, entry in enumerate(data):
        vector = entry.get("embedding") if isinstance(entry, dict) else None
        at = entry.get("index", place) if isinstance(entry, dict) else place
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < n or at in seen:
            _fail(remote, "answered with indexes that do not name each text once; the order of its vectors is unknown")
        seen.add(at)
        rows[at] = _vector(remote, vector, width)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    if remote.model.normalised and (wrong := lengths[np.abs(lengths - 1) > 1e-2]).size:
        _fail(remote, f"is defined as normalised, but a vector has length {wrong[0]:.4g}; define normalised: false")
    return rows


def _vector(remote: Remote, vector: Any, width: int) -> list[float]:
    if not isinstance(vector, list):
        _fail(remote, "answered with an embedding that is no list of numbers")
    if len(vector) != width:
        _fail(remote, f"answered with vectors of {len(vector)} dimensions, not {width} as defined; correct dimensions")
    if not all(type(x) in (int, float) and abs(x) <= _LARGEST for x in vector):  # which NaN is not either
        _fail(remote, "answered with a vector that holds NaN, infinity or something that is no number of float32")
    return vector


def _fail(remote: Remote, what: str) -> NoReturn:
    endpoint = remote.endpoint
    raise ModelUnavailable(f"endpoint {endpoint.name} ({endpoint.host}), model {remote.name}, {what}")
