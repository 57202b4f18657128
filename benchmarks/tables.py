"""What a benchmark yields: a titled table, as Markdown that reads well on a terminal too."""

import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from math import inf
from pathlib import Path

PACKAGES = (
    "numpy", "faiss-cpu", "torch", "sentence-transformers", "tokenizers", "bpe-openai", "bm25s", "streamlit",
    "langchain-text-splitters",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under columns; the note says how they were measured, and what should be reached."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __str__(self) -> str:
        grid = [list(self.columns), *(list(row) for row in self.rows)]
        widths = [max(len(row[i]) for row in grid) for i in range(len(self.columns))]

        def line(cells: Iterable[str]) -> str:
            padded = [c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
            return f"| {' | '.join(padded)} |"

        rule = line("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths))
        note = f"\n\n{self.note}" if self.note else ""
        return "\n".join([f"## {self.title}\n", line(grid[0]), rule, *map(line, grid[1:])]) + note


def ms(seconds: float) -> str:
    """`4.1 ms`, `180 ms`, `2.31 s`; infinity is what did not come in time."""
    if seconds == inf:
        return "too late"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{0 if seconds >= 0.1 else 1 if seconds >= 0.001 else 3}f} ms"


def ratio(theirs: float, ours: float) -> str:
    """How many times as long theirs takes."""
    times = theirs / ours if ours else float("inf")
    return f"{times:.0f} ×" if times >= 10 else f"{times:.2f} ×"


def size(characters: int) -> str:
    """`120 KB`, `5 MB`."""
    return f"{characters / 1e6:.3g} MB" if characters >= 1_000_000 else f"{characters / 1e3:.3g} KB"


def environment() -> str:
    """The date, the machine and the versions, in two lines."""
    import psutil

    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    busy = psutil.getloadavg()[0]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{date.today()}, {_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()}, load {busy:.1f} at the "
        f"start.  \nPython {sys.version.split()[0]}, {packages}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
