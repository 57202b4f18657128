"""Where pipelines lie on the surface of what is varied, so that some can be spread over it."""

from collections.abc import Sequence
from math import log2

import numpy as np

from workbench.pipelines import Pipeline
from workbench.sweeps.bounds import Floats


def places(pipelines: Sequence[Pipeline]) -> Floats:
    """(n, d) where each pipeline lies on the surface: the logarithm of its size, the share of its overlap, its kinds.

    Each from 0 to 1; another kind of splitter, model or retriever is half as far as the whole width.
    """
    sizes = np.array([log2(p.splitter.chunk_size) for p in pipelines])
    overlaps = np.array([p.splitter.chunk_overlap / p.splitter.chunk_size for p in pipelines])
    columns = [_stretched(sizes), _stretched(overlaps)]
    for part in ("splitter", "embedder", "retriever"):
        kinds = [_kind(getattr(p, part)) for p in pipelines]
        if len(known := list(dict.fromkeys(kinds))) > 1:
            columns += [np.array([0.35 * (kind == one) for kind in kinds]) for one in known]
    return np.stack(columns, axis=1)


def _kind(part: object) -> str:
    return f"{getattr(part, 'kind', '')}:{getattr(part, 'model', '')}"


def _stretched(values: Floats) -> Floats:
    width = values.max() - values.min()
    return (values - values.min()) / width if width else np.zeros(len(values))
