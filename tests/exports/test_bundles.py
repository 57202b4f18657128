"""Bundles: the files hold what the workbench shows, and fill Chroma and Qdrant for real."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.documents import Corpus
from workbench.embedders import Static
from workbench.errors import SpecError
from workbench.exports import export, verify
from workbench.exports.bundle import LOADERS, _escaped
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.splitters import Structure

PIPELINE = Pipeline(splitter=Structure(chunk_size=60, chunk_overlap=10), embedder=Static())


@pytest.fixture
def folder(corpus: Corpus, golden: tuple[Question, ...], tmp_path: Path) -> Path:
    export(PIPELINE, corpus, golden, "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def test_it_holds_what_the_workbench_shows(folder: Path, corpus: Corpus) -> None:
    found = verify(folder, corpus)
    assert found.equal, found.differences
    assert {c.name: c.compared for c in found.checks}["hits"] == 8
    done = subprocess.run([sys.executable, "load.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert "every file is as it was exported" in done.stdout, done.stderr


def test_a_changed_file_is_seen(folder: Path) -> None:
    data = bytearray((folder / "index.faiss").read_bytes())
    data[-3] ^= 1
    (folder / "index.faiss").write_bytes(data)
    found = verify(folder)
    assert not found.equal
    assert any(d.where == "index.faiss" for d in found.differences)


def test_it_needs_documents(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="give the documents too"):
        export(PIPELINE, None, None, "bundle", tmp_path)


def test_columns_of_copy_stay_apart() -> None:
    assert _escaped("a\tb\\n\nc\r\x00") == "a\\tb\\\\n\\nc\\r "


FILL = """
import json, sys
sys.path.insert(0, ".")
import load, databases
chunks, vectors, index = load.read()
wanted = index.search(vectors[:5], 3)[1].tolist()
import chromadb
collection = databases.into_chroma(chromadb.PersistentClient("chroma"))
found = collection.query(query_embeddings=vectors[:5], n_results=3)["ids"]
from qdrant_client import QdrantClient
client = QdrantClient(path="qdrant")
databases.into_qdrant(client)
points = [[p.id for p in client.query_points("chunks", query=v.tolist(), limit=3).points] for v in vectors[:5]]
print(json.dumps({"n": len(chunks), "chroma": [collection.count(), [[int(i) for i in ids] for ids in found]],
                  "qdrant": [client.count("chunks").count, points], "wanted": wanted}))
"""


@pytest.mark.slow
def test_chroma_and_qdrant_are_filled(folder: Path, python_of: Callable[[str, dict[str, str]], Path]) -> None:
    python = python_of("stores", LOADERS)
    environment = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
    command = [python, "-c", FILL]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for name in ("chroma", "qdrant"):
        count, rows = found[name]
        assert count == found["n"] > 10
        assert [r[0] for r in rows] == [r[0] for r in found["wanted"]] == [0, 1, 2, 3, 4]
        assert [set(r) for r in rows] == [set(r) for r in found["wanted"]]
