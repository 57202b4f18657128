"""The most gold that k windows, k units or a number of tokens can hold: what a perfect ranking could have found.

`GoldLine` lays a question's gold end to end. There a unit is the range of gold characters that it holds, whatever the
document, and the gold that several units hold together is the length of the union of their ranges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.spans import Ranges, Span, covered, lengths, nonblank, ranges, union

Ints = NDArray[np.int64]

Blanks = Callable[[str], Ints]
"""Document → the offsets of its white space (`Corpus.blanks`)."""

MOST_UNITS, MOST_WORK = 64, 40_000
"""Units, and steps of the search over them, up to which a budget of tokens is weighed exactly, not bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldLine:
    """The gold of one question, each character once, white space left out.

    `texts` are the ranges of each document's text that are gold; `parts` the same ranges counted without white space,
    and where on the line each begins; `blanks` the offsets of these documents' white space.
    """

    texts: Mapping[str, Ranges]
    parts: Mapping[str, tuple[Ranges, Ints]]
    blanks: Mapping[str, Ints]
    length: int

    @classmethod
    def of(cls, gold: Sequence[Span], blanks: Blanks | None = None) -> "GoldLine":
        """Return the line of these passages; without `blanks` every character of theirs counts."""
        texts: dict[str, Ranges] = {}
        parts: dict[str, tuple[Ranges, Ints]] = {}
        known: dict[str, Ints] = {}
        at = 0
        for document in dict.fromkeys(s.document for s in gold):
            spans = ranges((s.start, s.end) for s in gold if s.document == document)
            known[document] = blanks(document) if blanks else np.zeros(0, np.int64)
            texts[document], counted = union(spans), union(nonblank(spans, known[document]))
            sizes = lengths(counted)
            parts[document] = counted, at + np.cumsum(sizes) - sizes
            at += int(sizes.sum())
        return cls(texts, parts, known, at)

    def place(self, document: str, spans: Ranges) -> Ranges:
        """Return (n, 2) the gold that each range of a document holds, as ranges of the line, empty for none."""
        if document not in self.parts or not len(self.parts[document][0]):
            return np.zeros((len(spans), 2), np.int64)
        own, base = self.parts[document]
        spans = nonblank(spans, self.blanks[document])
        i = np.maximum(np.searchsorted(own[:, 0], spans, "right") - 1, 0)  # the last gold range that starts before it
        placed: Ranges = base[i] + np.clip(spans - own[i, 0], 0, lengths(own)[i])
        return placed

    def places(self, spans: Sequence[Span]) -> Ranges:
        """Return (n, 2) `place` of spans of any documents."""
        out = np.zeros((len(spans), 2), np.int64)
        for document in {s.document for s in spans} & self.parts.keys():
            rows = [i for i, s in enumerate(spans) if s.document == document]
            out[rows] = self.place(document, ranges((spans[i].start, spans[i].end) for i in rows))
        return out

    def held(self, spans: Sequence[Span]) -> int:
        """Return the gold characters that the spans hold together."""
        return covered(self.places(spans))

    def holders(self, units: Mapping[str, Ranges]) -> list[Span]:
        """Return the units (document → ranges) that hold any gold, in text order, each once."""
        out: list[Span] = []
        for document, own in self.texts.items():
            spans = units.get(document)
            if spans is None or not len(own) or not len(spans):
                continue
            near = spans[(spans[:, 1] > own[0, 0]) & (spans[:, 0] < own[-1, 1])]
            near = near[lengths(self.place(document, near)) > 0]
            out += [Span(document, start, end) for start, end in sorted(set(map(tuple, near.tolist())))]
        return out

    def apart(self, gap: int) -> Ranges:
        """Return the gold of all documents on one line without white space, with gaps of `gap` or more between them."""
        out, at = [np.zeros((0, 2), np.int64)], 0
        for document, own in self.texts.items():
            if len(own):
                out.append(_without(own, self.blanks[document]) - own[0, 0] + at)
                at += int(own[-1, 1] - own[0, 0]) + gap
        return np.concatenate(out)


def _without(spans: Ranges, blanks: Ints) -> Ranges:
    """Return the same characters without those at the positions `blanks`, as disjoint ranges in order."""
    parts = []
    for start, end in spans.tolist():
        inside = blanks[np.searchsorted(blanks, start) : np.searchsorted(blanks, end)]
        parts.append(np.column_stack([np.append(start, inside + 1), np.append(inside, end)]))
    return union(np.concatenate(parts))


def best_windows(gold: Ranges, k: int, length: int) -> int:
    """Return the most characters of `gold` (disjoint, in order) that k windows of a length hold, wherever they lie.

    Exact. Windows that overlap can be pushed apart to the right and hold no less, so some best windows are disjoint,
    in chains of windows that touch. What a chain holds changes evenly as it moves, until one of its ends meets an end
    of a gold range or another chain: so it can move, without loss, until it begins where a gold range begins or ends
    where one ends. Those are the only places to try, and the best of them is found from left to right.
    """
    if not len(gold) or k < 1 or length < 1:
        return 0
    total = int(lengths(gold).sum())
    if _windows_for_all(gold, length) <= k:
        return total
    steps = length * np.arange(k, dtype=np.int64)
    starts = np.unique(np.concatenate([(gold[:, :1] + steps).ravel(), (gold[:, 1:] - length - steps).ravel()]))
    ends = np.concatenate([[0], np.cumsum(lengths(gold))])

    def before(places: Ints) -> Ints:
        """Return the gold characters before each place."""
        i = np.searchsorted(gold[:, 0], places, "right")
        last = np.maximum(i - 1, 0)
        inside = np.clip(places - gold[last, 0], 0, lengths(gold)[last])
        return np.where(i > 0, ends[last] + inside, 0)

    gains = before(starts + length) - before(starts)
    starts, gains = starts[gains > 0], gains[gains > 0]
    clear = np.searchsorted(starts, starts - length, "right")  # candidates that end before this one begins
    best = np.zeros(len(starts) + 1, np.int64)  # with so many windows, among the first i candidates
    for _ in range(k):
        best = np.concatenate([[0], np.maximum.accumulate(gains + best[clear])])
        if best[-1] == total:
            break
    return int(best[-1])


def _windows_for_all(gold: Ranges, length: int) -> int:
    """Return how many windows hold all gold: each begins at the first character that those before it leave."""
    count, reach = 0, int(gold[0, 0])
    for start, end in gold.tolist():
        first = max(start, reach)
        if end > first:
            more = -(-(end - first) // length)
            count, reach = count + more, first + more * length
    return count


def best_units(units: Ranges, k: int) -> tuple[int, list[int]]:
    """Return the most characters of a line that k of its ranges hold together, and the rows of such ranges.

    Exact. A range inside another is never needed. The rest are in order by start and by end at once, and then what a
    range adds depends on the one chosen before it alone:
        held(j, i) = end(i) − max(start(i), end(p)) + held(j − 1, p), the best of all p before i, or of none.
    """
    order = np.lexsort((-units[:, 1], units[:, 0]))
    order = order[lengths(units[order]) > 0]
    if not len(order) or k < 1:
        return 0, []
    reach = np.maximum.accumulate(units[order, 1])
    order = order[np.concatenate([[True], units[order[1:], 1] > reach[:-1]])]
    start, end = units[order, 0], units[order, 1]
    if len(order) <= k:
        return covered(units[order]), order.tolist()
    clear = np.searchsorted(end, start, "right")  # ranges that end before this one starts
    deepest = int((np.arange(len(order)) - clear).max())
    held = end - start
    layers = [held]
    for _ in range(k - 1):
        before = np.concatenate([[0], np.maximum.accumulate(held)])
        now = end - start + before[clear]
        for back in range(1, deepest + 1):  # those before it that share text with it
            joined = held[:-back] + end[back:] - end[:-back]
            touching = np.arange(back, len(order)) - back >= clear[back:]
            now[back:] = np.where(touching, np.maximum(now[back:], joined), now[back:])
        held = now
        layers.append(held)
    at, layer = int(held.argmax()), k - 1
    chosen = [at]
    while layer and layers[layer][at] > end[at] - start[at]:  # there is one before it
        layer -= 1
        at = int((layers[layer][:at] - np.maximum(start[at], end[:at])).argmax())
        chosen.append(at)
    return int(held.max()), [int(order[i]) for i in reversed(chosen)]


def best_in_tokens(
    units: Ranges, tokens: Sequence[int], limit: int, cut: Callable[[int, int], int]
) -> tuple[int, list[int], bool]:
    """Return the most characters that ranges of a line hold within `limit` tokens, their rows, and whether it is exact.

    As a ranking fills a budget: some ranges whole, and one cut to the tokens that are left. `cut(i, n)` says where on
    the line the first n tokens of range i end. A search over sets of ranges, the largest first, that leaves out what
    cannot beat the best so far. For more than `MOST_UNITS` ranges, or after `MOST_WORK` steps, it gives an upper bound
    instead: whole ranges at their rate of characters a token, and one range more. The rows are then the best seen.
    """
    n = len(units)
    coverable = covered(units)
    if sum(tokens) <= limit:
        return coverable, list(range(n)), True
    size: list[int] = lengths(units).tolist()
    order = sorted(range(n), key=lambda i: (-size[i], tokens[i], i))
    by_rate = sorted(range(n), key=lambda i: -size[i] / max(tokens[i], 1))
    place = {i: number for number, i in enumerate(order)}

    def bound(depth: int, left: int, taken: frozenset[int]) -> float:
        """Return what can still be gained at most: whole ranges from `depth` on, the last in part, and any one cut."""
        if left <= 0:
            return 0
        gain: float = max((size[i] for i in range(n) if i not in taken), default=0)
        for i in by_rate:
            if place[i] >= depth and i not in taken:
                if tokens[i] > left:
                    return gain + size[i] * left / tokens[i]
                gain, left = gain + size[i], left - tokens[i]
        return gain

    most = min(coverable, int(bound(0, limit, frozenset())))
    if n > MOST_UNITS:
        return most, _in_turn(by_rate, tokens, limit), False
    masks = [(1 << end) - (1 << start) for start, end in units.tolist()]
    best, chosen, work = 0, frozenset[int](), 0
    todo = [(0, 0, 0, frozenset[int]())]  # where in the order to go on, tokens used, what is held, by which rows
    while todo and best < most:
        depth, used, held, taken = todo.pop()
        work += n
        if work > MOST_WORK:
            return most, sorted(chosen), False
        for more in (None, *(i for i in range(n) if i not in taken and used < limit < used + tokens[i])):
            now = held if more is None else held | masks[more] & ((1 << cut(more, limit - used)) - 1)
            if now.bit_count() > best:
                best, chosen = now.bit_count(), taken if more is None else taken | {more}
        nexts = []
        for following in range(depth, n):
            if held.bit_count() + bound(following, limit - used, taken) <= best:
                break
            i = order[following]
            if used + tokens[i] <= limit and masks[i] & ~held:
                nexts.append((following + 1, used + tokens[i], held | masks[i], taken | {i}))
        todo += reversed(nexts)
    return best, sorted(chosen), True


def _in_turn(order: Sequence[int], tokens: Sequence[int], limit: int) -> list[int]:
    """Return the rows of an order that fit into the limit, each taken if it still fits."""
    out = []
    for i in order:
        if tokens[i] <= limit:
            limit -= tokens[i]
            out.append(i)
    return sorted(out)
