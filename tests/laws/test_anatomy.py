"""Laws of the ladder, and its covers against every choice there is, on cases small enough to try them all."""

from dataclasses import replace
from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.anatomy import STEPS, GoldLine, best_in_tokens, best_units, best_windows, ladder, state, token_ladder
from workbench.spans import Ranges, Span, covered, ranges, union

pairs = st.tuples(st.integers(0, 24), st.integers(0, 9)).map(lambda p: (p[0], p[0] + p[1]))
some = st.lists(pairs, max_size=8).map(ranges)
golds = st.lists(pairs, min_size=1, max_size=4).map(ranges).map(union)
spans = st.builds(lambda d, p: Span(d, *p), st.sampled_from("ab"), pairs)
full = spans.filter(len)


def characters(held: Ranges) -> set[int]:
    return {at for start, end in held.tolist() for at in range(start, end)}


@given(some, st.integers(0, 5))
def test_best_units_are_the_best_of_all_choices(units: Ranges, k: int) -> None:
    most, rows = best_units(units, k)
    assert most == max(covered(units[list(rows)]) for rows in combinations(range(len(units)), min(k, len(units))))
    assert len(rows) <= k
    assert covered(units[rows]) == most


@settings(max_examples=60)
@given(golds, st.integers(0, 3), st.integers(1, 7))
def test_best_windows_are_the_best_of_all_places(gold: Ranges, k: int, length: int) -> None:
    inside = characters(gold)
    places = [inside & set(range(at, at + length)) for at in range(-length, 34)]
    best = max(len(set().union(*chosen)) for chosen in combinations_with_replacement(places, k))
    assert best_windows(gold, k, length) == best


@given(some, st.data())
def test_best_in_tokens_is_the_best_of_all_rankings(units: Ranges, data: st.DataObject) -> None:
    """Tokens are of two characters here, an odd one its own, and a range may begin with tokens that hold no gold."""
    units = units[:6]
    blank = data.draw(st.lists(st.integers(0, 3), min_size=len(units), max_size=len(units)))
    tokens = [b + -(-(end - start) // 2) for b, (start, end) in zip(blank, units.tolist(), strict=True)]
    limit = data.draw(st.integers(0, 12))

    def cut(i: int, n: int) -> int:
        return int(min(units[i, 1], units[i, 0] + 2 * max(0, n - blank[i])))

    best = 0
    for size in range(len(units) + 1):
        for whole in combinations(range(len(units)), size):
            left = limit - sum(tokens[i] for i in whole)
            if left < 0:
                continue
            held = characters(units[list(whole)])
            best = max(best, len(held))
            for i in set(range(len(units))) - set(whole):
                part = ranges([(int(units[i, 0]), cut(i, left) if left < tokens[i] else int(units[i, 1]))])
                best = max(best, len(held | characters(part)))
    most, rows, exact = best_in_tokens(units, tokens, limit, cut)
    assert (most, exact) == (best, True)
    assert covered(units[rows]) >= most


def test_beyond_the_exact_search_the_bound_is_one() -> None:
    draw = np.random.default_rng(0)
    starts = np.sort(draw.integers(0, 3000, 200))
    units = np.column_stack([starts, starts + draw.integers(1, 60, 200)]).astype(np.int64)
    tokens = draw.integers(1, 40, 200).tolist()
    most, rows, exact = best_in_tokens(units, tokens, 400, lambda i, n: int(units[i, 0]))
    assert not exact
    assert sum(tokens[i] for i in rows) <= 400
    assert covered(units[rows]) <= most <= covered(units)
    every, rows, exact = best_in_tokens(units, tokens, sum(tokens), lambda i, n: 0)
    assert (every, len(rows), exact) == (covered(units), 200, True)


@given(st.lists(spans, max_size=4), st.lists(spans, max_size=6))
def test_the_line_holds_what_the_documents_hold(gold: list[Span], hits: list[Span]) -> None:
    def held(some: list[Span]) -> set[tuple[str, int]]:
        return {(s.document, at) for s in some for at in range(s.start, s.end)}

    line = GoldLine.of(gold)
    assert line.length == len(held(gold))
    assert line.held(hits) == len(held(gold) & held(hits))
    for span, (start, end) in zip(hits, line.places(hits).tolist(), strict=True):
        assert end - start == len(held(gold) & held([span]))
    columns = {d: ranges((s.start, s.end) for s in hits if s.document == d) for d in "ab"}
    assert set(line.holders(columns)) == {s for s in hits if held([s]) & held(gold)}


cases = st.tuples(st.lists(full, min_size=1, max_size=4), st.integers(0, 9), st.lists(full, max_size=9))


@given(cases, st.integers(1, 4), st.data())
def test_rungs_fall_and_losses_sum(case: tuple[list[Span], int, list[Span]], k: int, data: st.DataObject) -> None:
    gold, lost, units = case
    columns = {d: ranges((s.start, s.end) for s in units if s.document == d) for d in "ab"}
    drawn = st.permutations(units).map(lambda p: p[:k])
    exact, found = data.draw(drawn), data.draw(drawn)
    one = ladder(gold, lost, columns, exact, found, k)
    assert one.gold >= one.present >= one.windows >= one.units >= one.exact >= 0
    assert one.units >= one.found
    assert sum(a - b for a, b in zip(one.rungs[:-1], one.rungs[1:], strict=True)) == one.gold - one.found
    assert list(one.losses) == list(STEPS)
    assert sum(one.losses.values()) == pytest.approx(1 - one.recalls[-1])
    assert (one.recalls[0], one.gold - one.present) == (1, lost)
    severed = replace(one, severed=data.draw(st.integers(0, one.units - one.exact)))
    assert sum(severed.losses.values()) == pytest.approx(1 - one.recalls[-1])
    moved = {step: severed.losses[step] - loss for step, loss in one.losses.items()}
    assert moved["boundary"] == pytest.approx(severed.severed / one.gold) == pytest.approx(-moved["ranking"])
    assert moved["parse"] == moved["budget"] == moved["index"] == 0
    assert GoldLine.of(gold).held(one.best) == one.units
    assert len(one.best) <= k
    # What is proven needs no help: hits that are units hold no more than the best units, and those than windows.
    line = GoldLine.of(gold)
    longest = max(map(len, units), default=0)
    best = best_units(line.places(units), k)[0]
    assert max(line.held(exact), line.held(found)) <= best == one.units
    assert best <= best_windows(line.apart(longest), k, longest) == one.windows

    other = {"a": "b", "b": "a"}
    swapped = [[Span(other[s.document], s.start, s.end) for s in some[::-1]] for some in (gold, exact, found)]
    mirrored = {other[d]: columns[d][::-1] for d in columns}
    assert ladder(swapped[0], lost, mirrored, swapped[1], swapped[2], k).rungs == one.rungs


class Threes:
    """Tokens of three characters."""

    def offsets(self, text: str) -> Ranges:
        return ranges((i, min(i + 3, len(text))) for i in range(0, len(text), 3))


@given(cases, st.integers(1, 12), st.data())
def test_rungs_fall_within_tokens(case: tuple[list[Span], int, list[Span]], limit: int, data: st.DataObject) -> None:
    gold, lost, units = case
    columns = {d: ranges((s.start, s.end) for s in units if s.document == d) for d in "ab"}
    exact, found = data.draw(st.permutations(units)), data.draw(st.permutations(units))
    one = token_ladder(gold, lost, columns, exact, found, limit, lambda s: "x" * len(s), Threes())
    assert one.gold >= one.present >= one.windows >= one.units >= one.exact >= 0
    assert one.units >= one.found
    left, first = 3 * limit, []
    for span in exact:
        first.append(Span(span.document, span.start, min(span.end, span.start + max(left, 0))))
        left -= 3 * -(-len(span) // 3)
    assert one.exact == GoldLine.of(gold).held(first)
    assert one.windows <= max(3 * limit, one.units)


texts = st.text("ab \n", min_size=1, max_size=40)


@given(texts, texts, st.lists(spans, min_size=1, max_size=4), st.lists(spans, max_size=6), st.integers(1, 3))
def test_white_space_is_on_no_line_and_on_no_rung(a: str, b: str, gold: list[Span], units: list[Span], k: int) -> None:
    """By sets of the characters that are not white space, and windows tried at every place."""
    text = {"a": a.ljust(60, "x"), "b": b.ljust(60, "x")}

    def blanks(document: str) -> np.ndarray:
        return np.array([i for i, c in enumerate(text[document]) if c.isspace()], np.int64)

    def held(some: list[Span]) -> set[tuple[str, int]]:
        return {(s.document, i) for s in some for i in range(s.start, s.end) if not text[s.document][i].isspace()}

    line = GoldLine.of(gold, blanks)
    assert line.length == len(held(gold))
    assert line.held(units) == len(held(gold) & held(units))
    columns = {d: ranges((s.start, s.end) for s in units if s.document == d) for d in "ab"}
    assert set(line.holders(columns)) == {s for s in units if held([s]) & held(gold)}
    for passage in gold:
        whole = any(held([passage]) <= held([unit]) for unit in units)
        some = held([passage]) & held(units)
        assert state(passage, units, blanks) == ("whole" if whole else "cut" if some else "missed")
    if not line.length:
        return
    one = ladder(gold, 0, columns, units[:k], units[:k], k, blanks=blanks)
    longest = max(map(len, units), default=0)
    if k == 1 and longest:
        places = [Span(d, at, min(at + longest, 60)) for d in "ab" for at in range(60)]
        assert one.windows == max(len(held(gold) & held([place])) for place in places)
    assert (one.gold, one.found) == (len(held(gold)), len(held(gold) & held(units[:k])))
    assert one.windows >= one.units >= one.found
