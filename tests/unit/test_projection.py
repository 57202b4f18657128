"""Maps: PCA against sklearn's, UMAP the same every time and kept, samples that hold what must be seen."""

import numpy as np
import pytest

from workbench.errors import SpecError
from workbench.projection import among, clusters, pca, sample, umap
from workbench.store import Store
from workbench.vectors import unit

RNG = np.random.default_rng(7)


def test_pca_equals_scikit_learns_up_to_signs():
    from sklearn.decomposition import PCA

    vectors = (RNG.normal(size=(200, 12)) * np.linspace(3, 0.1, 12)).astype(np.float32)
    ours, theirs = pca(vectors), PCA(2).fit(vectors)
    assert np.allclose(np.abs(ours(vectors)), np.abs(theirs.transform(vectors)), atol=1e-4)
    assert np.allclose(ours.shares, theirs.explained_variance_ratio_, atol=1e-6)


def test_a_query_stands_where_an_equal_row_stands():
    vectors = RNG.normal(size=(50, 6)).astype(np.float32)
    plane = pca(vectors)
    assert np.array_equal(plane(vectors[3:4]), plane(vectors)[3:4])


def test_one_vector_can_be_drawn_and_none_cannot():
    assert pca(np.ones((1, 3), np.float32))(np.ones((1, 3))).tolist() == [[0, 0]]
    with pytest.raises(SpecError, match="cannot be drawn"):
        pca(np.empty((0, 3), np.float32))


def test_umap_is_the_same_every_time_and_is_kept(monkeypatch):
    vectors, store = unit(RNG.normal(size=(60, 8))), Store(None)
    first = umap(vectors, store)
    assert first.shape == (60, 2)
    assert np.array_equal(umap(vectors), first)
    monkeypatch.setitem(__import__("sys").modules, "umap", None)  # what is kept needs no second fit
    assert np.array_equal(umap(vectors, store), first)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 14])
def test_umap_of_a_handful(n):
    assert umap(unit(RNG.normal(size=(n, 8)))).shape == (n, 2)


def test_clusters_are_those_that_were_made_the_largest_first():
    centres = np.eye(3, 8, dtype=np.float32) * 5
    made = np.repeat([0, 1, 2], [30, 10, 20])
    found = clusters(centres[made] + RNG.normal(scale=0.1, size=(60, 8)), k=3)
    assert np.array_equal(found, np.array([0, 2, 1])[made])
    assert np.array_equal(clusters(np.ones((5, 3))), np.zeros(5))
    assert len(clusters(np.empty((0, 3)))) == 0


def test_a_query_stands_amid_its_nearest():
    vectors = unit(np.eye(4, dtype=np.float32))
    points = np.array([[0, 0], [2, 0], [9, 9], [9, 9]], np.float32)
    assert among(points, vectors, unit(np.array([[1, 0.9, 0, 0]])), k=2).tolist() == [[1, 0]]


def test_a_sample_holds_what_is_kept_in_order():
    rows = sample(1000, 100, keep=np.array([999, 5, 5]))
    assert len(rows) == 100
    assert {5, 999} <= set(rows.tolist())
    assert (np.diff(rows) > 0).all()
    assert sample(10, 100).tolist() == list(range(10))
