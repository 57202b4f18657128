"""Golden sets as files: the rows that JSON lines, CSV and BEIR data sets hold, before their quotes are found.

    {"id": "q1", "question": "…", "tags": [],
     "references": [{"document": "handbook.pdf", "start": 120, "end": 310, "quote": "…"}]}    (on one line)

A question without an answer in the corpus has `"answerable": false` and no references. A reference whose quote is found
more than once in its document also has the words around it, `prefix` and `suffix`.

CSV, as in the chunking_evaluation data set, has the columns question, references (JSON: a list of {content,
start_index, end_index}) and corpus_id, a document's name without its suffix. BEIR has corpus.jsonl, queries.jsonl and
qrels/*.tsv, in a folder or a ZIP. A passage of it is a whole document of ours where a document's name, title or file is
its id or title, else the one place where its text is found. A query without all its relevant passages is not taken.
"""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden.corpus_lookup import CorpusLookup, is_text, kind, short

Row = dict[str, Any]

Parts = Mapping[str, Callable[[], io.BufferedIOBase]]
"""The files of a data set: path → what opens it."""

LONGEST_LINE = 1_000_000
"""Bytes that one question may take."""


def json_rows(data: bytes) -> Iterator[tuple[int, Row | GoldenError]]:
    """Yield (line, its object or why there is none) of JSON lines; empty lines are left out."""
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, line_row(line)
            except GoldenError as error:
                yield number, error


def row_line(row: Row) -> str:
    """Return the row as a line of JSON.

    Raises:
        GoldenError: it would be longer than a line that is read.
    """
    line = json.dumps(row, ensure_ascii=False)
    if (size := len(line.encode("utf-8", "surrogatepass"))) > LONGEST_LINE:
        raise GoldenError(
            f"{short(row['id'])} with its passages has {size:,} bytes, more than {LONGEST_LINE:,}: mark less text"
        )
    return f"{line}\n"


def line_row(line: bytes, longest: int = LONGEST_LINE) -> Row:
    """Return the object on a line of JSON.

    Raises:
        GoldenError: the line is too long, not UTF-8, not JSON or not an object.
    """
    if len(line) > longest:
        raise GoldenError(f"the line has {len(line):,} bytes; at most {longest:,} are read")
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise GoldenError(f"not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise GoldenError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets as deep
        raise GoldenError("not JSON that can be read: a number is too long or the nesting too deep") from None
    if not isinstance(row, dict):
        raise GoldenError(f'holds {kind(row)} where a question such as {{"id": …, "question": …}} is expected')
    return row


CSV_COLUMNS = ("question", "references", "corpus_id")


def is_csv(data: bytes) -> bool:
    """Return whether the first line names the three columns."""
    header = data.split(b"\n", 1)[0][:10_000].decode("utf-8", "replace")
    return not header.lstrip().startswith("{") and set(CSV_COLUMNS) <= set(_cells(header))


def _cells(line: str) -> list[str]:
    try:
        return [cell.strip() for row in csv.reader([line]) for cell in row]
    except csv.Error:
        return []


def csv_rows(data: bytes, corpus: Corpus) -> Iterator[tuple[int, dict[str, Any] | GoldenError]]:
    """Yield (first line, row in the form of the JSON lines, or why there is none); a question's id is q and its number.

    Raises:
        GoldenError: the file is not UTF-8.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GoldenError(f"not UTF-8 (byte {error.start + 1} of the file); save the file as UTF-8") from None
    names: dict[str, list[str]] = {}
    for document in corpus:
        for label in {document.name, PurePath(document.name).stem}:
            names.setdefault(label, []).append(document.name)
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [cell.strip() for cell in next(reader)]
    number, line = 0, reader.line_num
    while True:
        start = line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line, number = reader.line_num, number + 1
            yield start, GoldenError(f"not a row of CSV: {error}")
            continue
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        number += 1
        try:
            yield start, _csv_row(dict(zip(header, cells, strict=False)), f"q{number}", len(cells), len(header), names)
        except GoldenError as error:
            yield start, error


def _csv_row(cells: dict[str, str], id: str, found: int, wanted: int, names: dict[str, list[str]]) -> dict[str, Any]:
    if found != wanted:
        raise GoldenError(f"the row has {found} cells and the header {wanted}: a comma or quotation mark is misplaced")
    label = cells["corpus_id"].strip()
    among = names.get(label, [])
    if len(among) > 1:
        raise GoldenError(f"corpus_id {label!r} is the name of {len(among)} documents: {', '.join(among)}")
    try:
        references = json.loads(cells["references"])
    except (ValueError, RecursionError):
        raise GoldenError("references is not JSON") from None
    if not isinstance(references, list) or not all(isinstance(r, dict) for r in references):
        raise GoldenError('references must be a list of {"content": …, "start_index": …, "end_index": …}')
    document = among[0] if among else label
    return {
        "id": id,
        "question": cells["question"],
        "references": [
            {"document": document, "start": r.get("start_index"), "end": r.get("end_index"), "quote": r.get("content")}
            for r in references
        ],
    }


LONGEST_TEXT = 20_000_000
"""Bytes that one line of corpus.jsonl may take."""

LARGEST_PART = 2_000_000_000
"""Bytes that one file may have, unpacked."""

_ZIP = b"PK\x03\x04"


def is_beir(data: bytes | Path) -> bool:
    """Return whether it is a folder, or a ZIP archive."""
    return data.is_dir() if isinstance(data, Path) else data.startswith(_ZIP)


def beir_rows(data: bytes | Path, corpus: Corpus) -> Iterator[tuple[int, Row | GoldenError]]:
    """Yield (line of queries.jsonl, row in the form of the JSON lines, or why there is none).

    Raises:
        GoldenError: a file is missing, or cannot be read at all.
    """
    try:
        yield from _beir_rows(data, corpus)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise GoldenError(f"the data set cannot be read: {error}") from None


def _beir_rows(data: bytes | Path, corpus: Corpus) -> Iterator[tuple[int, Row | GoldenError]]:
    parts = _folder(data) if isinstance(data, Path) else _zip(data)
    for name in ("corpus.jsonl", "queries.jsonl"):
        if name not in parts:
            raise GoldenError(f"{name} is missing: a BEIR data set has corpus.jsonl, queries.jsonl and qrels/*.tsv")
    relevant = _relevant(parts)
    wanted = {id for ids in relevant.values() for id in ids}
    places, why = _beir_places(parts["corpus.jsonl"], wanted, corpus)
    seen = set[str]()
    for number, line in _lines(parts["queries.jsonl"]):
        try:
            row = line_row(line)
            id = row.get("_id")
            if not is_text(id):
                raise GoldenError(f"_id {'is missing' if '_id' not in row else f'must be text, not {short(id)}'}")
            seen.add(str(id))
            yield number, _beir_question(row, str(id), relevant.get(str(id), []), places, why)
        except GoldenError as error:
            yield number, error
    for id in relevant:
        if id not in seen:
            yield 0, GoldenError(f"qrels name query {short(id)}, which is not in queries.jsonl")


def _beir_question(row: Row, id: str, ids: list[str], places: Mapping[str, Row], why: Mapping[str, str]) -> Row:
    if not ids:
        raise GoldenError(f"{short(id)} has no relevant passage in the qrels")
    if missing := [one for one in ids if one not in places]:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        reason = why.get(missing[0], "is not in corpus.jsonl")
        raise GoldenError(f"{short(id)}: relevant passage {short(missing[0])}{more} {reason}")
    found: Row = {"id": id, "question": row.get("text"), "references": [places[one] for one in ids]}
    row_line(found)  # what could not be written down is not taken
    return found


def _relevant(parts: Parts) -> dict[str, list[str]]:
    """Return query → the passages that some file of qrels judges above 0, in order."""
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


def _beir_places(
    part: Callable[[], io.BufferedIOBase], wanted: set[str], corpus: Corpus
) -> tuple[dict[str, Row], dict[str, str]]:
    """Return passage → its reference, and passage → why it has none."""
    lookup = CorpusLookup(corpus)
    places: dict[str, Row] = {}
    why: dict[str, str] = {}
    for number, line in _lines(part):
        try:
            row = line_row(line, LONGEST_TEXT)
        except GoldenError:
            continue  # its passage is unknown; a query that needs it is reported
        id = row.get("_id")
        if not isinstance(id, str) or id not in wanted or id in places:
            continue
        try:
            places[id] = _beir_place(row, id, lookup)
        except GoldenError as error:
            why[id] = f"(corpus.jsonl, line {number}) {error}"
    return places, why


def _beir_place(row: Row, id: str, lookup: CorpusLookup) -> Row:
    title, text = (row[key] if is_text(row.get(key)) else "" for key in ("title", "text"))
    named = next((found for label in (id, title) if label and (found := lookup.labelled(label))), [])
    places: list[tuple[Document, int, int]] = []
    for document in named or lookup.documents:
        places += [(document, a, b) for a, b in (lookup.text(document).find(text) if text else [])]
    if len(places) == 1:
        return _beir_reference(*places[0])
    if len(named) == 1 and named[0].text.strip():
        whole = named[0].text
        return _beir_reference(named[0], len(whole) - len(whole.lstrip()), len(whole.rstrip()))
    if places:
        raise GoldenError(f"is in {len(places)} places of the corpus")
    raise GoldenError("is no document of the corpus, and its text is in none")


def _beir_reference(document: Document, start: int, end: int) -> Row:
    quote = document.text[start:end]
    return {"document": document.name, "source": document.source, "start": start, "end": end, "quote": quote}


def _lines(part: Callable[[], io.BufferedIOBase]) -> Iterator[tuple[int, bytes]]:
    """Yield (line, its bytes) of what is not empty. A line longer than is read comes in pieces that are no JSON."""
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


def _folder(folder: Path) -> Parts:
    def opened(path: Path) -> io.BufferedIOBase:
        try:
            return path.open("rb")
        except OSError as error:
            raise GoldenError(f"{path.name} cannot be read: {error.strerror or error}") from None

    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): partial(opened, path) for path in files}


def _zip(data: bytes) -> Parts:
    """Return the files of the archive by their path below the folder that holds corpus.jsonl."""
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

    def opened(info: zipfile.ZipInfo) -> Any:
        try:
            return archive.open(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise GoldenError(f"{short(info.filename)} cannot be unpacked: {error}") from None

    return {i.filename.removeprefix(top): partial(opened, i) for i in infos if i.filename.startswith(top)}


def _is_number(text: str) -> bool:
    try:
        float(text)
        return True
    except ValueError:
        return False
