"""What an index refuses and warns of, how large it is, and what measuring it says."""

import numpy as np
import pytest

from workbench.errors import SpecError
from workbench.indexes import (
    HNSW,
    INDEXES,
    IVFPQ,
    SQ8,
    Binary,
    Flat,
    IndexSpec,
    IVFFlat,
    projected_bytes,
    recall_at,
    recall_curve,
    suggestion,
    tradeoff,
)
from workbench.specs import from_dict, to_dict


def made_up(seed: int, n: int, dim: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


def test_the_identity_of_a_float32_index_is_what_it_was_before_there_were_storages() -> None:
    assert Flat().identity() == {"kind": "flat", "metric": "cosine"}
    assert Flat(storage="int8").identity() == {"kind": "flat", "metric": "cosine", "storage": "int8"}


@pytest.mark.parametrize("kind", INDEXES)
def test_a_mapping_gives_the_same_index_back(kind: str) -> None:
    assert from_dict(INDEXES, to_dict(INDEXES[kind](metric="dot")), "index") == INDEXES[kind](metric="dot")


@pytest.mark.parametrize(
    "spec, n, says",
    [
        (IVFFlat(nlist=500), 499, r"nlist \(500\) must be at most the number of vectors \(499\)"),
        (IVFPQ(m=4, nlist=1), 255, r"needs 256 vectors at least, but there are 255.*4 needs 16"),
        (IVFPQ(m=4, nbits=4), 15, r"needs 16 vectors at least, but there are 15"),
        (IVFPQ(m=7), 300, r"m \(7\) must divide the 16 dimensions of the vectors; 2, 4, 8 do"),
    ],
)
def test_what_cannot_work_is_refused_with_the_number_that_would(spec: IndexSpec, n: int, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        spec(made_up(0, n, 16))


def test_just_enough_vectors_are_not_refused() -> None:
    assert len(IVFPQ(m=4, nlist=1)(made_up(0, 256, 16))) == 256
    assert len(IVFFlat(nlist=100)(made_up(0, 100, 16))) == 100


@pytest.mark.parametrize(
    "spec, n, says",
    [
        (IVFPQ(nbits=8), 9_983, ["9,983 vectors are few to learn 256 examples from; from 9,984 on they suffice"]),
        (IVFPQ(nbits=8), 9_984, []),
        (
            IVFFlat(nlist=10, nprobe=4),
            389,
            ["389 vectors are few for 10 lists; from 390 on they suffice"],
        ),
        (IVFFlat(nlist=10, nprobe=4), 390, []),
        (IVFFlat(nlist=10, nprobe=11), 390, ["nprobe (11) is above the number of lists (10): each is looked through"]),
        (IVFFlat(nprobe=1), 5, []),
        (HNSW(), 2, []),
    ],
)
def test_warnings_have_the_number_that_would_do(spec: IndexSpec, n: int, says: list[str]) -> None:
    told = spec.warnings(n, 64)
    assert len(told) == len(says)
    assert all(line.startswith(start) for line, start in zip(told, says, strict=True))


def test_a_built_index_has_its_warnings_and_says_nothing_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    index = IVFPQ(m=4)(made_up(0, 300, 16))
    assert any("9,984" in line for line in index.warnings)
    IVFFlat(nlist=20)(made_up(0, 300, 16))
    assert capfd.readouterr() == ("", "")


def test_values_beyond_half_floats_are_refused() -> None:
    vectors = made_up(0, 300, 4)
    vectors[3, 2] = 70_000
    for spec in (cls(metric="dot", storage="float16") for cls in (Flat, HNSW, IVFFlat)):
        with pytest.raises(SpecError, match="values up to 65,504, but there is 70,000; keep float32"):
            spec(vectors)
    assert len(Flat(storage="float16")(vectors)) == 300  # at length 1 it fits


def test_the_figures_of_ten_million() -> None:
    """FAISS's own layout at 10 million vectors of 384 dimensions."""
    sizes = {spec: projected_bytes(spec, 10_000_000, 384) / 1e9 for spec in (Flat(), HNSW(m=32), IVFPQ(m=64))}
    assert [round(size, 1) for size in sizes.values()] == [15.4, 18.1, 0.7]
    assert projected_bytes(Binary(), 10_000_000, 384) == 480_000_000
    assert projected_bytes(SQ8(), 10_000_000, 384) == 3_840_000_000 + 8 * 384


@pytest.mark.parametrize(
    "n, memory, kind",
    [
        (1_000, 1 << 30, "flat"),
        (1_000_000, 4 << 30, "hnsw"),
        (10_000_000, 16 << 30, "flat"),
        (500_000, 200_000_000, "flat"),
        (10_000_000, 1 << 30, "ivf-pq"),
        (10_000_000, 500_000_000, "binary"),
        (10_000_000, 1_000_000, "binary"),
    ],
)
def test_suggestions_fit_the_memory_and_say_why(n: int, memory: int, kind: str) -> None:
    found = suggestion(n, 384, memory)
    assert found.spec.kind == kind
    assert found.bytes == projected_bytes(found.spec, n, 384)
    assert found.bytes <= memory or "still more than" in found.reason
    assert f"{n:,} vectors of 384 dimensions take" in found.reason


def test_recall_is_the_share_of_the_nearest_and_ties_count() -> None:
    vectors = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # five equal rows of each kind
    exact = Flat()(vectors)
    assert recall_at(exact, exact, vectors[:3], 2).tolist() == [1.0, 1.0, 1.0]

    class Other:
        """Finds the last of the equal rows, and for the second query a wrong one."""

        def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
            return np.ones((2, 2), np.float32), np.array([[4, 3], [4, 12]])

    assert recall_at(Other(), exact, vectors[:2], 2).tolist() == [1.0, 0.5]  # type: ignore[arg-type]
    assert np.isnan(recall_at(exact, Flat()(vectors[:0]), vectors[:2], 2)).all()


def test_recall_equals_the_overlap_of_the_lists_where_nothing_ties() -> None:
    vectors, queries = made_up(1, 2_000, 24), made_up(2, 20, 24)
    index, exact = IVFFlat(nlist=50, nprobe=3)(vectors), Flat()(vectors)
    pairs = zip(index.search(queries, 10)[1].tolist(), exact.search(queries, 10)[1].tolist(), strict=True)
    shares = [len(set(a) & set(b)) / 10 for a, b in pairs]
    assert recall_at(index, exact, queries, 10).tolist() == shares
    assert 0 < np.mean(shares) < 1


def test_more_lists_and_more_effort_find_more() -> None:
    vectors, queries = made_up(3, 2_400, 32), made_up(4, 40, 32)
    exact = Flat()(vectors)

    def recall(spec: IndexSpec) -> float:
        return float(recall_at(spec(vectors), exact, queries, 10).mean())

    assert recall(IVFFlat(nlist=60, nprobe=2)) < recall(IVFFlat(nlist=60, nprobe=20)) < 1
    assert recall(IVFFlat(nlist=60, nprobe=60)) == 1.0
    assert recall(IVFPQ(nlist=1, m=4)) < recall(IVFPQ(nlist=1, m=32)) < recall(IVFPQ(nlist=1, m=32, rerank="float32"))
    assert recall(Binary(rerank="none")) < recall(Binary()) < recall(Binary(rerank="float32", oversample=20))
    assert recall(Flat(storage="binary")) < recall(Flat(storage="int8")) <= recall(Flat(storage="float16"))


def test_a_tradeoff_has_a_row_for_each_index_refused_or_not() -> None:
    vectors, queries = made_up(5, 200, 16), made_up(6, 5, 16)
    specs = [Flat(), HNSW(metric="dot"), IVFPQ(m=4)]
    flat, graph, refused = tradeoff(vectors, queries, specs, 5)
    assert [row.spec for row in (flat, graph, refused)] == specs
    assert (flat.recall, flat.n, flat.k, flat.refused) == (1.0, 200, 5, "")
    assert flat.bytes == Flat()(vectors).bytes
    assert all(row.queries_per_second > 0 and row.query_ms > 0 for row in (flat, graph))  # type: ignore[operator]
    assert refused.recall is None
    assert "256 vectors at least" in refused.refused
    assert tradeoff(vectors, queries[:0], [Flat()], 5)[0].recall is None


def test_a_curve_is_measured_over_parts_and_not_beyond() -> None:
    vectors, queries = made_up(7, 1_000, 16), made_up(8, 10, 16)
    curve = recall_curve(vectors, queries, IVFPQ(m=4, nlist=1), 10)
    assert [point.n for point in curve] == [250, 500, 1_000]
    assert curve[0].recall is None
    assert "256" in curve[0].refused
    assert all(0 < point.recall <= 1 for point in curve[1:])  # type: ignore[operator]
    assert recall_curve(vectors, queries, IVFPQ(m=4, nlist=1), 10) == curve
    assert [point.recall for point in recall_curve(vectors, queries, Flat(), 10)] == [1.0, 1.0, 1.0]
