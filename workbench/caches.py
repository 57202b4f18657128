"""What was made before, kept in memory up to a number of bytes: what was not used for longest goes first."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Kept(Generic[P, T]):
    """A function whose results are kept by the key of its arguments."""

    def __init__(
        self, make: Callable[P, T], most: int, weigh: Callable[[Any], int], key: Callable[..., Any] | None, grows: bool
    ) -> None:
        self._make, self._most, self._weigh, self._key, self._grows = make, most, weigh, key, grows
        self._lock = threading.Lock()
        self._found: OrderedDict[Any, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        update_wrapper(self, make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        name = self._name(*args, **kwargs)
        with self._lock:
            if name in self._found:
                self._found.move_to_end(name)
                found = self._found[name][0]
                if self._grows:
                    self._put(name, found)
                return found
        made = self._make(*args, **kwargs)
        with self._lock:
            if name in self._found:  # another thread was quicker: one object for all
                return self._found[name][0]
            self._put(name, made)
        return made

    def _put(self, name: Any, made: T) -> None:
        """Nothing; it is kept as what was used last, by what it weighs now, and what is too much goes."""
        before = self._found[name][1] if name in self._found else 0
        weight = self._weigh(made)
        self._found[name] = made, weight
        self._bytes += weight - before
        while self._bytes > self._most and len(self._found) > 1:
            self._bytes -= self._found.popitem(last=False)[1][1]

    def known(self, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The result if it is kept; nothing is made. Looking at it is a use."""
        name = self._name(*args, **kwargs)
        with self._lock:
            if name not in self._found:
                return None
            self._found.move_to_end(name)
            return self._found[name][0]

    def _name(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self._key(*args, **kwargs) if self._key else (args, *sorted(kwargs.items()))

    @property
    def bytes(self) -> int:
        """What is kept now weighs."""
        return self._bytes

    def cache_clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()
            self._bytes = 0


def kept(
    most: int, weigh: Callable[[Any], int], key: Callable[..., Any] | None = None, grows: bool = False
) -> Callable[[Callable[P, T]], _Kept[P, T]]:
    """A decorator: the function's results are kept until together they weigh more than `most` bytes.

    `key` says by what of its arguments; by all of them without it. What `grows` is weighed anew at each use. The last
    result is kept whatever it weighs.
    """
    return lambda make: _Kept(make, most, weigh, key, grows)
