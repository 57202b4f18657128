"""A method is a frozen dataclass that can be called; this module gives it forms, files and an identity.

A method's fields are at once its constructor, the form on the page, the flags of a command, a block of the YAML file,
its label and its cache key. A registry maps `kind` to class. Adding a method is one class and one name.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from types import NoneType, UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from workbench.errors import SpecError


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Iterable[str] | None = None,
    advanced: bool = False,
) -> Any:
    """Return a dataclass field with what forms, flags and checks need: help, limits (inclusive) or choices."""
    allowed = tuple(choices) if choices else None
    metadata = {"help": help, "low": low, "high": high, "choices": allowed, "advanced": advanced}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Spec:
    """A method with its settings. Subclasses are frozen, slotted dataclasses whose fields are made by `option`."""

    kind: ClassVar[str]
    label: ClassVar[str] = ""
    """What people call it; empty: made of the kind."""

    @classmethod
    def missing(cls) -> str:
        """Return what it needs and is not installed, with the remedy, for people; "" where it can be used."""
        return ""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for f in fields(self):
            object.__setattr__(self, f.name, _checked(type(self), f, hints[f.name], getattr(self, f.name)))
        self.check()

    def check(self) -> None:
        """Raise SpecError where fields do not fit each other. Called at construction."""

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the result: the fields, and the hashes behind any name among them."""
        return to_dict(self)

    @property
    def fingerprint(self) -> str:
        """The hash of `identity()`; equal exactly where the results are."""
        return fingerprint(self.identity())


def _checked(cls: type, f: "Field[Any]", hint: Any, value: Any) -> Any:
    """Return `value` as the field's type; a SpecError says what is wrong with it."""
    name = f"{getattr(cls, 'kind', cls.__name__)}.{f.name}"
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None and NoneType in options:
        return None
    wanted = next(o for o in options if o is not NoneType)
    if get_origin(wanted) is tuple:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise SpecError(f"{name} must be a list, not {value!r}")
        value = tuple(value)
        if not all(isinstance(v, get_args(wanted)[0]) for v in value):
            raise SpecError(f"{name} must be a list of {get_args(wanted)[0].__name__}, not {list(value)!r}")
    elif wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    elif isinstance(wanted, type) and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        raise SpecError(f"{name} must be {_TYPE_NAMES.get(wanted, wanted.__name__)}, not {value!r}")
    low, high, choices = (f.metadata.get(k) for k in ("low", "high", "choices"))
    if choices and value not in choices:
        raise SpecError(f"{name} ({value!r}) must be one of {', '.join(map(str, choices))}")
    if low is not None and not value >= low:  # `not >=` also refuses NaN
        raise SpecError(f"{name} ({value}) must be at least {low}")
    if high is not None and not value <= high:
        raise SpecError(f"{name} ({value}) must be at most {high}")
    return value


_TYPE_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def to_dict(spec: Spec) -> dict[str, Any]:
    """Return `{"kind": …, field: value, …}`, of plain JSON values, every field present."""
    out: dict[str, Any] = {"kind": spec.kind}
    for f in fields(spec):
        value = getattr(spec, f.name)
        out[f.name] = list(value) if isinstance(value, tuple) else to_dict(value) if isinstance(value, Spec) else value
    return out


S = TypeVar("S", bound=Spec)


def from_dict(registry: Mapping[str, type[S]], data: Any, what: str) -> S:
    """Return the method that `{"kind": …, …}` describes; absent fields take their default.

    Raises:
        SpecError: an unknown kind or field, or a value outside its limits.
    """
    if not isinstance(data, Mapping):
        raise SpecError(f"{what} must be a mapping such as {{kind: {next(iter(registry))}}}, not {data!r}")
    values = dict(data)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in registry:
        raise SpecError(f"{what} kind {kind!r} is not known; known are {', '.join(registry)}")
    cls = registry[kind]
    known = {f.name for f in fields(cls)}
    if unknown := [k for k in values if k not in known]:
        raise SpecError(f"{what} {kind} has no field {unknown[0]!r}; its fields are {', '.join(sorted(known))}")
    return cls(**values)


def label(cls: type[Spec]) -> str:
    """Return what people call a method's class: its own `label`, or its kind with a capital."""
    return vars(cls).get("label") or cls.kind.replace("-", " ").capitalize()


def defaults(cls: type[Spec]) -> dict[str, Any]:
    """Return field name → default value, in order."""
    return {f.name: None if f.default is MISSING else f.default for f in fields(cls)}


def fingerprint(value: Any) -> str:
    """Return 16 hex digits of the sha256 of the value's canonical JSON (64 bits: enough for any workspace)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest(text.encode("utf-8", "surrogatepass"))[:16]


def digest(data: bytes) -> str:
    """Return the sha256 in hex."""
    return hashlib.sha256(data).hexdigest()
