"""Token states of a transformer over whole documents: computed once, kept in files that are mapped into memory.

A state is a token's last hidden vector in the context of its window. They serve every chunking of the document.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.atomic_files import replacing
from workbench.embedders.static import Ids, Ints, document_tokens, sums
from workbench.errors import ModelUnavailable
from workbench.memory_cache import MemoryCache
from workbench.store import gigabytes
from workbench.tokens import ModelTokenizer, tokenizer
from workbench.vectors import Vectors, gathered

log = logging.getLogger(__name__)

Halves = NDArray[np.float16]

_BLOCK = 16  # tokens between two prefix sums: a chunk's sum takes two of them and at most 8 states at each end
_WINDOWS = 8  # in one batch
_MAGIC = b"WBSTATE1"
_HEADER = len(_MAGIC) + 2 * 8 + 32


@dataclass(frozen=True, slots=True, eq=False)
class TokenStates:
    """Where each token starts (n,), its state (n, dim) float16, and sums of the first 16, 32 … states, float64."""

    starts: Ids
    states: Halves
    prefix: NDArray[np.float64]

    @classmethod
    def of(cls, starts: Ids, states: Halves) -> "TokenStates":
        """Return the states with their prefix sums, made in one pass."""
        whole = len(states) // _BLOCK
        prefix = np.zeros((whole + 1, states.shape[1]))
        for first in range(0, whole, 512):  # so that only a little of the file is in memory as float32
            last = min(first + 512, whole)
            part = states[first * _BLOCK : last * _BLOCK].astype(np.float32)
            part.reshape(last - first, _BLOCK, -1).sum(axis=1, out=prefix[first + 1 : last + 1])
        return cls(starts, states, np.cumsum(prefix, axis=0, out=prefix))

    def bounds(self, spans: Ints) -> Ints:
        """Return (n, 2) the tokens that start in each span, as a range of indices."""
        return np.searchsorted(self.starts, spans.astype(np.int32)).astype(np.int64)

    def summed(self, bounds: Ints) -> Vectors:
        """Return (n, dim) float32 the sum of the states in each range of indices."""
        near = np.minimum((bounds + _BLOCK // 2) // _BLOCK, len(self.prefix) - 1)
        out = (self.prefix[near[:, 1]] - self.prefix[near[:, 0]]).astype(np.float32)
        # What is between a bound and its nearest prefix sum is added, or taken off where it was too much.
        for side, sign in ((0, 1), (1, -1)):
            ranges = np.sort(np.column_stack([bounds[:, side], near[:, side] * _BLOCK]), axis=1)
            signs = sign * np.sign(near[:, side] * _BLOCK - bounds[:, side])
            rows = gathered(ranges)
            part = sums(self.states[rows].astype(np.float32), np.arange(len(rows)), ranges[:, 1] - ranges[:, 0])
            out += part * signs[:, None].astype(np.float32)
        return out

    @property
    def size(self) -> int:
        """The bytes in memory, without those of a mapped file."""
        mapped = isinstance(self.states, np.memmap)
        return self.prefix.nbytes + (0 if mapped else self.states.nbytes + self.starts.nbytes)


@dataclass(frozen=True, slots=True)
class Windows:
    """Overlapping windows of at most `room` tokens over n, each starting `stride` after the one before.

    Each token's state is taken from the window that has it nearest its middle. Source: Günther et al. 2024, "Late
    chunking", arXiv 2409.04701, section 3.2 (long late chunking).
    """

    n: int
    room: int
    stride: int

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield start and end of each window, and the first and last token whose state is taken from it."""
        starts = range(0, max(self.n - self.room, 0) + self.stride, self.stride) if self.n > self.room else range(1)
        edges = [0, *((a + b + self.room) // 2 for a, b in pairwise(starts)), self.n]
        for start, first, last in zip(starts, edges[:-1], edges[1:], strict=True):
            yield start, min(start + self.room, self.n), first, last


def compute(
    text: str,
    name: str,
    loaded: Any,
    room: int,
    stride: int,
    prefix: str,
    done: Callable[[int], None] = lambda windows: None,
) -> tuple[Ids, Halves]:
    """Return where each token of a text starts, and its state; `done(windows)` is called after every batch."""
    rules, (ids, starts) = _rules(name), _tokens(text, name)
    lead, trail = rules.around
    before = [*lead, *(rules.encoded([prefix])[0][0].tolist() if prefix else [])]
    out: Halves | None = None
    each = list(Windows(len(ids), room, stride))
    for at in range(0, len(each), _WINDOWS):
        batch = each[at : at + _WINDOWS]
        inputs = [[*before, *ids[start:end].tolist(), *trail] for start, end, _, _ in batch]
        found = _forward(loaded, inputs)
        if out is None:
            out = np.empty((len(ids), found.shape[2]), np.float16)
        for (start, _, first, last), states in zip(batch, found, strict=True):
            skip = len(before) - start
            out[first:last] = states[first + skip : last + skip]
        done(len(batch))
    assert out is not None  # there is always a window
    if not np.isfinite(out).all():
        raise ModelUnavailable(f"model {name!r} has token states that float16 cannot hold; encode its chunks plainly")
    return starts, out


def windows(text: str, name: str, room: int, stride: int) -> Windows:
    """Return the windows that `compute` takes for a text."""
    return Windows(len(_tokens(text, name)[0]), room, stride)


def _rules(name: str) -> ModelTokenizer:
    rules = tokenizer(name)
    if not isinstance(rules, ModelTokenizer):
        raise TypeError(f"{name} is no model's tokenizer")
    return rules


def _tokens(text: str, name: str) -> tuple[Ids, Ids]:
    if (known := document_tokens(text, name)) is not None:
        return known.ids, known.starts
    ids, offsets = _rules(name).encoded([re.sub("[\ud800-\udfff]", "\ufffd", text)])[0]  # lone surrogates; offsets stay
    return ids, np.ascontiguousarray(offsets[:, 0])


def _forward(loaded: Any, inputs: list[list[int]]) -> NDArray[np.float32]:
    """Return (windows, tokens, dim) the last hidden states."""
    import torch

    transformer = loaded.network[0]
    width = max(map(len, inputs))
    ids = np.full((len(inputs), width), transformer.tokenizer.pad_token_id or 0)
    mask = np.zeros((len(inputs), width), np.int64)
    for row, tokens in enumerate(inputs):
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    with loaded.lock, torch.inference_mode():
        given = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        states = transformer.auto_model(**given).last_hidden_state
    found: NDArray[np.float32] = states.float().numpy()
    return found


def capacity() -> int:
    """Return the bytes that files of token states may take, by `WORKBENCH_STATES_GB`."""
    return gigabytes("WORKBENCH_STATES_GB", 2, zero=True)


def write(path: Path, starts: Ids, states: Halves) -> bool:
    """Write the states to this file, and return whether the disk took them; the files used longest ago make room."""
    size = _HEADER + starts.nbytes + states.nbytes
    if size > (most := capacity()):
        log.warning("%d MB of token states are not kept: WORKBENCH_STATES_GB allows %d", size >> 20, most >> 20)
        return False
    try:
        _evict(path.parent, most - size)
        with replacing(path) as file:
            file.write(_MAGIC + np.array(states.shape, "<i8").tobytes() + _checksum(starts, states))
            file.write(starts.astype("<i4").data)
            file.write(np.ascontiguousarray(states, "<f2").data)
    except OSError as error:
        log.warning("token states are not kept, and will be made again the next time: %s", error)
        return False
    return True


def read(path: Path) -> tuple[Ids, Halves] | None:
    """Return what `write` kept, the states mapped, not read; None where there is no file, or a damaged one."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
        n, dim = np.frombuffer(header, "<i8", 2, len(_MAGIC)).tolist() if len(header) == _HEADER else (-1, -1)
        sound = header.startswith(_MAGIC) and path.stat().st_size == _HEADER + 4 * n + 2 * n * dim and n >= 0
        if sound and n == 0:
            return np.empty(0, np.int32), np.empty((0, dim), np.float16)
        if sound:
            starts = np.fromfile(path, "<i4", n, offset=_HEADER)
            states: Halves = np.memmap(path, "<f2", "r", _HEADER + 4 * n, (n, dim))
            if _checksum(starts, states) == header[-32:]:
                os.utime(path)
                return starts, states
        log.warning("damaged token states dropped (%s); they will be made again", path.name)
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("token states cannot be read, and will be made again: %s", error)
    return None


def _checksum(starts: Ids, states: Halves) -> bytes:
    total = blake2b(np.ascontiguousarray(starts).data, digest_size=32)
    total.update(np.ascontiguousarray(states).data)
    return total.digest()


def _evict(folder: Path, room: int) -> None:
    """Delete the files used longest ago until the rest fits; a mapped file stays readable to those who map it."""
    files = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in folder.glob("*.f16")), reverse=True)
    total = 0
    for _, size, path in files:
        total += size
        if total > room:
            path.unlink(missing_ok=True)


_open: MemoryCache[TokenStates] = MemoryCache(512 << 20, lambda found: found.size)


def known(key: str, folder: Path | None) -> TokenStates | None:
    """Return the states under a key: those used lately, or a file's."""
    if (held := _open.get(key)) is not None:
        return held
    found = read(_path(folder, key)) if folder else None
    return keep(key, *found) if found else None


def keep(key: str, starts: Ids, states: Halves, folder: Path | None = None) -> TokenStates:
    """Return the states, held in memory within a limit, and kept in a file where a folder is given."""
    if folder and write(_path(folder, key), starts, states):
        starts, states = read(_path(folder, key)) or (starts, states)
    made = TokenStates.of(starts, states)
    _open.put(key, made)
    return made


def _path(folder: Path, key: str) -> Path:
    return folder / "states" / f"{key}.f16"
