"""A corpus of 20,000 documents, 300 MB of text, about 500,000 chunks: from text to a searchable index, in a process of
its own whose memory is looked at.

The vectors are the static model's. Every stage is run as the app runs it; the figures are of one run.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks.tables import Table, ms
from benchmarks.texts import prose
from workbench.documents import Corpus, Document
from workbench.specs import digest

DOCUMENTS, CHARACTERS = 20_000, 15_000
TINY = 12, 3_000
NOTE = (
    "Wanted: text to searchable index within 10 minutes and 4 GB resident. Reading files is not in it. Again, and with "
    "one document more: nothing but the store is left, as after a restart. Memory: resident at the end of the stage, "
    "mapped files included, and the most since the start. Documents are paragraphs of the sample corpus in other "
    "orders, 15 % of their words changed."
)


def tables(tiny: bool) -> Iterator[Table]:
    """One table: a row per stage."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = map(str, TINY if tiny else (DOCUMENTS, CHARACTERS))
        command = [sys.executable, "-c", "from benchmarks.large import child; child()", folder, *sizes]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=True)
    found = json.loads(done.stdout)
    rows = [
        [name, ms(wall), ms(cpu), f"{now / 1e9:.2f} GB", f"{most / 1e9:.2f} GB"]
        for name, wall, cpu, now, most in found["stages"]
    ]
    title = f"Large: {found['documents']:,} documents, {found['characters'] / 1e6:,.1f} MB, {found['chunks']:,} chunks"
    yield Table(title, ("stage", "wall", "CPU", "memory", "at most"), rows, NOTE)


@cache
def _paragraphs() -> list[str]:
    return [p for p in prose(1_000_000).split("\n\n") if p.strip()]


def documents(n: int, characters: int, first: int = 0) -> Iterator[Document]:
    """n documents of about so many characters, the same at every run and no two alike; numbered from `first`."""
    paragraphs = _paragraphs()
    for i in range(first, first + n):
        chance = random.Random(i)
        parts, size = [f"Record {i:,} of the archive"], 0
        while size < characters:
            parts.append(paragraphs[chance.randrange(len(paragraphs))])
            size += len(parts[-1]) + 2
        text = "\n\n".join(parts)[:characters]
        yield Document(digest(text.encode()), digest(f"record {i} {text}".encode()), f"record-{i:05}.txt", text)


def main(folder: str, n: int, characters: int) -> dict[str, Any]:
    """The figures of each stage: name, wall, CPU, resident bytes, most resident bytes."""
    import psutil

    from benchmarks.forgetting import forget
    from workbench import pipelines
    from workbench.embedders import Static
    from workbench.indexes import mapped
    from workbench.pipelines import Pipeline
    from workbench.retrievers import BM25, Collection, Dense
    from workbench.splitters import Recursive
    from workbench.store import Store

    stages: list[tuple[str, float, float, int, int]] = []
    process = psutil.Process()

    def stage(name: str, action: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        out = action()
        used = time.perf_counter() - wall, time.process_time() - cpu
        stages.append((name, *used, process.memory_info().rss, _most()))
        print(*stages[-1], file=sys.stderr, flush=True)
        return out

    line = Pipeline(splitter=Recursive(180, 18), embedder=Static())
    store, words = Store(Path(folder)), ["how do I reset the pump"]
    corpus = Corpus(tuple(stage("documents made", lambda: list(documents(n, characters)))))
    line.embedder.encode_query(["loads the model"])

    def cut(corpus: Corpus) -> Collection:
        return pipelines.collected(corpus, line.splitter, store)

    def vectors(rows: Collection) -> Collection:
        return pipelines.searchable(rows, line, store)

    rows = stage("chunks", lambda: cut(corpus))
    dense = stage("vectors and index", lambda: vectors(rows))
    hundred = [f"how do I reset pump {i}" for i in range(100)]
    stage("a query, dense", partial(Dense(), dense, words, 10))
    stage("100 queries, dense", partial(Dense(), dense, hundred, 10))
    stage("BM25: index and a query", lambda: BM25()(rows, words, 10))
    stage("BM25: another query", lambda: BM25()(rows, ["who may take parental leave"], 10))
    more = Corpus((*corpus.documents, *documents(1, characters, n)))
    for begin, found in (("again", corpus), ("one document more", more)):
        del rows, dense
        forget()
        mapped.forget()
        rows = stage(f"{begin}: chunks", partial(cut, found))
        dense = stage(f"{begin}: vectors and index", partial(vectors, rows))
        stage(f"{begin}: a query, dense", partial(Dense(), dense, words, 10))
        if found is more:
            stage(f"{begin}: BM25", partial(BM25(), rows, words, 10))
    return {"documents": n, "characters": corpus.characters, "chunks": len(rows), "stages": stages}


def _most() -> int:
    """The most bytes that were resident. The system's `ru_maxrss` would count those of the process that began this."""
    import resource

    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def child() -> None:
    """Write the figures of `main` as JSON; its arguments are those of the process."""
    folder, n, characters = sys.argv[1:]
    json.dump(main(folder, int(n), int(characters)), sys.stdout)
