"""Equality with sentence-transformers itself, on the same files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import models
from workbench.embedders import SentenceTransformer, Static, embedder_for
from workbench.tokens import tokenizer

WORDS = "valve pump filter the of E-4417 § 12.3(b) Größe naïve 漢字 👍 don't re-use\n\n| a | b |".split(" ")
TEXTS = [" ".join(np.random.default_rng(n).choice(WORDS, n)) for n in (1, 2, 5, 10, 40, 90, 200, 400)] + [
    "",
    " ",
    "Pump",
]


def reference(name: str) -> Any:
    from sentence_transformers import SentenceTransformer as Reference

    return Reference(str(models.find(name).folder), device="cpu", local_files_only=True)


def test_the_default_model_equals_sentence_transformers() -> None:
    theirs = reference("all-MiniLM-L6-v2")
    np.testing.assert_allclose(SentenceTransformer().encode_document(TEXTS), theirs.encode_document(TEXTS), atol=1e-5)
    np.testing.assert_allclose(SentenceTransformer().encode_query(TEXTS), theirs.encode_query(TEXTS), atol=1e-5)


def test_half_precision_is_near() -> None:
    whole = SentenceTransformer().encode_document(TEXTS)
    for dtype in ("bfloat16", "float16"):
        half = SentenceTransformer(dtype=dtype).encode_document(TEXTS)
        assert (half * whole).sum(axis=1).min() > 0.999


def test_facts_agree_with_the_loaded_model() -> None:
    model, theirs = models.find("all-MiniLM-L6-v2"), reference("all-MiniLM-L6-v2")
    assert model.dimensions == theirs.get_embedding_dimension()
    assert model.max_tokens == theirs.max_seq_length - 2
    ids = [theirs.tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"] for text in TEXTS]
    assert tokenizer(model.name).counts(TEXTS).tolist() == [len(i) for i in ids]


def test_the_static_model_equals_static_embedding() -> None:
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    model = models.find("wordllama-256")
    table = load_file(model.weights[0])["embedding.weight"].float()
    theirs = Reference(modules=[StaticEmbedding(Tokenizer.from_file(str(model.tokenizer)), table)], device="cpu")
    np.testing.assert_allclose(Static().encode_document(TEXTS), theirs.encode(TEXTS), atol=1e-5)
    assert (Static().encode_document([""]) == 0).all()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small models with random weights, saved by sentence-transformers in the layouts of today."""
    import torch
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers.sentence_transformer import modules
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("models")
    rules = str(models.find("all-MiniLM-L6-v2").tokenizer)
    words = BertTokenizerFast(tokenizer_file=rules)
    config = BertConfig(vocab_size=30_522, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=64, max_position_embeddings=64)  # fmt: skip
    BertModel(config).save_pretrained(home / "bare")
    words.save_pretrained(home / "bare")

    def transformer(**options: Any) -> Any:
        return modules.Transformer(str(home / "bare"), **options)

    layouts = {
        "mean": [transformer(), modules.Pooling(32)],
        "cls": [transformer(max_seq_length=20), modules.Pooling(32, "cls"), modules.Normalize()],
        "two poolings": [transformer(), modules.Pooling(32, ("cls", "max"))],
        "dense": [transformer(), modules.Pooling(32), modules.Dense(32, 10)],
        "static": [modules.StaticEmbedding(Tokenizer.from_file(rules), embedding_dim=12)],
        "static unit": [modules.StaticEmbedding(Tokenizer.from_file(rules), embedding_dim=12), modules.Normalize()],
    }
    for name, parts in layouts.items():
        prompts = {"query": "query: ", "document": "passage: "} if name == "cls" else None
        Reference(modules=parts, device="cpu", prompts=prompts).save_pretrained(str(home / name))
    return home


@pytest.mark.parametrize("name", ["bare", "mean", "cls", "two poolings", "dense", "static", "static unit"])
def test_a_folder_is_read_as_sentence_transformers_reads_it(made: Path, name: str) -> None:
    from sentence_transformers import SentenceTransformer as Reference

    theirs = Reference(str(made / name), device="cpu", local_files_only=True)
    ours = embedder_for(str(made / name))
    assert ours.kind == ("static" if "static" in name else "sentence-transformer")
    assert ours.dimensions == theirs.get_embedding_dimension()
    prefix = len(theirs.tokenizer.tokenize("passage:")) if name == "cls" else 0
    assert ours.max_tokens == (128 if "static" in name else theirs.max_seq_length - 2 - prefix)  # 128: tokenizer.json
    np.testing.assert_allclose(ours.encode_document(TEXTS), theirs.encode_document(TEXTS), atol=1e-5)
    np.testing.assert_allclose(ours.encode_query(TEXTS), theirs.encode_query(TEXTS), atol=1e-5)


def test_prompts_are_found_where_the_library_keeps_them(made: Path) -> None:
    model = models.find(str(made / "cls"))
    assert (model.query_prompt, model.passage_prompt) == ("query: ", "passage: ")
    assert json.loads((made / "cls" / "config_sentence_transformers.json").read_text())["prompts"]["query"] == "query: "
    silent = SentenceTransformer(model=model.name, query_prefix="", passage_prefix="")
    assert np.abs(silent.encode_query(["pump"]) - embedder_for(model.name).encode_query(["pump"])).max() > 1e-3
