"""Methods of other packages, registered beside our own by entry points.

A package that is installed here and names an entry point in a group such as `workbench.splitters` adds a method: its
form, its flags, its block of the pipeline file and its place in every registry follow from its class.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, cast

from workbench.specs import Spec

log = logging.getLogger(__name__)

T = TypeVar("T")
S = TypeVar("S", bound=Spec)

_faults: list[str] = []


def faults() -> tuple[str, ...]:
    """Return a line about each extension that was left out, for people; of the registries used so far."""
    return tuple(_faults)


class Registry(Mapping[str, T]):
    """What can be chosen: name → method, our own first, then those of installed packages in the order of their names.

    The entry points of `group` are loaded once, when the registry is first listed or asked for a name that is not
    ours. An extension that cannot be loaded is left out with one line in the log and in `faults`.
    """

    def __init__(self, group: str, own: Mapping[str, T], accept: Callable[[str, Any], tuple[str, T]]) -> None:
        """`accept` takes an entry point's name and object, and returns the name and method, or raises what is wrong."""
        self.group = group
        self._own = dict(own)
        self._accept = accept
        self._outside: dict[str, T] = {}
        self._loaded = self._loading = False
        self._lock = threading.RLock()  # an extension may ask for our methods while it is loaded

    def __getitem__(self, name: str) -> T:
        if name in self._own:
            return self._own[name]
        return self._extensions()[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._own, *self._extensions()))

    def __len__(self) -> int:
        return len(self._own) + len(self._extensions())

    def add(self, method: T, name: str = "") -> None:
        """Register a method of this process, as an entry point would; for notebooks and tests.

        Raises:
            ValueError: it is no method of this kind, or its name is taken.
        """
        kind, accepted = self._accept(name, method)
        if kind in self._own or kind in self._outside:
            raise ValueError(f"the kind {kind!r} is taken")
        self._outside[kind] = accepted

    def remove(self, name: str) -> None:
        """Forget a method that `add` registered."""
        self._outside.pop(name, None)

    def _extensions(self) -> Mapping[str, T]:
        if not self._loaded:
            with self._lock:
                if not self._loaded and not self._loading:
                    self._loading = True
                    found = _points().select(group=f"workbench.{self.group}")
                    for point in sorted(found, key=lambda p: p.name):
                        self._load(point)
                    self._loaded = True
        return self._outside

    def _load(self, point: EntryPoint) -> None:
        try:
            self.add(point.load(), point.name)
        except Exception as error:  # noqa: BLE001 — the code of others; whatever breaks in it, the workbench runs
            package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
            line = (
                f"extension {point.name!r} ({self.group}) of {package} is left out: {type(error).__name__}: {error}. "
                "Update or uninstall that package."
            )
            _faults.append(" ".join(line.split()))
            log.warning(_faults[-1])


@cache
def _points() -> Any:
    """Return the entry points of all installed packages; they are looked for once, which takes some 50 ms."""
    return entry_points()


def methods(group: str, base: type[Any], *own: type[S]) -> Registry[type[S]]:
    """Return the registry of a part of the pipeline: kind → class, each a frozen dataclass that is a `base`."""

    def accept(_: str, cls: Any) -> tuple[str, type[S]]:
        if not (isinstance(cls, type) and issubclass(cls, base)):
            raise ValueError(f"it is no class that inherits from {base.__module__}.{base.__name__}")
        if not is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise ValueError(f"{cls.__name__} is no frozen dataclass")
        kind = vars(cls).get("kind")
        if not isinstance(kind, str) or not kind:
            raise ValueError(f"{cls.__name__} has no `kind` of its own")
        return kind, cast(type[S], cls)

    return Registry(group, {cls.kind: cls for cls in own}, accept)
