"""Full fine-tuning, with a transformer of one layer and random weights."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench import models
from workbench.adaptation import (
    FineTuning,
    Material,
    fine_tuned,
    fine_tuning_cost,
    learning_curve,
    material,
    save_fine_tuned,
)
from workbench.documents import Corpus, Document
from workbench.embedders import SentenceTransformer, Static
from workbench.errors import SpecError
from workbench.evaluations import evaluate
from workbench.pipelines import Pipeline, from_yaml, prepared, to_yaml
from workbench.records import Question, Reference, Training, TrainingSet
from workbench.spans import Span
from workbench.specs import digest
from workbench.splitters import Fixed

WORDS = "valve pump filter motor gauge nozzle rotor seal bolt hose tank lever spring clutch piston belt".split()
SIZE = 40


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Products this small only wait for each other on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer as Network
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("tiny")
    config = BertConfig(vocab_size=30_522, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=16, max_position_embeddings=64)  # fmt: skip
    BertModel(config).save_pretrained(home / "bare")
    rules = str(models.find("all-MiniLM-L6-v2").tokenizer)
    BertTokenizerFast(tokenizer_file=rules).save_pretrained(home / "bare")
    parts = [modules.Transformer(str(home / "bare")), modules.Pooling(16), modules.Normalize()]
    Network(modules=parts, device="cpu").save_pretrained(str(home / "model"))
    return home / "model"


@pytest.fixture(scope="module")
def of(tiny: Path) -> Material:
    rng = np.random.default_rng(0)
    blocks = [" ".join(rng.choice(WORDS, 8)).ljust(SIZE)[:SIZE] for _ in range(40)]
    text = "".join(blocks)
    d = Document(digest(text.encode()), "d", "a.txt", text)
    questions = []
    for b in range(40):
        span = Span("d", b * SIZE, (b + 1) * SIZE)
        questions.append(Question(f"q{b}", blocks[b][:15], (Reference(span, d[span]),)))
    splitter = Fixed(chunk_size=SIZE, chunk_overlap=0, unit="characters")
    line = Pipeline(splitter=splitter, embedder=SentenceTransformer(str(tiny)), k=3)
    return material(Corpus((d,)), questions, line)


SHORT = FineTuning(steps=4, batch=8)


def test_the_curve_is_that_of_the_same_folds(of: Material) -> None:
    curve = learning_curve(of, sizes=(10,), folds=2, learner=fine_tuned(SHORT), method="fine-tuning")
    assert curve.method == "fine-tuning"
    assert [p.examples for p in curve.grouped] == [10, 19]
    assert all(-1 <= p.difference <= 1 and np.isfinite(p.adapted) for p in (*curve.grouped, *curve.random))


def test_training_moves_the_model_as_it_should_and_the_same_each_time(of: Material) -> None:
    everyone = np.arange(len(of))
    before = of.pipeline.embedder.encode_query(["valve pump"])
    first, again = (fine_tuned(FineTuning(30, 16))(of, everyone, 1, 0) for _ in range(2))
    queries, chunks = first.queries(everyone), first.chunks()
    assert chunks is not None
    assert (queries == again.queries(everyone)).all()
    own = np.array([rows[0] for rows in of.gold])

    def contrast(q: np.ndarray, c: np.ndarray) -> float:
        scores = 20 * q @ c.T
        return float((np.log(np.exp(scores).sum(axis=1)) - scores[everyone, own]).mean())

    assert contrast(queries, chunks) < contrast(of.queries, of.chunks)
    assert (of.pipeline.embedder.encode_query(["valve pump"]) == before).all()  # the model itself is as it was


def test_the_model_is_saved_as_a_folder_that_pipelines_name(of: Material, tmp_path: Path) -> None:
    line = save_fine_tuned(of, tmp_path / "tuned", SHORT)
    folder = models.find(str(tmp_path / "tuned"))
    assert folder.kind == "sentence-transformer"
    assert [path.suffix for path in folder.weights] == [".safetensors"]
    assert not list((tmp_path / "tuned").rglob("*.bin"))
    assert from_yaml(to_yaml(line)).fingerprint == line.fingerprint != of.pipeline.fingerprint
    tuned = fine_tuned(SHORT)(of, of.usable, 1, 0)
    found = line.embedder.encode_query([q.text for q in of.questions])
    np.testing.assert_allclose(found, tuned.queries(np.arange(len(of))), atol=1e-5)
    assert line.training == Training((TrainingSet.of(of.questions),))
    assert evaluate(of.corpus, of.questions, line, ["recall@3"]).judging.seen == len(of)
    assert line.retriever(prepared(of.corpus, line), ["valve"], 3)[0]
    with pytest.raises(SpecError, match="holds files already"):
        save_fine_tuned(of, tmp_path / "tuned", SHORT)


def test_the_cost_is_told_before(of: Material) -> None:
    cost = fine_tuning_cost(of, SHORT, sizes=(10, 25), folds=5)
    assert cost.trainings == 2 * 5 * 3
    assert cost.seconds == pytest.approx(cost.trainings * cost.seconds_each)
    assert cost.seconds_each > 0


def test_what_cannot_be_trained_is_said(of: Material) -> None:
    with pytest.raises(SpecError, match="steps"):
        FineTuning(steps=0)
    static = material(of.corpus, of.questions, replace(of.pipeline, embedder=Static()))
    with pytest.raises(SpecError, match="linear adapter works with any model"):
        fine_tuned(SHORT)(static, static.usable, 1, 0)
