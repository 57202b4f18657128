"""Every check of the project, one after the other, and a table of what each took: `make test`.

python tests/suites.py            all of them
python tests/suites.py unit laws  only these
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import chromium

ROOT = Path(__file__).parents[1]
PYTEST = ("unit", "laws", "reference", "exports", "pages", "browser", "hostile")
SUITES = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy", "--strict", "workbench"],
    "layers": ["lint-imports", "--no-logo"],
    **{name: ["pytest", f"tests/{name}"] for name in PYTEST},
}
NO_TESTS = 5  # pytest's exit code for a folder without tests


def run(name: str) -> tuple[bool, str]:
    """Whether the suite passed, and its own last word. Its output is passed on as it comes."""
    tool, *arguments = SUITES[name]
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    print(f"\n--- {name}: {' '.join(SUITES[name])}", flush=True)
    last = ""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with subprocess.Popen(command, cwd=ROOT, **pipe) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            line = re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" =\n")
            last = last if line.startswith("[*]") else line or last  # ruff ends with a hint
    return process.returncode in (0, NO_TESTS), last


def main(names: list[str]) -> int:
    """0 where every suite passed. All of them run, even after one has failed."""
    if unknown := [n for n in names if n not in SUITES]:
        print(f"no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
        return 2
    rows = []
    browser = None
    for name in names or SUITES:
        start = time.perf_counter()
        if name == "browser":
            browser = chromium.find()
            if browser:
                os.environ["CHROMIUM"] = browser
        passed, last = run(name)
        rows.append((name, time.perf_counter() - start, passed, last))

    print(f"\n{'suite':<12}{'seconds':>9}  result")
    for name, seconds, passed, last in rows:
        print(f"{name:<12}{seconds:>9.1f}  {'ok    ' if passed else 'FAILED'}  {last}")
    print(f"{'together':<12}{sum(seconds for _, seconds, _, _ in rows):>9.1f}")
    if any(name == "browser" for name, *_ in rows) and not browser:
        print(f"The browser tests were skipped: there is no Chromium; {chromium.REMEDY}.")
    failed = [name for name, _, passed, _ in rows if not passed]
    print(f"Failed: {', '.join(failed)}." if failed else "All passed.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
