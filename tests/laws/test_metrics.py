"""Laws that every measure keeps on any gold and any ranking, and the formulas written out on sets of characters."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.metrics import (
    FORMULAS,
    Judgement,
    first_tokens,
    holding,
    judge,
    metric,
    precision_omega,
    published,
    relevant,
)
from workbench.metrics import measures as m
from workbench.spans import Span, ranges

BOUNDED = sorted(set(FORMULAS) - {"tokens"})
MONOTONE = ("recall", "passage_recall", "all_passages", "hit_rate", "mrr", "average_precision", "tokens")
"""Not nDCG, whose best ranking of k hits holds more the larger k is, as in trec_eval."""


def span(document: str, start: int, size: int) -> Span:
    return Span(document, start, start + size)


spans = st.builds(span, st.sampled_from("ab"), st.integers(0, 40), st.integers(1, 15))
golds = st.lists(spans, min_size=1, max_size=4)
rankings = st.lists(spans, max_size=8)
covers = st.sampled_from([0.01, 0.5, 1.0])


def characters(some: list[Span]) -> set[tuple[str, int]]:
    return {(s.document, at) for s in some for at in range(s.start, s.end)}


def is_relevant(hit: Span, gold: list[Span], cover: float = 0.5) -> bool:
    """Enough of a passage in the hit, or enough of the hit in the gold: on sets of characters."""
    own = characters([hit])
    return any(len(own & characters([g])) >= cover * len(g) for g in gold) or len(
        own & characters(gold)
    ) >= cover * len(own)


@given(golds, rankings, covers)
def test_columns_are_what_sets_of_characters_say(gold: list[Span], hits: list[Span], cover: float) -> None:
    of = judge(gold, hits, range(len(hits)), cover)
    seen: set[tuple[str, int]] = set()
    assert of.gold == len(characters(gold))
    for i, hit in enumerate(hits):
        new = characters([hit]) - seen
        assert (of.fresh[i], of.found[i], of.tokens[i]) == (len(new), len(new & characters(gold)), i)
        assert of.relevant[i] == is_relevant(hit, gold, cover)
        for j, passage in enumerate(gold):
            assert of.parts[i, j] == len(new & characters([passage]))
        seen |= new
    assert of.relevant.tolist() == relevant(gold, hits, cover).tolist()


@given(golds, rankings)
def test_measures_are_what_sets_of_characters_say(gold: list[Span], hits: list[Span]) -> None:
    of, g, h = judge(gold, hits), characters(gold), characters(hits)
    assert m.recall(of) == pytest.approx(len(g & h) / len(g))
    assert m.precision(of) == pytest.approx(len(g & h) / len(h) if h else 0)
    assert m.iou(of) == pytest.approx(len(g & h) / len(g | h))
    ranks = [r for r, hit in enumerate(hits, 1) if is_relevant(hit, gold)]
    assert m.mrr(of) == pytest.approx(1 / ranks[0] if ranks else 0)
    assert m.hit_rate(of) == bool(ranks)
    held = [[len(characters(hits[:i]) & characters([x])) / len(x) for x in gold] for i in range(len(hits) + 1)]
    assert m.passage_recall(of) == pytest.approx(sum(held[-1]) / len(gold))
    assert m.all_passages(of) == all(share >= 0.5 for share in held[-1])
    gained = [sum(after) - sum(before) for before, after in pairwise(held)]
    precisions = [sum(r <= i for r in ranks) / i for i in range(1, len(hits) + 1)]
    assert m.average_precision(of) == pytest.approx(
        sum(p * x / len(gold) for p, x in zip(precisions, gained, strict=True))
    )


@given(golds, rankings, st.none() | st.integers(1, 9))
def test_ndcg_is_the_discounted_gain_over_that_of_each_passage_whole_at_a_rank_of_its_own(
    gold: list[Span], hits: list[Span], k: int | None
) -> None:
    """What is held after each rank, at most a passage for each; then gain by gain, in a loop."""
    hits = hits[:k]
    at, before = 0.0, 0.0
    ranks = min(k or 99, max(len(hits), len(gold))) if hits else 0
    for rank in range(1, ranks + 1):
        held = sum(len(characters(hits[:rank]) & characters([x])) / len(x) for x in gold)
        at += (min(held, rank) - before) / math.log2(rank + 1)
        before = min(held, rank)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k or 99, len(gold)) + 1))
    of = judge(gold, hits)
    assert m.ndcg(of[:k] if k else of) == pytest.approx(at / best)


@pytest.mark.parametrize("name", BOUNDED)
@given(golds, rankings, covers)
def test_bounds(name: str, gold: list[Span], hits: list[Span], cover: float) -> None:
    assert 0 <= FORMULAS[name](judge(gold, hits, min_cover=cover)) <= 1


@pytest.mark.parametrize("name", BOUNDED)
@given(spans)
def test_the_gold_itself_at_rank_1_is_perfect(name: str, gold: Span) -> None:
    assert FORMULAS[name](judge([gold], [gold])) == 1


@pytest.mark.parametrize("name", sorted(set(BOUNDED) - {"ndcg"}))
@given(golds)
def test_all_passages_as_hits_are_perfect(name: str, gold: list[Span]) -> None:
    assert FORMULAS[name](judge(gold, gold)) == pytest.approx(1)


@given(golds, st.randoms())
def test_passages_found_whole_at_the_first_ranks_are_the_best_ranking(gold: list[Span], draw: random.Random) -> None:
    """In any order, whatever their lengths; one chunk that holds them all is as good, and no better."""
    apart = [g for i, g in enumerate(gold) if not any(g.overlap(other) for other in gold[:i])]
    order = draw.sample(apart, len(apart))
    for k in range(1, 6):
        assert metric(f"ndcg@{k}")(judge(apart, order)) == pytest.approx(1)
    if len({g.document for g in apart}) == 1:
        whole = span(apart[0].document, 0, 99)
        assert m.ndcg(judge(apart, [whole])) == pytest.approx(1)
        assert m.ndcg(judge(apart, [span("elsewhere", 0, 9), whole])) < 1


@given(golds, st.integers(1, 8))
def test_cutting_a_passage_smaller_hides_it_from_no_measure_of_relevance(gold: list[Span], size: int) -> None:
    """Gold in chunks of any size that hold nothing else is found at rank 1, however long the passages are."""
    for passage in gold:
        pieces = [
            Span(passage.document, at, min(at + size, passage.end)) for at in range(passage.start, passage.end, size)
        ]
        of = judge([passage], pieces)
        assert [m.mrr(of), m.hit_rate(of), m.recall(of)] == [1, 1, 1]
        assert m.average_precision(of) == pytest.approx(1)


def test_where_passages_are_chunks_the_figures_are_those_of_trec_eval() -> None:
    """Random disjoint chunks of any length, random relevant ones among them, random rankings."""
    import pytrec_eval

    draw = random.Random(12)
    chunks, at = [], 0
    for _ in range(40):
        size = draw.randint(1, 400)
        chunks.append(span(draw.choice("ab"), at, size))
        at += size + draw.choice([0, 0, 7])
    name = {chunk: f"c{i}" for i, chunk in enumerate(chunks)}
    golds = {f"q{i}": draw.sample(chunks, draw.randint(1, 9)) for i in range(200)}
    orders = {q: draw.sample(chunks, draw.randint(1, 30)) for q in golds}
    wanted = {"recip_rank", "map", "map_cut.1,5,10", "ndcg", "ndcg_cut.1,5,10", "recall.5,10", "success.1,5,10"}
    theirs = pytrec_eval.RelevanceEvaluator(
        {q: {name[g]: 1 for g in gold} for q, gold in golds.items()}, wanted
    ).evaluate({q: {name[c]: 1 / rank for rank, c in enumerate(order, 1)} for q, order in orders.items()})
    pairs = {"recip_rank": "mrr", "map": "average_precision", "ndcg": "ndcg"}
    for q, order in orders.items():
        of = judge(golds[q], order)
        for their_name, ours in pairs.items():
            assert FORMULAS[ours](of) == pytest.approx(theirs[q][their_name], abs=1e-9), their_name
        for k in (1, 5, 10):
            cut = {"map_cut": "average_precision", "ndcg_cut": "ndcg", "success": "hit_rate"}
            cut |= {"recall": "passage_recall"} if k > 1 else {}
            for their_name, ours in cut.items():
                assert metric(f"{ours}@{k}")(of) == pytest.approx(theirs[q][f"{their_name}_{k}"], abs=1e-9), their_name
        if theirs[q]["recall_10"] < 1:
            assert metric("all_passages@10")(of) == 0
        else:
            assert metric("all_passages@10")(of) == 1


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
        assert metric(f"{name}@{k}")(of) == pytest.approx(FORMULAS[name](judge(gold, hits[:k])[:k]))


@given(golds, rankings)
def test_the_same_text_twice_is_not_paid_for_twice(gold: list[Span], hits: list[Span]) -> None:
    twice = [hit for hit in hits for _ in range(2)]
    for name in ("recall", "precision", "iou"):
        assert FORMULAS[name](judge(gold, twice)) == FORMULAS[name](judge(gold, hits))
    assert m.ndcg(judge(gold, twice)) <= m.ndcg(judge(gold, hits)) + 1e-9


@given(golds, rankings, st.integers(0, 200))
def test_moving_everything_changes_nothing(gold: list[Span], hits: list[Span], by: int) -> None:
    def moved(some: list[Span]) -> list[Span]:
        return [Span(s.document, s.start + by, s.end + by) for s in some]

    of, other = judge(gold, hits), judge(moved(gold), moved(hits))
    for name in FORMULAS:
        assert FORMULAS[name](of) == pytest.approx(FORMULAS[name](other))


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
    s = published.chroma_scores(gold, hits, columns(chunks))  # type: ignore[arg-type]
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
    assert published.least_hits(gold, columns(chunks)) == min(len(touching), 20)  # type: ignore[arg-type]


@given(golds, rankings)
def test_chroma_and_ours_agree_where_nothing_overlaps(gold: list[Span], hits: list[Span]) -> None:
    apart = [h for i, h in enumerate(hits) if not any(h.overlap(other) for other in hits[:i])]
    alone = [g for i, g in enumerate(gold) if not any(g.overlap(other) for other in gold[:i])]
    theirs, ours = published.chroma_scores(alone, apart, {}), judge(alone, apart)
    assert (theirs.recall, theirs.precision, theirs.iou) == (m.recall(ours), m.precision(ours), m.iou(ours))


def test_judgements_of_nothing() -> None:
    of = judge([span("a", 0, 5)], [])
    assert isinstance(of, Judgement)
    assert [f(of) for f in FORMULAS.values()] == [0] * len(FORMULAS)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=6),
    st.lists(st.integers(1, 9), max_size=2),
)
def test_omega_on_one_line_of_text_is_omega(gold: list[tuple[int, int]], cut: list[tuple[int, int]], lost) -> None:
    passages, chunks = ([(start, start + size) for start, size in some] for some in (gold, cut))
    wanted = precision_omega([Span("a", *one) for one in passages], {"a": ranges(chunks)}, lost)
    assert m.omega_of_ranges(ranges(passages), ranges(chunks), lost) == pytest.approx(wanted)
