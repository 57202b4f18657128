"""The files that a command is given, as documents."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.output import warn
from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import Limits, Parser, label, parse_safely
from workbench.parsers.files import files

Parse = Callable[[str, bytes, Parser], Document]


class Reading:
    """Iterates over the documents of files and folders, one at a time.

    A file that cannot be read is named on stderr with the reason and counted in `refused`; the others go on.
    """

    def __init__(self, paths: Sequence[str], parser: Parser, parse: Parse = parse_safely) -> None:
        self._paths, self._parser, self._parse = paths, parser, parse
        self.refused = 0

    def __iter__(self) -> Iterator[Document]:
        for given in self._paths:
            found, refused = 0, self.refused
            for path in self._files(given):
                found += 1
                if (document := self._document(path)) is not None:
                    yield document
            if not found and self.refused == refused:
                self._refuse(f"{given}: there is no file in this folder that could be a document.")

    @property
    def status(self) -> int:
        """The exit status that the refusals ask for."""
        return WRONG_INPUT if self.refused else DONE

    def _files(self, given: str) -> Iterator[Path]:
        try:
            yield from files([given])
        except DocumentError as error:
            self._refuse(str(error))
        except OSError as error:
            self._refuse(f"{given}: it cannot be opened ({error.strerror}).")

    def _document(self, path: Path) -> Document | None:
        name, limit = label(path.name), Limits().input_bytes
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


def warnings(document: Document) -> None:
    """Say on stderr what the parser could not read or had to guess."""
    for warning in document.warnings:
        warn(f"warning: {document.name}: {warning}")
