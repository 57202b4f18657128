"""Endpoints, their keys and models: definitions, read and checked. No message repeats a value that could be a key."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from types import UnionType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from workbench.errors import ModelUnavailable, SpecError
from workbench.specs import fingerprint


class Key:
    """A secret that only `reveal` returns: it stays out of print, logs, errors, JSON and pickles."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself, for the one header that carries it."""
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
    vectors of so many `dimensions`, by OpenAI's parameter of this name. `revision` distinguishes states of the model:
    change it, and vectors are made again.
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
        """The host that text is sent to, with its port if one is given."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def has_key(self) -> bool:
        """Return whether the key that this endpoint needs, if any, is here."""
        return self.key is not None or not self.key_variable or bool(os.environ.get(self.key_variable, "").strip())

    def secret(self) -> Key | None:
        """Return the key; None where the endpoint is defined without one.

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
            raise ModelUnavailable(f"endpoint {self.name}: {where} has characters that no key has; set it again")
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
        """Return a hash of what is known to decide its vectors: the server, the model and what is sent."""
        cut = [self.model.max_tokens, self.model.tokenizer] if self.model.truncate else None
        return fingerprint([self.endpoint.url, self.id, self.model.dimensions, self.model.revision, cut])


T = TypeVar("T", EmbeddingModel, ChatModel, Endpoint)
_WORDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def read_endpoint(name: Any, values: Any, *, keys: bool = False) -> Endpoint:
    """Return the endpoint that a mapping describes; with `keys` it may hold its key itself.

    Raises:
        SpecError: what is wrong with which field.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SpecError(f"an endpoint's name ({name!r}) must be letters, digits, '_', '.' and '-', at most 64")
    what = f"endpoint {name}"
    values = dict(_mapping(what, values))
    if "key" in values:
        if not keys:
            raise SpecError(f"{what}: a key has no place here; name the variable that holds it as key_variable")
        values["key"] = Key(str(values["key"]).strip())
    for part in ("models", "chat_models"):
        values[part] = _mapping(f"{what}: {part}", values.get(part) or {})
    values["models"] = {
        str(n): _made(EmbeddingModel, f"{what}, model {n}", v or {}) for n, v in values["models"].items()
    }
    values["chat_models"] = {
        str(n): _made(ChatModel, f"{what}, chat model {n}", v or {}) for n, v in values["chat_models"].items()
    }
    made = _made(Endpoint, what, {**values, "name": name})
    _check_url(what, made)
    if made.requests_per_minute is not None and made.requests_per_minute < 1:
        raise SpecError(f"{what}: requests_per_minute ({made.requests_per_minute}) must be at least 1")
    if not 0 < made.timeout <= 3_600:
        raise SpecError(f"{what}: timeout ({made.timeout}) must be seconds, above 0 and at most 3,600")
    return replace(made, url=made.url.rstrip("/"))


def _mapping(what: str, values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise SpecError(f"{what} must be a mapping, not {type(values).__name__}")
    return values


def _made(cls: type[T], what: str, values: Any) -> T:
    """Return the dataclass of these values, each of its field's type. No message holds a value: it could be a key."""
    values = dict(_mapping(what, values))
    known = {f.name: f for f in fields(cls)}
    if unknown := [k for k in values if k not in known]:
        raise SpecError(
            f"{what} has no field {unknown[0]!r}; its fields are {', '.join(n for n in known if n != 'name')}"
        )
    if lacking := [n for n, f in known.items()
                   if f.default is MISSING and f.default_factory is MISSING and n not in values]:  # fmt: skip
        raise SpecError(f"{what} lacks {lacking[0]}")
    hints = get_type_hints(cls)
    made = cls(**{name: _typed(f"{what}: {name}", hints[name], value) for name, value in values.items()})
    if not isinstance(made, Endpoint):
        made.check(what)
    return made


def _typed(what: str, hint: Any, value: Any) -> Any:
    options = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    if value is None and type(None) in options:
        return None
    wanted = options[0]
    if wanted not in _WORDS:
        return value
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise SpecError(f"{what} must be {_WORDS[wanted]}, not {type(value).__name__}")
    return value


def _check_url(what: str, made: Endpoint) -> None:
    try:
        parts = urlsplit(made.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SpecError(f"{what}: url is not a URL; give one such as https://api.example.com/v1") from None
    if parts.scheme not in ("https", "http") or not host:
        raise SpecError(f"{what}: url must begin with https:// and name a host, as in https://api.example.com/v1")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise SpecError(f"{what}: url must not hold a name, a password, a query or a fragment; a key has its variable")
    if parts.scheme == "http" and not made.insecure and not _loopback(host):
        raise SpecError(
            f"{what}: url is plain http to {host}, which anyone on the way can read; use https, or say insecure: true"
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
