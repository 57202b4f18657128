"""What remote models were asked for: requests, tokens as the server counts them, and money."""

import json
import threading
from dataclasses import asdict, dataclass
from typing import Protocol

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
_unkept: dict[str, Usage] = {}  # of it, what is in no store yet
_lock = threading.Lock()


def count(name: str, usage: Usage) -> None:
    """Nothing; adds to what this process asked of endpoint/model."""
    with _lock:
        for totals in (_spent, _unkept):
            totals[name] = totals.get(name, Usage()) + usage


def spent() -> dict[str, Usage]:
    """endpoint/model → what this process asked of it."""
    with _lock:
        return dict(_spent)


def keep_usage(store: Kept) -> None:
    """Nothing; adds what this process asked for, and kept nowhere yet, to the store's record.

    Two processes that do so in the same moment may lose one of their counts. Like everything in the store, a record
    that was not used for longest may be evicted.
    """
    with _lock:
        for name, usage in list(_unkept.items()):
            store.put(KIND, name, json.dumps(asdict(usage_in(store, name) + usage)).encode())
            del _unkept[name]


def usage_in(store: Kept, name: str) -> Usage:
    """What was asked of endpoint/model by every process that used this store."""
    data = store.get(KIND, name)
    return Usage(**json.loads(data)) if data else Usage()
