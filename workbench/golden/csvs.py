"""Golden sets as the chunking_evaluation data set has them: CSV with the columns question, references and corpus_id.

references is a JSON list of {content, start_index, end_index}; corpus_id is a document's name, its suffix left out.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from workbench.documents import Corpus
from workbench.errors import GoldenError

COLUMNS = ("question", "references", "corpus_id")


def is_csv(data: bytes) -> bool:
    """Whether the first line names the three columns."""
    header = data.split(b"\n", 1)[0][:10_000].decode("utf-8", "replace")
    return not header.lstrip().startswith("{") and set(COLUMNS) <= set(_cells(header))


def _cells(line: str) -> list[str]:
    try:
        return [cell.strip() for row in csv.reader([line]) for cell in row]
    except csv.Error:
        return []


def records(data: bytes, corpus: Corpus) -> Iterator[tuple[int, dict[str, Any] | GoldenError]]:
    """(first line, row in the form of the JSON lines, or why there is none); a question's id is q and its number.

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
            yield start, _row(dict(zip(header, cells, strict=False)), f"q{number}", len(cells), len(header), names)
        except GoldenError as error:
            yield start, error


def _row(cells: dict[str, str], id: str, found: int, wanted: int, names: dict[str, list[str]]) -> dict[str, Any]:
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
    return {
        "id": id,
        "question": cells["question"],
        "references": [
            {
                "document": among[0] if among else label,
                "start": reference.get("start_index"),
                "end": reference.get("end_index"),
                "quote": reference.get("content"),
            }
            for reference in references
        ],
    }
