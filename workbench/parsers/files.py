"""Files, folders and pasted text as documents and corpora."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from os import PathLike
from pathlib import Path

from workbench.documents import Corpus, Document
from workbench.errors import DocumentError
from workbench.parsers.methods import Auto, Parser, parse_draft
from workbench.parsers.names import label
from workbench.parsers.sandbox import Limits, read_apart
from workbench.parsers.writers import clean

NOT_DOCUMENTS = ("golden*.jsonl", "questions*.csv")
"""Names in a folder that are golden sets, and so not part of the corpus."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that could not be read: its label, and a line that names it, the reason and the remedy."""

    name: str
    reason: str


def parse(name: str, data: bytes, parser: Parser | None = None) -> Document:
    """The document that `data` holds, read in this process: for files that are known to be well.

    Raises:
        DocumentError: empty, encrypted, damaged or of an unsupported kind; the message names the file and a remedy.
    """
    return (parser or Auto())(name, data)


def parse_safely(name: str, data: bytes, parser: Parser | None = None, limits: Limits | None = None) -> Document:
    """`parse` in a process of its own, within limits. Safe to call from several threads.

    Raises:
        DocumentError: as `parse`, and where reading takes more than a limit or ends the process.
    """
    return read_apart(name, data, parser or Auto(), limits or Limits()).document(label(name), data)


def paste(text: str, name: str = "pasted text") -> Document:
    """A document of text that the user typed or pasted; read as Markdown where the name ends in .md, else as it is."""
    format = "markdown" if name.lower().endswith((".md", ".markdown")) else "text"
    if not text:
        raise DocumentError(f"{label(name)}: nothing was pasted.")
    data = clean(text).encode()
    return parse_draft(name, data, Auto(encoding="utf-8"), format).document(label(name), data)


def read(*paths: str | PathLike[str], parser: Parser | None = None, safely: bool = True) -> Corpus:
    """The corpus of these files and of all files in these folders; hidden files and golden sets are left out.

    Raises:
        DocumentError: a path does not exist, or a file cannot be read. `read_all` goes on instead.
    """
    corpus, refusals = read_all(paths, parser=parser, safely=safely)
    if refusals:
        more = f" (and {len(refusals) - 1} more files)" if len(refusals) > 1 else ""
        raise DocumentError(refusals[0].reason + more)
    return corpus


def read_all(
    paths: Iterable[str | PathLike[str]],
    parser: Parser | None = None,
    safely: bool = True,
    limits: Limits | None = None,
) -> tuple[Corpus, list[Refusal]]:
    """The corpus of all files that can be read, and the refusals of the others.

    Raises:
        DocumentError: a path does not exist.
    """
    limits = limits or Limits()
    documents, refusals = [], []
    for path in files(paths):
        name = label(path.name)
        try:
            if (size := path.stat().st_size) > limits.input_bytes:
                raise DocumentError(
                    f"{name}: {size / 1e6:,.0f} MB is more than the limit of {limits.input_bytes / 1e6:,.0f} MB. "
                    "Split it into parts."
                )
            data = path.read_bytes()
            documents.append(
                parse_safely(path.name, data, parser, limits) if safely else parse(path.name, data, parser)
            )
        except DocumentError as error:
            refusals.append(Refusal(name, str(error)))
        except OSError as error:
            refusals.append(Refusal(name, f"{name}: the file cannot be opened ({error.strerror})."))
    return Corpus(tuple(documents)), refusals


def files(paths: Iterable[str | PathLike[str]]) -> Iterator[Path]:
    """The files themselves and, of folders, every file below in order of their paths."""
    for given in paths:
        path = Path(given)
        if path.is_dir():
            for found in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
                if found.is_file() and not hidden and not any(fnmatch(found.name, p) for p in NOT_DOCUMENTS):
                    yield found
        elif path.is_file():
            yield path
        else:
            raise DocumentError(f"{path}: there is no such file or folder.")
