"""A method's fields as flags of a command: `--chunk-size 256` sets `chunk_size`."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from workbench.errors import DocumentError, SpecError, WorkbenchError
from workbench.specs import Spec, from_dict, to_dict

if TYPE_CHECKING:
    from workbench.pipelines import Pipeline

S = TypeVar("S", bound=Spec)
Registry = Mapping[str, type[S]]


class Flags(argparse.ArgumentParser):
    """The flags of one command. What is wrong with them is a SpecError, never an exit."""

    def __init__(self, command: str, about: str) -> None:
        super().__init__(prog=f"python -m workbench {command}", description=about, allow_abbrev=False)
        self.add_argument("--json", action="store_true", help="write JSON lines")
        self._methods: list[tuple[str, str, Registry[Any]]] = []

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        if "arguments are required" in message and (
            lists := [a.option_strings[0] for a in self._actions if a.nargs == "+" and a.option_strings]
        ):
            message += f" (put them before {lists[0]}, which takes all values that follow it)"
        raise SpecError(f"{message}; `{self.prog} --help` tells the flags")

    def read(self, arguments: Sequence[str]) -> dict[str, Any]:
        """Flag → value; None for those of methods that were not given. Files and flags may come in any order."""
        given, unknown = self.parse_known_intermixed_args(list(arguments))
        values = vars(given)
        if unknown:
            raise SpecError(self._stranger(unknown[0].split("=")[0], values))
        return values

    def _stranger(self, flag: str, values: Mapping[str, Any]) -> str:
        near = get_close_matches(flag, self._option_string_actions, n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        of = [
            f" The {what} {kind} has {', '.join(flag_names(registry[kind], prefix))}."
            for what, prefix, registry in self._methods
            if (kind := values[what] or next(iter(registry))) in registry
        ]
        return f"{self.prog} has no flag {flag}{meant}{of[0] if of else ''}"

    def add_method(self, what: str, registry: Registry[Any], prefix: str = "") -> None:
        """A flag `--what KIND`, and one for every field of the registry's methods."""
        self._methods.append((what, prefix, registry))
        group = self.add_argument_group(what)
        group.add_argument(f"--{what}", metavar="KIND", help=f"one of {', '.join(registry)}")
        owners: dict[str, list[type[Spec]]] = {}
        for cls in registry.values():
            for field in fields(cls):
                owners.setdefault(field.name, []).append(cls)
        for name, classes in owners.items():
            few = "" if len(classes) == len(registry) else f"{', '.join(c.kind for c in classes)}: "
            group.add_argument(
                flag_name(name, prefix),
                dest=f"{what}.{name}",
                metavar="N" if _type(classes[0], name) in (int, float) else "TEXT",
                nargs="+" if is_list(classes[0], name) else None,
                help=f"{few}{described(classes, name)}".replace("%", "%%"),
            )


def add_unit(flags: Flags) -> None:
    """Add the flag that says of which population the figures speak."""
    from workbench.statistics import MIN_DOCUMENTS  # loads more than `chunk` needs

    flags.add_argument(
        "--unit-of-resampling",
        dest="unit",
        metavar="UNIT",
        help="passage: the figures speak of questions about these documents; document: of documents like these "
        f"(default: document where the questions are about at least {MIN_DOCUMENTS} documents)",
    )


def flag_name(field: str, prefix: str = "") -> str:
    """`--chunk-size` for chunk_size."""
    return f"--{prefix}{field.replace('_', '-')}"


def flag_names(cls: type[Spec], prefix: str = "") -> list[str]:
    """The flags of a method's fields."""
    return [flag_name(f.name, prefix) for f in fields(cls)]


def described(classes: Sequence[type[Spec]], name: str) -> str:
    """A field's help with its limits or choices and its default, and the defaults of the methods that have another."""
    first, *others = ((cls.kind, next(f for f in fields(cls) if f.name == name)) for cls in classes)
    field = first[1]
    low, high, choices = (field.metadata.get(k) for k in ("low", "high", "choices"))
    limits = f"{', '.join(choices)}; " if choices else f"{low} to {high}; " if low is not None else ""
    apart = "".join(f"; {_plain(f.default)} for {kind}" for kind, f in others if f.default != field.default)
    return f"{field.metadata.get('help', '')} ({limits}default {_plain(field.default)}{apart})"


def _plain(default: Any) -> str:
    if isinstance(default, tuple):
        return repr(list(default))
    return "open" if default is None else repr(default) if not str(default).strip() else str(default)


def method(registry: Registry[S], what: str, given: Mapping[str, Any], base: S | None = None, prefix: str = "") -> S:
    """The method that the flags describe. Where they are silent, `base` speaks, else the default.

    Where the flags name another kind than base's, what base changes from its own default is kept if the other has it.

    Raises:
        SpecError: an unknown kind, a flag of another kind, or a value outside its limits.
    """
    kind = given[what] or (base.kind if base else next(iter(registry)))
    if kind not in registry:
        raise SpecError(f"--{what} ({kind!r}) must be one of {', '.join(registry)}")
    cls = registry[kind]
    known = {f.name for f in fields(cls)}
    values = {name: value for name, value in _settings(base, kind).items() if name in known}
    for key, text in given.items():
        owner, _, name = key.partition(".")
        if owner != what or not name or text is None:
            continue
        if name not in known:
            flags = ", ".join(flag_names(cls, prefix)) or "none"
            raise SpecError(f"{flag_name(name, prefix)} is no setting of the {what} {kind}; it has {flags}")
        values[name] = typed(cls, name, text, flag_name(name, prefix))
    return from_dict(registry, {"kind": kind, **values}, what)


def _settings(base: Spec | None, kind: str) -> dict[str, Any]:
    if base is None:
        return {}
    values = {name: value for name, value in to_dict(base).items() if name != "kind"}
    if base.kind == kind:
        return values
    return {f.name: values[f.name] for f in fields(base) if getattr(base, f.name) != f.default}


def typed(cls: type[Spec], name: str, text: Any, flag: str) -> Any:
    """The flag's text as the field's type; limits are the field's own to check."""
    wanted = _type(cls, name)
    if is_list(cls, name):
        return _listed(text)
    if wanted in (int, float):
        try:
            return wanted(text)
        except ValueError:
            raise SpecError(f"{flag} ({text!r}) must be a {'whole ' * (wanted is int)}number") from None
    if wanted is bool:
        if text not in ("true", "false"):
            raise SpecError(f"{flag} ({text!r}) must be true or false")
        return text == "true"
    default = next(f.default for f in fields(cls) if f.name == name)
    return unescaped(text) if isinstance(default, str) and default.isspace() else text


def _type(cls: type[Spec], name: str) -> Any:
    hint = get_type_hints(cls)[name]
    return next((t for t in get_args(hint) if t is not NoneType), hint) if get_origin(hint) is not tuple else hint


def is_list(cls: type[Spec], name: str) -> bool:
    """Whether the field holds several values."""
    return get_origin(_type(cls, name)) is tuple


def _listed(texts: Sequence[str]) -> list[Any]:
    r"""Several values, or one list as YAML and JSON write it: `\n\n " "` or `["\n\n", " "]`."""
    if len(texts) == 1 and texts[0].startswith("[") and texts[0].endswith("]") and len(texts[0]) > 1:
        import json

        try:
            return list(json.loads(texts[0]))
        except ValueError:
            pass  # a separator may be a bracket
    return [unescaped(text) for text in texts]


def unescaped(text: str) -> str:
    r"""The text with \n, \t, \r and \\ as the characters they stand for: shells pass them on as they are written."""
    return re.sub(r"\\([ntr\\])", lambda m: {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}[m[1]], text)


def pipeline_file(path: str) -> "Pipeline":
    """The pipeline of a YAML file.

    Raises:
        WorkbenchError: it cannot be read, or is not valid; the message names the file.
    """
    from workbench.pipelines import from_yaml

    try:
        return from_yaml(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise DocumentError(f"{path}: the pipeline file cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path}: not a pipeline file: it is not UTF-8 text") from None
    except RecursionError:
        raise SpecError(f"{path}: not a pipeline file: it is nested too deep") from None
    except WorkbenchError as error:
        raise type(error)(f"{path}: {error}") from None
