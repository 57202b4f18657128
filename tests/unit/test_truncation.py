"""Vectors cut to their first dimensions: as the full ones, cut; embedded once for every length."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.documents import Corpus, Document
from workbench.embedders import Static, embed, missing
from workbench.errors import SpecError
from workbench.pipelines import Pipeline, from_yaml, prepared, to_yaml
from workbench.retrievers import Dense
from workbench.splitters import Recursive
from workbench.store import Store
from workbench.vectors import norms, truncated, unit

TEXTS = ["a small cat", "the price of bread", "", "rust and iron"]


def test_the_first_dimensions_of_the_full_vectors() -> None:
    full, short = Static(), Static(truncate_dim=64)
    assert (full.dimensions, short.dimensions, short.full) == (256, 64, full)
    for side in ("encode_document", "encode_query"):
        np.testing.assert_array_equal(getattr(short, side)(TEXTS), getattr(full, side)(TEXTS)[:, :64])
    assert short.encode_document([]).shape == (0, 64)


def test_unit_rows_are_brought_back_to_length_one() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(9, 32)))
    cut = truncated(rows, 8, normalised=True)
    np.testing.assert_allclose(norms(cut), np.ones(9), atol=1e-6)
    np.testing.assert_allclose(cut, unit(rows[:, :8]), atol=1e-7)
    np.testing.assert_array_equal(truncated(rows, 8, normalised=False), rows[:, :8])


def test_a_text_is_embedded_once_for_every_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    lengths = [Static(truncate_dim=n) for n in (0, 128, 64)]
    first = embed(lengths[0], TEXTS, store)
    monkeypatch.setattr(Static, "encode_batch", lambda *_: pytest.fail("embedded again"))
    for embedder in lengths:
        assert missing(embedder, TEXTS, store) == 0
        np.testing.assert_array_equal(embed(embedder, TEXTS, store), first[:, : embedder.dimensions])


def test_the_length_is_a_part_of_the_identity_and_the_default_is_none() -> None:
    fingerprints = {Static(truncate_dim=n).fingerprint for n in (0, 64, 128)}
    assert len(fingerprints) == 3
    assert "truncate_dim" not in Static().identity()


def test_more_dimensions_than_there_are_are_refused() -> None:
    assert Static(truncate_dim=256).dimensions == 256
    with pytest.raises(SpecError, match=r"truncate_dim \(257\) must be at most 256"):
        Static(truncate_dim=257)


def test_a_pipeline_searches_with_short_vectors() -> None:
    pipeline = Pipeline(
        splitter=Recursive(chunk_size=20, chunk_overlap=0, unit="characters"),
        embedder=Static(truncate_dim=32),
        retriever=Dense(),
    )
    assert from_yaml(to_yaml(pipeline)).fingerprint == pipeline.fingerprint
    assert replace(pipeline, embedder=Static()).fingerprint != pipeline.fingerprint
    corpus = Corpus((Document("s", "d", "a.txt", "Cats sleep all day. Iron rusts in rain."),))
    rows = prepared(corpus, pipeline)
    assert corpus[pipeline.retriever(rows, ["rusty iron"], 1)[0][0].span].startswith("Iron")
