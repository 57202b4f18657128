"""Whose file is read next, where more are waiting than are read at once: one of each owner in turn."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_owner: ContextVar[str] = ContextVar("owner", default="")


@contextmanager
def on_behalf_of(owner: str) -> Iterator[None]:
    """Files that are read within are this owner's; elsewhere they are nobody's, which is an owner too."""
    token = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(token)


class Turns:
    """So many at once. Those who wait come owner by owner, so that one who brings two hundred delays nobody's one."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A turn, of the owner named by `on_behalf_of`; waited for, and passed on at the end."""
        mine = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                mine.set()
            else:
                self._waiting.setdefault(_owner.get(), deque()).append(mine)
        try:
            mine.wait()
            yield
        finally:
            self._pass_on(mine)

    def _pass_on(self, mine: threading.Event) -> None:
        """Nothing; the turn goes to the owner who had none for longest. Who broke off in the queue has none to give."""
        with self._lock:
            if not mine.is_set():
                owner = next(owner for owner, queue in self._waiting.items() if mine in queue)
                self._waiting[owner].remove(mine)
                if not self._waiting[owner]:
                    del self._waiting[owner]
                return
            if not self._waiting:
                self._free += 1
                return
            owner, queue = self._waiting.popitem(last=False)
            queue.popleft().set()
            if queue:
                self._waiting[owner] = queue  # behind the others
