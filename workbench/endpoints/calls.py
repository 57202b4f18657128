"""One request to an endpoint and its answer as JSON: bounded in time, size and tries, and never redirected.

The key travels in the header of a request to the endpoint's own URL and nowhere else. Messages name the endpoint, its
host, what happened and the remedy; never the key, the text that was sent or words of the answer, which may repeat both.
"""

import json
import random
import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn

from workbench.endpoints.definitions import Endpoint
from workbench.errors import ModelUnavailable

if TYPE_CHECKING:
    import httpx2

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
    """This try failed in a way that another may mend; after `wait` seconds, where the server says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def ask(endpoint: Endpoint, path: str, body: Mapping[str, Any] | None, most: int, attempts: int = ATTEMPTS) -> Any:
    """The JSON that answers a POST of `body` (a GET where it is None), of at most `most` bytes.

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
    """Seconds to wait after that many tries: doubled each time, half of it by chance, so that clients spread out."""
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
    """The whole body of a good answer; whatever else came is raised."""
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
    """The error's code and type, where they are plain words."""
    try:
        error = json.loads(body).get("error")
        found = [error.get("code"), error.get("type")]
    except (ValueError, AttributeError, RecursionError):
        return []
    return [code for code in found if isinstance(code, str) and _CODE.fullmatch(code)]


def wait_asked(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date; None where it does not say."""
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
