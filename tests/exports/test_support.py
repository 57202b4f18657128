"""Nothing is refused silently: every registered kind has a word for every target, and verify finds what was broken."""

import json
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from workbench import endpoints
from workbench.cli import main
from workbench.documents import Corpus
from workbench.embedders import EMBEDDERS, Static
from workbench.errors import SpecError
from workbench.exports import TARGETS, NotExpressible, export, support, verify
from workbench.exports import folder as folder_of
from workbench.exports.comparison import Dump, compare
from workbench.exports.targets import EXACT, FRAMEWORKS, IMPOSSIBLE, INTEGRATION, native
from workbench.indexes import INDEXES
from workbench.pipelines import REGISTRIES, Pipeline, to_yaml
from workbench.retrievers import BM25, RETRIEVERS
from workbench.splitters import SPLITTERS, Fixed, Recursive, Structure

KINDS = [
    (part, kind)
    for part, registry in (("splitter", SPLITTERS), ("index", INDEXES), ("retriever", RETRIEVERS))
    for kind in registry
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("part, kind", KINDS)
def test_every_kind_has_a_word_for_every_target(part: str, kind: str, target: str, tmp_path: Path) -> None:
    try:
        pipeline = Pipeline(**{"embedder": Static(), part: REGISTRIES[part][kind]()})
    except SpecError as error:
        pytest.skip(str(error))
    if kind == "rerank" and target == "python":
        return  # its identity needs a model that is not here
    notes = support(pipeline, target)
    note = next(note for note in notes if note.part == part)
    assert note.kind == kind
    assert note.level in (EXACT, INTEGRATION, IMPOSSIBLE)
    assert note.text
    if target not in FRAMEWORKS or kind == "rerank":
        return
    assert not any(note.stops for note in notes)
    assert {"export.py", "requirements.txt", "README.md", "manifest.json", "pipeline.yaml"} <= {
        path.name for path in export(pipeline, None, None, target, tmp_path)
    }


def test_there_is_no_other_target() -> None:
    with pytest.raises(NotExpressible, match="there is no target 'chonkie'"):
        support(Pipeline(), "chonkie")


class Foreign(Recursive):
    """A method of another package: more than what it is built on, for all that an export knows."""


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_a_method_of_another_package_goes_through_the_engine(target: str, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folder_of, "packages_distributions", lambda: {Foreign.__module__: ["ruff"]})
    notes = {note.part: note for note in support(Pipeline(splitter=Foreign(), retriever=BM25()), target)}
    assert notes["splitter"].level == INTEGRATION
    assert not any(note.stops for note in notes.values())
    assert not native(Pipeline(splitter=Foreign()), "langchain").splitter
    export(Pipeline(splitter=Foreign(), retriever=BM25()), None, None, target, tmp_path)
    assert f"ruff=={version('ruff')}" in (tmp_path / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_a_model_behind_an_endpoint_is_refused(target: str, monkeypatch) -> None:
    model = {"dimensions": 4, "max_tokens": 100, "tokenizer": "cl100k_base"}
    monkeypatch.setenv(
        endpoints.VARIABLE, json.dumps({"here": {"url": "http://127.0.0.1:9/v1", "models": {"m": model}}})
    )
    note = next(note for note in support(Pipeline(embedder=EMBEDDERS["remote"](model="here/m")), target) if note.stops)
    assert note.part == "embedder"
    assert "127.0.0.1" in note.text


@pytest.fixture
def folder(corpus: Corpus, golden, tmp_path: Path) -> Path:
    pipeline = Pipeline(splitter=Structure(chunk_size=60, chunk_overlap=5), embedder=Static())
    export(pipeline, corpus, golden, "python", tmp_path / "out")
    return tmp_path / "out"


def test_the_workbench_as_a_library_is_equal(folder: Path, corpus: Corpus) -> None:
    found = verify(folder, corpus)
    assert found.equal, found.differences
    assert {c.name: c.compared for c in found.checks}["parsing"] == 3


def test_changed_code_is_found_with_its_cause(corpus: Corpus, interpreter, tmp_path: Path) -> None:
    interpreter("haystack")
    pipeline = Pipeline(splitter=Fixed(chunk_size=60, chunk_overlap=5), retriever=BM25())
    export(pipeline, corpus, None, "haystack", tmp_path)
    path = tmp_path / "export.py"
    path.write_text(path.read_text().replace('run(documents=documents)["documents"]', "run(documents=documents)[*:-1]"))
    path.write_text(path.read_text().replace("[*:-1]", '["documents"][::-1]'))
    found = verify(tmp_path, chunks_only=True)
    assert not found.equal
    boundaries = [d for d in found.differences if d.check == "boundaries"]
    assert boundaries
    assert boundaries[0].where == "chunk 0"
    assert "export.py was changed after the export" in boundaries[0].cause


def test_the_wheel_that_lies_beside_the_code_is_what_runs(folder: Path) -> None:
    path = next(folder.glob("wheels/*.whl"))
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = "workbench/integrations/__init__.py"
    files[name] = files[name].replace(b"text[a:b], id", b"text[a:b], id + '0'")
    assert b"id + '0'" in files[name]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    found = verify(folder, chunks_only=True)
    assert not found.equal
    assert {d.check for d in found.differences} == {"files", "boundaries", "text hashes"}
    assert path.name in found.differences[-1].cause


def test_another_text_is_found_when_documents_are_parsed_anew(folder: Path, corpus: Corpus) -> None:
    found = verify(folder, Corpus(corpus.documents[1:]), [], chunks_only=True)
    assert [d.where for d in found.differences] == [corpus.documents[0].name]
    assert not found.equal


def dump(hits: tuple[int, ...], scale: float = 1.0) -> Dump:
    vectors = np.eye(3, dtype=np.float32) * scale
    return Dump((("d", 0, 1), ("d", 1, 2), ("d", 2, 3)), ("", "", ""), ("a", "b", "c"), vectors, {"q": hits})


def test_only_the_order_of_equal_scores_may_differ() -> None:
    ranks = {"q": {0: 0.9, 1: 0.5, 2: 0.5}}
    checks, differences = compare(dump((0, 1)), dump((0, 2), 3.0), ranks, "cause")
    assert not differences
    assert checks[-1].note == "1 differ in the order of equal scores alone"
    assert compare(dump((0, 1)), dump((1, 0)), ranks, "cause")[1][0].cause == "cause"
    assert compare(dump((0, 1)), dump((0,)), ranks, "cause")[1]
    assert compare(dump((0, 1)), dump((0, 0)), ranks, "cause")[1]


def test_the_commands(tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    config = tmp_path / "p.yaml"
    config.write_text(to_yaml(Pipeline(splitter=Fixed(chunk_size=50, chunk_overlap=5), retriever=BM25())))
    out, docs = str(tmp_path / "out"), str(root / "sample_docs" / "travel-policy-2026.md")
    assert main(["export", "--config", str(config), "--target", "python", "--out", out, docs]) == 0
    assert main(["verify", out, docs, "--query", "hotel"]) == 0
    assert "equal: python" in capsys.readouterr().out
    text = (tmp_path / "out" / "pipeline.yaml").read_text()
    (tmp_path / "out" / "pipeline.yaml").write_text(text.replace("chunk_size: 50", "chunk_size: 51"))
    assert main(["verify", out]) == 1
    assert "pipeline.yaml" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "nowhere")]) == 2
    assert main(["export", "--config", str(config), "--target", "bundle", "--out", out, docs]) == 2
