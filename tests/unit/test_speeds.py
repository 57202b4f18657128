"""How quickly a model works here: what is counted, and what cannot be timed."""

import numpy as np
import pytest

from workbench.embedders import EMBEDDERS, Static, load_seconds, speed
from workbench.embedders.embedder import _SAMPLE
from workbench.retrievers import agreement
from workbench.tokens import tokenizer


def test_a_speed_counts_the_texts_and_tokens_that_the_model_read():
    texts = [f"word {i} " * 3 for i in range(50)]
    found = speed(Static(), texts)
    assert (found.texts, found.tokens) == (50, int(tokenizer("wordllama-256").counts(texts).sum()))
    assert found.texts_a_second > 0
    assert found.tokens_a_second == pytest.approx(found.texts_a_second * found.tokens / found.texts)
    assert load_seconds(Static().source) > 0


def test_of_many_texts_as_many_are_embedded_as_take_a_second():
    found = speed(Static(), [f"text {i}" for i in range(3_000)])
    assert found.texts == _SAMPLE["static"]


def test_loading_is_no_part_of_a_speed():
    seen = []

    class Watched:
        kind, tokenizer, max_tokens = "static", "wordllama-256", None

        @property
        def full(self):
            return self

        def encode_document(self, texts):
            seen.append(len(texts))
            return np.zeros((len(texts), 2), np.float32)

    assert speed(Watched(), ["a", "b", "c"]).texts == 3
    assert seen == [1, 3], "one text loads the model, then all are timed"


def test_nothing_is_timed_where_there_is_no_text_or_the_model_is_elsewhere():
    assert speed(Static(), []) is None
    assert set(EMBEDDERS) - set(_SAMPLE) == {"late", "remote"}


def test_an_agreement_names_the_neighbours_that_it_compared():
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(30, 8)).astype(np.float32) for _ in range(2))
    found = agreement(a, b, k=4)
    assert found.first.shape == found.second.shape == (30, 4)
    for row in (0, 17):
        common = set(found.first[row]) & set(found.second[row])
        assert found.overlap[row] == len(common) / 4
        assert row not in found.first[row]
    cosines = (a / np.linalg.norm(a, axis=1)[:, None]) @ (a / np.linalg.norm(a, axis=1)[:, None])[3]
    assert found.first[3].tolist() == [i for i in np.argsort(-cosines) if i != 3][:4]
    assert agreement(a[:1], b[:1]).first.shape == (1, 0)
