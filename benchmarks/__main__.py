"""`python -m benchmarks [names …] [--tiny]`"""

import argparse
import os
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
DOCS = Path(__file__).parents[1] / "docs"
HEADS = {
    "calibration": "# Calibration\n\nHow often the workbench's intervals and verdicts are wrong, counted on made "
    "scores whose truth is known. Arrows: version 1.0.0 → now. Made by `python -m benchmarks calibration`; seeded, so "
    "that the same code gives the same figures.\n"
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0; prints a table per measurement, and writes RESULTS.md where everything was measured in full."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "1")
    from benchmarks import APART, SUBJECTS
    from benchmarks.tables import environment

    every = SUBJECTS | APART
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"some of: {', '.join(SUBJECTS)} (all of these), {', '.join(APART)}"
    )
    parser.add_argument("--tiny", action="store_true", help="little text, one round: for correctness, not for time")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in every]:
        parser.error(f"{unknown[0]!r} is no subject; there are {', '.join(every)}")

    names = chosen.names or list(SUBJECTS)
    began = time.monotonic()
    page = [f"# Benchmarks\n\n{environment()}\n"]
    print(page[0], flush=True)
    for name in names:
        started = time.monotonic()
        for table in every[name](chosen.tiny):
            page.append(f"{table}\n")
            print(page[-1], flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s in all\n", file=sys.stderr, flush=True)
    page.append(f"{(time.monotonic() - began) / 60:.0f} minutes in all.\n")
    for name in [] if chosen.tiny else HEADS:  # it has a page of its own
        if chosen.names == [name]:
            (DOCS / f"{name}.md").write_text("\n".join([HEADS[name], *page[1:-1]]), encoding="utf-8")
    if not chosen.names and not chosen.tiny:
        RESULTS.write_text("\n".join(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
