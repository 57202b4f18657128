"""Laws of the splitters that need a model, and of those whose chunks have parents."""

from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.test_splitters import document, sizes, splitter, texts, units

from workbench.documents import Chunks
from workbench.errors import ModelUnavailable, SpecError
from workbench.parsers import paste
from workbench.splitters import SPLITTERS, Cluster, ParentChild, Recursive, Semantic, SentenceWindow
from workbench.splitters.semantic import breaks, clusters
from workbench.vectors import unit

TOPICS = [
    "The pump stops when the filter is clogged. Clean the filter of the pump. The valve of the pump must be open. ",
    "Parental leave lasts sixteen weeks. Leave for parents is paid in full. Adoption counts as parental leave. ",
    "The library opens at nine. Books of the library are lent for a month. Readers return books at the desk. ",
]
RULES = ("percentile", "standard_deviation", "interquartile", "gradient")


@pytest.mark.parametrize("kind", ["parent-child", "sentence-window"])
@settings(max_examples=80)
@given(text=texts, size=sizes, unit=units)
def test_each_chunk_lies_in_its_parent(kind: str, text: str, size: tuple[int, int], unit: tuple[str, str]) -> None:
    found: Chunks = splitter(kind, size, unit)(document(text))
    assert found.parents is not None
    assert found.parents.shape == found.spans.shape  # that each holds its chunk, `Chunks` itself checks
    assert found.parents.size == 0 or found.parents.max() <= len(text)


@settings(max_examples=60)
@given(text=texts, size=sizes)
def test_parents_are_recursive_chunks_and_children_their_parts(text: str, size: tuple[int, int]) -> None:
    doc = document(text)
    found = ParentChild(*size, unit="characters", parent_size=60)(doc)
    assert found.parents is not None
    parents = Recursive(60, 0, "characters")(doc).spans.tolist()
    assert {tuple(p) for p in found.parents.tolist()} <= {tuple(p) for p in parents}
    assert (np.diff(found.parents, axis=1) <= 60).all()


def test_the_window_of_a_sentence() -> None:
    doc = paste("One is here. Two is here. Three is here. Four is here. Five is here.", "a.txt")
    found = SentenceWindow(chunk_size=200, chunk_overlap=0, unit="characters", window=1)(doc)
    assert [doc.text[a:b] for a, b in found.spans.tolist()] == [
        f"{n} is here." for n in "One Two Three Four Five".split()
    ]
    assert found.parents is not None
    assert [doc.text[a:b] for a, b in found.parents.tolist()][1:3] == [
        "One is here. Two is here. Three is here.", "Two is here. Three is here. Four is here.",
    ]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_breaks_are_those_of_the_usual_formulas(rule: str) -> None:
    jumps = np.random.default_rng(1).beta(2, 5, 60)
    limit = {  # LangChain's SemanticChunker, restated
        "percentile": np.percentile(jumps, 95),
        "standard_deviation": np.mean(jumps) + 3 * np.std(jumps),
        "interquartile": np.mean(jumps) + 1.5 * (np.percentile(jumps, 75) - np.percentile(jumps, 25)),
    }
    if rule == "gradient":
        slope = np.gradient(jumps, range(60))
        expected = slope > np.percentile(slope, 95)
    else:
        expected = jumps > limit[rule]
    assert (breaks(jumps, rule) == expected).all()
    assert not breaks(jumps[:1], rule).any()
    assert breaks(jumps, rule, 0.5).sum() >= breaks(jumps, rule).sum()


def test_a_semantic_break_lies_between_topics() -> None:
    doc = paste("".join(TOPICS), "a.txt")
    found = Semantic(chunk_size=2_000, chunk_overlap=0, unit="characters", buffer=0, threshold=75.0)(doc)
    starts = {0, len(TOPICS[0]), len(TOPICS[0]) + len(TOPICS[1])}
    assert starts <= set(found.spans[:, 0].tolist())
    assert len(found) < 9


def test_clusters_lie_within_topics() -> None:
    doc = paste("\n\n".join(TOPICS), "a.txt")
    found = Cluster(chunk_size=240, chunk_overlap=0, unit="characters", piece_size=60)(doc)
    cuts = [doc.text.index(topic) for topic in TOPICS[1:]]
    assert len(found) <= 4
    for start, end in found.spans.tolist():
        assert not any(start + 2 < cut < end - 2 for cut in cuts)


@settings(max_examples=60)
@given(n=st.integers(1, 9), pieces=st.integers(1, 5), most=st.integers(1, 12), seed=st.integers(0, 99))
def test_no_division_is_better(n: int, pieces: int, most: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows, lengths = unit(chance.normal(size=(n, 4))), chance.integers(1, 5, n)
    likeness = rows.astype(np.float64) @ rows.T.astype(np.float64)
    if n > 1:
        likeness -= likeness[np.triu_indices(n, 1)].mean()
    np.fill_diagonal(likeness, 0)

    def value(bounds: list[int]) -> float:
        return sum(likeness[a:b, a:b].sum() for a, b in pairwise(bounds))

    def allowed(bounds: list[int]) -> bool:
        runs = list(pairwise(bounds))
        return all(b - a == 1 or (b - a <= pieces and lengths[a:b].sum() <= most) for a, b in runs)

    every = [[0, *inner, n] for size in range(n) for inner in combinations(range(1, n), size)]
    found = clusters(rows, lengths, most, pieces)
    assert allowed(found)
    assert value(found) == pytest.approx(max(value(b) for b in every if allowed(b)), abs=1e-5)


@pytest.mark.parametrize("cls", [Semantic, Cluster])
def test_the_models_files_are_part_of_the_identity_and_the_cost_is_known(cls: type[Semantic | Cluster]) -> None:
    assert "model" not in cls().identity()
    assert cls().identity()["embedder"]["weights"]
    assert cls(model="all-MiniLM-L6-v2").fingerprint != cls().fingerprint
    with pytest.raises(ModelUnavailable):
        cls(model="nonsense")
    doc = paste("".join(TOPICS) * 3, "a.txt")
    assert cls().cost(doc) > 3
    assert Recursive().cost(doc) == 0


def test_a_parent_is_no_smaller_than_its_chunks() -> None:
    with pytest.raises(SpecError, match=r"parent_size \(100\) must be at least chunk_size \(200\)"):
        ParentChild(parent_size=100)


@pytest.mark.parametrize("kind, rule", product(["semantic"], RULES))
def test_every_rule_cuts(kind: str, rule: str) -> None:
    doc = paste("".join(TOPICS) * 3, "a.txt")
    found = SPLITTERS[kind](chunk_size=60, chunk_overlap=5, breakpoint=rule)(doc)
    assert len(found) > 3
    assert found.spans[0, 0] == 0
    assert found.spans[-1, 1] == len(doc.text.rstrip())
