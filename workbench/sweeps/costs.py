"""What a sweep will cost, before it starts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.documents import Corpus
from workbench.embedders import Embedder, embed, new_texts
from workbench.pipelines import Pipeline
from workbench.store import Store
from workbench.sweeps.embedding import shares

SECONDS_A_RUN = 0.5
"""About what it takes to split, index, retrieve and measure a pipeline, vectors apart."""

_SAMPLE = 48  # texts that are embedded to learn the rate
_COUNTED = 200  # texts whose tokens are counted


@dataclass(frozen=True, slots=True)
class Cost:
    """How many runs there are, the distinct chunks still to embed, about how many tokens these have, and seconds.

    `seconds` is an estimate by this machine's own rate; None where nobody measured it.
    """

    runs: int
    chunks: int
    tokens: int
    seconds: float | None


def cost(
    corpus: Corpus,
    pipelines: Sequence[Pipeline],
    store: Store | None = None,
    rates: Mapping[str, float] | None = None,
    calibrate: bool = False,
) -> Cost:
    """What measuring these pipelines on this corpus will cost.

    `rates` (embedder's fingerprint → characters a second) are what was measured before; with `calibrate`, a rate that
    is not known is measured on a few of the very chunks, which takes a second or two and is no work lost.

    Raises:
        ModelUnavailable: a rate was to be measured, and the model is not here.
    """
    store = store or Store(None)
    known = dict(rates or {})
    chunks = tokens = 0
    seconds: float | None = SECONDS_A_RUN * len(pipelines)
    for share in shares((p, corpus) for p in pipelines):
        new = new_texts(share.embedder, share.texts, store)
        chunks += len(new)
        if not new:
            continue
        size = sum(map(len, new))
        tokens += _tokens(share.embedder, new)
        key = share.embedder.fingerprint
        if key not in known and calibrate and share.embedder.kind != "remote":  # a sample would be sent and paid
            known[key] = rate(share.embedder, new, store)
        seconds = seconds + size / known[key] if seconds is not None and known.get(key) else None
    return Cost(len(pipelines), chunks, tokens, seconds)


def rate(embedder: Embedder, texts: Sequence[str], store: Store | None = None) -> float:
    """Characters a second that the embedder does here, measured on some of the texts, after it was loaded.

    Raises:
        ModelUnavailable: the model is not here.
    """
    some = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    embedder.encode_query(["loads the model"])
    began = time.perf_counter()
    embed(embedder, some, store)
    return sum(map(len, some)) / max(time.perf_counter() - began, 1e-6)


def _tokens(embedder: Embedder, texts: Sequence[str]) -> int:
    """About how many tokens the model will read, by some of the texts."""
    from workbench.tokens import tokenizer

    some = texts[:: max(1, len(texts) // _COUNTED)]
    counts = tokenizer(embedder.tokenizer).counts(some)
    if embedder.max_tokens:
        counts = counts.clip(max=embedder.max_tokens)
    return int(counts.sum() * sum(map(len, texts)) / max(1, sum(map(len, some))))
