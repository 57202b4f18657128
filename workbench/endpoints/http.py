"""Requests to endpoints: one request and its answer, bounded in time, size and tries; embeddings, chats and usage.

The key travels in the header of a request to the endpoint's own URL and nowhere else. Requests are never redirected.
Messages name the endpoint, its host, what happened and the remedy; never the key, the text that was sent or words of
the answer, which may repeat both.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.endpoints.config import Endpoint, Remote
from workbench.endpoints.registry import check_allowed, endpoint
from workbench.errors import ModelUnavailable, SpecError

if TYPE_CHECKING:
    import httpx2


KIND = "endpoint-usage"
"""The kind under which a store keeps it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests that were answered, tokens read and written, and US dollars (0 where no price is defined)."""

    requests: int = 0
    tokens: int = 0
    money: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.requests + other.requests, self.tokens + other.tokens, self.money + other.money)


class Kept(Protocol):
    """The part of `workbench.store.Store` that is needed here."""

    def get(self, kind: str, key: str) -> bytes | None: ...

    def put(self, kind: str, key: str, data: bytes) -> None: ...


_spent: dict[str, Usage] = {}  # by this process
_unkept: dict[str, Usage] = {}  # the part of it that is in no store yet
_lock = threading.Lock()


def count(name: str, usage: Usage) -> None:
    """Add to what this process used of endpoint/model."""
    with _lock:
        for totals in (_spent, _unkept):
            totals[name] = totals.get(name, Usage()) + usage


def spent() -> dict[str, Usage]:
    """Return endpoint/model → what this process used of it."""
    with _lock:
        return dict(_spent)


def keep_usage(store: Kept) -> None:
    """Add what this process used, and noted nowhere yet, to the store's record.

    Two processes that do so in the same moment may lose one of their counts, and the store may evict old records.
    """
    with _lock:
        for name, usage in list(_unkept.items()):
            store.put(KIND, name, json.dumps(asdict(usage_in(store, name) + usage)).encode())
            del _unkept[name]


def usage_in(store: Kept, name: str) -> Usage:
    """What was asked of endpoint/model by every process that used this store."""
    data = store.get(KIND, name)
    return Usage(**json.loads(data)) if data else Usage()


ATTEMPTS = 5
"""How often a request is tried before it fails."""

LONGEST_WAIT = 60.0
"""Seconds that a server may ask to wait between two tries; one that asks for more is not waited for."""

_FIRST_WAIT = 0.5  # seconds; doubled with every try
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_FINAL = frozenset({"insufficient_quota", "billing_hard_limit_reached"})  # codes under a 429 that no wait mends
_CODE = re.compile(r"[a-z][a-z_]{2,50}")  # error codes as servers have them: no room for a key or a text
_CONNECT = 10.0  # seconds

_sleep, _now, _random = time.sleep, time.monotonic, random.random  # where tests put theirs


class Refused(ModelUnavailable):
    """The server answered with this status, and another try would change nothing."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Again(Exception):
    """A try failed in a way that another may mend; after `wait` seconds, where the server says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def ask(endpoint: Endpoint, path: str, body: Mapping[str, Any] | None, most: int, attempts: int = ATTEMPTS) -> Any:
    """Return the JSON that answers a POST of `body` (a GET where it is None), of at most `most` bytes.

    Raises:
        ModelUnavailable: no answer after `attempts` tries, a refusal, or an answer that is too long or no JSON.
    """
    secret = endpoint.secret()  # before anything is sent
    content = None if body is None else json.dumps(body).encode()
    tried = 0
    while True:
        tried += 1
        _take_turn(endpoint)
        try:
            return _whole(endpoint, _once(endpoint, path, content, secret.reveal() if secret else None, most))
        except _Again as failure:
            wait = backoff(tried) if failure.wait is None else failure.wait
            if wait > LONGEST_WAIT:
                _fail(endpoint, f"{failure}, and asks to wait {wait:,.0f} seconds; try again then")
            if tried >= attempts:
                _fail(endpoint, f"{failure}, at the last of {tried} tries; what was done is kept, try again later")
        _sleep(wait)


def backoff(tried: int) -> float:
    """Return the seconds to wait after that many tries: doubled each time, half of it random, to spread clients out."""
    return float(min(LONGEST_WAIT, _FIRST_WAIT * 2 ** (tried - 1)) * (0.5 + 0.5 * _random()))


def _once(endpoint: Endpoint, path: str, content: bytes | None, secret: str | None, most: int) -> bytes:
    import httpx2

    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "chunking-workbench"}
    if content is not None:
        headers["Content-Type"] = "application/json"
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    try:
        with (
            _client(endpoint) as client,
            client.stream("GET" if content is None else "POST", f"{endpoint.url}/{path}",
                          content=content, headers=headers) as answer,
        ):  # fmt: skip
            return _body(endpoint, answer, most)
    except httpx2.TimeoutException:
        raise _Again(f"did not answer within {endpoint.timeout:g} seconds") from None
    except httpx2.ConnectError:
        raise _Again("cannot be reached") from None
    except httpx2.TransportError as error:  # a connection that broke, or an answer that ended early
        raise _Again(f"broke off ({type(error).__name__})") from None
    except httpx2.HTTPError as error:
        _fail(endpoint, f"gave an answer that cannot be read ({type(error).__name__})")


def _client(endpoint: Endpoint) -> "httpx2.Client":
    import httpx2

    return httpx2.Client(
        follow_redirects=False,
        timeout=httpx2.Timeout(endpoint.timeout, connect=min(_CONNECT, endpoint.timeout)),
        trust_env=endpoint.url.startswith("https:"),  # a proxy of the environment would read plain HTTP, key and all
    )


def _body(endpoint: Endpoint, answer: "httpx2.Response", most: int) -> bytes:
    """Return the whole body of a good answer; raise for any other."""
    patience = _now() + endpoint.timeout  # the client's own limit is for each piece: a trickle could go on for ever
    pieces: list[bytes] = []
    size = 0
    good = answer.status_code == 200
    for piece in answer.iter_bytes():
        size += len(piece)
        if size > most:
            if not good:
                break
            _fail(endpoint, f"sent more than {most:,} bytes, the limit for this request; is this the URL of its API?")
        if _now() > patience:
            raise _Again(f"did not finish its answer within {endpoint.timeout:g} seconds")
        pieces.append(piece)
    if not good:
        _refuse(endpoint, answer, b"".join(pieces))
    return b"".join(pieces)


def _refuse(endpoint: Endpoint, answer: "httpx2.Response", body: bytes) -> NoReturn:
    status, codes = answer.status_code, _codes(body)
    said = f"answered {status}{f' ({codes[0]})' if codes else ''}"
    if status in _RETRIED and not _FINAL.intersection(codes):
        raise _Again(said, wait_asked(answer.headers.get("retry-after")))
    if 300 <= status < 400:
        what = f"{said}, a redirect, which is not followed: key and text go nowhere else. Give the final URL"
        raise Refused(_said(endpoint, what), status)
    remedies = {
        400: "check the model's id and max_tokens; truncate: true cuts texts to them, batch_size bounds a request",
        401: f"check the key{f' in {endpoint.key_variable}' if endpoint.key_variable else ''}",
        403: "its key may not use this model",
        404: "check the endpoint's url, which mostly ends in /v1, and the model's id",
        413: "lower batch_size or batch_tokens",
        422: "check the model's id and max_tokens; truncate: true cuts texts to them, batch_size bounds a request",
        429: "the account's quota is used up",
    }
    raise Refused(_said(endpoint, f"{said}; {remedies.get(status, 'check its definition')}"), status)


def _codes(body: bytes) -> list[str]:
    """Return the error's code and type, where they are plain words."""
    try:
        error = json.loads(body).get("error")
        found = [error.get("code"), error.get("type")]
    except (ValueError, AttributeError, RecursionError):
        return []
    return [code for code in found if isinstance(code, str) and _CODE.fullmatch(code)]


def wait_asked(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date; None where it does not say."""
    if header is None:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", header.strip()):
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())


def _whole(endpoint: Endpoint, body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        _fail(endpoint, f"answered 200 with {len(body):,} bytes that are not JSON; is this the URL of its API?")


def _fail(endpoint: Endpoint, what: str) -> NoReturn:
    raise ModelUnavailable(_said(endpoint, what)) from None


def _said(endpoint: Endpoint, what: str) -> str:
    return f"endpoint {endpoint.name} ({endpoint.host}) {what}"


# Requests per minute

_turns: dict[tuple[str, str], float] = {}  # (name, URL) → when the next request may leave
_turn = threading.Lock()


def _take_turn(endpoint: Endpoint) -> None:
    """Wait until another request may leave. They are spaced evenly, over all threads of this process."""
    if endpoint.requests_per_minute is None:
        return
    key = endpoint.name, endpoint.url
    with _turn:
        now = _now()
        at = max(now, _turns.get(key, now))
        _turns[key] = at + 60 / endpoint.requests_per_minute
    if at > now:
        _sleep(at - now)


_LARGEST = float(np.finfo(np.float32).max)
_NUMBER = 40  # bytes that a number of a vector may take in JSON, at most
_FRAME = 1 << 16  # bytes of an answer beside its numbers, at most, and per vector a hundredth of it


def embeddings(remote: Remote, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return (n, dim) float32, a row for each text as the server gives it, in one request; the usage is counted.

    Raises:
        ModelUnavailable: no sound answer; the message says what is wrong with it.
    """
    width = remote.model.dimensions
    if not texts:
        return np.empty((0, width), np.float32)
    body: dict[str, Any] = {"model": remote.id, "input": list(texts), "encoding_format": "float"}
    if remote.model.send_dimensions:
        body["dimensions"] = width
    most = len(texts) * (width * _NUMBER + _FRAME // 100) + _FRAME
    answer = ask(remote.endpoint, "embeddings", body, most)
    rows = _rows(remote, answer, len(texts), width)
    tokens = reported(answer, "total_tokens") or reported(answer, "prompt_tokens")
    name = f"{remote.endpoint.name}/{remote.name}"
    count(name, Usage(1, tokens, tokens * (remote.model.price or 0.0) / 1e6))
    return rows


def reported(answer: Any, field: str) -> int:
    """Return a count of tokens as the answer reports it; 0 where it does not."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    value = usage.get(field) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _rows(remote: Remote, answer: Any, n: int, width: int) -> NDArray[np.float32]:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        _unsound(remote, "answered without a list of vectors (data); is this the URL of its API?")
    if len(data) != n:
        _unsound(remote, f"answered {n} texts with {len(data)} vectors; lower batch_size, its server may cap it")
    rows = np.empty((n, width), np.float32)
    seen: set[int] = set()
    for place, entry in enumerate(data):
        vector = entry.get("embedding") if isinstance(entry, dict) else None
        at = entry.get("index", place) if isinstance(entry, dict) else place
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < n or at in seen:
            _unsound(
                remote, "answered with indexes that do not name each text once; the order of its vectors is unknown"
            )
        seen.add(at)
        rows[at] = _vector(remote, vector, width)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    if remote.model.normalised and (wrong := lengths[np.abs(lengths - 1) > 1e-2]).size:
        _unsound(remote, f"is defined as normalised, but a vector has length {wrong[0]:.4g}; define normalised: false")
    return rows


def _vector(remote: Remote, vector: Any, width: int) -> list[float]:
    if not isinstance(vector, list):
        _unsound(remote, "answered with an embedding that is no list of numbers")
    if len(vector) != width:
        _unsound(
            remote, f"answered with vectors of {len(vector)} dimensions, not {width} as defined; correct dimensions"
        )
    if not all(type(x) in (int, float) and abs(x) <= _LARGEST for x in vector):  # which NaN is not either
        _unsound(remote, "answered with a vector that holds NaN, infinity or something that is no number of float32")
    return vector


def _unsound(remote: Remote, what: str) -> NoReturn:
    endpoint = remote.endpoint
    raise ModelUnavailable(f"endpoint {endpoint.name} ({endpoint.host}), model {remote.name}, {what}")


MOST_ANSWER = 4 << 20
"""Bytes that an answer may have."""

Chat = Callable[[Sequence[Mapping[str, str]]], str]
"""Messages, each {role, content}, to the text of the answer."""


def chat(endpoint_name: str, model: str, *, temperature: float | None = None, max_tokens: int | None = None) -> Chat:
    """Return a function from messages ({role, content} each) to the model's answer, by the endpoint's chat completions.

    What is None is not sent, because servers differ in what they take; the server's own default applies then.

    Raises:
        ModelUnavailable: the endpoint is not defined, has no such chat model, or team mode does not allow it.
    """
    found = endpoint(endpoint_name)
    if model not in found.chat_models:
        offered = ", ".join(found.chat_models) or "none"
        raise ModelUnavailable(f"endpoint {endpoint_name} has no chat model {model!r}; defined for it: {offered}")
    name = f"{endpoint_name}/{model}"
    check_allowed(name)
    defined = found.chat_models[model]
    options = {"temperature": temperature, "max_tokens": max_tokens}
    settings = {"model": defined.id or model} | {name: value for name, value in options.items() if value is not None}

    def answer(messages: Sequence[Mapping[str, str]]) -> str:
        if not messages:
            raise SpecError("a chat needs at least one message")
        said = ask(found, "chat/completions", {**settings, "messages": [dict(m) for m in messages]}, MOST_ANSWER)
        read, written = reported(said, "prompt_tokens"), reported(said, "completion_tokens")
        money = (read * (defined.price or 0.0) + written * (defined.output_price or 0.0)) / 1e6
        count(name, Usage(1, read + written, money))
        try:
            text = said["choices"][0]["message"]["content"]
        except (LookupError, TypeError):
            text = None
        if not isinstance(text, str):
            raise ModelUnavailable(
                f"endpoint {found.name} ({found.host}), model {model}, answered without a text; is it a chat model?"
            )
        return text

    return answer


def served(found: Endpoint) -> frozenset[str] | None:
    """Return the ids of the models that the server says it has; None where it gives no such list, as some do not.

    Nothing but the key is sent.

    Raises:
        ModelUnavailable: it cannot be reached, or refuses.
    """
    try:
        answer: Any = ask(found, "models", None, 4 << 20, attempts=1)
    except Refused as refusal:
        if refusal.status in (404, 405, 501):
            return None
        raise
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return None
    return frozenset(str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry)
