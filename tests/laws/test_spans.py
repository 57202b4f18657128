"""Span algebra against sets of characters, which need no proof."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import SpecError
from workbench.spans import Ranges, Span, covered, depth_at_least, intersection, lengths, nonblank, ranges, union

pairs = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1])), max_size=12)


def characters(spans: Ranges) -> set[int]:
    return {i for start, end in spans.tolist() for i in range(start, end)}


def is_normal(spans: Ranges) -> bool:
    """Return whether the ranges are in order, not empty, and neither overlap nor touch."""
    return bool((lengths(spans) > 0).all() and (spans[1:, 0] > spans[:-1, 1]).all())


@given(pairs)
def test_union_holds_the_same_characters(some: list[tuple[int, int]]) -> None:
    spans = ranges(some)
    assert characters(union(spans)) == characters(spans)
    assert is_normal(union(spans))
    assert covered(spans) == len(characters(spans))
    assert union(union(spans)).tolist() == union(spans).tolist()


@given(pairs, pairs)
def test_intersection_holds_what_both_hold(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    common = intersection(ranges(a), ranges(b))
    assert characters(common) == characters(ranges(a)) & characters(ranges(b))
    assert is_normal(common)


@given(pairs, st.integers(1, 4))
def test_depth_counts_how_many_ranges_hold_a_character(some: list[tuple[int, int]], depth: int) -> None:
    deep = depth_at_least(ranges(some), depth)
    counts = np.zeros(60, int)
    for start, end in some:
        counts[start:end] += 1
    assert characters(deep) == set(np.flatnonzero(counts >= depth).tolist())
    assert is_normal(deep)


@given(st.tuples(st.integers(0, 30), st.integers(0, 9)), st.tuples(st.integers(0, 30), st.integers(0, 9)))
def test_two_spans(a: tuple[int, int], b: tuple[int, int]) -> None:
    one, other = Span("d", a[0], a[0] + a[1]), Span("d", b[0], b[0] + b[1])
    mine, theirs = set(range(one.start, one.end)), set(range(other.start, other.end))
    assert one.overlap(other) == other.overlap(one) == len(mine & theirs)
    assert len(one) == len(mine)
    if theirs:
        assert one.covers(other) == (theirs <= mine)
    assert one.overlap(Span("e", *b[:1], b[0] + b[1])) == 0


@pytest.mark.parametrize("start, end", [(-1, 2), (3, 2)])
def test_a_reversed_or_negative_span_is_refused(start: int, end: int) -> None:
    with pytest.raises(SpecError, match="0 <= start <= end"):
        Span("d", start, end)


@given(st.text("a \n\u3000", max_size=30), st.data())
def test_a_range_is_counted_without_its_white_space(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    blanks = np.array([i for i, c in enumerate(text) if c.isspace()], np.int64)
    [[low, high]] = nonblank(ranges([(start, end)]), blanks).tolist()
    assert high - low == sum(not c.isspace() for c in text[start:end])
    assert low == sum(not c.isspace() for c in text[:start])
