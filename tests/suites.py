"""Every check of the project, and a table of what each took: `make test`.

python tests/suites.py            all of them
python tests/suites.py unit laws  only these
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import chromium
import environments

ROOT = Path(__file__).parents[1]
PYTEST = ("unit", "laws", "reference", "exports", "pages", "browser", "hostile")
SUITES = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy", "--strict", "workbench", "pages", "app.py"],
    "layers": ["lint-imports", "--no-logo"],
    **{name: ["pytest", f"tests/{name}"] for name in PYTEST},
}
LANES = (("ruff", "mypy", "layers", "unit", "reference"), ("exports", "laws", "pages"))
"""Suites that run at the same time, lane beside lane; the rest follow one by one, for they wait for the machine."""
NO_TESTS = 5  # pytest's exit code for a folder without tests


@dataclass(frozen=True)
class Outcome:
    """How one suite ended: its seconds, whether it passed, and its own last word."""

    seconds: float
    passed: bool
    last: str


def run(name: str, lock: threading.Lock, together: bool) -> Outcome:
    """Run a suite. Its output is passed on as it comes or, where others run beside it, whole at its end."""
    tool, *arguments = SUITES[name]
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    variables = os.environ | ({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} if together else {})
    start, last, kept = time.perf_counter(), "", [f"\n--- {name}: {' '.join(SUITES[name])}\n"]
    if not together:
        print(*kept, end="", flush=True)
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with subprocess.Popen(command, cwd=ROOT, env=variables, **pipe) as process:
        for line in process.stdout:
            if together:
                kept.append(line)
            else:
                print(line, end="", flush=True)
            line = re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" =\n")
            last = last if line.startswith("[*]") else line or last  # ruff ends with a hint
    if together:
        with lock:
            print(*kept, sep="", end="", flush=True)
    return Outcome(time.perf_counter() - start, process.returncode in (0, NO_TESTS), last)


def run_all(names: Sequence[str]) -> dict[str, Outcome]:
    """Run the suites: lanes side by side where there are processors for them, then the rest."""
    lanes = [[name for name in lane if name in names] for lane in LANES]
    together = all(lanes) and (os.cpu_count() or 1) >= len(lanes)
    if together:
        print(f"Side by side: {' | '.join(map(' '.join, lanes))}. Each shows its output at its end.", flush=True)
    lock, found = threading.Lock(), dict[str, Outcome]()

    def follow(lane: Sequence[str]) -> None:
        for name in lane:
            found[name] = run(name, lock, together)

    with ThreadPoolExecutor(len(lanes) if together else 1) as pool:
        list(pool.map(follow, lanes))
    together = False
    follow([name for name in names if name not in found])
    return {name: found[name] for name in names}


def main(names: list[str]) -> int:
    """Return 0 where every suite passed. All of them run, even after one has failed."""
    if unknown := [n for n in names if n not in SUITES]:
        print(f"no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
        return 2
    if browser := chromium.find():
        os.environ["CHROMIUM"] = browser
    began = time.perf_counter()
    found = run_all(names or list(SUITES))

    print(f"\n{'suite':<12}{'seconds':>9}  result")
    for name, one in found.items():
        print(f"{name:<12}{one.seconds:>9.1f}  {'ok    ' if one.passed else 'FAILED'}  {one.last}")
    print(f"{'in all':<12}{time.perf_counter() - began:>9.1f}")
    if "browser" in found and not browser:
        print(f"The browser tests were skipped: there is no Chromium; {chromium.REMEDY}.")
    if {"exports", "reference"} & {*found} and (missing := environments.missing()):
        print(f"Tests of {', '.join(missing)} were skipped: `make environments` brings what they need.")
    failed = [name for name, one in found.items() if not one.passed]
    print(f"Failed: {', '.join(failed)}." if failed else "All passed.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
