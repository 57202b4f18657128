"""Adapters: what is learned, who judges it, and pipelines that use it. Vectors are planted; the models are small."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from workbench import adaptation
from workbench.adaptation import (
    Curve,
    Material,
    grouped_folds,
    learn_adapter,
    learning_curve,
    material,
    random_folds,
    usable_examples,
    with_adapter,
)
from workbench.cli import DONE, WRONG_INPUT, main
from workbench.documents import Corpus, Document
from workbench.embedders import Adapter, Late, Origin, Static, embed, find_adapter, keep_adapter, read_adapter
from workbench.errors import ModelUnavailable, SpecError
from workbench.evaluations import evaluate
from workbench.exports import export, support, verify
from workbench.golden import write_golden
from workbench.pipelines import Pipeline, from_yaml, indexed, prepared, to_yaml
from workbench.records import Lost, Question, Reference
from workbench.retrievers import BM25, Hybrid
from workbench.spans import Span
from workbench.specs import digest, fingerprint
from workbench.splitters import Fixed
from workbench.store import Store
from workbench.tasks import Task
from workbench.vectors import Vectors, unit

SIZE, DIM = 60, 12
LINE = Pipeline(splitter=Fixed(chunk_size=SIZE, chunk_overlap=0, unit="characters"), embedder=Static(), k=3)

pytestmark = pytest.mark.usefixtures("home")


def document(name: str, blocks: int, seed: int) -> Document:
    letters = np.random.default_rng(seed).choice(list("abcdefghijklmnop "), blocks * SIZE)
    text = "".join(letters)
    return Document(digest(text.encode()), fingerprint([name, blocks, seed]), name, text)


def asked(of: Document, block: int, number: int, words: str = "") -> Question:
    start = block * SIZE + 5
    span = Span(of.id, start, start + 40)
    return Question(f"{of.name}-{block}-{number}", words or f"{of.name} {block} {number}", (Reference(span, of[span]),))


def planted(questions_of: int, blocks: int, queries: str, seed: int = 0) -> Material:
    """Two documents of so many blocks, `questions_of` questions about each, and vectors as `queries` says."""
    documents = [document("a.txt", blocks, 1), document("b.txt", blocks, 2)]
    corpus = Corpus(tuple(documents))
    questions = [asked(d, b, n) for d in documents for b in range(blocks) for n in range(questions_of)]
    of = material(corpus, questions, LINE)
    rng = np.random.default_rng(seed)
    chunks = unit(rng.normal(size=(len(of.rows), DIM)))
    truth = np.array([rows[0] for rows in of.gold])
    if queries == "turned":
        turn = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
        found = chunks[truth] @ turn
    else:  # each passage is asked about in words of its own, which say nothing about where it lies
        found = rng.normal(size=(len(chunks), DIM))[truth]
    found = unit(found + 0.1 * rng.normal(size=found.shape))
    return with_vectors(of, found, chunks)


def with_vectors(of: Material, queries: Vectors, chunks: Vectors) -> Material:
    rows = indexed(of.rows, chunks, Static(), of.pipeline.index)
    return replace(of, queries=queries, chunks=chunks, rows=rows)


@pytest.fixture(scope="module")
def turned() -> Curve:
    return learning_curve(planted(1, 60, "turned"), sizes=(10, 25))


@pytest.fixture(scope="module")
def noise() -> Curve:
    return learning_curve(planted(4, 20, "noise"), sizes=(25,))


def test_a_signal_that_carries_over_is_learned_and_seen(turned: Curve) -> None:
    assert turned.pays
    assert turned.outcome == "pays"
    last = turned.grouped[-1]
    assert last.low > 0.2
    assert [p.examples for p in turned.grouped[:2]] == [10, 25]
    assert turned.grouped[0].difference < last.difference
    assert "It pays: recall@3" in turned.sentence
    assert turned.more is None


def test_what_only_repeats_passages_is_leakage(noise: Curve) -> None:
    """Random folds claim a gain where there is nothing to learn, since other questions ask for the same passage."""
    honest, naive = noise.grouped[-1], noise.random[-1]
    assert naive.low > 0.2
    assert honest.low <= 0
    assert noise.outcome != "pays"
    assert noise.leakage is not None
    assert noise.leakage == pytest.approx(naive.difference - honest.difference)
    assert noise.leakage > 0.2
    assert "Not distinguishable from 0" in noise.sentence or "It harms" in noise.sentence


def test_the_same_again_and_plain_values(turned: Curve) -> None:
    assert learning_curve(planted(1, 60, "turned"), sizes=(10, 25)) == turned
    assert Curve(**{**turned.to_dict(), "grouped": turned.grouped, "random": turned.random}) == turned
    json.dumps(turned.to_dict(), allow_nan=False)


def test_progress_and_stopping() -> None:
    from workbench.embedders import Cancelled

    of, seen = planted(1, 20, "noise"), list[tuple[int, int]]()
    learning_curve(of, sizes=(), folds=3, task=Task(lambda done, total, note: seen.append((done, total))))
    assert seen == [(n, 6) for n in range(7)]
    with pytest.raises(Cancelled):
        learning_curve(of, sizes=(), task=Task(stop=lambda: True))


@pytest.mark.parametrize("distance", [0, 1, 3])
@pytest.mark.parametrize("offset", [0, 17])
def test_grouped_folds_keep_passages_and_neighbours_apart(distance: int, offset: int) -> None:
    of = planted(2, 30, "noise")
    folds = grouped_folds(of, np.arange(len(of)), 5, distance, offset)
    assert sorted(np.concatenate([f.test for f in folds]).tolist()) == list(range(len(of)))
    for fold in folds:
        assert len(fold.train) + len(fold.test) + fold.dropped == len(of)
        assert fold.dropped == 0 or distance > 0
        tested = {int(r) for i in fold.test for r in of.touched[i]}
        for i in fold.train.tolist():
            for row in of.touched[i].tolist():
                near = range(row - distance, row + distance + 1)
                same = [r for r in near if 0 <= r < len(of.rows)]
                assert not any(r in tested and of.rows.document_index[r] == of.rows.document_index[row] for r in same)


def test_equal_texts_and_equal_questions_count_as_one_passage() -> None:
    one = document("a.txt", 12, 1)
    text = one.text[:SIZE] + document("b.txt", 11, 2).text[:-SIZE] + one.text[-SIZE:]
    two = Document("b", "b" * 16, "b.txt", text)
    questions = [asked(d, b, 0) for d in (one, two) for b in range(len(d.text) // SIZE)]
    questions[3] = replace(questions[3], text="The same question?")
    questions[15] = replace(questions[15], text="the same  question?")
    of = material(Corpus((one, two)), questions, LINE)
    first_copy, last_copy = 0, len(of) - 1
    assert of.passages[of.touched[first_copy][0]] == of.passages[of.touched[12][0]]
    for fold in grouped_folds(of, np.arange(len(of)), 4, 0):
        for pair in ((first_copy, 12), (11, last_copy), (3, 15)):
            assert len(set(pair) & set(fold.test.tolist())) != 1 or not set(pair) & set(fold.train.tolist())


def test_random_folds_hold_each_question_once() -> None:
    folds = random_folds(np.arange(23), 5, seed=3)
    assert sorted(np.concatenate([f.test for f in folds]).tolist()) == list(range(23))
    assert all(set(f.test) | set(f.train) == set(range(23)) for f in folds)


def test_usable_examples_are_those_that_some_chunk_answers() -> None:
    """However many chunks a passage is cut into; not those whose passages are lost."""
    d = document("a.txt", 10, 1)
    torn = Question("torn", "?", (Reference(Span(d.id, 0, 5 * SIZE), d.text[: 5 * SIZE]),))
    lost = Question("lost", "??", lost=(Lost("a.txt", "gone", "it is gone"),))
    none = Question("none", "???", answerable=False)
    questions = [asked(d, 1, 0), torn, lost, none]
    assert usable_examples(Corpus((d,)), questions, LINE.splitter) == 2
    of = material(Corpus((d,)), questions, LINE)
    assert len(of) == 3
    assert of.usable.tolist() == [0, 1]
    assert of.gold[0].tolist() == of.touched[0].tolist() == [1]
    assert of.touched[1].tolist() == [0, 1, 2, 3, 4]
    curve = learning_curve(of)
    assert (curve.outcome, curve.grouped, curve.best) == ("too few", (), None)
    assert "2 usable examples are too few" in curve.sentence


def test_values_are_those_of_an_evaluation() -> None:
    d = document("a.txt", 40, 1)
    questions = [asked(d, b, 0, d.text[b * SIZE : b * SIZE + 20]) for b in range(0, 40, 2)]
    for retriever in (LINE.retriever, Hybrid()):
        line = replace(LINE, retriever=retriever)
        found = evaluate(Corpus((d,)), questions, line, ["recall@3"])
        of = material(Corpus((d,)), questions, line)
        assert of.values(of.queries, np.arange(len(of))).tolist() == found.values[:, 0].tolist()


def test_an_adapter_of_zeros_changes_nothing() -> None:
    of = planted(1, 20, "noise")
    zeros = Adapter(np.zeros((256, 256), np.float32), Origin(Static().fingerprint))
    line = with_adapter(LINE, zeros)
    plain, same = prepared(of.corpus, LINE), prepared(of.corpus, line)
    queries = [q.text for q in of.questions]
    assert LINE.retriever(plain, queries, 5) == line.retriever(same, queries, 5)
    assert (line.embedder.encode_query(queries) == LINE.embedder.encode_query(queries)).all()


@pytest.fixture
def adapter() -> Adapter:
    delta = np.random.default_rng(0).normal(scale=0.1, size=(256, 256)).astype(np.float32)
    return Adapter(delta, Origin(Static().fingerprint, 30, 0.1))


def test_only_queries_are_turned_and_passages_share_their_cache(adapter: Adapter) -> None:
    embedder, store = Static(adapter=keep_adapter(adapter)), Store(None)
    texts = ["The pump stops.", "A valve.", ""]
    assert (embedder.encode_document(texts) == Static().encode_document(texts)).all()
    plain = Static().encode_query(texts)
    turned = embedder.encode_query(texts)
    np.testing.assert_allclose(turned, plain @ (np.eye(256, dtype=np.float32) + adapter.delta), rtol=1e-4, atol=1e-4)
    assert (embedder.encode_query(texts[:1]) == turned[:1]).all()
    embed(Static(), texts, store)
    embed(Static(), texts, store, queries=True)
    before = store.usage()["vectors"].entries
    assert (embed(embedder, texts, store) == embed(Static(), texts, store)).all()
    assert (embed(embedder, texts, store, queries=True) == turned).all()
    assert store.usage()["vectors"].entries == before


def test_identity_file_and_yaml(adapter: Adapter) -> None:
    line = with_adapter(LINE, adapter)
    assert line.fingerprint != LINE.fingerprint
    assert "adapter" not in LINE.embedder.identity()
    again = from_yaml(to_yaml(line))
    assert again == line
    assert again.fingerprint == line.fingerprint
    assert adaptation.without_adapter(line) == LINE
    read = read_adapter(adapter.data)
    assert (read.delta == adapter.delta).all()
    assert (read.origin, read.name, read.data) == (adapter.origin, adapter.name, adapter.data)
    other = Adapter(adapter.delta + np.float32(1e-6), adapter.origin)
    assert with_adapter(LINE, other).fingerprint != line.fingerprint
    assert with_adapter(line, other) == with_adapter(LINE, other)


def test_an_adapter_belongs_to_the_vectors_that_it_was_learned_for(adapter: Adapter) -> None:
    name = keep_adapter(adapter)
    with pytest.raises(SpecError, match="learned for the vectors of another model"):
        Static(truncate_dim=64, adapter=name)
    with pytest.raises(SpecError, match="learned for other vectors"):
        with_adapter(replace(LINE, embedder=Static(truncate_dim=64)), adapter)
    with pytest.raises(SpecError, match="late.adapter"):
        Late(adapter=name)
    short = Adapter(np.zeros((64, 64), np.float32), Origin(Static(truncate_dim=64).fingerprint))
    assert Static(truncate_dim=64, adapter=keep_adapter(short)).full == Static()


def test_adapters_that_are_missing_damaged_or_none(adapter: Adapter, home: Path) -> None:
    for name in ("x", "../" * 10 + "etc", "A" * 32):
        with pytest.raises(SpecError, match="32 hex digits"):
            Static(adapter=name)
    with pytest.raises(ModelUnavailable, match="learn it again"):
        Static(adapter="0" * 32)
    name = keep_adapter(adapter)
    path = home / "adapters" / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelUnavailable, match="damaged"):
        find_adapter(name)
    for data in (b"", b"x" * 100, b"\xff" * 8 + b"{}", adapter.data[:-1]):
        with pytest.raises(SpecError, match="not an adapter"):
            read_adapter(data)
    with pytest.raises(SpecError, match="finite"):
        Adapter(np.full((2, 2), np.nan, np.float32), Origin(""))
    with pytest.raises(SpecError, match=r"\(dim, dim\)"):
        Adapter(np.zeros((2, 3), np.float32), Origin(""))


def test_what_cannot_be_adapted_is_said() -> None:
    d = document("a.txt", 5, 1)
    with pytest.raises(SpecError, match="retriever bm25 uses none"):
        material(Corpus((d,)), [asked(d, 0, 0)], replace(LINE, retriever=BM25()))
    with pytest.raises(SpecError, match="such as recall@5"):
        material(Corpus((d,)), [asked(d, 0, 0)], LINE, "recall@100tok")
    of = material(Corpus((d,)), [asked(d, 0, 0)], LINE)
    with pytest.raises(SpecError, match="at least 2"):
        learning_curve(of, folds=1)
    with pytest.raises(SpecError, match="at least 0"):
        learning_curve(of, distance=-1)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    d = document("a.txt", 60, 1)
    (tmp_path / "a.txt").write_text(d.text, "utf-8")
    line = to_yaml(LINE)
    (tmp_path / "p.yaml").write_text(line)
    from workbench.parsers import read

    corpus = read(tmp_path / "a.txt")
    (only,) = corpus
    questions = [asked(only, b, 0, only.text[b * SIZE : b * SIZE + 12] or "?") for b in range(0, 60, 2)]
    (tmp_path / "g.jsonl").write_text(write_golden(questions, corpus), "utf-8")
    call = ["adapt", str(tmp_path / "a.txt"), "--golden", str(tmp_path / "g.jsonl"), "--config",
            str(tmp_path / "p.yaml"), "--out", str(tmp_path / "out"), "--folds", "3"]  # fmt: skip
    assert main([*call, "--json", "--anyway"]) == DONE
    said = json.loads(capsys.readouterr().out)
    assert said["questions"] == 30
    assert said["outcome"] in ("pays", "harms", "not distinguishable")
    kept = json.loads((tmp_path / "out/curve.json").read_text())
    assert kept == {key: value for key, value in said.items() if key != "files"}
    adapted = from_yaml((tmp_path / "out/pipeline.yaml").read_text())
    assert yaml.safe_load(line)["embedder"]["adapter"] == ""
    assert read_adapter((tmp_path / "out/adapter.safetensors").read_bytes()).name == adapted.embedder.adapter  # type: ignore[attr-defined]
    assert main([*call[:-1], "x"]) == WRONG_INPUT
    assert main(call) == DONE
    assert capsys.readouterr().out.splitlines()[0] == said["sentence"]


def test_learning_from_all_examples_is_what_the_pipeline_gets() -> None:
    of = planted(1, 40, "turned")
    first = learn_adapter(of)
    assert first.data == learn_adapter(of).data
    assert first.origin.examples == 80
    assert first.origin.base == LINE.embedder.fingerprint
    everyone = np.arange(len(of))
    gain = of.values(first(of.queries, normalised=False), everyone) - of.values(of.queries, everyone)
    assert gain.mean() > 0.3


@pytest.mark.parametrize("target", ["python", "bundle"])
def test_an_export_carries_the_adapter_and_is_verified(
    target: str, adapter: Adapter, tmp_path: Path, home: Path
) -> None:
    d = document("a.txt", 20, 1)
    questions = [asked(d, b, 0, d.text[b * SIZE : b * SIZE + 20]) for b in range(0, 20, 4)]
    line = with_adapter(LINE, adapter)
    export(line, Corpus((d,)), questions, target, tmp_path)
    (home / "adapters" / f"{adapter.name}.safetensors").unlink()  # as on another machine
    found = verify(tmp_path)
    assert found.equal, found.differences
    assert next(check.compared for check in found.checks if check.name == "hits") == len(questions)


@pytest.mark.parametrize("target", ["langchain", "llamaindex", "haystack"])
def test_code_for_frameworks_carries_the_adapter(target: str, adapter: Adapter, tmp_path: Path) -> None:
    notes = support(with_adapter(LINE, adapter), target)
    assert not any(note.stops for note in notes)
    assert {note.part: note.level for note in notes}["embedder"] == "integration"
    export(with_adapter(LINE, adapter), None, None, target, tmp_path)
    assert read_adapter((tmp_path / "adapter.safetensors").read_bytes()).name == adapter.name
