"""Transformer models that sentence-transformers runs: from a package, a folder or the hub's cache."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.embedders.embedder import ADAPTER, DTYPE, QUERY_PREFIX, TRUNCATE_DIM, Embedder, readable, timed_load
from workbench.errors import ModelUnavailable
from workbench.installation import needing
from workbench.memory_cache import MemoryCache
from workbench.specs import digest, option
from workbench.tokens import ModelTokenizer, tokenizer
from workbench.vectors import Vectors, unit

_BUDGET = 2_048  # tokens in one batch, padding included: small batches cost no speed on a CPU, and can be cancelled


@dataclass(frozen=True, slots=True)
class SentenceTransformer(Embedder):
    """A sentence-transformers model. Prefixes left open (None) are those that the model's own configuration names."""

    kind: ClassVar[str] = "sentence-transformer"
    label: ClassVar[str] = "Transformer"

    model: str = option(models.DEFAULT, "a packaged model, a folder, or a hub id in the local cache")
    dtype: str = DTYPE
    query_prefix: str | None = QUERY_PREFIX
    passage_prefix: str | None = option(None, "text put before each passage; open: the model's own", advanced=True)
    truncate_dim: int = TRUNCATE_DIM
    adapter: str = ADAPTER

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
        loaded = loaded_network(self.source, dtype=self.dtype)
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


_counted: MemoryCache[int] = MemoryCache(50_000, lambda tokens: 1)  # texts, whose tokens a sweep asks for repeatedly


def _counts(name: str, texts: Sequence[str]) -> NDArray[np.int64]:
    """Return (n,) the tokens of each text, counted once while the text is in use."""
    known = {text: _counted.get((name, text)) for text in texts}
    if new := [text for text, n in known.items() if n is None]:
        found = dict(zip(new, tokenizer(name).counts(readable(new)).tolist(), strict=True))
        for text, n in found.items():
            _counted.put((name, text), n)
        known |= found
    return np.array([known[text] for text in texts], np.int64)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory."""

    network: Any
    lock: threading.Lock  # held for one batch at a time: a query waits for a batch, not for a corpus


_loaded: dict[tuple[models.Model, str, str], Loaded] = {}
_loading = threading.Lock()  # one model loads at a time: transformers sets torch's default number format meanwhile


def loaded_network(model: models.Model, family: str = "SentenceTransformer", dtype: str = "") -> Loaded:
    """Return the model in memory, its files checked; loaded once per process and number format.

    A model that is here already never waits for another that loads.

    Raises:
        ModelUnavailable: its files are not those that are known, or cannot be loaded.
    """
    key = model, family, dtype
    if key not in _loaded:
        with _loading:
            if key not in _loaded:
                with timed_load(model):
                    network = _network(model, family, dtype)
                    if family == "SentenceTransformer":
                        pack(network)
                _loaded[key] = Loaded(network, threading.Lock())
    return _loaded[key]


def trainable(model: models.Model, dtype: str) -> Any:
    """Return a network of the caller's own that can be trained: those that embed have their weights packed."""
    with _loading:
        return _network(model, "SentenceTransformer", dtype)


def _network(model: models.Model, family: str, dtype: str) -> Any:
    models.verify(model)
    with needing("models", f"model {model.name}", ModelUnavailable):
        import sentence_transformers
        import torch
        from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return getattr(sentence_transformers, family)(
            str(model.folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True} | ({"dtype": getattr(torch, dtype)} if dtype else {}),
        ).eval()
    except Exception as error:  # the libraries beneath raise errors of many unrelated kinds for a broken folder
        raise ModelUnavailable(f"model {model.name!r} cannot be loaded from {model.home}: {error}") from error


FAMILIES = ("bert", "roberta", "xlm-roberta")
"""The model types, as their configurations name them, that read no weight of a layer but by calling it."""


def pack(network: Any) -> None:
    """Lay out the weights of a transformer's linear layers for oneDNN, once: the same sums, a fifth quicker on a CPU.

    PyTorch's own layer lays them out for every batch. BERT's activation is computed in the same pass as the layer
    before it, while the numbers are in the processor's cache. A packed network cannot be trained. One of no family of
    `FAMILIES`, or where PyTorch has no oneDNN or the processor no bfloat16, stays as it is.
    """
    import torch

    config = getattr(getattr(network[0], "auto_model", None), "config", None)
    if getattr(config, "model_type", "") not in FAMILIES or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    with torch.inference_mode():
        _pack(network[0].auto_model, torch)


def _pack(module: Any, torch: Any) -> None:
    for name, child in module.named_children():
        if type(child) is torch.nn.Linear:
            setattr(module, name, _packed(child, torch))
        elif hasattr(child, "intermediate_act_fn") and type(child.dense) is torch.nn.Linear:
            gelu = type(child.intermediate_act_fn).__name__ == "GELUActivation"  # the exact one, by the error function
            packed = _packed(child.dense, torch, gelu)
            if gelu and packed is not child.dense:
                child.intermediate_act_fn = torch.nn.Identity()
            child.dense = packed
        else:
            _pack(child, torch)


def _packed(layer: Any, torch: Any, gelu: bool = False) -> Any:
    """Return the layer with packed weights, or itself where its number format has no such layer."""
    weight = layer.weight.detach()
    if weight.dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return layer
    if weight.dtype not in (torch.float32, torch.bfloat16):
        return layer
    rows, bias = torch.ops.mkldnn._reorder_linear_weight(weight, None), layer.bias
    after: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")

    class Packed(torch.nn.Module):  # type: ignore[misc]
        def forward(self, states: Any) -> Any:
            return torch.ops.mkldnn._linear_pointwise(states, rows, bias, *after)

    return Packed()
