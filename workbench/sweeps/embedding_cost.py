"""What embedding will cost, before anything is embedded: texts, tokens, seconds."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.documents import Corpus
from workbench.embedders import Embedder, embed, new_texts
from workbench.embedders.static import document_tokens
from workbench.pipelines import Pipeline
from workbench.retrievers import Collection
from workbench.store import Store
from workbench.sweeps.race_statistics import Ints
from workbench.sweeps.shares import shares

SECONDS_A_RUN = 0.5
"""About what it takes to split, index, retrieve and measure a pipeline, without embedding."""

_SAMPLE = 48  # texts that are embedded to learn the rate
_COUNTED = 200  # texts whose tokens are counted


@dataclass(frozen=True, slots=True)
class Cost:
    """Runs, distinct chunks still to embed, about how many tokens these have, and about how many seconds all takes.

    `seconds` follows from this machine's rate; None where that was not measured.
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
    """Return what measuring these pipelines on this corpus will cost.

    `rates` maps embedders' fingerprints to characters per second that were measured before. With `calibrate`, an
    unknown rate is measured on some of the chunks: a second or two, and their vectors are kept.

    Raises:
        ModelUnavailable: a rate has to be measured, and the model is not here.
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
    """Return the characters per second that the embedder does here, measured on some of the texts after loading it.

    Raises:
        ModelUnavailable: the model is not here.
    """
    some = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    embedder.encode_query(["loads the model"])
    began = time.perf_counter()
    embed(embedder, some, store)
    return sum(map(len, some)) / max(time.perf_counter() - began, 1e-6)


def _tokens(embedder: Embedder, texts: Sequence[str]) -> int:
    """Return about how many tokens the model will read, estimated from some of the texts."""
    from workbench.tokens import tokenizer

    some = texts[:: max(1, len(texts) // _COUNTED)]
    counts = tokenizer(embedder.tokenizer).counts(some)
    if embedder.max_tokens:
        counts = counts.clip(max=embedder.max_tokens)
    return int(counts.sum() * sum(map(len, texts)) / max(1, sum(map(len, some))))


_SPECIAL = 2  # tokens around a text
_CHARACTERS = 4  # of a token, where the tokens are not known


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The distinct texts of a chunking as the model is given them: (n,) what tells them apart, (n,) their tokens.

    Two chunks with one beginning, both truncated by the model at the same place, are one text. `total` counts the
    tokens of every chunk, as a plain loop embeds them.
    """

    texts: Ints
    tokens: Ints
    total: int

    def new(self, read: Ints) -> int:
        """Return the tokens of the texts that are not in `read`."""
        return int(self.tokens[~np.isin(self.texts, read)].sum())


def reading(rows: Collection, embedder: Embedder) -> Reading:
    """Return what embedding these rows takes. Headers are left out: they add little."""
    limit = embedder.max_tokens or 1 << 20
    texts, counts, offset = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
    firsts = np.searchsorted(rows.document_index, np.arange(len(rows.corpus) + 1)).tolist()
    for document, first, last in zip(rows.corpus, firsts[:-1], firsts[1:], strict=True):
        spans = rows.spans[first:last]
        if (known := document_tokens(document.text, embedder.tokenizer)) is not None:
            bounds = known.before(spans)
            size = np.minimum(bounds[:, 1] - bounds[:, 0], limit)
            seen = size
        else:
            bounds = spans
            seen = np.minimum(spans[:, 1] - spans[:, 0], _CHARACTERS * limit)
            size = -(-seen // _CHARACTERS)
        texts.append((offset + bounds[:, 0]) * (_CHARACTERS * limit + 1) + seen)
        counts.append(size + _SPECIAL)
        offset += len(document.text) + 1
    every, tokens = np.concatenate(texts), np.concatenate(counts)
    distinct, first = np.unique(every, return_index=True)
    return Reading(distinct, tokens[first], int(tokens.sum()))
