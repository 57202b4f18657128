"""The nouns of remote models: an endpoint, its key, and the models that it is known to offer."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlsplit

from workbench.errors import ModelUnavailable, SpecError
from workbench.specs import fingerprint


class Key:
    """A secret that shows itself to `reveal` alone: not to print, logs, errors, copies to JSON or pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._text

    def __repr__(self) -> str:
        return "Key(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._text == other._text

    def __hash__(self) -> int:
        return hash(Key)

    def __deepcopy__(self, memo: object) -> "Key":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written anywhere")


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """An embedding model behind an endpoint. Prices are US dollars per million tokens; `id` is the server's own name.

    `tokenizer` counts its tokens: cl100k_base, o200k_base or a model that is here. `truncate` cuts texts to
    `max_tokens` of them before they leave, for servers that refuse longer ones. `send_dimensions` asks the server for
    vectors of so many `dimensions`, by OpenAI's parameter of this name. `revision` tells one state of the model from
    the next: change it, and vectors are made anew.
    """

    dimensions: int
    id: str = ""
    max_tokens: int | None = None
    price: float | None = None
    tokenizer: str = "cl100k_base"
    query_prefix: str = ""
    passage_prefix: str = ""
    normalised: bool = False
    truncate: bool = False
    send_dimensions: bool = False
    batch_size: int = 64
    batch_tokens: int = 16_000
    revision: str = ""

    def check(self, what: str) -> None:
        """Raise SpecError where numbers cannot be meant."""
        for name in ("dimensions", "max_tokens", "batch_size", "batch_tokens"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 1 << 24:
                raise SpecError(f"{what}: {name} ({value}) must be from 1 to {1 << 24:,}")
        _check_price(what, "price", self.price)
        if self.truncate and self.max_tokens is None:
            raise SpecError(f"{what}: truncate needs max_tokens, the length to cut texts to")


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A chat model behind an endpoint. Prices are US dollars per million tokens, read and written."""

    id: str = ""
    price: float | None = None
    output_price: float | None = None

    def check(self, what: str) -> None:
        """Raise SpecError where numbers cannot be meant."""
        for name in ("price", "output_price"):
            _check_price(what, name, getattr(self, name))


def _check_price(what: str, name: str, price: float | None) -> None:
    if price is not None and not 0 <= price < 1e6:  # refuses NaN too
        raise SpecError(f"{what}: {name} ({price}) must be US dollars per million tokens, from 0 to 1,000,000")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks the OpenAI protocol below `url` (as in https://host/v1), and what it is known to offer.

    The key is that of the variable `key_variable`, or `key` (from Streamlit's secrets only); a server on this machine
    may need none. `timeout` is in seconds, for one attempt. `insecure` allows plain HTTP to another machine.
    """

    name: str
    url: str
    key_variable: str = ""
    key: Key | None = None
    models: Mapping[str, EmbeddingModel] = field(default_factory=dict, hash=False)
    chat_models: Mapping[str, ChatModel] = field(default_factory=dict, hash=False)
    requests_per_minute: int | None = None
    timeout: float = 60.0
    insecure: bool = False

    @property
    def host(self) -> str:
        """The host that text is sent to, with its port where one is given."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def has_key(self) -> bool:
        """Whether the key that this endpoint asks for, if any, is here."""
        return self.key is not None or not self.key_variable or bool(os.environ.get(self.key_variable, "").strip())

    def secret(self) -> Key | None:
        """The key; None where the endpoint is defined without one.

        Raises:
            ModelUnavailable: its variable is not set, or holds what no header can carry.
        """
        if self.key is None and not self.key_variable:
            return None
        text = self.key.reveal() if self.key else os.environ.get(self.key_variable, "").strip()
        where = f"the variable {self.key_variable}" if self.key is None else "its key in the secrets"
        if not text:
            raise ModelUnavailable(f"endpoint {self.name}: {where} is empty; set it to the key of {self.host}")
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ModelUnavailable(f"endpoint {self.name}: {where} has characters that no key has; set it anew")
        return Key(text)


@dataclass(frozen=True, slots=True)
class Remote:
    """An embedding model at its endpoint."""

    endpoint: Endpoint
    name: str
    model: EmbeddingModel

    @property
    def id(self) -> str:
        """The name under which the server knows it."""
        return self.model.id or self.name

    def identity(self) -> str:
        """A hash of what decides its vectors as far as can be told: where it is asked for, and what for."""
        cut = [self.model.max_tokens, self.model.tokenizer] if self.model.truncate else None
        return fingerprint([self.endpoint.url, self.id, self.model.dimensions, self.model.revision, cut])
