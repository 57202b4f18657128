"""Laws that every index keeps, and equality of the flat index with exact arithmetic."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.indexes import HNSW, INDEXES, IVFPQ, SQ8, TOLERANCE, Binary, Flat, Index, IndexSpec, IVFFlat
from workbench.testing import check_index
from workbench.vectors import norms, top_k, unit

SPECS: list[IndexSpec] = [cls(metric=metric) for cls in INDEXES.values() for metric in ("cosine", "dot")] + [
    *(cls(storage=s) for cls in (Flat, HNSW, IVFFlat) for s in ("float16", "int8")),  # type: ignore[call-arg]
    Flat(storage="binary"),
    IVFFlat(nlist=3, nprobe=2),
    IVFPQ(rerank="float16"),
    SQ8(rerank="float32"),
    *(Binary(rerank=r) for r in ("none", "float32", "int8")),
]
OWN = ("storage", "rerank", "nlist")
every = pytest.mark.parametrize(
    "spec", SPECS, ids=lambda s: "-".join([s.kind, s.metric, *(str(getattr(s, f)) for f in OWN if hasattr(s, f))])
)
metrics = pytest.mark.parametrize("metric", ["cosine", "dot"])


def exact(vectors: np.ndarray, queries: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The definition: float64 products, rounded to the tolerance, the best k, equal scores by row."""
    if metric == "cosine":
        vectors, queries = unit(vectors), unit(queries)
    scores = (queries[:, None, :].astype(np.float64) * vectors[None].astype(np.float64)).sum(axis=2)
    longest = float(norms(vectors).max(initial=0.0))
    lengths = norms(queries).astype(np.float64)
    step = TOLERANCE * np.ones(len(queries)) if metric == "cosine" else TOLERANCE * longest * lengths
    step[step == 0] = 1
    scores = np.round(scores / step[:, None]) * step[:, None]
    rows = top_k(scores, k)
    return np.take_along_axis(scores, rows, axis=1), rows


def made_up(seed: int, n: int, dim: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def build(spec: IndexSpec, vectors: np.ndarray) -> Index:
    """The index, with a product quantiser that fits short and few vectors: a part for each dimension."""
    if isinstance(spec, IVFPQ):
        spec = replace(spec, m=vectors.shape[1], nbits=6 if len(vectors) >= 256 else 4)
    return spec(vectors)


def small(spec: IndexSpec) -> bool:
    """Return whether it keeps less than float32, and nothing beside it: scores are then those of what is kept."""
    kept = getattr(spec, "rerank", getattr(spec, "storage", "float32"))
    return kept != "float32"


@pytest.mark.parametrize("cls", INDEXES.values())
def test_every_kind_keeps_what_extensions_are_offered(cls: type[IndexSpec]) -> None:
    check_index(cls, **({"m": 24, "nbits": 6} if cls is IVFPQ else {}))


@every
def test_shapes_types_and_order(spec: IndexSpec) -> None:
    index = build(spec, made_up(1, 300, 24))
    scores, rows = index.search(made_up(2, 7, 24), 5)
    assert (scores.shape, rows.shape) == ((7, 5), (7, 5))
    assert (scores.dtype, rows.dtype) == (np.float32, np.int64)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert all(len(set(row)) == 5 for row in rows.tolist())
    assert len(index) == 300
    assert index.bytes >= 300 * 24 / 8
    assert index.build_seconds > 0
    assert index.vectors.shape == (300, 24)
    picked = np.array([7, 3, 299])
    np.testing.assert_array_equal(index.decoded(picked), index.vectors[picked])
    np.testing.assert_allclose(index.scores(made_up(2, 7, 24)[0], rows[0]), scores[0], rtol=1e-6)


@every
def test_fewer_rows_than_asked_for_are_padded(spec: IndexSpec) -> None:
    n = 16 if isinstance(spec, IVFPQ) else 3
    spec = replace(spec, nlist=0) if isinstance(spec, IVFFlat) else spec  # of 3 lists it would look through 2
    scores, rows = build(spec, np.eye(n, dtype=np.float32)).search(np.eye(n, dtype=np.float32)[:1], n + 3)
    assert rows[0].tolist() == [*range(n), -1, -1, -1]
    assert scores[0, n:].tolist() == [-np.inf] * 3
    if not small(spec):
        assert scores[0, :n].tolist() == [1] + [0] * (n - 1)


@every
@pytest.mark.parametrize("k", [0, 1, 4])
def test_empty_collections_and_no_queries(spec: IndexSpec, k: int) -> None:
    empty = spec(np.empty((0, 8), np.float32))
    assert (len(empty), empty.bytes, empty.warnings) == (0, 0, ())
    assert empty.search(made_up(1, 2, 8), k)[1].tolist() == [[-1] * k] * 2
    assert build(spec, made_up(1, 16, 8)).search(np.empty((0, 8), np.float32), k)[1].shape == (0, k)


@every
def test_a_row_is_found_by_itself(spec: IndexSpec) -> None:
    vectors = unit(made_up(3, 500, 32))
    index = build(spec, vectors)
    _, rows = index.search(vectors, 1)
    assert (rows[:, 0] == np.arange(500)).mean() >= (1.0 if index.complete else 0.98)


@every
def test_one_by_one_is_the_same_as_together(spec: IndexSpec) -> None:
    vectors, queries = made_up(4, 800, 24), made_up(5, 40, 24)
    vectors[100:140] = vectors[7]
    queries[3] = vectors[7]
    index = build(spec, vectors)
    scores, rows = index.search(queries, 10)
    for i, query in enumerate(queries):
        one_score, one_row = index.search(query[None], 10)
        assert one_row[0].tolist() == rows[i].tolist()
        assert one_score[0].tobytes() == scores[i].tobytes()


@every
def test_built_twice_is_the_same(spec: IndexSpec) -> None:
    vectors, queries = made_up(6, 600, 16), made_up(7, 30, 16)
    first, second = (build(spec, vectors.copy()).search(queries, 12) for _ in range(2))
    assert first[1].tolist() == second[1].tolist()
    assert first[0].tobytes() == second[0].tobytes()


@every
def test_the_callers_vectors_are_left_alone(spec: IndexSpec) -> None:
    vectors = made_up(8, 50, 8)
    before = vectors.copy()
    index = build(spec, vectors)
    found = index.search(vectors[:5], 3)[1].tolist()
    assert (vectors == before).all()
    vectors[:] = 0
    assert index.search(before[:5], 3)[1].tolist() == found


@every
@pytest.mark.parametrize("bad", [np.ones(8), np.ones((2, 0)), np.array([[1.0, np.nan]]), np.array([[np.inf, 1.0]])])
def test_vectors_that_are_none_are_refused(spec: IndexSpec, bad: Any) -> None:
    with pytest.raises(SpecError, match="vectors"):
        spec(bad)


@every
def test_queries_of_another_width_are_refused(spec: IndexSpec) -> None:
    with pytest.raises(SpecError, match="queries"):
        build(spec, made_up(1, 16, 8)).search(made_up(1, 1, 9), 1)


@every
def test_a_complete_index_ranks_all_that_it_keeps(spec: IndexSpec) -> None:
    vectors, queries = made_up(21, 700, 24), made_up(22, 9, 24)
    vectors[100:160] = vectors[7]
    queries[0] = vectors[7]
    index = build(spec, vectors)
    scores, rows = index.search(queries, 12)
    if index.complete:
        for query, score, row in zip(queries, scores, rows, strict=True):
            every_score = index.scores(query, np.arange(700))
            best = np.argsort(-every_score, kind="stable")[:12]
            assert row.tolist() == best.tolist()
            np.testing.assert_allclose(score, every_score[best], rtol=1e-6)
    assert index.exact == (spec.kind == "flat" and not small(spec))


@every
def test_a_part_of_the_rows_scores_as_the_whole(spec: IndexSpec) -> None:
    vectors, queries = made_up(23, 400, 24), made_up(24, 6, 24)
    index, some = build(spec, vectors), np.arange(5, 400, 7)
    scores, rows = index.subset(some).search(queries, 9)
    for query, score, row in zip(queries, scores, rows, strict=True):
        every_score = index.scores(query, some)
        assert row.tolist() == np.argsort(-every_score, kind="stable")[:9].tolist()
        np.testing.assert_allclose(score, every_score[row], rtol=1e-6)


@every
def test_projected_bytes_are_those_that_faiss_writes(spec: IndexSpec) -> None:
    vectors = made_up(25, 700, 32)
    spec = replace(spec, m=8) if isinstance(spec, IVFPQ) else spec
    index = spec(vectors)
    assert index.bytes == pytest.approx(spec.projected_bytes(700, 32), rel=0.01, abs=1_000)


@every
def test_a_cosine_score_is_near_the_cosine(spec: IndexSpec) -> None:
    """What is kept is decoded at the same scale: an approximation, not another quantity."""
    vectors, queries = unit(made_up(26, 600, 32)), unit(made_up(27, 5, 32))
    index = build(spec, vectors)
    for query in queries:
        far = np.abs(index.scores(query, np.arange(600)) - vectors @ query)
        kept = getattr(spec, "rerank", getattr(spec, "storage", "float32"))
        most = {"float32": 2e-6, "float16": 2e-3, "int8": 0.02}.get(kept, 0.02 if spec.kind == "sq8" else 0.7)
        assert far.max() <= most if kept != "signs" else far.mean() < 0.25


@metrics
@pytest.mark.parametrize("k", [1, 5, 50, 3_000, 5_000])
def test_flat_is_exact(metric: str, k: int) -> None:
    vectors, queries = made_up(9, 3_000, 32), made_up(10, 20, 32)
    vectors *= np.random.default_rng(0).uniform(0.1, 9, (3_000, 1)).astype(np.float32)
    vectors[1_000:1_300] = vectors[20]  # a passage that repeats: more ties than k
    vectors[2_000:2_010] = 0
    queries[0] = vectors[20]
    queries[1] = 0
    scores, rows = Flat(metric)(vectors).search(queries, k)
    expected_scores, expected = exact(vectors, queries, k, metric)
    n = expected.shape[1]
    assert rows[:, :n].tolist() == expected.tolist()
    np.testing.assert_allclose(scores[:, :n], expected_scores, rtol=1e-6, atol=1e-12)
    assert (rows[:, n:] == -1).all()


@settings(max_examples=60)
@given(
    st.integers(1, 60), st.integers(1, 6), st.integers(1, 70), st.integers(0, 99), st.sampled_from(["cosine", "dot"])
)
def test_flat_is_exact_where_everything_ties(n: int, dim: int, k: int, seed: int, metric: str) -> None:
    vectors = np.random.default_rng(seed).integers(-1, 2, (n, dim)).astype(np.float32)
    queries = vectors[:4]
    expected = exact(vectors, queries, k, metric)[1]
    assert Flat(metric)(vectors).search(queries, k)[1][:, : expected.shape[1]].tolist() == expected.tolist()


@metrics
def test_rows_that_differ_by_rounding_alone_tie(metric: str) -> None:
    """The same passage embedded in another batch differs in its last bits, and must not jump the queue."""
    vectors = unit(made_up(11, 400, 384))
    noise = np.random.default_rng(1).normal(scale=4e-8, size=(200, 384)).astype(np.float32)
    vectors[100:300] = vectors[5] + noise
    index, query = Flat(metric)(vectors), unit(vectors[5:6] + vectors[6:7] / 2)
    scores = index.vectors @ query[0]
    assert len(set(scores[100:300].tolist())) > 3  # FAISS sees them as different
    for k in (1, 10, 30):  # many more tie than were asked for
        assert index.search(query, k)[1][0].tolist() == [5, *range(100, 300)][:k]


def test_hnsw_finds_nearly_all() -> None:
    vectors, queries = made_up(12, 3_000, 32), made_up(13, 50, 32)
    expected = Flat()(vectors).search(queries, 10)[1]
    found = HNSW(ef_search=200)(vectors).search(queries, 10)[1]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(expected, found, strict=True)]) > 0.97
    coarse = HNSW(m=2, ef_construction=8, ef_search=1)(vectors).search(queries, 10)[1]
    assert (
        np.mean([len(set(a) & set(b)) / 10 for a, b in zip(expected, coarse, strict=True)]) < 0.9
    )  # the options count


def test_hnsw_takes_more_memory_than_flat_and_leaves_the_threads_alone() -> None:
    import faiss

    vectors = made_up(14, 500, 16)
    before = faiss.omp_get_max_threads()
    assert HNSW()(vectors).bytes > Flat()(vectors).bytes >= 500 * 16 * 4
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize("order", [("faiss", "torch"), ("torch", "faiss")])
def test_faiss_and_torch_live_in_one_process(order: tuple[str, str], root: Any) -> None:
    """Both bring an OpenMP runtime of their own; on some systems the second one to load stops the process."""
    code = f"""
import {order[0]}, {order[1]}
import numpy as np
from workbench.indexes import Flat, HNSW
x = (torch.arange(60_000, dtype=torch.float32).reshape(1000, 60).sin() @ torch.eye(60)).numpy()
for spec in (Flat(), HNSW()):
    rows = spec(x).search(x[:30], 1)[1][:, 0]
    (torch.from_numpy(x) @ torch.from_numpy(x).T).sum()
    assert (rows == np.arange(30)).mean() > 0.9, rows
print("both")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=300)
    assert done.stdout == "both\n", done.stderr


@every
def test_vectors_outlive_their_index(spec: IndexSpec) -> None:
    given = unit(made_up(28, 400, 16))
    vectors = build(spec, given).vectors
    again = build(spec, given).vectors
    made_up(29, 4_000, 16)
    np.testing.assert_array_equal(vectors, again)
