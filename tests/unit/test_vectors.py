import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.vectors import norms, top_k, unit


def test_unit_rows_have_length_one_and_zeros_stay() -> None:
    rows = np.array([[3, 4], [0, 0], [1e-30, 0], [1e30, -1e30]], np.float32)
    out = unit(rows)
    assert out.dtype == np.float32
    np.testing.assert_allclose(norms(out), [1, 0, 1, 1], rtol=1e-6)
    np.testing.assert_array_equal(rows[0], [3, 4])  # the input is left alone
    assert unit(np.empty((0, 5))).shape == (0, 5)


@given(
    arrays(np.int64, st.tuples(st.integers(0, 4), st.integers(0, 40)), elements=st.integers(0, 5)), st.integers(-1, 50)
)
def test_top_k_is_a_stable_sort(scores: np.ndarray, k: int) -> None:
    expected = [sorted(range(len(row)), key=lambda j: (-row[j], j))[: max(k, 0)] for row in scores.tolist()]
    found = top_k(scores.astype(np.float32), k)
    assert found.dtype == np.int64
    assert found.tolist() == expected


@pytest.mark.parametrize("k", [1, 3, 10, 400])
def test_top_k_of_many_ties(k: int) -> None:
    scores = np.tile(np.float32([1, 2, 2, 1, 0]), 80)[None]
    assert top_k(scores, k).tolist() == [np.argsort(-scores[0], kind="stable")[:k].tolist()]


def test_minus_infinity_comes_last() -> None:
    assert top_k(np.float32([[-np.inf, 1, -np.inf, 2]]), 3).tolist() == [[3, 1, 0]]
