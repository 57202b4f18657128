"""Embedders: texts → (n, dim) float32."""

from workbench import models
from workbench.embedders.adapters import Adapter, Origin, find_adapter, keep_adapter, keep_training, read_adapter
from workbench.embedders.caching import Cancelled, copy_vectors, embed, missing, new_texts
from workbench.embedders.late import Late, agreement, can_preview, prepare_preview, preview_tokens, preview_vectors
from workbench.embedders.protocols import Embedder
from workbench.embedders.remote import Remote
from workbench.embedders.sentence_transformers import SentenceTransformer
from workbench.embedders.speeds import Speed, load_seconds, speed
from workbench.embedders.static import Static
from workbench.extensions import methods

EMBEDDERS = methods("embedders", Embedder, SentenceTransformer, Static, Late, Remote)
"""kind → class."""


def embedder_for(model: str) -> Embedder:
    """The embedder of the right kind for a model's name, with its defaults.

    Raises:
        ModelUnavailable: with what to do about it.
    """
    return EMBEDDERS[models.find(model).kind](model=model)  # type: ignore[call-arg]


__all__ = [
    "EMBEDDERS", "Adapter", "Cancelled", "Embedder", "Late", "Origin", "Remote", "SentenceTransformer", "Speed",
    "Static", "agreement", "can_preview", "copy_vectors", "embed", "embedder_for", "find_adapter", "keep_adapter",
    "keep_training", "load_seconds", "missing", "new_texts", "prepare_preview", "preview_tokens", "preview_vectors",
    "read_adapter", "speed",
]  # fmt: skip
