"""Rows of large indexes in files that are mapped into memory: read where they are needed, built once for all processes.

A file is a .npy of (n, dim) float32 with a few bytes behind it: a hash over all, and the length of the longest row.
It is beside the store, named by a hash of what decides it; the files used longest ago are removed first.
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

import numpy as np

from workbench.atomic_files import replacing
from workbench.errors import StoreError
from workbench.vectors import Vectors, norms

log = logging.getLogger(__name__)

FOLDER = "matrices"
"""The folder of these files, below the store's."""

SHARE = 0.5
"""The part of the store's cap that they may take beside it."""

_TRAILER = struct.Struct("<16sd")
_BLOCK = 16_384  # rows that are read or written at a time
_OLD = 3_600  # seconds after which an unfinished file is nobody's any more


def matrix(
    folder: Path, key: str, shape: tuple[int, int], make: Callable[[], Vectors], ready: Callable[[Vectors], Vectors],
    capacity: int,
) -> tuple[Vectors, float] | None:  # fmt: skip
    """Return `ready(make())` of this `shape` as a read-only mapped array, and the length of its longest row.

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
    """Return how many files there are, and their bytes."""
    sizes = []
    for file in _files(folder):
        with suppress(FileNotFoundError):  # another process has just made room
            sizes.append(file.stat().st_size)
    return len(sizes), sum(sizes)


def clear(folder: Path | None) -> None:
    """Remove every file; what is mapped now stays readable to those who map it.

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
    with replacing(file) as out:
        about = {"descr": "<f4", "fortran_order": False, "shape": rows.shape}
        np.lib.format.write_array_header_1_0(out, about)
        content, longest = blake2b(repr(about).encode(), digest_size=16), 0.0
        for start in range(0, len(rows), _BLOCK):
            block = np.ascontiguousarray(ready(rows[start : start + _BLOCK]), "<f4")
            longest = max(longest, float(norms(block).max(initial=0.0)))
            content.update(block.data)
            out.write(block.data)
        out.write(_TRAILER.pack(content.digest(), longest))


_checked: dict[Path, tuple[int, int, float]] = {}
"""Files whose content was compared with its hash in this process: their time, size, and longest row."""
_lock = threading.Lock()


def _opened(file: Path, shape: tuple[int, int]) -> tuple[Vectors, float] | None:
    """Return the file's mapped rows and the longest's length; None where there is none, or it is damaged and goes."""
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
        start, size = found.offset, file.stat().st_size
        if found.shape != shape or found.dtype != np.float32 or size != start + found.nbytes + _TRAILER.size:
            raise ValueError("it has another size")
        longest = _longest(file, found, start)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        log.warning("%s is damaged (%s) and made again", file.name, error)
        _forget(file)
        with suppress(OSError):
            file.unlink()
        return None
    return np.asarray(found), longest


def _longest(file: Path, found: Vectors, start: int) -> float:
    """Return the length of the longest row, once the content was compared with its hash."""
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
    """Compare files with their hash again, as in a process that has just started."""
    with _lock:
        _checked.clear()


def _forget(file: Path) -> None:
    with _lock:
        _checked.pop(file, None)


def _tidy(folder: Path, capacity: int, keep: Path) -> None:
    """Remove unfinished files that nobody writes any more, and the files used longest ago beyond the capacity."""
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
