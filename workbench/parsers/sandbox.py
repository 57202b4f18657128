"""Foreign files read in a process of their own, within limits of time, memory and output.

A process that has read a file or refused it in good order is kept for the next one, so that only the first pays for
its start. One in which a parser broke, or that read a large file or very many, is ended. Callers may be threads; each
has a process to itself while it reads, and where there are many they take turns owner by owner (`turns.py`).
"""

import atexit
import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

from workbench.errors import DocumentError
from workbench.parsers.confinement import LIMITS
from workbench.parsers.drafts import Draft
from workbench.parsers.methods import Parser, Unstructured
from workbench.parsers.names import label
from workbench.parsers.turns import Turns
from workbench.specs import to_dict

_ROOT = str(Path(__file__).resolve().parents[2])
_KEPT = tuple("PATH HOME XDG_CACHE_HOME TMPDIR TEMP SYSTEMROOT LANG LC_ALL VIRTUAL_ENV LD_LIBRARY_PATH".split())
_MAX_FILES = 100
_LARGE = 20_000_000
_AT_ONCE = max(4, min(8, os.cpu_count() or 1))  # one file that hangs must not hold up the others


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take. Memory is the address space of the process, output its answer or any file."""

    seconds: float = 60
    cpu_seconds: int = 45
    memory_bytes: int = 2_000_000_000
    input_bytes: int = 200_000_000
    output_bytes: int = 300_000_000
    open_files: int = 64


class _Gone(Exception):
    """The process ended or broke off; `code` is its exit status, negative for a signal."""


class _Late(Exception):
    """The wall clock ran out."""


class Process:
    """One child, and the exchange with it."""

    def __init__(self) -> None:
        environment = {
            k: os.environ[k] for k in _KEPT if k in os.environ
        }  # no keys or tokens go to where foreign files are read
        paths = [_ROOT, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
        environment |= {
            "PYTHONPATH": os.pathsep.join(paths),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONUTF8": "1",
        }
        environment |= {"MALLOC_ARENA_MAX": "2", "TOKENIZERS_PARALLELISM": "false"}
        self.files = 0
        self._child = subprocess.Popen(
            [sys.executable, "-m", "workbench.parsers.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        self._in = cast(IO[bytes], self._child.stdin)
        self._out = cast(IO[bytes], self._child.stdout)
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)

    def ask(self, request: dict[str, Any], data: bytes, limits: Limits) -> tuple[dict[str, Any], int]:
        """The child's answer and its size in bytes.

        Raises:
            _Gone, _Late: there will be none.
        """
        self.files += 1
        deadline = time.monotonic() + limits.seconds
        head = json.dumps(request | {"size": len(data)}).encode() + b"\n"
        for part in (head, data):
            view = memoryview(part)
            while view:
                self._wait(self._in, deadline, writing=True)
                try:
                    view = view[os.write(self._in.fileno(), view[: 1 << 20]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise _Gone from None
        (size,) = struct.unpack(">Q", self._read(8, deadline))
        if size > limits.output_bytes + 1_000:
            raise _Gone
        answer = json.loads(self._read(size, deadline))
        if not isinstance(answer, dict):
            raise _Gone
        return answer, size

    def end(self) -> int:
        """Kill the child and all that it started; its exit status."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):  # while the child is not waited for, its number is no other process's
                if self._child.returncode is None:
                    os.killpg(self._child.pid, signal.SIGKILL)
            else:
                self._child.kill()
        for stream in (self._in, self._out):
            with contextlib.suppress(OSError):
                stream.close()
        return self._child.wait()

    def status(self, patience: float = 2.0) -> int | None:
        """The exit status if the child ended by itself; what it started is ended with it."""
        deadline = time.monotonic() + patience
        while self.alive():
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return self.end()

    def alive(self) -> bool:
        """Whether the child still runs; a child that has ended is not waited for, see `end`."""
        if self._child.returncode is not None:
            return False
        if not hasattr(os, "waitid"):
            return self._child.poll() is None
        try:
            return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return self._child.poll() is None

    def _read(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            self._wait(self._out, deadline, writing=False)
            try:
                part = os.read(self._out.fileno(), min(1 << 20, size - len(parts)))
            except BlockingIOError:
                continue
            if not part:
                raise _Gone
            parts += part
        return bytes(parts)

    def _wait(self, stream: Any, deadline: float, writing: bool) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise _Late
        poll = select.poll()
        poll.register(stream, select.POLLOUT if writing else select.POLLIN)
        if not poll.poll(remaining * 1000):
            raise _Late


_lock = threading.Lock()
_idle: list[Process] = []
_turns = Turns(_AT_ONCE)


def read_apart(name: str, data: bytes, parser: Parser, limits: Limits, format: str = "") -> Draft:
    """The draft of a file, read in another process.

    Raises:
        DocumentError: it cannot be read, or not within the limits.
    """
    arguments = {"parser": to_dict(parser), "format": format}
    if isinstance(parser, Unstructured):  # its models take the first half of the memory
        limits = replace(limits, memory_bytes=2 * limits.memory_bytes)
    return Draft.from_plain(do_apart("parse", name, data, limits, arguments), label(name))


def do_apart(task: str, name: str, data: bytes, limits: Limits, arguments: Mapping[str, Any] | None = None) -> Any:
    """What one of `workbench.parsers.tasks.TASKS` makes of a file in another process: plain JSON values.

    Raises:
        DocumentError: naming the file and the reason: refused, or not within the limits.
    """
    shown = label(name)
    if len(data) > limits.input_bytes:
        raise DocumentError(
            f"{shown}: {len(data) / 1e6:,.0f} MB is more than the limit of {limits.input_bytes / 1e6:,.0f} MB. "
            "Split it into parts."
        )
    request = {
        "task": task,
        "name": name.encode("utf-8", "replace").decode(),
        "arguments": dict(arguments or {}),
        "limits": {kind: getattr(limits, kind) for kind in LIMITS},
    }
    with _turns.taken():
        process = _take()
        kept = False
        try:
            answer, size = process.ask(request, data, limits)
            reusable = not answer.get("spent") and process.files < _MAX_FILES
            kept = reusable and len(data) < _LARGE and size < _LARGE
            if "result" in answer:
                return answer["result"]
            if answer.get("large"):
                most = f"{limits.output_bytes / 1e6:,.0f} MB"
                raise DocumentError(f"{shown}: its text is more than {most}, the limit. Split it into parts.")
            raise DocumentError(str(answer.get("error")) or f"{shown}: it cannot be read.")
        except _Late:
            raise DocumentError(
                f"{shown}: reading it took longer than {limits.seconds:g} s, the limit. "
                "Split it into parts, or save it anew."
            ) from None
        except (_Gone, ValueError) as error:
            raise DocumentError(f"{shown}: {_why(process.status(), limits)}") from error
        finally:
            if kept:
                with _lock:
                    _idle.append(process)
            else:
                process.end()


def isolation() -> dict[str, Any]:
    """What holds in the processes that read foreign files on this system, for `doctor` and the settings page.

    `network` says what shuts it off ("seccomp", "namespace", "" for nothing), `limits` which of
    `workbench.parsers.confinement.LIMITS` the system enforces; the wall clock always holds.
    """
    held: dict[str, Any] = do_apart("isolation", "isolation", b"", Limits())
    return held


def _why(status: int | None, limits: Limits) -> str:
    """What a child's end means for the file."""
    if status == -getattr(signal, "SIGXCPU", 24):
        return (
            f"reading it took more than {limits.cpu_seconds} s of processor time, the limit. Split it, or save it anew."
        )
    if status == -signal.SIGKILL:
        return "the system stopped the process that read it, most likely for want of memory. Split it into parts."
    if status is not None and status < 0:
        return (
            f"the program that reads this format broke off ({signal.Signals(-status).name}): the file is damaged, "
            f"made to do harm, or needs more than {limits.memory_bytes / 1e9:g} GB of memory, the limit. "
            "Save it anew, or split it."
        )
    return f"the process that read it ended without an answer (status {status}). Save it anew, or split it."


def _take() -> Process:
    """A child that waits, or a new one."""
    with _lock:
        while _idle:
            process = _idle.pop()
            if process.alive():
                return process
            process.end()
    return Process()


def begin() -> None:
    """Start a process for the first file now, so that it loads its libraries while the caller loads its own."""
    process = Process()
    with _lock:
        _idle.append(process)


def close() -> None:
    """End the processes that wait for work."""
    with _lock:
        waiting, _idle[:] = _idle[:], []
    for process in waiting:
        process.end()


atexit.register(close)
