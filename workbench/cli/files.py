"""The files that a command is given, as documents."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.output import Progress, warn
from workbench.documents import Corpus, Document
from workbench.errors import DocumentError
from workbench.parsers import Limits, Parser, label, parse_safely
from workbench.parsers.files import files
from workbench.specs import digest
from workbench.store import Store
from workbench.workspaces.corpus_cache import parsed, store_of

Parse = Callable[[str, bytes, Parser], Document]


class Reading:
    """Iterates over the documents of files and folders, one at a time.

    A file that cannot be read is named on stderr with the reason and counted in `refused`; the others go on.
    """

    def __init__(
        self,
        paths: Sequence[str],
        parser: Parser,
        parse: Parse = parse_safely,
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
    """The file, or the files of the folder; or why there are none."""
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
    """The store of WORKBENCH_HOME, which keeps what was parsed or embedded before."""
    return store_of(Path(os.environ.get("WORKBENCH_HOME") or ".workbench").resolve())


def corpus_of(paths: Sequence[str], parser: Parser, store: Store, purpose: str) -> tuple[Corpus, int]:
    """What can be read of the files and folders, and the exit status that the refusals ask for.

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
    """The file's bytes, read again where they are needed: of many files, not all can be held."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: it cannot be opened any more ({error.strerror}).") from error
    if digest(data) != id:
        raise DocumentError(f"{path}: it has changed since it was first read; run the command again.")
    return data


def originals(paths: Sequence[str]) -> Callable[[str], bytes | None]:
    """What gives the bytes of the file with a sha256 among these; the files are looked through on the first call."""
    known: dict[str, Path] | None = None

    def original(source: str) -> bytes | None:
        nonlocal known
        if known is None:
            found = [entry for given in paths for entry in _entries(given) if isinstance(entry, Path)]
            known = {digest(path.read_bytes()): path for path in found if path.is_file()}
        return known[source].read_bytes() if source in known else None

    return original
