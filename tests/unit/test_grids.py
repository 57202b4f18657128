"""Grids: what they expand to."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.pipelines import from_mapping, to_mapping
from workbench.sweeps import Grid, expand, read_grid

BASE = {"splitter": {"kind": "recursive", "unit": "characters"}, "retriever": {"kind": "bm25"}}


@given(
    sizes=st.lists(st.integers(20, 2000), min_size=1, max_size=4, unique=True),
    overlaps=st.lists(st.integers(0, 300), min_size=1, max_size=4, unique=True),
)
def test_every_combination_is_a_pipeline_or_skipped(sizes: list[int], overlaps: list[int]) -> None:
    found = expand(Grid(BASE, {"splitter.chunk_size": sizes, "splitter.chunk_overlap": overlaps}))
    could = [(size, overlap) for size, overlap in product(sizes, overlaps) if overlap < size]
    assert [(p.splitter.chunk_size, p.splitter.chunk_overlap) for p in found.pipelines] == could
    assert len(found.pipelines) + len(found.skipped) == len(sizes) * len(overlaps)
    assert all("chunk_overlap" in skip.reason for skip in found.skipped)
    assert len({p.fingerprint for p in found.pipelines}) == len(found.pipelines)
    assert all(from_mapping(to_mapping(p)) == p for p in found.pipelines)


def test_an_overlap_may_be_a_share_of_the_size() -> None:
    vary = {"splitter.chunk_size": [100, 250, 7], "splitter.chunk_overlap": ["25%", "50 %", 0]}
    found = expand(Grid(BASE, vary))
    pairs = [(p.splitter.chunk_size, p.splitter.chunk_overlap) for p in found.pipelines]
    assert pairs == [(100, 25), (100, 50), (100, 0), (250, 62), (250, 125), (250, 0), (7, 1), (7, 3), (7, 0)]
    (skip,) = expand(Grid(BASE, {"splitter.chunk_overlap": ["a quarter"]})).skipped
    assert "must be a whole number" in skip.reason


def test_kinds_have_their_own_fields_and_equal_pipelines_are_taken_once() -> None:
    vary = {"retriever.kind": ["dense", "hybrid"], "retriever.rrf_k": [10, 60], "k": [5]}
    found = expand(Grid(BASE, vary))
    assert [p.retriever.kind for p in found.pipelines] == ["dense", "hybrid", "hybrid"]
    assert found.repeated == 1
    blocks = [{"kind": "hybrid", "fusion": "weighted", "weight": 0.3}, "bm25"]
    weighted, lexical = expand(Grid(BASE, {"retriever": blocks})).pipelines
    assert (weighted.retriever.fusion, weighted.retriever.weight, lexical.retriever.kind) == ("weighted", 0.3, "bm25")


def test_another_kind_keeps_what_it_has_too() -> None:
    vary = {"splitter.kind": ["recursive", "sentences"], "splitter.chunk_size": [300]}
    base = {"splitter": {"kind": "recursive", "unit": "characters", "separators": ["\n\n", " "]}}
    _, sentences = expand(Grid(base, vary)).pipelines
    assert (sentences.splitter.kind, sentences.splitter.unit, sentences.splitter.chunk_size) == (
        "sentences",
        "characters",
        300,
    )


def test_what_needs_no_vectors_is_measured_once_for_all_models() -> None:
    models = [{"kind": "static", "model": "wordllama-256"}, {"kind": "sentence-transformer"}]
    found = expand(Grid({}, {"embedder": models, "retriever": ["dense", "bm25"]}))
    assert [p.retriever.kind for p in found.pipelines] == ["dense", "bm25", "dense"]
    assert found.repeated == 1


def test_a_model_that_is_not_here_skips_its_pipelines() -> None:
    found = expand(Grid(BASE, {"embedder": [{"kind": "static", "model": "nowhere"}, "sentence-transformer"]}))
    assert len(found.pipelines) == 1
    assert "nowhere" in found.skipped[0].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vary: {splitter.chunk_sise: [1]}", "no splitter has the field 'chunk_sise'"),
        ("vary: {spliter.kind: [fixed]}", "no path 'spliter.kind'"),
        ("vary: {splitter.chunk_size: 100}", "must be a list"),
        ("vary: {splitter.chunk_size: []}", "at least one value"),
        ("vary: {k: [1]}\nsize: 3", "no key 'size'"),
        ("base: 3", "base must be a mapping"),
        ("[1, 2]", "base"),
        ("workbench: 2\nvary: {}", "not a known form"),
        ("vary: {k: [1], k: [2]}", "stands twice"),
        ("vary: {k: [" + ", ".join("1" * 80) + "], retriever.k1: [" + ", ".join("1" * 80) + "]}", "6,400 combinations"),
    ],
)
def test_what_is_wrong_with_a_grid(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_grid(text)


def test_a_grid_without_anything_to_vary_is_its_base() -> None:
    assert len(expand(read_grid("base: {retriever: {kind: bm25}}")).pipelines) == 1
