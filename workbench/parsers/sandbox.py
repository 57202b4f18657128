"""Foreign files read in a process of their own, within limits of time, memory and output, and without a network.

A process that has read a file or refused it in good order is kept for the next one, so that only the first pays for
its start. One in which a parser broke, or that read a large file or very many, is ended. Callers may be threads; each
has a process to itself while it reads, and if there are many they take turns owner by owner.

Limits are the system's. A filter of system calls, or else a namespace, shuts the network off. Only Linux has these;
elsewhere `shut_network` returns "", and `isolation()` reports it.
"""

import atexit
import contextlib
import ctypes
import json
import os
import platform
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

from workbench.errors import DocumentError
from workbench.parsers.detect import label
from workbench.parsers.registry import Parser, Unstructured
from workbench.parsers.writer import RawDocument
from workbench.specs import to_dict

LIMITS = ("cpu_seconds", "memory_bytes", "output_bytes", "open_files")
"""The limits that `bound` takes and the system enforces; the parent watches the wall clock."""

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # prctl(2)
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # unshare(2)
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000 | 13  # seccomp(2): allow; or fail with EACCES
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # classic BPF
_X32 = 0x40000000  # the other numbering of system calls on x86-64
_CALLS = {  # audit architecture, and what opens a way out: socket, io_uring_setup, ptrace, process_vm_writev
    "x86_64": (0xC000003E, (41, 425, 101, 311)),
    "aarch64": (0xC00000B7, (198, 425, 117, 271)),
}


def bound(limits: Mapping[str, int]) -> list[str]:
    """Set these limits for this process; return the names of those that hold. Processor time counts from now."""
    try:
        import resource
    except ImportError:
        return []
    used = resource.getrusage(resource.RUSAGE_SELF)
    kinds = {
        "cpu_seconds": (resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1),
        "memory_bytes": (resource.RLIMIT_AS, 0),
        "output_bytes": (resource.RLIMIT_FSIZE, 0),  # of any file; what it answers, its parent counts
        "open_files": (resource.RLIMIT_NOFILE, 0),
    }
    held = []
    for name, (kind, offset) in kinds.items():
        if name in limits:
            _, hard = resource.getrlimit(kind)
            soft = limits[name] + offset
            with contextlib.suppress(ValueError, OSError):  # a system that does not know this limit
                resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
                held.append(name)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    return held


def shut_network() -> str:
    """Keep this process, and all that it starts, from opening a socket; return how: "seccomp", "namespace" or ""."""
    if not sys.platform.startswith("linux"):
        return ""
    libc = ctypes.CDLL(None, use_errno=True)
    for name, shut in (("seccomp", _filter), ("namespace", _namespace)):
        if shut(libc) and not reaches_network():
            return name
    return ""


def reaches_network() -> bool:
    """Return whether a packet could leave: a socket opens, and there is a route out. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address kept for documentation (RFC 5737)
    except OSError:
        return False
    return True


def _filter(libc: ctypes.CDLL) -> bool:
    if platform.machine() not in _CALLS:
        return False
    architecture, calls = _CALLS[platform.machine()]
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _ERROR), (_LOAD, 0, 0, 0)]
    refused = [(_AT_LEAST, _X32), *((_EQUAL, call) for call in calls)]
    steps += [(code, len(refused) - i, 0, value) for i, (code, value) in enumerate(refused)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR)]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(kept)))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _namespace(libc: ctypes.CDLL) -> bool:
    flags = _NEW_NET if os.geteuid() == 0 else _NEW_USER | _NEW_NET
    return bool(libc.unshare(flags) == 0)


_owner: ContextVar[str] = ContextVar("owner", default="")


@contextmanager
def on_behalf_of(owner: str) -> Iterator[None]:
    """Let files that are read within count as this owner's; elsewhere the owner is ""."""
    token = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(token)


class FairQueue:
    """A queue for `at_once` readers, served owner by owner: two hundred files of one delay no other's one file."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A turn of the owner named by `on_behalf_of`: waited for, and passed on at the end."""
        mine = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                mine.set()
            else:
                self._waiting.setdefault(_owner.get(), deque()).append(mine)
        try:
            mine.wait()
            yield
        finally:
            self._pass_on(mine)

    def _pass_on(self, mine: threading.Event) -> None:
        """Give the turn to the owner who had none for longest; one who broke off while waiting has none to give."""
        with self._lock:
            if not mine.is_set():
                owner = next(owner for owner, queue in self._waiting.items() if mine in queue)
                self._waiting[owner].remove(mine)
                if not self._waiting[owner]:
                    del self._waiting[owner]
                return
            if not self._waiting:
                self._free += 1
                return
            owner, queue = self._waiting.popitem(last=False)
            queue.popleft().set()
            if queue:
                self._waiting[owner] = queue  # behind the others


_ROOT = str(Path(__file__).resolve().parents[2])
_KEPT = tuple("PATH HOME XDG_CACHE_HOME TMPDIR TEMP SYSTEMROOT LANG LC_ALL VIRTUAL_ENV LD_LIBRARY_PATH".split())
_SET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
_SET |= {"MALLOC_ARENA_MAX": "2", "TOKENIZERS_PARALLELISM": "false"}
_MAX_FILES = 100
_LARGE = 20_000_000
_AT_ONCE = max(4, min(8, os.cpu_count() or 1))  # one file that hangs must not hold up the others


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for reading one file. Memory is the address space of the process, output its answer or any file."""

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
    """One child process, and the exchange with it."""

    def __init__(self) -> None:
        # No keys or tokens go to where foreign files are read.
        environment = {k: os.environ[k] for k in _KEPT if k in os.environ} | _SET
        paths = [_ROOT, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
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
        """Return the child's answer and its size in bytes.

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
        """Kill the child and all that it started; return its exit status."""
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
        """Return the exit status if the child ended by itself; what it started is ended too."""
        deadline = time.monotonic() + patience
        while self.alive():
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return self.end()

    def alive(self) -> bool:
        """Return whether the child still runs; one that has ended is not waited for, see `end`."""
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
_turns = FairQueue(_AT_ONCE)


def read_apart(name: str, data: bytes, parser: Parser, limits: Limits, format: str = "") -> RawDocument:
    """Return what another process reads in a file.

    Raises:
        DocumentError: it cannot be read, or not within the limits.
    """
    arguments = {"parser": to_dict(parser), "format": format}
    if isinstance(parser, Unstructured):  # its models take the first half of the memory
        limits = replace(limits, memory_bytes=2 * limits.memory_bytes)
    return RawDocument.from_plain(do_apart("parse", name, data, limits, arguments), label(name))


def do_apart(task: str, name: str, data: bytes, limits: Limits, arguments: Mapping[str, Any] | None = None) -> Any:
    """Return the result, plain JSON values, of one of `workbench.parsers.child.TASKS` on a file in another process.

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
                "Split it into parts, or save it again."
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
    """Return how processes that read foreign files are confined on this system, for `doctor` and the settings page.

    `network` says what shuts it off ("seccomp", "namespace", "" for nothing), `limits` which of LIMITS the system
    enforces; the wall clock always holds.
    """
    held: dict[str, Any] = do_apart("isolation", "isolation", b"", Limits())
    return held


def _why(status: int | None, limits: Limits) -> str:
    if status == -getattr(signal, "SIGXCPU", 24):
        took = f"more than {limits.cpu_seconds} s of processor time, the limit"
        return f"reading it took {took}. Split it, or save it again."
    if status == -signal.SIGKILL:
        return "the system stopped the process that read it, most likely for want of memory. Split it into parts."
    if status is not None and status < 0:
        return (
            f"the program that reads this format broke off ({signal.Signals(-status).name}): the file is damaged, "
            f"made to do harm, or needs more than {limits.memory_bytes / 1e9:g} GB of memory, the limit. "
            "Save it again, or split it."
        )
    return f"the process that read it ended without an answer (status {status}). Save it again, or split it."


def _take() -> Process:
    with _lock:
        while _idle:
            process = _idle.pop()
            if process.alive():
                return process
            process.end()
    return Process()


def begin() -> None:
    """Start a process for the first file, unless one waits: it loads its libraries while the caller loads its own."""
    with _lock:
        if not _idle:
            _idle.append(Process())


def close() -> None:
    """End the processes that wait for work."""
    with _lock:
        waiting, _idle[:] = _idle[:], []
    for process in waiting:
        process.end()


atexit.register(close)
