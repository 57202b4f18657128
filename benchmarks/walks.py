"""How many rooms a value is carried through, from a page's function to what is made of it: a measure of the code.

A room is a file of `workbench/` or `pages/`. One run of the Bench is followed with a profiler, after a run that loaded
everything, so nothing here names a module below the page and the figures can be compared before and after a change.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from unittest import mock

from benchmarks.tables import Table
from workbench import Chunks, Corpus, Hit, Pipeline, Recursive
from workbench.embedders import Static
from workbench.pipelines import to_mapping
from workbench.workspaces import open_workspace

ROOT = Path(__file__).parents[1]
PAGE = "pages/1_Bench.py"
SIZE, QUERY = 137, "Which lamp means an error?"
"""What is followed: values that nothing else on the page has."""
NOTE = (
    "Calls from the page's function down to {goal}, by file. A stay is one or more calls in a row within a file; a "
    "return is a stay in a file that was left before. `python -m benchmarks walks` prints every stay."
)


@dataclass(slots=True)
class Walk:
    """The calls that a value went through, as (file, function), in the order in which they were entered."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    @property
    def stays(self) -> list[tuple[str, list[str]]]:
        """Each stay's file and the functions entered in it."""
        return [(room, [name for _, name in some]) for room, some in groupby(self.calls, key=lambda call: call[0])]

    @property
    def rooms(self) -> int:
        """How many files there are, the page's own left out."""
        return len({room for room, _ in self.calls} - {PAGE})

    @property
    def returns(self) -> int:
        """How often a file is entered that was left before."""
        return len(self.stays) - len({room for room, _ in self.calls})


class Follower:
    """A profiler of one run of the page: three walks.

    `cut`: the stack when the first chunks of the new size are made. `hits`: the stack when the first hits of the query
    are made. `known`: every call that is given the corpus together with the pipeline.
    """

    def __init__(self) -> None:
        self.cut, self.hits, self.known = Walk(), Walk(), Walk()
        self._rooms: dict[CodeType, str] = {}

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        """Take note of an event, as `sys.setprofile` reports it."""
        if event not in ("call", "return") or not self._room(frame.f_code):
            return
        if event == "call":
            if not frame.f_code.co_name.startswith("<") and _asks(frame):
                stack = self._stack(frame)
                if stack:
                    self.known.calls.append(stack[-1])
        elif not self.cut.calls and isinstance(value, Chunks) and len(value):
            stack = self._stack(frame)
            if stack and _arguments(frame, lambda one: getattr(one, "chunk_size", None) == SIZE):
                self.cut.calls = stack
        elif not self.hits.calls and _are_hits(value) and _arguments(frame, lambda one: one == QUERY):
            self.hits.calls = self._stack(frame)

    def _stack(self, frame: FrameType | None) -> list[tuple[str, str]]:
        """The calls from the page's function to this frame; none where no page is above it."""
        out: list[tuple[str, str]] = []
        while frame is not None:
            room = self._room(frame.f_code)
            if room and not frame.f_code.co_name.startswith("<"):
                out.append((room, frame.f_code.co_name))
            if room == PAGE and frame.f_code.co_name != "<module>":
                return out[::-1]
            frame = frame.f_back
        return []

    def _room(self, code: CodeType) -> str:
        """The file of this code below the root; "" where it is none of ours."""
        if code not in self._rooms:
            path = Path(code.co_filename)
            ours = path.is_relative_to(ROOT / "workbench") or path.is_relative_to(ROOT / "pages")
            self._rooms[code] = path.relative_to(ROOT).as_posix() if ours else ""
        return self._rooms[code]


def _values(frame: FrameType) -> Iterator[Any]:
    """Yield the arguments of a call, and what stands in tuples and lists among them."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        yield value
        if isinstance(value, tuple | list) and len(value) < 20:
            for one in value:
                yield one
                if isinstance(one, tuple) and len(one) < 20:
                    yield from one


def _arguments(frame: FrameType, fits: Callable[[Any], bool]) -> bool:
    """Return whether one of the arguments fits."""
    plain = (one for one in _values(frame) if isinstance(one, str | int | float) or hasattr(type(one), "kind"))
    return any(map(fits, plain))


def _asks(frame: FrameType) -> bool:
    """Return whether a call is given the corpus together with the pipeline."""
    kinds = [type(value) for value in _values(frame)]
    return Corpus in kinds and Pipeline in kinds


def _are_hits(value: Any) -> bool:
    """Return whether this is a list of hits, or of such lists."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, Hit)


@contextmanager
def _profiled(follower: Follower) -> Iterator[None]:
    """Follow the threads that are started within, such as that of the page's script."""
    before = threading.getprofile()

    def begin(frame: FrameType, event: str, value: Any) -> None:
        if "job" in threading.current_thread().name:  # work in the background is no part of the page's walk
            sys.setprofile(None)
        else:
            sys.setprofile(follower)

    threading.setprofile(begin)
    try:
        yield
    finally:
        threading.setprofile(before)


def follow() -> Follower:
    """Run the Bench twice on two documents of the sample, and follow the second run, with another size and a query."""
    from streamlit.testing.v1 import AppTest

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        mock.patch.dict(os.environ, WORKBENCH_HOME=home),
    ):
        here = open_workspace()
        for source in here.sources:
            if not source.name.startswith("travel-policy"):
                here.remove(source.id)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
        app.session_state["pipeline"] = to_mapping(_line(200))
        app.run()
        app.session_state["pipeline"] = to_mapping(_line(SIZE))
        app.session_state["query"] = QUERY
        follower = Follower()
        with _profiled(follower):
            app.run()
        if app.exception:
            raise RuntimeError(app.exception[0].message)
        return follower


def _line(size: int) -> Pipeline:
    return Pipeline(splitter=Recursive(size, 20, tokenizer="wordllama-256"), embedder=Static())


WALKS = (
    ("a chunk size, from the page to the cut", "cut", "the first chunks of that size"),
    ("a query, from the page to its hits", "hits", "its first hits"),
    ("what is known of this corpus under this pipeline", "known", "whatever is asked of both"),
)


def tables(tiny: bool) -> Iterator[Table]:
    """A table of the three walks, and one for each with its stays."""
    found = follow()
    rows = []
    for title, name, _ in WALKS:
        walk: Walk = getattr(found, name)
        rows.append([title, f"{walk.rooms:,}", f"{len(walk.stays):,}", f"{walk.returns:,}", f"{len(walk.calls):,}"])
    yield Table("Walks", ("walk", "rooms", "stays", "returns", "calls"), rows, NOTE.format(goal="where it is used"))
    for title, name, goal in WALKS:
        yield Table(f"Walk of {title}", ("stay", "calls"), _shown(getattr(found, name).stays), f"Down to {goal}.")


def _shown(stays: Sequence[tuple[str, list[str]]]) -> list[list[str]]:
    return [
        [room, ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")]
        for room, names in stays
    ]
