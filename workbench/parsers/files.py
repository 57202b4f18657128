"""Files, folders, archives and pasted text as documents and corpora."""

import stat
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from os import PathLike
from pathlib import Path

from workbench.documents import Corpus, Document
from workbench.errors import DocumentError
from workbench.parsers.archives import Archive
from workbench.parsers.detect import label
from workbench.parsers.registry import Auto, Parser, parse_draft
from workbench.parsers.sandbox import Limits, read_apart
from workbench.parsers.writer import clean

NOT_DOCUMENTS = ("golden*.jsonl", "questions*.csv")
"""Names in a folder that are golden sets, and so not part of the corpus."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that could not be read: its label, and a line with the name, the reason and the remedy."""

    name: str
    reason: str


def parse(name: str, data: bytes, parser: Parser | None = None) -> Document:
    """Return the document in `data`, read in this process: for trusted files only.

    Raises:
        DocumentError: empty, encrypted, damaged or of an unsupported kind; the message names the file and a remedy.
    """
    return (parser or Auto())(name, data)


def parse_safely(name: str, data: bytes, parser: Parser | None = None, limits: Limits | None = None) -> Document:
    """`parse` in a process of its own, within limits. Safe to call from several threads.

    Raises:
        DocumentError: as `parse`, and if reading takes more than a limit or ends the process.
    """
    return read_apart(name, data, parser or Auto(), limits or Limits()).document(label(name), data)


def paste(text: str, name: str = "pasted text") -> Document:
    """Return a document of typed or pasted text, read as Markdown if the name ends in .md, else as it is."""
    format = "markdown" if name.lower().endswith((".md", ".markdown")) else "text"
    if not text:
        raise DocumentError(f"{label(name)}: nothing was pasted.")
    data = clean(text).encode()
    return parse_draft(name, data, Auto(encoding="utf-8"), format).document(label(name), data)


def read(*paths: str | PathLike[str], parser: Parser | None = None, safely: bool = True) -> Corpus:
    """Return the corpus of these files and of all files in these folders, without hidden files and golden sets.

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
    """Return the corpus of all files that can be read, and the refusals of the others.

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
    """Yield the files themselves and, of folders, every file below in order of their paths."""
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


MAX_MEMBERS = 1_000
MAX_BYTES = 100_000_000
MAX_DEPTH = 20  # folders


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The files of an archive as (label, bytes), each label once, and what was left out, with the reason."""

    files: tuple[tuple[str, bytes], ...]
    refusals: tuple[Refusal, ...]


def unpack(name: str, data: bytes, max_members: int = MAX_MEMBERS, max_bytes: int = MAX_BYTES) -> Unpacked:
    """Return the files in a ZIP in order of their paths, without folders and hidden files; nothing goes to disk.

    Archives inside are returned as files, and so refused by the parser. Sizes in the directory are not trusted: reading
    stops at `max_bytes` of all files together, or at 200 times the archive's size.

    Raises:
        DocumentError: not a ZIP, damaged, too many files, or more than it may unpack to: nothing of it is taken.
    """
    shown = label(name)
    try:
        with Archive(data, max_bytes) as archive:
            entries = sorted((i for i in archive.entries() if not i.is_dir()), key=lambda i: i.filename)
            wanted = [i for i in entries if not _hidden(i.filename)]
            if len(wanted) > max_members:
                raise DocumentError(f"it holds {len(wanted):,} files; the limit is {max_members:,}. Split it.")
            return _read(archive, wanted)
    except DocumentError as error:
        raise DocumentError(f"{shown}: {error}") from None


def _read(archive: Archive, entries: list[zipfile.ZipInfo]) -> Unpacked:
    labels = _labels([i.filename for i in entries])
    files: list[tuple[str, bytes]] = []
    refusals: list[Refusal] = []
    for entry, shown in zip(entries, labels, strict=True):
        reason = _refused(entry)
        if not reason:
            before = archive.unpacked
            try:
                files.append((shown, archive.read(entry)))
                continue
            except DocumentError as error:
                if archive.full:
                    raise
                reason = str(error)
                archive.unpacked = before
        refusals.append(Refusal(shown, f"{shown}: {reason}"))
    return Unpacked(tuple(files), tuple(refusals))


def _refused(entry: zipfile.ZipInfo) -> str:
    """Return why an entry is not read; "" if it is."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link to another file, which is never followed. Add the file itself."
    if entry.flag_bits & 1:
        return "it is protected by a password. Save a copy without it."
    if len(_parts(entry.filename)) > MAX_DEPTH + 1:
        return f"it lies more than {MAX_DEPTH} folders deep, the limit."
    if any(fnmatch(_parts(entry.filename)[-1], pattern) for pattern in NOT_DOCUMENTS):
        return "a golden set, not a document. Import it on the page of golden sets."
    return ""


def _parts(path: str) -> list[str]:
    return [p for p in path.replace("\\", "/").split("/") if p] or [""]


def _hidden(path: str) -> bool:
    parts = _parts(path)
    return parts[0] == "__MACOSX" or any(p.startswith(".") and p.strip(".") for p in parts)


def _labels(paths: list[str]) -> list[str]:
    """Return a label for each path: its last part, with the folder before it if that is not unique."""
    labels = [label(path) for path in paths]
    often = Counter(labels)
    for i, path in enumerate(paths):
        parts = _parts(path)
        if often[labels[i]] > 1 and len(parts) > 1:
            labels[i] = label(f"{label(parts[-2])} - {labels[i]}")
    seen: Counter[str] = Counter()
    for i, shown in enumerate(labels):
        seen[shown] += 1
        if seen[shown] > 1:
            stem, dot, extension = shown.rpartition(".")
            labels[i] = f"{stem} ({seen[shown]}){dot}{extension}" if stem else f"{shown} ({seen[shown]})"
    return labels
