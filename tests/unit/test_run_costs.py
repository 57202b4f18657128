"""What a configuration costs belongs to the measure that judges it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from test_runs import made

from workbench import endpoints
from workbench.documents import Corpus
from workbench.embedders import Remote
from workbench.errors import SpecError
from workbench.evaluations import evaluate, run_of
from workbench.parsers import Auto, parse
from workbench.pipelines import Pipeline, collection
from workbench.records import Asked, Question, Reference, Run, run_from_json, run_to_json
from workbench.retrievers import BM25
from workbench.spans import Span
from workbench.splitters import Recursive
from workbench.sweeps import amount, cost_for, costs_for, leaderboard

SMALL = {
    "url": "http://127.0.0.1:9/v1",
    "models": {"small": {"dimensions": 8, "max_tokens": 100, "price": 2.0}, "free": {"dimensions": 8, "max_tokens": 9}},
}


def run(name: str, *, tokens: int = 100, at_5: int = 50, value: float = 0.5, **changes: Any) -> Run:
    """A run of three questions: tokens at its k of 10, tokens at 5, and the same value by every other metric."""
    metrics = ("recall@1000tok", "recall@5", "recall@10", "precision_omega", "tokens@5", "tokens@1000tok")
    asked = tuple(Asked(f"q{i}", i, tokens, 1) for i in range(3))
    values = [[value, value, value, value, at_5, 1000]] * 3
    pipeline = {"embedder": {"kind": "static", "model": "m"}, "retriever": {"kind": "dense"}, "k": 10}
    return made(values, name, **{"metrics": metrics, "questions": asked, "pipeline": pipeline} | changes)


RUNS = [run("a", chunks=10, index_bytes=100), run("b", chunks=20, index_bytes=200, tokens=60, at_5=40)]


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An endpoint with a model that has a price and one that has none."""
    monkeypatch.delenv(endpoints.VARIABLE, raising=False)
    endpoints.define({"here": SMALL})
    yield
    endpoints.define({})


@pytest.mark.parametrize("metric", ["recall@1000tok", "ndcg@500tok", "precision_omega"])
def test_tokens_are_no_cost_where_every_configuration_has_the_same(metric: str) -> None:
    assert list(costs_for(metric, RUNS)) == ["bytes", "chunks", "seconds"]
    with pytest.raises(SpecError, match="cost 'tokens' .* choose one of bytes, chunks, seconds"):
        cost_for(metric, RUNS, "tokens")


def test_where_k_judges_the_cost_is_the_tokens_of_those_k_hits() -> None:
    name, (label, of) = cost_for("recall@5", RUNS)
    assert (name, label, [of(r) for r in RUNS]) == ("tokens", "tokens in 5 hits", [50, 40])
    assert [cost_for("recall@10", RUNS)[1].of(r) for r in RUNS] == [100, 60]  # the pipelines' own k
    assert next(iter(costs_for("recall", RUNS))) == "tokens"  # chroma's definitions: the k is the pipeline's


def test_a_cost_that_a_run_does_not_know_is_left_out() -> None:
    assert "tokens" not in costs_for("recall@20", RUNS)  # neither measured nor the pipelines' own k
    assert "seconds" not in costs_for("recall@5", [RUNS[0], run("c", seconds={})])
    with pytest.raises(SpecError, match="cost 'seconds' is not known of all these runs"):
        cost_for("recall@5", [RUNS[0], run("c", seconds={})], "seconds")
    with pytest.raises(SpecError, match="cost 'effort' is not known; choose one of tokens"):
        cost_for("recall@5", RUNS, "effort")


def test_the_default_is_a_cost_in_which_the_runs_differ_and_never_a_clock() -> None:
    words = [run("a", index_bytes=0, chunks=10), run("b", index_bytes=0, chunks=20)]
    assert list(costs_for("recall@1000tok", words)) == ["chunks", "bytes", "seconds"]
    alike = [run("a", seconds={"search": 1.0}), run("b", seconds={"search": 2.0})]
    assert next(iter(costs_for("recall@1000tok", alike))) == "bytes"


def test_seconds_are_those_of_a_search_whatever_was_cached() -> None:
    first, second = run("a", seconds={"embed": 90.0, "search": 0.4}), run("b", seconds={"search": 0.8})
    of = costs_for("recall@5", [first, second])["seconds"].of
    assert (of(first), of(second)) == (pytest.approx(0.1), pytest.approx(0.2))  # three questions, one without an answer


def remote(model: str, sent: int | None) -> Run:
    parts = {"embedder": {"kind": "remote", "model": model}, "retriever": {"kind": "dense"}, "k": 10}
    return run("r", pipeline=parts, tokens_sent=sent)


@pytest.mark.usefixtures("paid")
def test_money_is_what_embedding_at_an_endpoint_costs() -> None:
    both = [RUNS[0], remote("here/small", 3_000_000)]
    assert [costs_for("recall@1000tok", both)["money"].of(r) for r in both] == [0.0, 6.0]
    for other in (remote("here/free", 5), remote("here/small", None), remote("gone/small", 5), remote("here/x", 5)):
        assert "money" not in costs_for("recall@1000tok", [RUNS[0], other])
    assert "money" not in costs_for("recall@1000tok", RUNS)  # nobody is paid


@pytest.mark.usefixtures("paid")
def test_a_run_notes_what_an_endpoint_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = lambda self, texts, query: np.eye(8, dtype=np.float32)[: len(texts)]  # noqa: E731
    monkeypatch.setattr(Remote, "encode_batch", vectors)
    document = parse("a.txt", b"Pumps are checked in spring.\n\nValves are closed by hand.", Auto())
    corpus, gold = Corpus((document,)), Span(document.id, 0, 28)
    asked = [Question("q1", "When?", (Reference(gold, document[gold]),))]
    splitter = Recursive(chunk_size=30, chunk_overlap=0, unit="characters")
    by_endpoint = Pipeline(splitter=splitter, embedder=Remote("here/small"), k=1)
    found = run_of(evaluate(corpus, asked, by_endpoint))
    assert found.tokens_sent == Remote("here/small").cost(collection(corpus, splitter).texts()).tokens > 0
    assert costs_for("recall@1", [found])["money"].of(found) == found.tokens_sent * 2.0 / 1e6
    by_words = Pipeline(splitter=splitter, embedder=Remote("here/small"), retriever=BM25(), k=1)
    assert run_of(evaluate(corpus, asked, by_words)).tokens_sent == 0
    assert run_from_json(run_to_json(found)) == found


def test_a_board_is_priced_by_its_own_metric() -> None:
    by_context = leaderboard(RUNS, "recall@1000tok")
    assert (by_context.cost, by_context.rows[0].run.fingerprint[0]) == ("bytes", "a")  # equal means: fewer bytes
    by_hits = leaderboard(RUNS, "recall@5")
    assert (by_hits.cost, by_hits.rows[0].run.fingerprint[0]) == ("tokens", "b")
    with pytest.raises(SpecError, match="cost 'tokens'"):
        leaderboard(RUNS, "recall@1000tok", cost="tokens")


def test_an_amount_is_as_long_as_it_says_something() -> None:
    assert [amount(v) for v in (0.0, 4096.0, 1234.56, 0.00123456, 1.5)] == ["0", "4,096", "1,235", "0.00123", "1.5"]
