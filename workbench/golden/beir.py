"""Golden sets in the form of BEIR: corpus.jsonl, queries.jsonl and qrels/*.tsv, as a folder or a ZIP of one.

A passage of corpus.jsonl is a whole document of ours where a document's name, title or file is its id or title, and
otherwise the one place where its text stands. A query without all its relevant passages is not taken.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden.jsonl import line_row, row_line
from workbench.golden.rows import Row
from workbench.golden.shelves import Shelf
from workbench.golden.values import is_text, short

LONGEST_TEXT = 20_000_000
"""Bytes that one line of corpus.jsonl may take."""

LARGEST_PART = 2_000_000_000
"""Bytes that one file may have, unpacked."""

_ZIP = b"PK\x03\x04"


def is_beir(data: bytes | Path) -> bool:
    """Whether it is a folder, or a ZIP archive."""
    return data.is_dir() if isinstance(data, Path) else data.startswith(_ZIP)


def records(data: bytes | Path, corpus: Corpus) -> Iterator[tuple[int, Row | GoldenError]]:
    """(line of queries.jsonl, row in the form of the JSON lines, or why there is none).

    Raises:
        GoldenError: a file is missing, or cannot be read at all.
    """
    try:
        yield from _records(data, corpus)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise GoldenError(f"the data set cannot be read: {error}") from None


def _records(data: bytes | Path, corpus: Corpus) -> Iterator[tuple[int, Row | GoldenError]]:
    parts = _folder(data) if isinstance(data, Path) else _zip(data)
    for name in ("corpus.jsonl", "queries.jsonl"):
        if name not in parts:
            raise GoldenError(f"{name} is missing: a BEIR data set has corpus.jsonl, queries.jsonl and qrels/*.tsv")
    relevant = _relevant(parts)
    wanted = {id for ids in relevant.values() for id in ids}
    places, why = _places(parts["corpus.jsonl"], wanted, corpus)
    seen = set[str]()
    for number, line in _lines(parts["queries.jsonl"]):
        try:
            row = line_row(line)
            id = row.get("_id")
            if not is_text(id):
                raise GoldenError(f"_id {'is missing' if '_id' not in row else f'must be text, not {short(id)}'}")
            seen.add(str(id))
            yield number, _question(row, str(id), relevant.get(str(id), []), places, why)
        except GoldenError as error:
            yield number, error
    for id in relevant:
        if id not in seen:
            yield 0, GoldenError(f"qrels name query {short(id)}, which is not in queries.jsonl")


def _question(row: Row, id: str, ids: list[str], places: Mapping[str, Row], why: Mapping[str, str]) -> Row:
    if not ids:
        raise GoldenError(f"{short(id)} has no relevant passage in the qrels")
    if missing := [one for one in ids if one not in places]:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        reason = why.get(missing[0], "is not in corpus.jsonl")
        raise GoldenError(f"{short(id)}: relevant passage {short(missing[0])}{more} {reason}")
    found: Row = {"id": id, "question": row.get("text"), "references": [places[one] for one in ids]}
    row_line(found)  # what could not be written down is not taken
    return found


def _relevant(parts: Mapping[str, Callable[[], io.BufferedIOBase]]) -> dict[str, list[str]]:
    """Query → the passages that some file of qrels judges above 0, in order."""
    names = sorted(name for name in parts if name.startswith("qrels/") and name.endswith(".tsv"))
    if not names:
        raise GoldenError("qrels/*.tsv is missing: a BEIR data set has corpus.jsonl, queries.jsonl and qrels/*.tsv")
    found: dict[str, list[str]] = {}
    for name in names:
        with parts[name]() as file:
            for number, cells in enumerate(csv.reader(_text(file, name), delimiter="\t", quoting=csv.QUOTE_NONE), 1):
                if not cells or (number == 1 and not _is_number(cells[-1])):
                    continue  # the header
                # query, passage, score; or, as TREC has it, query, 0, passage, score
                if len(cells) not in (3, 4) or not _is_number(cells[-1]):
                    raise GoldenError(f"{name}, line {number}: query, passage and score are expected, tabs between")
                ids = found.setdefault(cells[0], [])
                if float(cells[-1]) > 0 and cells[-2] not in ids:
                    ids.append(cells[-2])
    return found


def _places(
    part: Callable[[], io.BufferedIOBase], wanted: set[str], corpus: Corpus
) -> tuple[dict[str, Row], dict[str, str]]:
    """Passage → its reference; and for those that have none, why."""
    shelf = Shelf(corpus)
    places: dict[str, Row] = {}
    why: dict[str, str] = {}
    for number, line in _lines(part):
        try:
            row = line_row(line, LONGEST_TEXT)
        except GoldenError:
            continue  # nobody can say which passage it was; a query that needs it is told
        id = row.get("_id")
        if not isinstance(id, str) or id not in wanted or id in places:
            continue
        try:
            places[id] = _place(row, id, shelf)
        except GoldenError as error:
            why[id] = f"(corpus.jsonl, line {number}) {error}"
    return places, why


def _place(row: Row, id: str, shelf: Shelf) -> Row:
    title, text = (row[key] if is_text(row.get(key)) else "" for key in ("title", "text"))
    named = next((found for label in (id, title) if label and (found := shelf.labelled(label))), [])
    places: list[tuple[Document, int, int]] = []
    for document in named or shelf.documents:
        places += [(document, a, b) for a, b in (shelf.text(document).find(text) if text else [])]
    if len(places) == 1:
        return _reference(*places[0])
    if len(named) == 1 and named[0].text.strip():
        whole = named[0].text
        return _reference(named[0], len(whole) - len(whole.lstrip()), len(whole.rstrip()))
    if places:
        raise GoldenError(f"stands in {len(places)} places of the corpus")
    raise GoldenError("is no document of the corpus, and its text stands in none")


def _reference(document: Document, start: int, end: int) -> Row:
    quote = document.text[start:end]
    return {"document": document.name, "source": document.source, "start": start, "end": end, "quote": quote}


def _lines(part: Callable[[], io.BufferedIOBase]) -> Iterator[tuple[int, bytes]]:
    """(line, its bytes) of what is not empty. A line longer than is read comes in pieces that are no JSON."""
    with part() as file:
        number = 0
        while line := file.readline(LONGEST_TEXT + 1):
            number += 1
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
            while line and not line.endswith(b"\n"):  # the rest of a line that is too long
                line = file.readline(LONGEST_TEXT)


def _text(file: io.BufferedIOBase, name: str) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise GoldenError(f"{name}, line {number} is not UTF-8; save the file as UTF-8") from None


def _folder(folder: Path) -> dict[str, Callable[[], io.BufferedIOBase]]:
    return {path.relative_to(folder).as_posix(): _opener(path) for path in folder.rglob("*") if path.is_file()}


def _opener(path: Path) -> Callable[[], io.BufferedIOBase]:
    def opened() -> io.BufferedIOBase:
        try:
            return path.open("rb")
        except OSError as error:
            raise GoldenError(f"{path.name} cannot be read: {error.strerror or error}") from None

    return opened


def _zip(data: bytes) -> dict[str, Callable[[], io.BufferedIOBase]]:
    """The files of the archive by their path below the folder that holds corpus.jsonl."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise GoldenError(f"the ZIP archive cannot be read: {error}") from None
    infos = [info for info in archive.infolist() if not info.is_dir()]
    for info in infos:
        if info.file_size > LARGEST_PART:
            raise GoldenError(f"{short(info.filename)} has {info.file_size:,} bytes; at most {LARGEST_PART:,} are read")
    holding = [i.filename.removesuffix("corpus.jsonl") for i in infos if i.filename.endswith("corpus.jsonl")]
    top = min(holding, key=len, default="")
    return {i.filename.removeprefix(top): _member(archive, i) for i in infos if i.filename.startswith(top)}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], io.BufferedIOBase]:
    def opened() -> Any:
        try:
            return archive.open(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise GoldenError(f"{short(info.filename)} cannot be unpacked: {error}") from None

    return opened


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
