"""Cross-encoders: a model reads query and chunk together and says how well they fit."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.errors import ModelUnavailable
from workbench.installation import needing

DEFAULT_RERANKER = "cross-encoder/ms-marco-MiniLM-L6-v2"
"""Apache-2.0; fetched by the user, as no package carries it."""

_PLACES = 5  # decimals that a model's figures agree in whatever stands beside a pair in the batch


@dataclass(frozen=True, slots=True)
class _Loaded:
    network: Any
    lock: threading.Lock


_loaded: dict[models.Model, _Loaded] = {}
_loading = threading.Lock()


def pair_scores(model: str, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """(n,) how well each text answers the query, by the model's own measure; higher is better.

    Raises:
        ModelUnavailable: with what to do about it.
    """
    if not texts:
        return np.empty(0)
    loaded = _load(models.find(model))
    with loaded.lock:
        scores = np.asarray(
            loaded.network.predict([(query, text) for text in texts], batch_size=16, show_progress_bar=False),
            np.float64,
        )
    if scores.shape != (len(texts),):
        raise ModelUnavailable(f"model {model!r} gives {scores.shape[1:]} figures a pair; a reranker gives one")
    if not np.isfinite(scores).all():
        raise ModelUnavailable(f"model {model!r} gives scores that are not finite numbers; its weights are broken")
    return np.round(scores, _PLACES)


def identity(model: str) -> dict[str, Any]:
    """The hashes behind a model's name; the name itself where it is not here, and so can make no result."""
    try:
        return models.find(model).identity()
    except ModelUnavailable:
        return {"missing": model}


def _load(model: models.Model) -> _Loaded:
    """The model in memory, once per process, its files checked."""
    if model not in _loaded:
        with _loading:
            if model not in _loaded:
                _loaded[model] = _Loaded(_network(model), threading.Lock())
    return _loaded[model]


def _network(model: models.Model) -> Any:
    models.verify(model)
    with needing("models", "reranking", ModelUnavailable):
        from sentence_transformers import CrossEncoder

    try:
        return CrossEncoder(
            str(model.folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # the libraries beneath raise errors of many unrelated kinds for a broken folder
        raise ModelUnavailable(f"model {model.name!r} cannot be loaded from {model.home}: {error}") from error
