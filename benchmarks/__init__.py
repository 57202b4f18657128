"""Speed and size, ours beside peers in the same run. `python -m benchmarks` prints tables and writes RESULTS.md.

A benchmark is a function that yields tables; `SUBJECTS` names them. `tiny` runs everything once on little text: the
numbers then mean nothing, and the checks of equality in them everything.
"""

from collections.abc import Callable, Iterator

from benchmarks import (
    browsing,
    calibration,
    cutting,
    embedding,
    large,
    peers,
    realtime,
    scaling,
    searching,
    steps,
    surface,
    sweeping,
    walks,
)
from benchmarks.tables import Table

SUBJECTS: dict[str, Callable[[bool], Iterator[Table]]] = {
    "cutting": cutting.tables,
    "peers": peers.tables,
    "steps": steps.tables,
    "embedding": embedding.tables,
    "search": searching.tables,
    "scaling": scaling.tables,
    "sweep": sweeping.tables,
    "realtime": realtime.tables,
    "surface": surface.tables,
    "browser": browsing.tables,
    "large": large.tables,
}

APART: dict[str, Callable[[bool], Iterator[Table]]] = {"calibration": calibration.tables, "walks": walks.tables}
"""What is no measurement of speed and no part of a run of everything."""
