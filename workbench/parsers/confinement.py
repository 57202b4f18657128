"""What holds a process in that reads foreign files: limits of the system, and no way to a network.

A filter of system calls, or else a namespace, shuts the network off. Only Linux knows these; elsewhere `shut_network`
says "", and `workbench.parsers.isolation()` reports it.
"""

import contextlib
import ctypes
import os
import platform
import socket
import struct
import sys
from collections.abc import Mapping

LIMITS = ("cpu_seconds", "memory_bytes", "output_bytes", "open_files")
"""What `bound` takes and the system enforces; the wall clock is the parent's."""

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
    """Set these of LIMITS for this process from now on; those that hold. Processor time counts from now."""
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
    """What now keeps this process, and all that it starts, from opening a socket: "seccomp", "namespace" or ""."""
    if not sys.platform.startswith("linux"):
        return ""
    libc = ctypes.CDLL(None, use_errno=True)
    for name, shut in (("seccomp", _filter), ("namespace", _namespace)):
        if shut(libc) and not reaches_network():
            return name
    return ""


def reaches_network() -> bool:
    """Whether a packet could leave: a socket can be had, and there is a route out. Nothing is sent."""
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
