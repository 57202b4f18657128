"""(n, dim) vectors as (n, 2) points to look at. Distances on a map are only a hint: nothing is decided by them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SpecError
from workbench.installation import needing
from workbench.specs import fingerprint
from workbench.store import Store
from workbench.vectors import Vectors

Points = NDArray[np.float32]
"""(n, 2) float32."""
Rows = NDArray[np.int64]

MOST_POINTS = 20_000
"""As many stay fluid on a page; of more, `sample` shows so many."""

NEIGHBOURS, SPREAD, SEED = 15, 0.1, 0

CLUSTERS = 6
"""As many as there are colours that the colour-blind can tell apart."""


@dataclass(frozen=True, slots=True, eq=False)
class PCA:
    """The plane in which vectors vary most: `plane(vectors)` gives points, of queries too.

    `shares` are those of the whole variance that lie along the two axes, 0 to 1.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    shares: tuple[float, float]

    def __call__(self, vectors: NDArray[Any]) -> Points:
        """(n, 2) float32."""
        out: Points = ((np.asarray(vectors, np.float64) - self.mean) @ self.axes).astype(np.float32)
        return out


def pca(vectors: NDArray[Any]) -> PCA:
    """The plane of the first two principal components; each axis points to where its largest loading is positive.

    Source: Pearson 1901; by the eigenvectors of the covariance matrix, which takes O(n · dim²).

    Raises:
        SpecError: no vector, or fewer than two dimensions.
    """
    if vectors.ndim != 2 or len(vectors) == 0 or vectors.shape[1] < 2:
        raise SpecError(
            f"vectors of shape {vectors.shape} cannot be drawn: at least one row and two columns are needed"
        )
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors.astype(np.float32) - mean.astype(np.float32)
    covariance = (centred.T @ centred).astype(np.float64) / len(vectors)
    values, columns = np.linalg.eigh(covariance)
    axes = columns[:, [-1, -2]]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, [0, 1]] < 0, -1.0, 1.0)
    whole = float(np.maximum(values, 0).sum()) or 1.0
    return PCA(mean, axes, (float(max(values[-1], 0) / whole), float(max(values[-2], 0) / whole)))


def umap(vectors: Vectors, store: Store | None = None, seed: int = SEED) -> Points:
    """(n, 2) UMAP of the vectors by their angles: the same for the same vectors and seed, kept in the store.

    Slow: seconds for hundreds, a minute for `MOST_POINTS`. Fewer than four vectors are given their `pca`.

    Source: McInnes, Healy and Melville 2018, arXiv 1802.03426.
    """
    if len(vectors) < 4:
        return pca(vectors)(vectors)
    rows = np.ascontiguousarray(vectors, np.float32)
    settings = {"neighbours": min(NEIGHBOURS, len(rows) - 1), "spread": SPREAD, "seed": seed}
    from hashlib import sha256

    key = fingerprint({"vectors": sha256(rows.tobytes()).hexdigest(), "shape": list(rows.shape), **settings})
    kept = store.get("umap", key) if store else None
    if kept is not None and len(kept) == 8 * len(rows):
        return np.frombuffer(kept, "<f4").reshape(-1, 2).astype(np.float32)
    with needing("app", "UMAP"):
        from umap import UMAP

    model = UMAP(
        n_neighbors=settings["neighbours"],
        min_dist=SPREAD,
        metric="cosine",
        random_state=seed,
        n_jobs=1,
        init="spectral" if len(rows) > 12 else "random",  # its spectral start needs more points than axes
    )
    points = np.ascontiguousarray(model.fit_transform(rows), np.float32)
    if store:
        store.put("umap", key, points.astype("<f4").tobytes())
    return points


def among(points: Points, vectors: Vectors, queries: Vectors, k: int = 5) -> Points:
    """(q, 2) where queries stand on a map that knows no new points: at the middle of their k nearest rows' points."""
    nearest = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :k]
    out: Points = points[nearest].mean(axis=1, dtype=np.float64).astype(np.float32)
    return out


def clusters(vectors: NDArray[Any], k: int = CLUSTERS, seed: int = SEED) -> Rows:
    """(n,) the number of each row's cluster by k-means, from 0, the largest first; fewer than k for few rows.

    Source: Lloyd 1982, "Least squares quantization in PCM"; begun as Arthur and Vassilvitskii 2007, "k-means++".
    """
    k = min(k, len(np.unique(vectors, axis=0)))
    if k < 2:
        return np.zeros(len(vectors), np.int64)
    from scipy.cluster.vq import kmeans2

    _, of = kmeans2(np.asarray(vectors, np.float64), k, minit="++", rng=np.random.default_rng(seed))
    order = np.argsort(-np.bincount(of, minlength=k), kind="stable")
    out: Rows = np.argsort(order)[of].astype(np.int64)
    return out


def sample(n: int, most: int = MOST_POINTS, seed: int = SEED, keep: Rows | None = None) -> Rows:
    """(m,) int64 rows to draw, in order: all up to `most`, else as many at random, those to `keep` among them."""
    if n <= most:
        return np.arange(n)
    wanted = np.unique(keep) if keep is not None else np.empty(0, np.int64)
    others = np.setdiff1d(np.arange(n), wanted)
    drawn = np.random.default_rng(seed).choice(others, max(0, most - len(wanted)), replace=False)
    return np.sort(np.concatenate([wanted, drawn])).astype(np.int64)
