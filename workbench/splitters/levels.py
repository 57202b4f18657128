"""The chunks of a whole tree of pieces at once: every level of it as one array, and where each chunk leads as a table.

`pieces.chunked` walks the tree piece by piece, chunk by chunk. The same chunks come out of a few array operations: for
every piece, where a chunk that starts there ends and where the next one starts, of which a walk then picks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.caches import kept
from workbench.spans import Ranges
from workbench.splitters.pieces import Ints, Pieces, chunked

_MANY = 200  # pieces from which on arrays are quicker than the walk


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The pieces of several `Pieces` in a row: which piece of the level above each owner was cut from, and where its
    pieces begin (owners + 1,); for each piece its start, end, length and owner, and whether it can be cut no finer;
    `sums` (n + 1,) prefix sums.
    """

    owners: Sequence[Pieces]
    parents: Ints
    first: Ints
    starts: Ints
    ends: Ints
    lengths: Ints
    owner: Ints
    final: NDArray[np.bool_]
    sums: Ints

    @classmethod
    def of(cls, owners: Sequence[Pieces], parents: Ints) -> "_Level":
        sizes = np.array([len(o.lengths) for o in owners], np.int64)
        lengths = np.concatenate([o.lengths for o in owners])
        return cls(
            owners=owners,
            parents=parents,
            first=np.concatenate([[0], np.cumsum(sizes)]),
            starts=np.concatenate([np.asarray(o.starts, np.int64) for o in owners]),
            ends=np.concatenate([np.asarray(o.ends, np.int64) for o in owners]),
            lengths=lengths,
            owner=np.repeat(np.arange(len(owners)), sizes),
            final=np.repeat([not o.finer for o in owners], sizes),
            sums=np.concatenate([[0], np.cumsum(lengths)]),
        )

    def below(self, large: Ints, known: "_Level | None") -> "_Level":
        """The next level, which holds the finer pieces of at least these pieces, and those that were known."""
        if known is not None and np.isin(large, known.parents, assume_unique=True).all():
            return known
        cut = large if known is None else np.union1d(large, known.parents)
        children: list[Pieces] = []
        owner = self.owner[cut]
        for number in np.unique(owner).tolist():
            which = cut[owner == number] - self.first[number] if len(self.owners) > 1 else cut
            children += self.owners[number].children(which.tolist())
        return _Level.of(children, cut)


@dataclass(slots=True, eq=False)
class _Tree:
    """A text's characters as numbers, and its levels as far as they were needed."""

    codes: NDArray[np.uint32]
    levels: list[_Level]


def chunk_spans(pieces: Pieces, size: int, overlap: int) -> Ranges:
    """(n, 2) the chunks that `pieces.chunked` gives."""
    if len(pieces.lengths) < _MANY:
        return np.array(chunked(pieces, size, overlap), np.int64).reshape(-1, 2)
    tree = _tree(pieces)
    found: list[Ranges] = []
    active = np.ones(1, np.bool_)
    depth = 0
    while True:
        level = tree.levels[depth]
        among = active[level.owner] if not active.all() else np.ones(len(level.lengths), np.bool_)
        large = among & (level.lengths >= size)
        found.append(_merged(level, among & ~large, size, overlap, tree.codes))
        places = np.flatnonzero(large)
        final = level.final[places]
        found.append(np.column_stack([level.starts[places[final]], level.ends[places[final]]]))
        places = places[~final]
        if not len(places):
            break
        depth += 1
        known = tree.levels[depth] if depth < len(tree.levels) else None
        below = level.below(places, known)
        if below is not known:
            tree.levels = [*tree.levels[:depth], below]  # what stood further below was numbered by the old one
        active = np.isin(below.parents, places, assume_unique=True)
    spans = np.concatenate(found)
    return spans[np.argsort(spans[:, 0], kind="stable")]


@kept(256 << 20, lambda tree: 6 * tree.codes.nbytes)  # its levels, made later, included
def _tree(pieces: Pieces) -> _Tree:
    codes = np.frombuffer(pieces.text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _Tree(codes, [_Level.of([pieces], np.zeros(1, np.int64))])


def _merged(level: _Level, small: NDArray[np.bool_], size: int, overlap: int, codes: NDArray[np.uint32]) -> Ranges:
    """(n, 2) the chunks of every run of small pieces of one owner; see `pieces.merged` for the rule."""
    n, sums = len(level.lengths), level.sums
    edge = np.ones(n + 1, np.bool_)  # before each piece, whether a run begins or ends there
    edge[1:-1] = (small[1:] != small[:-1]) | (level.owner[1:] != level.owner[:-1])
    edges = np.flatnonzero(edge)
    begins = edges[:-1][small[edges[:-1]]]
    if not len(begins):
        return np.empty((0, 2), np.int64)
    places = np.flatnonzero(small)
    limit = edges[np.searchsorted(edges, places, "right")]
    stop = np.minimum(np.searchsorted(sums, sums[places] + size, "right") - 1, limit)
    goes_on = stop < limit
    out = stop[goes_on]  # the piece that does not fit
    keep = np.minimum(np.maximum(sums[out] - overlap, sums[out + 1] - size), sums[out])
    table = np.full(n, -1, np.int64)
    table[places[goes_on]] = np.searchsorted(sums, keep)
    leads = table.tolist()
    walked: list[int] = []
    for begin in begins.tolist():
        at = begin
        while at >= 0:
            walked.append(at)
            at = leads[at]
    chosen = np.array(walked, np.int64)
    last = stop[np.searchsorted(places, chosen)] if len(places) < n else stop[chosen]
    return _stripped(level.starts[chosen], level.ends[last - 1], codes)


_SPACE = np.array([chr(c).isspace() for c in range(0x3001)] + [False])  # U+3000 is the last; the rest is none
_STEPS = 8  # characters that all chunks are stripped of together; few have more


def _stripped(starts: Ints, ends: Ints, codes: NDArray[np.uint32]) -> Ranges:
    """(n, 2) without white space at both ends; those of white space alone are dropped."""
    first = _solid(starts, ends, codes, 1)
    kept = np.flatnonzero(first < ends)
    last = _solid(ends[kept] - 1, first[kept] - 1, codes, -1)
    return np.column_stack([first[kept], last + 1])


def _solid(places: Ints, ends: Ints, codes: NDArray[np.uint32], step: int) -> Ints:
    """From each place on by steps, the first that holds no white space; the end where all before it do."""
    found = places.copy()
    which = np.arange(len(places))
    for turn in range(_STEPS + 1):
        which = which[found[which] != ends[which]]
        which = which[_SPACE[np.minimum(codes[found[which]], 0x3001)]]
        if not len(which):
            break
        if turn < _STEPS:
            found[which] += step
            continue
        for i in which.tolist():
            rest = np.arange(found[i], ends[i], step)
            inner = np.flatnonzero(~_SPACE[np.minimum(codes[rest], 0x3001)])
            found[i] = rest[inner[0]] if len(inner) else ends[i]
    return found
