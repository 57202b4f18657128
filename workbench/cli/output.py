"""What commands write: JSON lines and text for people on stdout, progress on stderr."""

import json
import math
import re
import sys
import time
from dataclasses import asdict
from typing import Any

# Characters that JSON allows and that some programs take for a line's end, or terminals for a command.
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029]")
_JOINERS = "\u200c\u200d"  # of Persian and Indic letters, and of emoji


def write_json(value: dict[str, Any]) -> None:
    """Write the value as one line of JSON."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_BREAKS.sub(lambda m: f"\\u{ord(m[0]):04x}", line) + "\n")


def number(value: Any) -> Any:
    """Return the value, or None for a number that JSON has no form for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def numbers(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, with null for numbers that cannot be known."""
    return {key: number(one) for key, one in asdict(value).items()}


def count(n: int, what: str) -> str:
    """Return `1 question` or `1,234 questions`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def shown(text: str) -> str:
    """Return the text on one line, without what could command a terminal: documents are not trusted."""
    kept = (c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join("".join(kept).split())


def warn(message: str) -> None:
    """Write one line to stderr."""
    wipe = "\r\x1b[K" if sys.stderr.isatty() else ""  # the progress line, which is drawn again below
    print(f"{wipe}{shown(message)}", file=sys.stderr)


AT_ONCE = 1.0
"""Seconds within which all may be done without a word."""


class Progress:
    """A line on stderr with what is done, the rate and the time left; silent where all is done `AT_ONCE`.

    On a terminal the line is drawn over itself; elsewhere it is written every few seconds.
    """

    def __init__(self, doing: str, things: str) -> None:
        self.doing, self.things = doing, things
        self._terminal = sys.stderr.isatty()
        self._start = self._shown = time.monotonic()
        self._first: tuple[float, int] | None = None  # when the first were done: loading a model is not in the rate
        self._lines = 0

    def __call__(self, done: int, total: int, note: Any = None) -> None:
        """Show that `done` of `total` are done; fits `Task.on_report`."""
        now = time.monotonic()
        if done and self._first is None:
            self._first = (now, done) if done < total else (self._start, 0)
        if self._terminal and total:
            self._draw(done, total, now)
        elif done and now - self._start > AT_ONCE and (not self._lines or now - self._shown > 5 or done == total):
            print(self.line(done, total, now), file=sys.stderr, flush=True)
            self._lines += 1
            self._shown = now

    def _draw(self, done: int, total: int, now: float) -> None:
        quick = done == total and now - self._start <= AT_ONCE
        end = "" if quick or done < total else "\n"
        print(f"\r\x1b[K{'' if quick else self.line(done, total, now)}", end=end, file=sys.stderr, flush=True)

    def line(self, done: int, total: int, now: float) -> str:
        """Return such as `embedding 320 of 1,200 chunks · 85 a second · 10 s left`."""
        text = f"{self.doing} {done:,} of {total:,} {self.things}"
        if done == total:
            return f"{text} in {now - self._start:.1f} s"
        since, before = self._first or (now, done)
        if now - since < 0.2 or done == before:
            return f"{text} …"
        rate = (done - before) / (now - since)
        return f"{text} · {rate:.3g} a second · {(total - done) / rate:,.0f} s left"
