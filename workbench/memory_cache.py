"""One memory cache, bounded by the bytes of what it holds: what was not used for longest goes first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class MemoryCache(Generic[T]):
    """Key → value, shared by threads, until the values together weigh more than `budget` bytes.

    `weigh` gives a value's bytes. Values that grow after they were made (`grows`) are weighed again at each use. The
    value used last stays, whatever it weighs.
    """

    def __init__(self, budget: int, weigh: Callable[[T], int], *, grows: bool = False) -> None:
        self.budget, self._weigh, self._grows = budget, weigh, grows
        self._lock = threading.RLock()
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """The weight of all values."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def get(self, key: Hashable) -> T | None:
        """Return the value, or None where there is none. A look counts as a use."""
        with self._lock:
            if key not in self._entries:
                return None
            value = self._entries[key][0]
            if self._grows:
                self._insert(key, value)
            else:
                self._entries.move_to_end(key)
            return value

    def put(self, key: Hashable, value: T) -> None:
        """Hold `value` under `key`, in place of what was there."""
        with self._lock:
            self._insert(key, value)

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value, made first where there is none.

        Threads that ask at once may each make one; the first to finish is the one that all of them get.
        """
        with self._lock:
            if key in self._entries:
                return self.get(key)  # type: ignore[return-value]  # a value may be None itself
        made = make()
        with self._lock:
            if key in self._entries:
                return self._entries[key][0]
            self._insert(key, made)
        return made

    def drop(self, key: Hashable) -> None:
        """Forget one value, if it is there."""
        with self._lock:
            self._bytes -= self._entries.pop(key, (None, 0))[1]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _insert(self, key: Hashable, value: T) -> None:
        """Insert as most recently used; evict until within the budget."""
        weight = self._weigh(value)
        self._bytes += weight - self._entries.pop(key, (None, 0))[1]
        self._entries[key] = value, weight
        while self._bytes > self.budget and len(self._entries) > 1:
            self._bytes -= self._entries.popitem(last=False)[1][1]


class Cached(Generic[P, T]):
    """A function whose results are held in a `MemoryCache` of its own, by the key of its arguments."""

    def __init__(self, make: Callable[P, T], cache: MemoryCache[T], key: Callable[..., Any] | None) -> None:
        self._make, self.cache, self._key = make, cache, key
        update_wrapper(self, make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.cache.get_or_make(self._name(*args, **kwargs), lambda: self._make(*args, **kwargs))

    def known(self, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return the result if it is held; make nothing. A look counts as a use."""
        return self.cache.get(self._name(*args, **kwargs))

    def cache_clear(self) -> None:
        """Forget every result."""
        self.cache.clear()

    def _name(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self._key(*args, **kwargs) if self._key else (args, *sorted(kwargs.items()))


def cached(
    budget: int, weigh: Callable[[Any], int], key: Callable[..., Any] | None = None, grows: bool = False
) -> Callable[[Callable[P, T]], Cached[P, T]]:
    """Decorate a function so that its results are held up to `budget` bytes.

    `key` computes the cache key from the arguments; without it all of them are the key.
    """
    return lambda make: Cached(make, MemoryCache(budget, weigh, grows=grows), key)
