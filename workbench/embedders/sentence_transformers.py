"""Transformer models that sentence-transformers runs: from a package, a folder or the hub's cache."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.embedders.packed import pack
from workbench.embedders.protocols import ADAPTER, TRUNCATE_DIM, Embedder, readable
from workbench.embedders.speeds import timed_load
from workbench.errors import ModelUnavailable
from workbench.installation import needing
from workbench.specs import digest, option
from workbench.tokens import ModelTokenizer, tokenizer
from workbench.vectors import Vectors, unit

_BUDGET = 2_048  # tokens in one batch, padding included: small batches cost no speed on a CPU, and can be cancelled


@dataclass(frozen=True, slots=True)
class SentenceTransformer(Embedder):
    """A sentence-transformers model. Prefixes left open (None) are those that the model's own configuration names."""

    kind: ClassVar[str] = "sentence-transformer"

    model: str = option(models.DEFAULT, "a packaged model, a folder, or a hub id in the local cache")
    dtype: str = option(
        "float32",
        "the number format of the computation; bfloat16 is about three times as fast on processors that have it",
        choices=("float32", "bfloat16", "float16"),
        advanced=True,
    )
    query_prefix: str | None = option(None, "text put before each query; open: the model's own", advanced=True)
    passage_prefix: str | None = option(None, "text put before each passage; open: the model's own", advanced=True)
    truncate_dim: int = TRUNCATE_DIM
    adapter: str = ADAPTER

    def prefix(self, query: bool) -> str:
        given = self.query_prefix if query else self.passage_prefix
        own = self.source.query_prompt if query else self.source.passage_prompt
        return own if given is None else given

    def seen(self, texts: Sequence[str]) -> list[str]:
        rules, prefix = tokenizer(self.tokenizer), self.prefix(query=False)
        if not isinstance(rules, ModelTokenizer):
            return list(texts)
        encoded = rules.encoded(readable([prefix + text for text in texts]))
        return [digest(ids[: self.source.max_tokens].tobytes()) for ids, _ in encoded]

    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        if not texts:
            return
        counts = np.minimum(_counts(self.tokenizer, texts), self.max_tokens or 1 << 20) + 8
        order = np.argsort(-counts, kind="stable")  # neighbours are alike in length, so padding is small
        start = 0
        while start < len(order):
            end = start + max(1, _BUDGET // int(counts[order[start]]))
            yield order[start:end]
            start = end

    def encode_batch(self, texts: list[str], query: bool) -> Vectors:
        loaded = _load(self.source, self.dtype)
        with loaded.lock:
            rows = loaded.network.encode(
                readable(texts),
                prompt=self.prefix(query),  # given even where it is "", so that no default prompt slips in
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        rows = np.asarray(rows, np.float32)
        return unit(rows) if self.normalised and self.dtype != "float32" else rows  # half formats miss length 1 by 1 %


_counted: dict[tuple[str, str], int | None] = {}
_MAX_COUNTED = 50_000  # texts whose tokens are remembered: a sweep asks for the same ones again and again


def _counts(name: str, texts: Sequence[str]) -> NDArray[np.int64]:
    """(n,) tokens of each text, counted once while the text is in use."""
    known = {text: _counted.get((name, text)) for text in texts}
    new = [text for text, n in known.items() if n is None]
    if new:
        known |= dict(zip(new, tokenizer(name).counts(readable(new)).tolist(), strict=True))
        if len(_counted) + len(new) > _MAX_COUNTED:
            _counted.clear()
        _counted.update({(name, text): known[text] for text in new})
    return np.array([known[text] for text in texts], np.int64)


@dataclass(frozen=True, slots=True)
class _Loaded:
    network: Any
    lock: threading.Lock  # held for one batch at a time: a query waits for a batch, not for a corpus


_loaded: dict[tuple[models.Model, str], _Loaded] = {}
_loading = threading.Lock()  # one model loads at a time: transformers sets torch's default number format meanwhile


def _load(model: models.Model, dtype: str) -> _Loaded:
    """The model in memory, once per process and number format, its files checked. One that is here never waits."""
    key = model, dtype
    if key not in _loaded:
        with _loading:
            if key not in _loaded:
                with timed_load(model):
                    network = _network(model, dtype)
                    pack(network)
                _loaded[key] = _Loaded(network, threading.Lock())
    return _loaded[key]


def trainable(model: models.Model, dtype: str) -> Any:
    """A network of the caller's own, as PyTorch has it: the one that embeds has its weights packed."""
    with _loading:
        return _network(model, dtype)


def _network(model: models.Model, dtype: str) -> Any:
    models.verify(model)
    with needing("models", f"model {model.name}", ModelUnavailable):
        import torch
        from sentence_transformers import SentenceTransformer as Network
        from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return Network(
            str(model.folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
        ).eval()
    except Exception as error:  # the libraries beneath raise errors of many unrelated kinds for a broken folder
        raise ModelUnavailable(f"model {model.name!r} cannot be loaded from {model.home}: {error}") from error
