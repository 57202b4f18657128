"""How two hit lists for one query differ: which passages moved, entered and left, also across chunkings."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.records import Hit


@dataclass(frozen=True, slots=True)
class Movement:
    """A passage in two hit lists. `old` or `new` is None where that list does not hold it."""

    old: Hit | None
    new: Hit | None

    @property
    def change(self) -> int | None:
        """Ranks gained (above 0) or lost; None where the passage entered or left."""
        return self.old.rank - self.new.rank if self.old and self.new else None

    @property
    def word(self) -> str:
        """What happened: up, down, same, entered or left."""
        if self.change is None:
            return "entered" if self.new else "left"
        return "up" if self.change > 0 else "down" if self.change < 0 else "same"


def movements(a: Sequence[Hit], b: Sequence[Hit]) -> list[Movement]:
    """Every hit of both lists once: by its rank in `b`, then those that left, by their rank in `a`.

    Two hits are the same passage if their spans share at least half of the shorter one. Where that allows several
    pairs, the one with the larger share of common characters in both together (intersection over union) comes first,
    then the better ranks; each hit is in one pair at most. So equal spans always pair, and mere chunk overlap does not.
    """
    pairs = []
    for i, old in enumerate(a):
        for j, new in enumerate(b):
            if old.span == new.span:
                pairs.append((-1.0, i, j))
            elif (common := old.span.overlap(new.span)) and 2 * common >= min(len(old.span), len(new.span)):
                pairs.append((-common / (len(old.span) + len(new.span) - common), i, j))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(pairs):
        if i not in taken and j not in partner:
            partner[j] = i
            taken.add(i)
    moved = [Movement(a[partner[j]] if j in partner else None, new) for j, new in enumerate(b)]
    return moved + [Movement(old, None) for i, old in enumerate(a) if i not in taken]
