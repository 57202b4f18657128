"""Runs the export.py of many folders in one process, so that a framework is imported once.

python many.py FOLDER… -- ARGUMENTS     what each prints is written to its folder as dump.jsonl
"""

import contextlib
import os
import runpy
import sys


def main() -> None:
    """Each export as `python export.py ARGUMENTS` would run it."""
    at = sys.argv.index("--")
    folders, arguments = sys.argv[1:at], sys.argv[at + 1 :]
    for folder in folders:
        os.chdir(folder)
        sys.path.insert(0, folder)
        sys.argv = ["export.py", *arguments]
        with open("dump.jsonl", "w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
            runpy.run_path("export.py", run_name="__main__")
        sys.path.remove(folder)
        for name in ("splitter", "retriever", "embedder"):
            sys.modules.pop(name, None)


if __name__ == "__main__":
    main()
