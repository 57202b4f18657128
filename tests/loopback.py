"""A server on this machine that answers as a test says, and writes down what reached it."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """One answer: `body` as JSON unless it is bytes. `cut`: so many bytes of it less than its length promises."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0
    hold: threading.Event | None = None  # waited for before anything is sent

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Respond = Callable[[Asked], Answer]


class Server:
    """Gives the answers in turn, the last one again and again; an answer may be a function of what was asked."""

    def __init__(self, *answers: Answer | Respond) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.host}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return answer if isinstance(answer, Answer) else answer(asked)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_of: Server

    def _respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(data) if data else None)
        answer = self.server_of.take(asked)
        if answer.hold:
            answer.hold.wait(30)
        with suppress(ConnectionError):  # the client may have gone
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data[: len(answer.data) - answer.cut])

    do_GET = do_POST = _respond

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests read `asked`."""


def vectors(rows: Any, tokens: int = 0) -> dict[str, Any]:
    """An answer in the protocol's form, with these rows in order."""
    data = [{"object": "embedding", "index": i, "embedding": [float(x) for x in row]} for i, row in enumerate(rows)]
    return {"object": "list", "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def serving(encode: Callable[[list[str]], Any]) -> Respond:
    """Answers every request with the rows that `encode` gives for its texts."""
    return lambda asked: Answer(vectors(encode(asked.body["input"]), sum(len(t.split()) for t in asked.body["input"])))
