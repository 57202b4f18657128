"""Nothing is refused silently: every registered kind has a word for every target, and verify finds what was broken."""

from pathlib import Path

import numpy as np
import pytest

from workbench.cli import main
from workbench.documents import Corpus
from workbench.embedders import EMBEDDERS, SentenceTransformer, Static
from workbench.errors import SpecError
from workbench.exports import TARGETS, NotExpressible, export, support, verify
from workbench.exports.comparisons import compare
from workbench.exports.plans import EXACT, FRAMEWORKS, GENERATED, IMPOSSIBLE
from workbench.exports.running import Dump
from workbench.indexes import INDEXES, Binary
from workbench.pipelines import REGISTRIES, Pipeline, to_yaml
from workbench.retrievers import BM25, RETRIEVERS, Dense
from workbench.splitters import SPLITTERS, Fixed, Structure

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
    assert note.level in (EXACT, GENERATED, IMPOSSIBLE)
    assert note.text
    if target not in FRAMEWORKS or kind == "rerank":
        return
    if any(n.stops for n in notes):
        with pytest.raises(SpecError, match=f"{part} {kind}: not expressible yet"):
            export(pipeline, None, None, target, tmp_path)
        assert not list(tmp_path.iterdir())
    else:
        assert {"export.py", "requirements.txt", "README.md", "manifest.json"} <= {
            path.name for path in export(pipeline, None, None, target, tmp_path)
        }


def test_what_exports_cannot_do_is_refused() -> None:
    for pipeline in (
        Pipeline(embedder=Static(), index=Binary()),
        Pipeline(embedder=Static(), retriever=Dense(expand="section")),
        Pipeline(splitter=SPLITTERS["semantic"](), retriever=BM25()),
    ):
        for target in FRAMEWORKS:
            assert any(note.stops for note in support(pipeline, target))
    with pytest.raises(NotExpressible, match="there is no target 'chonkie'"):
        support(Pipeline(), "chonkie")


def test_known_embedders_are_the_ones_registered() -> None:
    assert {SentenceTransformer.kind, Static.kind} <= set(EMBEDDERS)
    late = next((cls for kind, cls in EMBEDDERS.items() if kind == "late"), None)
    if late is not None:
        assert any(note.stops for note in support(Pipeline(embedder=late()), "langchain"))


@pytest.fixture
def folder(corpus: Corpus, golden, tmp_path: Path) -> Path:
    pipeline = Pipeline(splitter=Structure(chunk_size=60, chunk_overlap=5), embedder=Static())
    export(pipeline, corpus, golden, "python", tmp_path / "out")
    return tmp_path / "out"


def test_the_workbench_as_a_library_is_equal(folder: Path, corpus: Corpus) -> None:
    found = verify(folder, corpus)
    assert found.equal, found.differences
    assert {c.name: c.compared for c in found.checks}["parsing"] == 3


def test_a_changed_splitter_is_found_with_its_cause(corpus: Corpus, interpreter, tmp_path: Path) -> None:
    interpreter("haystack")
    pipeline = Pipeline(splitter=Fixed(chunk_size=60, chunk_overlap=5), retriever=BM25())
    export(pipeline, corpus, None, "haystack", tmp_path)
    path = tmp_path / "splitter.py"
    path.write_text(path.read_text().replace("chunk_overlap=5,", "chunk_overlap=6,"))
    found = verify(tmp_path, chunks_only=True)
    assert not found.equal
    boundaries = [d for d in found.differences if d.check == "boundaries"]
    assert boundaries
    assert boundaries[0].where == "chunk 1"
    assert "splitter.py was changed after the export" in boundaries[0].cause


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
