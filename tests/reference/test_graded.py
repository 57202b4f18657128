"""Chunk-level MRR and nDCG on graded judgements, against trec_eval and by hand."""

import random

import pytest

from workbench.metrics import published


def test_a_worked_example() -> None:
    """Järvelin and Kekäläinen's discount: grades 3, 2, 0 in the order 2, 0, 3 at k = 2 and 3."""
    grades = {"a": 3, "b": 2}
    assert published.graded_ndcg(["b", "x", "a"], grades) == pytest.approx((2 + 3 / 2) / (3 + 2 / 1.584962500721156))
    assert published.graded_ndcg(["b", "x", "a"], grades, 2) == pytest.approx(2 / (3 + 2 / 1.584962500721156))
    assert published.graded_mrr(["x", "b", "a"], grades) == 0.5
    assert published.graded_mrr(["x", "b", "a"], grades, relevant=3) == pytest.approx(1 / 3)
    assert published.graded_mrr(["x", "b"], grades, 1) == 0


def test_nothing_judged_or_nothing_found() -> None:
    assert published.graded_ndcg(["a"], {}) == 0
    assert published.graded_ndcg([], {"a": 1}) == 0
    assert published.graded_ndcg(["a"], {"a": 2, "b": 1}, exponential=True) == pytest.approx(
        3 / (3 + 1 / 1.584962500721156)
    )
    assert published.graded_ndcg(["a"], {"a": 0}) == 0
    assert published.graded_mrr([], {"a": 1}) == 0
    assert published.graded_ndcg(["b", "a"], {"a": 1, "b": -2}) == pytest.approx(1 / 1.584962500721156)


def test_a_chunk_that_is_repeated_counts_once() -> None:
    """It stands where it came first, and what follows moves up: a ranking is an order of different chunks."""
    assert published.graded_ndcg(["A", "A"], {"A": 1}) == 1
    assert published.graded_ndcg(["A", "A", "B"], {"A": 1, "B": 1}) == 1
    assert published.graded_ndcg(["A", "A", "B"], {"A": 1, "B": 1}, 2) == 1
    assert published.graded_mrr(["x", "x", "A"], {"A": 1}) == 0.5


def test_trec_eval_gives_the_same() -> None:
    import pytrec_eval

    draw = random.Random(7)
    chunks = [f"c{i}" for i in range(30)]
    qrels = {f"q{i}": {c: draw.randint(0, 4) for c in draw.sample(chunks, draw.randint(1, 12))} for i in range(60)}
    orders = {q: draw.sample(chunks, 20) for q in qrels}
    run = {q: {c: 20.0 - rank for rank, c in enumerate(order)} for q, order in orders.items()}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg", "ndcg_cut.1,5,10", "recip_rank"}).evaluate(run)
    for question, order in orders.items():
        grades = qrels[question]
        assert published.graded_ndcg(order, grades) == pytest.approx(theirs[question]["ndcg"], abs=1e-9)
        assert published.graded_mrr(order, grades) == pytest.approx(theirs[question]["recip_rank"], abs=1e-9)
        for k in (1, 5, 10):
            assert published.graded_ndcg(order, grades, k) == pytest.approx(theirs[question][f"ndcg_cut_{k}"], abs=1e-9)
