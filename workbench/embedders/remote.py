"""Models behind an endpoint: texts are sent to its host, and the store keeps the vectors that come back."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench import endpoints
from workbench.embedders.embedder import ADAPTER, TRUNCATE_DIM, Embedder, readable
from workbench.errors import ModelUnavailable, SpecError
from workbench.memory_cache import MemoryCache
from workbench.specs import option
from workbench.tokens import tokenizer
from workbench.vectors import Vectors, unit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """What texts would cost: how many, their tokens as counted here, and US dollars; None without a price."""

    texts: int
    tokens: int
    money: float | None


@dataclass(frozen=True, slots=True)
class Remote(Embedder):
    """A model behind an OpenAI-compatible endpoint. A text is sent to its host once; the store keeps the vectors."""

    kind: ClassVar[str] = "remote"
    label: ClassVar[str] = "Behind an endpoint"

    model: str = option("", "endpoint/model, as defined in WORKBENCH_ENDPOINTS or the app's secrets")
    query_prefix: str | None = option(None, "text put before each query; open: as defined", advanced=True)
    passage_prefix: str | None = option(None, "text put before each passage; open: as defined", advanced=True)
    truncate_dim: int = TRUNCATE_DIM
    adapter: str = ADAPTER

    def check(self) -> None:
        if not self.model:
            offered = ", ".join(endpoints.remote_models()) or f"none; define one in {endpoints.VARIABLE}"
            raise SpecError(f"remote.model is empty; name a defined one: {offered}")
        Embedder.check(self)

    @property
    def remote(self) -> endpoints.Remote:
        """The model's definition and its endpoint."""
        if found := endpoints.remote_model(self.model):
            return found
        raise ModelUnavailable(f"model {self.model!r} is behind no endpoint that is defined")

    def cost(self, texts: Sequence[str], query: bool = False) -> Cost:
        """Return what it costs to embed these texts, by the tokenizer and the price of the model's definition."""
        return self._cost(self._counts(texts, query))

    def _cost(self, counts: NDArray[np.int64]) -> Cost:
        tokens, price = int(counts.sum()), self.source.price
        return Cost(len(counts), tokens, None if price is None else tokens * price / 1e6)

    def disclosure(self, texts: Sequence[str], things: str = "texts") -> str:
        """Return what is sent where: "sends 1,204 chunks (310,000 tokens, about $0.03) to api.example.com"."""
        return self._disclosed(self.cost(texts), things)

    def _disclosed(self, cost: Cost, things: str) -> str:
        money = "" if cost.money is None else f", about ${cost.money:.2f}" if cost.money >= 0.01 else ", below $0.01"
        things = things.removesuffix("s") if cost.texts == 1 else things
        return f"sends {cost.texts:,} {things} ({cost.tokens:,} tokens{money}) to {self.remote.endpoint.host}"

    def _counts(self, texts: Sequence[str], query: bool) -> NDArray[np.int64]:
        """Return (n,) the tokens of each text as sent, prefix included."""
        counts = tokenizer(self.tokenizer).counts(self._sent(texts, query)) if texts else np.zeros(0, np.int64)
        return np.minimum(counts, limit) if self._cuts and (limit := self.source.max_tokens) else counts

    @property
    def _cuts(self) -> bool:
        return self.remote.model.truncate

    def _sent(self, texts: Sequence[str], query: bool) -> list[str]:
        """Return the texts with their prefix; a space for an empty one, which servers refuse."""
        prefix = self.prefix(query)
        return [f"{prefix}{text}" or " " for text in readable(texts)]

    def batches(self, texts: Sequence[str]) -> Iterator[NDArray[np.int64]]:
        if not texts:
            return
        model = self.remote.model
        counts = self._counts(texts, query=False)
        _announce(self.remote, self._disclosed(self._cost(counts), "texts"), several=len(texts) > 1)
        start = tokens = 0
        for at, count in enumerate(counts.tolist()):
            if at > start and (at - start >= model.batch_size or tokens + count > model.batch_tokens):
                yield np.arange(start, at)
                start, tokens = at, 0
            tokens += count
        yield np.arange(start, len(texts))

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dim) float32, a row for each query; one that this process sent lately is not sent again."""
        space = self.fingerprint
        rows = {text: row for text in texts if (row := _remembered.get((space, text))) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in rows]
        rows |= zip(new, Embedder.encode_query(self, new), strict=True)
        for text in new:
            _remembered.put((space, text), rows[text])
        return np.stack([rows[text] for text in texts]) if rows else np.empty((0, self.dimensions), np.float32)

    def encode_batch(self, texts: list[str], query: bool) -> Vectors:
        sent = self._sent(texts, query)
        if self._cuts and (limit := self.source.max_tokens):
            sent = [_cut(self.tokenizer, text, limit) for text in sent]
        rows = endpoints.embeddings(self.remote, sent)
        return unit(rows) if self.normalised else rows  # servers that send half precision miss length 1 a little


def _cut(name: str, text: str, limit: int) -> str:
    """Return the text up to the end of its last token within the limit."""
    places = tokenizer(name).offsets(text)
    return text if len(places) <= limit else text[: int(places[limit - 1, 1])]


_remembered: MemoryCache[Vectors] = MemoryCache(8 << 20, lambda vector: vector.nbytes)  # by embedder and query

_announced: set[str] = set()  # hosts
_announcing = threading.Lock()


def _announce(remote: endpoints.Remote, what: str, several: bool) -> None:
    """Log what is sent where: the first call to a host, and every call of several texts, as a warning."""
    host = remote.endpoint.host
    with _announcing:
        first = host not in _announced
        _announced.add(host)
    level = logging.WARNING if first or several else logging.INFO
    log.log(level, "model %s/%s %s", remote.endpoint.name, remote.name, what)
