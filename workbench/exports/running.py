"""Exported code, run in a process of its own, and what it printed."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench import models
from workbench.errors import WorkbenchError
from workbench.pipelines import Pipeline
from workbench.tokens import BPE_ENCODINGS
from workbench.vectors import Vectors

_PATIENCE = 3_600  # seconds


class ExportFailed(WorkbenchError):
    """The exported code did not run to its end; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Dump:
    """What a pipeline gives: its chunks in order, their vectors, and the hits of each query as rows of the chunks.

    `places` has document, start, end of each chunk; start and end are None where the target does not know them.
    """

    places: tuple[tuple[str, int | None, int | None], ...]
    headers: tuple[str, ...]
    hashes: tuple[str, ...]
    vectors: Vectors | None
    hits: dict[str, tuple[int, ...]]


def run(
    folder: Path, python: Path, pipeline: Pipeline, documents: Path, queries: Sequence[str], chunks_only: bool = False
) -> Dump:
    """The chunks, vectors and hits that the folder's `export.py` gives.

    Raises:
        ExportFailed: it stopped with an error, or printed something else.
    """
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "queries.json"
        asked.write_text(json.dumps(list(queries)), "utf-8")
        command = [str(python), "export.py", "--documents", str(documents.resolve())]
        command += ["--chunks"] if chunks_only else ["--dump", "--queries", str(asked)]
        # To a file, as a pipe would have to be read while it fills.
        with (Path(scratch) / "out").open("wb+") as out, (Path(scratch) / "err").open("wb+") as err:
            try:
                status = subprocess.run(
                    command,
                    cwd=folder,
                    stdout=out,
                    stderr=err,
                    env=_environment(pipeline),
                    timeout=_PATIENCE,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise ExportFailed(f"export.py did not end within {_PATIENCE} s") from None
            except OSError as error:
                raise ExportFailed(f"export.py could not be started ({error.strerror})") from None
            out.seek(0), err.seek(0)
            if status:
                words = err.read().decode("utf-8", "replace").strip().splitlines()
                raise ExportFailed(f"export.py ended with status {status}: {words[-1] if words else 'it said nothing'}")
            return _parsed(out.read().decode("utf-8", "replace").splitlines())


def _parsed(lines: Sequence[str]) -> Dump:
    chunks: list[dict[str, Any]] = []
    hits: dict[str, tuple[int, ...]] = {}
    try:
        for line in lines:
            row = json.loads(line)
            if "query" in row:
                hits[row["query"]] = tuple(row["hits"])
            else:
                chunks.append(row)
        vectors = None
        if chunks and "vector" in chunks[0]:
            vectors = np.stack([np.frombuffer(base64.b64decode(row["vector"]), "<f4") for row in chunks])
        return Dump(
            tuple((row["document"], row["start"], row["end"]) for row in chunks),
            tuple(row["header"] for row in chunks),
            tuple(row["sha256"] for row in chunks),
            vectors,
            hits,
        )
    except (ValueError, LookupError, TypeError) as error:
        raise ExportFailed(f"export.py printed something that is no dump ({error})") from None


def _environment(pipeline: Pipeline) -> dict[str, str]:
    """The process's variables: no network, and the models where the workbench has them."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    kept |= {"TOKENIZERS_PARALLELISM": "false", "HAYSTACK_TELEMETRY_ENABLED": "False", "PYTHONIOENCODING": "utf-8"}
    kept |= {"ANONYMIZED_TELEMETRY": "False", "PYTHONPATH": str(Path(__file__).parents[2])}
    splitter = pipeline.splitter
    if splitter.unit == "tokens" and splitter.tokenizer not in BPE_ENCODINGS:
        kept["TOKENIZER_PATH"] = str(models.find(splitter.tokenizer).tokenizer)
    if pipeline.retriever.needs_vectors and models.available(pipeline.embedder.source.name):
        kept["MODEL_PATH"] = str(pipeline.embedder.source.folder)
    return kept


def ourselves() -> Path:
    """The interpreter that runs the workbench."""
    return Path(sys.executable)
