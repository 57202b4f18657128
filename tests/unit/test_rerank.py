"""A cross-encoder of random weights, built here: loaded safely, ranking anew, absent with a remedy."""

from pathlib import Path

import numpy as np
import pytest

from workbench.documents import Chunks, Corpus, Document
from workbench.errors import ModelUnavailable
from workbench.pipelines import Pipeline, from_yaml, to_yaml
from workbench.retrievers import BM25, Collection, Rerank
from workbench.retrievers.methods import pair_scores

WORDS = ["apple", "pear", "plum", "tree", "leaf", "root"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from sentence_transformers import CrossEncoder
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("rerankers")
    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    rules = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    rules.pre_tokenizer = pre_tokenizers.Whitespace()
    rules.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_object=rules, model_max_length=64, mask_token="[MASK]", **names)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, num_labels=1, initializer_range=0.7,
    )  # fmt: skip
    plain = folder / "plain"
    BertForSequenceClassification(config).save_pretrained(plain)
    fast.save_pretrained(plain)
    CrossEncoder(str(plain), device="cpu", local_files_only=True).save_pretrained(str(folder / "saved"))
    return str(folder)


@pytest.fixture(scope="module")
def rows() -> Collection:
    text = "apple pear . apple tree leaf . plum root . pear pear apple . leaf leaf . "
    document = Document("s", "d", "trees.txt", text)
    ends = [i + 2 for i, c in enumerate(text) if c == "."]
    return Collection(Corpus((document,)), [Chunks.of(document, list(zip([0, *ends[:-1]], ends, strict=True)))])


@pytest.mark.parametrize("layout", ["plain", "saved"])
def test_hits_are_ranked_by_the_models_own_scores(model: str, layout: str, rows: Collection) -> None:
    from sentence_transformers import CrossEncoder

    name = f"{model}/{layout}"
    hits = Rerank(model=name, first="bm25")(rows, ["apple leaf"], 5)[0]
    candidates = BM25()(rows, ["apple leaf"], 5)[0]
    assert {h.chunk for h in hits} == {h.chunk for h in candidates}
    network = CrossEncoder(name, device="cpu", local_files_only=True)
    own = {h.chunk: float(network.predict([("apple leaf", rows.text(h.chunk))])[0]) for h in hits}
    assert len(set(own.values())) == len(own)
    assert [h.chunk for h in hits] == sorted(own, key=lambda row: -own[row])
    np.testing.assert_allclose([h.score for h in hits], [own[h.chunk] for h in hits], atol=1e-5)


def test_identity_is_the_models_content(model: str) -> None:
    a, b = Rerank(model=f"{model}/plain"), Rerank(model="not/here")
    assert "weights" in a.identity()["model"]
    assert b.identity()["model"] == {"missing": "not/here"}
    assert a.fingerprint != b.fingerprint
    assert a.fingerprint != Rerank(model=f"{model}/plain", first="bm25").fingerprint


def test_an_absent_model_is_chosen_freely_and_refused_when_it_is_asked(rows: Collection) -> None:
    retriever = Rerank(first="bm25")
    pipeline = Pipeline(retriever=retriever)
    assert from_yaml(to_yaml(pipeline)).fingerprint == pipeline.fingerprint
    with pytest.raises(ModelUnavailable, match="hf download cross-encoder/ms-marco-MiniLM-L6-v2"):
        retriever(rows, ["apple"], 5)


def test_weights_in_other_formats_are_not_loaded(model: str, tmp_path: Path) -> None:
    for file in Path(model, "plain").iterdir():
        if file.suffix == ".safetensors":
            (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
        else:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelUnavailable, match="can run code"):
        pair_scores(str(tmp_path), "apple", ["pear"])
