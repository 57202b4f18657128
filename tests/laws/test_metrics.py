"""Laws that every measure keeps on any gold and any ranking, and the formulas written out on sets of characters."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.metrics import FORMULAS, Judgement, chroma, first_tokens, holding, judge, metric, precision_omega
from workbench.metrics import measures as m
from workbench.spans import Span, ranges

BOUNDED = sorted(set(FORMULAS) - {"tokens"})
MONOTONE = ("recall", "hit_rate", "mrr", "ndcg", "tokens")


def span(document: str, start: int, size: int) -> Span:
    return Span(document, start, start + size)


spans = st.builds(span, st.sampled_from("ab"), st.integers(0, 40), st.integers(1, 15))
golds = st.lists(spans, min_size=1, max_size=4)
rankings = st.lists(spans, max_size=8)
covers = st.sampled_from([0.01, 0.5, 1.0])


def characters(some: list[Span]) -> set[tuple[str, int]]:
    return {(s.document, at) for s in some for at in range(s.start, s.end)}


@given(golds, rankings, covers)
def test_columns_are_what_sets_of_characters_say(gold: list[Span], hits: list[Span], cover: float) -> None:
    of = judge(gold, hits, range(len(hits)), cover)
    seen: set[tuple[str, int]] = set()
    assert of.gold == len(characters(gold))
    for i, hit in enumerate(hits):
        new = characters([hit]) - seen
        assert (of.fresh[i], of.found[i], of.tokens[i]) == (len(new), len(new & characters(gold)), i)
        assert of.relevant[i] == any(len(characters([hit]) & characters([g])) >= cover * len(g) for g in gold)
        seen |= new


@given(golds, rankings)
def test_measures_are_what_sets_of_characters_say(gold: list[Span], hits: list[Span]) -> None:
    of, g, h = judge(gold, hits), characters(gold), characters(hits)
    assert m.recall(of) == pytest.approx(len(g & h) / len(g))
    assert m.precision(of) == pytest.approx(len(g & h) / len(h) if h else 0)
    assert m.iou(of) == pytest.approx(len(g & h) / len(g | h))
    ranks = [r for r, hit in enumerate(hits, 1) if any(hit.overlap(x) >= 0.5 * len(x) for x in gold)]
    assert m.mrr(of) == pytest.approx(1 / ranks[0] if ranks else 0)
    assert m.hit_rate(of) == bool(ranks)
    gains = [len(characters(hits[: i + 1]) & g) - len(characters(hits[:i]) & g) for i in range(len(hits))]
    assert m.ndcg(of) == pytest.approx(sum(x / math.log2(i + 2) for i, x in enumerate(gains)) / len(g))


@pytest.mark.parametrize("name", BOUNDED)
@given(golds, rankings, covers)
def test_bounds(name: str, gold: list[Span], hits: list[Span], cover: float) -> None:
    assert 0 <= FORMULAS[name](judge(gold, hits, min_cover=cover)) <= 1


@pytest.mark.parametrize("name", BOUNDED)
@given(spans)
def test_the_gold_itself_at_rank_1_is_perfect(name: str, gold: Span) -> None:
    assert FORMULAS[name](judge([gold], [gold])) == 1


@pytest.mark.parametrize("name", ["recall", "precision", "iou"])
@given(golds)
def test_all_passages_as_hits_are_perfect(name: str, gold: list[Span]) -> None:
    assert FORMULAS[name](judge(gold, gold)) == 1


@pytest.mark.parametrize("name", FORMULAS)
@given(golds, st.lists(spans.map(lambda s: Span("elsewhere", s.start, s.end)), max_size=5))
def test_other_documents_never_hit(name: str, gold: list[Span], hits: list[Span]) -> None:
    assert FORMULAS[name](judge(gold, hits)) == 0


@given(golds, golds)
def test_recall_and_precision_mirror_each_other(a: list[Span], b: list[Span]) -> None:
    assert m.recall(judge(a, b)) == m.precision(judge(b, a))
    assert m.iou(judge(a, b)) == m.iou(judge(b, a))


@pytest.mark.parametrize("name", MONOTONE)
@given(golds, rankings)
def test_more_hits_never_lower_it(name: str, gold: list[Span], hits: list[Span]) -> None:
    of = judge(gold, hits, [1] * len(hits))
    values = [metric(f"{name}@{k}")(of) for k in range(1, 10)]
    assert values == sorted(values)


@given(golds, rankings, st.integers(1, 9))
def test_a_budget_of_hits_is_the_judgement_of_those_hits(gold: list[Span], hits: list[Span], k: int) -> None:
    of = judge(gold, hits)
    for name in FORMULAS:
        assert metric(f"{name}@{k}")(of) == FORMULAS[name](judge(gold, hits[:k]))


@given(golds, rankings)
def test_the_same_text_twice_is_not_paid_for_twice(gold: list[Span], hits: list[Span]) -> None:
    twice = [hit for hit in hits for _ in range(2)]
    for name in ("recall", "precision", "iou"):
        assert FORMULAS[name](judge(gold, twice)) == FORMULAS[name](judge(gold, hits))
    assert m.ndcg(judge(gold, twice)) <= m.ndcg(judge(gold, hits))


@given(golds, rankings, st.integers(0, 200))
def test_moving_everything_changes_nothing(gold: list[Span], hits: list[Span], by: int) -> None:
    def moved(some: list[Span]) -> list[Span]:
        return [Span(s.document, s.start + by, s.end + by) for s in some]

    of, other = judge(gold, hits), judge(moved(gold), moved(hits))
    for name in FORMULAS:
        assert FORMULAS[name](of) == FORMULAS[name](other)


@given(rankings, st.integers(1, 60))
def test_a_budget_of_tokens_is_filled_and_never_passed(hits: list[Span], limit: int) -> None:
    """With a token a character."""
    sizes = [len(h) for h in hits]
    kept, tokens = first_tokens(hits, sizes, limit, lambda s, n: s.start + n)
    assert sum(tokens) == min(limit, sum(sizes)) == sum(len(s) for s in kept)
    assert [len(s) for s in kept] == tokens
    assert kept[:-1] == hits[: len(kept)][:-1]
    assert all(hit.covers(part) and part.start == hit.start for hit, part in zip(hits, kept, strict=False))


def columns(some: list[Span]) -> dict[str, object]:
    return {d: ranges((s.start, s.end) for s in some if s.document == d) for d in {s.document for s in some}}


@given(golds, rankings)
def test_omega_and_the_chunks_that_hold_gold(gold: list[Span], chunks: list[Span]) -> None:
    on = [c for c in chunks if characters([c]) & characters(gold)]
    assert sorted(holding(gold, columns(chunks))) == sorted(on)  # type: ignore[arg-type]
    g, c = characters(gold), characters(on)
    omega = precision_omega(gold, columns(chunks))  # type: ignore[arg-type]
    assert omega == pytest.approx(len(g & c) / len(g | c))
    assert omega <= 1


@given(golds, rankings, rankings)
def test_chroma_is_what_sets_of_characters_say(gold: list[Span], hits: list[Span], chunks: list[Span]) -> None:
    s = chroma.scores(gold, hits, columns(chunks))  # type: ignore[arg-type]
    g, h = characters(gold), characters(hits)
    total = sum(len(x) for x in hits)
    assert s.recall == pytest.approx(len(g & h) / sum(len(x) for x in gold))
    assert s.precision == pytest.approx(len(g & h) / total if total else 0)
    assert s.iou == pytest.approx(len(g & h) / (total + len(g - h)))
    touching = [
        c for c in chunks if any(c.document == x.document and max(c.start, x.start) <= min(c.end, x.end) for x in gold)
    ]
    t = characters(touching)
    assert s.precision_omega == pytest.approx(len(g & t) / len(g | t))
    assert chroma.least_hits(gold, columns(chunks)) == min(len(touching), 20)  # type: ignore[arg-type]


@given(golds, rankings)
def test_chroma_and_ours_agree_where_nothing_overlaps(gold: list[Span], hits: list[Span]) -> None:
    apart = [h for i, h in enumerate(hits) if not any(h.overlap(other) for other in hits[:i])]
    alone = [g for i, g in enumerate(gold) if not any(g.overlap(other) for other in gold[:i])]
    theirs, ours = chroma.scores(alone, apart, {}), judge(alone, apart)
    assert (theirs.recall, theirs.precision, theirs.iou) == (m.recall(ours), m.precision(ours), m.iou(ours))


def test_judgements_of_nothing() -> None:
    of = judge([span("a", 0, 5)], [])
    assert isinstance(of, Judgement)
    assert [f(of) for f in FORMULAS.values()] == [0] * len(FORMULAS)
