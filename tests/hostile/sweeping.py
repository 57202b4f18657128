"""A sweep of sample documents in processes that are killed; run as a program of its own, which forks them.

    python tests/hostile/sweeping.py FOLDER KILLS SEED

Writes one JSON line: how many were killed in mid-work, and whether every table equals that of an undisturbed sweep.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import faiss  # noqa: E402

from workbench.documents import Corpus, Document  # noqa: E402
from workbench.golden import read_golden  # noqa: E402
from workbench.records import Question  # noqa: E402
from workbench.specs import digest  # noqa: E402
from workbench.store import Store  # noqa: E402
from workbench.sweeps import Grid, sweep  # noqa: E402

GRID = Grid(
    {"splitter": {"kind": "recursive", "unit": "characters"}, "embedder": {"kind": "static"}, "k": 5},
    {
        "splitter.chunk_size": [200, 300, 450],
        "splitter.chunk_overlap": ["0%", "25%"],
        "retriever": ["dense", "hybrid", "bm25"],
    },
)


def data() -> tuple[Corpus, list[Question]]:
    """The Markdown files among the sample documents, and the questions that they answer."""
    documents = []
    for path in sorted((ROOT / "sample_docs").glob("*.md")):
        text = path.read_text("utf-8")
        documents.append(Document(digest(text.encode()), digest(path.name.encode()), path.name, text))
    corpus = Corpus(tuple(documents))
    return corpus, list(read_golden(ROOT / "sample_docs/golden.jsonl", corpus)[0])


def work(folder: Path, corpus: Corpus, questions: list[Question]) -> None:
    """The sweep, in this process, which then ends."""
    status = 1
    try:
        faiss.omp_set_num_threads(1)  # threads of a parent do not live in its forks
        results = sweep(corpus, questions, GRID, folder / "sweep", store=Store(folder / "store"))
        status = 0 if not results.pending and not results.skipped else 2
    finally:
        os._exit(status)


def fork(folder: Path, corpus: Corpus, questions: list[Question]) -> int:
    """The process that sweeps into the folder."""
    process = os.fork()
    if process == 0:
        work(folder, corpus, questions)
    return process


def finish(process: int) -> None:
    """Wait for the end of a sweep, which must be a good one."""
    _, status = os.waitpid(process, 0)
    if status:
        raise SystemExit(f"a sweep ended with status {status}")


def outcome(folder: Path) -> bytes:
    return (folder / "sweep/table.csv").read_bytes()


def main(folder: Path, kills: int, seed: int) -> None:
    """Undisturbed, then killed again and again, then two at once."""
    chance = random.Random(seed)
    corpus, questions = data()
    began = time.monotonic()
    finish(fork(folder / "whole", corpus, questions))
    usual = time.monotonic() - began
    expected = outcome(folder / "whole")

    killed = whole = 0
    equal = True
    while killed < kills:
        here = folder / f"killed-{whole}"
        whole += 1
        for _ in range(5):  # so often at most in one folder: then it may come to its end
            process = fork(here, corpus, questions)
            time.sleep(chance.uniform(0, usual / 2))
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            killed += os.WIFSIGNALED(status)
            if killed == kills or not os.WIFSIGNALED(status):
                break
        before = {p: p.stat().st_mtime_ns for p in (here / "sweep/runs").glob("*.json")}
        finish(fork(here, corpus, questions))
        equal &= outcome(here) == expected
        equal &= all(p.stat().st_mtime_ns == made for p, made in before.items())  # nothing finished was made again

    both = [fork(folder / "two", corpus, questions) for _ in range(2)]
    for process in both:
        finish(process)
    equal &= outcome(folder / "two") == expected
    left = len(list((folder / "two/sweep/runs").iterdir())) - len(GRID)
    print(json.dumps({"killed": killed, "folders": whole, "equal": equal, "left behind": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
