"""Definitions of endpoints, read and checked. No message repeats a value that could be a key."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from workbench.endpoints.definitions import ChatModel, EmbeddingModel, Endpoint, Key
from workbench.errors import SpecError

T = TypeVar("T", EmbeddingModel, ChatModel, Endpoint)
_WORDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def read_endpoint(name: Any, values: Any, *, keys: bool = False) -> Endpoint:
    """The endpoint that a mapping describes; `keys`: it may hold its key itself.

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
    """The dataclass of these values, each of its field's type. No message holds a value: it could be a key."""
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
