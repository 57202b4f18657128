"""Rows of large indexes in files that are mapped into memory: read where they are needed, built once for all processes.

A file is a .npy of (n, dim) float32 with a few bytes behind it: a hash over all, and the length of the longest row.
It lies beside the store, under a name made of what decides it, and what was not used for longest goes first.
"""

import logging
import os
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import numpy as np

from workbench.errors import StoreError
from workbench.vectors import Vectors, norms

log = logging.getLogger(__name__)

FOLDER = "matrices"
"""Where they lie, below the store's folder."""

SHARE = 0.5
"""Of the store's cap: what they may take beside it."""

_TRAILER = struct.Struct("<16sd")
_BLOCK = 16_384  # rows that are read or written at a time
_OLD = 3_600  # seconds after which a part of a file belongs to nobody any more


def matrix(
    folder: Path, key: str, shape: tuple[int, int], make: Callable[[], Vectors], ready: Callable[[Vectors], Vectors],
    capacity: int,
) -> tuple[Vectors, float] | None:  # fmt: skip
    """`ready(make())` of this `shape` as a mapped array that cannot be written to, and the length of its longest row.

    `make` is called where there is no sound file; `ready` is applied to blocks of rows. None where the disk takes none.
    """
    file = folder / FOLDER / f"{key}.npy"
    found = _opened(file, shape)
    if found is None:
        try:
            _write(file, make(), ready)
        except OSError as error:
            log.warning("the vectors are not kept in a file: %s", error)
            return None
        found = _opened(file, shape)
        _tidy(file.parent, capacity, file)
    if found is not None:
        with suppress(OSError):
            os.utime(file)  # in use
    return found


def usage(folder: Path | None) -> tuple[int, int]:
    """How many files there are, and their bytes."""
    sizes = []
    for file in _files(folder):
        with suppress(FileNotFoundError):  # another process has just made room
            sizes.append(file.stat().st_size)
    return len(sizes), sum(sizes)


def clear(folder: Path | None) -> None:
    """Remove every file; what is mapped now stays readable for those who mapped it.

    Raises:
        StoreError: the disk refuses.
    """
    for file in _files(folder):
        _forget(file)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{file.name} cannot be removed ({error.strerror}); close what uses it") from error


def _files(folder: Path | None) -> list[Path]:
    return sorted((folder / FOLDER).glob("*.npy")) if folder else []


def _write(file: Path, rows: Vectors, ready: Callable[[Vectors], Vectors]) -> None:
    """The whole file or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.stem}.{uuid4().hex}.part")
    try:
        with part.open("wb") as out:
            about = {"descr": "<f4", "fortran_order": False, "shape": rows.shape}
            np.lib.format.write_array_header_1_0(out, about)
            content, longest = blake2b(repr(about).encode(), digest_size=16), 0.0
            for start in range(0, len(rows), _BLOCK):
                block = np.ascontiguousarray(ready(rows[start : start + _BLOCK]), "<f4")
                longest = max(longest, float(norms(block).max(initial=0.0)))
                content.update(block.data)
                out.write(block.data)
            out.write(_TRAILER.pack(content.digest(), longest))
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


_checked: dict[Path, tuple[int, int, float]] = {}
"""Files whose content was compared with its hash in this process: their time, size, and longest row."""
_lock = threading.Lock()


def _opened(file: Path, shape: tuple[int, int]) -> tuple[Vectors, float] | None:
    """The file's rows, mapped, and the longest's length; None where there is none, or it is torn: then it goes."""
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
        start, size = found.offset, file.stat().st_size
        if found.shape != shape or found.dtype != np.float32 or size != start + found.nbytes + _TRAILER.size:
            raise ValueError("it has another size")
        longest = _longest(file, found, start)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        log.warning("%s is damaged (%s) and made anew", file.name, error)
        _forget(file)
        with suppress(OSError):
            file.unlink()
        return None
    return np.asarray(found), longest


def _longest(file: Path, found: Vectors, start: int) -> float:
    """The length of the longest row, once the content was compared with its hash."""
    stat = file.stat()
    with _lock:
        if (known := _checked.get(file)) is not None and known[:2] == (stat.st_ino, stat.st_size):
            return known[2]
    about = {"descr": "<f4", "fortran_order": False, "shape": found.shape}
    content, left = blake2b(repr(about).encode(), digest_size=16), found.nbytes
    with file.open("rb") as data:  # read, not mapped, so that looking at it does not make it resident
        data.seek(start)
        while left and (block := data.read(min(left, 8 << 20))):
            content.update(block)
            left -= len(block)
        digest, longest = _TRAILER.unpack(data.read(_TRAILER.size))
    if digest != content.digest():
        raise ValueError("its content is not what was written")
    with _lock:
        _checked[file] = stat.st_ino, stat.st_size, longest
    return float(longest)


def forget() -> None:
    """Nothing; files are compared with their hash anew, as in a process that has just started."""
    with _lock:
        _checked.clear()


def _forget(file: Path) -> None:
    with _lock:
        _checked.pop(file, None)


def _tidy(folder: Path, capacity: int, keep: Path) -> None:
    """Remove parts of files that nobody finishes, and what was not used for longest beyond the capacity."""
    for part in folder.glob("*.part"):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - _OLD:
                part.unlink()
    found = []
    for file in folder.glob("*.npy"):
        with suppress(OSError):
            found.append((file.stat().st_mtime, file.stat().st_size, file))
    total = sum(size for _, size, _ in found)
    for _, size, file in sorted(found):
        if total <= capacity:
            break
        if file != keep:
            _forget(file)
            with suppress(OSError):
                file.unlink()
            total -= size
