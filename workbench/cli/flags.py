"""A command's input: a method's fields as flags, its files as documents, its golden set, its metrics."""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.output import Progress, warn
from workbench.documents import Corpus, Document
from workbench.errors import DocumentError, GoldenError, SpecError, WorkbenchError
from workbench.evaluations import CHROMA
from workbench.golden import Anchor, present, reread_golden
from workbench.metrics import metric
from workbench.parsers import Limits, Parser, label, parse_safely
from workbench.parsers.files import files
from workbench.pipelines import Pipeline, from_yaml
from workbench.records import Question
from workbench.settings import home
from workbench.specs import Spec, digest, from_dict, to_dict
from workbench.statistics import MIN_DOCUMENTS
from workbench.store import Store
from workbench.workspaces.corpus_cache import parsed, store_of

S = TypeVar("S", bound=Spec)
T = TypeVar("T")
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
        raise SpecError(f"{message}; `{self.prog} --help` lists the flags")

    def read(self, arguments: Sequence[str]) -> dict[str, Any]:
        """Return flag → value; None for methods' flags that were not given. Files and flags may come in any order."""
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
        """Add a flag `--what KIND`, and one for every field of the registry's methods."""
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
    """Add the flag of the population that the figures hold for."""
    flags.add_argument(
        "--unit-of-resampling",
        dest="unit",
        metavar="UNIT",
        help="passage: the figures hold for questions about these documents; document: for documents like these "
        f"(default: document where the questions are about at least {MIN_DOCUMENTS} documents)",
    )


def flag_name(field: str, prefix: str = "") -> str:
    """Return `--chunk-size` for chunk_size."""
    return f"--{prefix}{field.replace('_', '-')}"


def flag_names(cls: type[Spec], prefix: str = "") -> list[str]:
    """Return the flags of a method's fields."""
    return [flag_name(f.name, prefix) for f in fields(cls)]


def described(classes: Sequence[type[Spec]], name: str) -> str:
    """Return a field's help with its limits or choices and its defaults."""
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
    """Return the method that the flags describe; what they leave out comes from `base`, else the defaults.

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
    """Return the flag's text as the field's type; the field itself checks its limits."""
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
    """Return whether the field holds several values."""
    return get_origin(_type(cls, name)) is tuple


def _listed(texts: Sequence[str]) -> list[Any]:
    r"""Several values, or one list as YAML and JSON write it: `\n\n " "` or `["\n\n", " "]`."""
    if len(texts) == 1 and texts[0].startswith("[") and texts[0].endswith("]") and len(texts[0]) > 1:
        try:
            return list(json.loads(texts[0]))
        except ValueError:
            pass  # a separator may be a bracket
    return [unescaped(text) for text in texts]


def unescaped(text: str) -> str:
    r"""Return the text with \n, \t, \r and \\ as the characters they stand for: shells pass them on as written."""
    return re.sub(r"\\([ntr\\])", lambda m: {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}[m[1]], text)


def pipeline_file(path: str) -> Pipeline:
    """Return the pipeline of a YAML file."""
    return yaml_file(path, "pipeline", from_yaml)


def yaml_file(path: str, what: str, read: Callable[[str], T]) -> T:
    """Return what a YAML file describes.

    Raises:
        WorkbenchError: it cannot be read, or is not valid; the message names the file.
    """
    try:
        return read(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise SpecError(f"{path}: the {what} file cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path}: not a {what} file: it is not UTF-8 text") from None
    except RecursionError:
        raise SpecError(f"{path}: not a {what} file: it is nested too deep") from None
    except WorkbenchError as error:
        raise type(error)(f"{path}: {error}") from None


class Reading:
    """Iterates over the documents of files and folders, one at a time.

    A file that cannot be read is named on stderr with the reason and counted in `refused`; the others go on.
    """

    def __init__(
        self,
        paths: Sequence[str],
        parser: Parser,
        parse: Callable[[str, bytes, Parser], Document] = parse_safely,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._paths, self._parser, self._parse = paths, parser, parse
        self._progress = progress or (lambda done, total: None)
        self.refused = 0
        self.path = Path()
        """The file that is read just now."""

    def __iter__(self) -> Iterator[Document]:
        entries = [entry for given in self._paths for entry in _entries(given)]
        for done, entry in enumerate(entries):
            self._progress(done, len(entries))
            if isinstance(entry, DocumentError):
                self._refuse(str(entry))
            elif (document := self._document(entry)) is not None:
                yield document
        self._progress(len(entries), len(entries))

    @property
    def status(self) -> int:
        """The exit status that the refusals ask for."""
        return WRONG_INPUT if self.refused else DONE

    def _document(self, path: Path) -> Document | None:
        name, limit, self.path = label(path.name), Limits().input_bytes, path
        try:
            if (size := path.stat().st_size) > limit:  # before it is read into memory
                raise DocumentError(f"{name}: {size / 1e6:,.0f} MB is more than the limit of {limit / 1e6:,.0f} MB.")
            return self._parse(name, path.read_bytes(), self._parser)
        except DocumentError as error:
            self._refuse(str(error))
        except OSError as error:
            self._refuse(f"{path}: it cannot be opened ({error.strerror}).")
        return None

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        warn(f"error: {reason}")


def _entries(given: str) -> list[Path | DocumentError]:
    """Return the file, or the files of the folder, or why there are none."""
    try:
        return [*files([given])] or [DocumentError(f"{given}: there is no file in this folder to read.")]
    except DocumentError as error:
        return [error]
    except OSError as error:
        return [DocumentError(f"{given}: it cannot be opened ({error.strerror}).")]


def warnings(document: Document) -> None:
    """Say on stderr what the parser could not read or had to guess."""
    for warning in document.warnings:
        warn(f"warning: {document.name}: {warning}")


def store_here() -> Store:
    """Return the store of WORKBENCH_HOME, which keeps what was parsed or embedded before."""
    return store_of(home())


def corpus_of(paths: Sequence[str], parser: Parser, store: Store, purpose: str) -> tuple[Corpus, int]:
    """Return what can be read of the files and folders, and the exit status that the refusals ask for.

    Raises:
        DocumentError: nothing could be read; the message says for what `purpose`.
    """

    def kept(name: str, data: bytes, parser: Parser) -> Document:
        id = digest(data)
        return parsed(parse_safely, store, name, id, partial(_same, reading.path, id), parser)

    reading = Reading(paths, parser, kept, Progress("reading", "files"))
    documents = []
    for document in reading:
        warnings(document)
        documents.append(document)
    if not documents:
        raise DocumentError(f"there is no document to {purpose}: none of the files could be read")
    return Corpus(tuple(documents)), reading.status


def _same(path: Path, id: str) -> bytes:
    """Read the file again where its bytes are needed: of many files, not all fit into memory."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: it cannot be opened any more ({error.strerror}).") from error
    if digest(data) != id:
        raise DocumentError(f"{path}: it has changed since it was first read; run the command again.")
    return data


def originals(paths: Sequence[str]) -> Callable[[str], bytes | None]:
    """Return what gives the bytes of the file with a sha256; the files are looked through on the first call."""
    known: dict[str, Path] | None = None

    def original(source: str) -> bytes | None:
        nonlocal known
        if known is None:
            found = [entry for given in paths for entry in _entries(given) if isinstance(entry, Path)]
            known = {digest(path.read_bytes()): path for path in found if path.is_file()}
        return known[source].read_bytes() if source in known else None

    return original


GOLDEN = "the golden set: JSON lines, CSV, or a BEIR folder or ZIP"
_WORST = 1_000  # lines that are written out


def golden_of(given: str, corpus: Corpus) -> tuple[tuple[Question, ...], int]:
    """Return a golden set's questions with their places in the corpus, and the exit status for refused rows.

    It is a file, or a BEIR folder or ZIP. Each row that cannot be taken is named on stderr, and each question that asks
    for a document which is not here; the others go on. A passage that the parsed text does not hold is named too, and
    counts as gold that no hit can hold, so that a parser is not rewarded for what it loses.

    Raises:
        GoldenError: there is no such file, or it cannot be read at all.
    """
    path = Path(given)
    if not path.exists():
        raise GoldenError(f"{path}: there is no such file")
    try:
        found = reread_golden(path, corpus)
    except GoldenError as error:
        raise GoldenError(f"{path}: {error}") from None
    here, away = present(found.questions)
    refused = [str(problem) for problem in found.problems]
    refused += [f"{q.id}: {next(lost.reason for lost in q.lost if lost.kind == 'gone')}" for q in away]
    refused += [_line(a) for a in found.anchors if a.how == "ambiguous"]
    _tell(path.name, "error", refused)
    _tell(path.name, "warning", [_line(a) for a in found.anchors if a.how in ("lost", "approximate")])
    return here, WRONG_INPUT if refused else DONE


def _line(anchor: Anchor) -> str:
    if anchor.how == "approximate":
        return f"{anchor.question}: its quote reads otherwise in {anchor.document} ({anchor.score:.0f} of 100 alike)"
    return f"{anchor.question}: {anchor.reason}; it counts as lost"


def _tell(name: str, how: str, lines: list[str]) -> None:
    for line in lines[:_WORST]:
        warn(f"{how}: {name}: {line}")
    if len(lines) > _WORST:
        warn(f"{how}: {name}: and {len(lines) - _WORST:,} more")


METRICS = (
    "workbench (the default), chroma for the definitions of the chunking_evaluation code, or names with their budgets "
    "such as recall@5,ndcg@10,recall@1000tok"
)


def metrics_of(text: str) -> tuple[tuple[str, ...] | None, bool]:
    """Return the metrics that the flag names, None for the default ones; and whether they are chroma's own.

    Raises:
        SpecError: a name is not known, or its budget is missing or outside the limits.
    """
    if text == "workbench":
        return None, False
    if text == "chroma":
        return CHROMA, True
    try:
        return tuple(dict.fromkeys(str(metric(name.strip())) for name in text.split(","))), False
    except SpecError as error:
        raise SpecError(f"--metrics: {error}; or say workbench or chroma") from None
