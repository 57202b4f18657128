"""The client of endpoints, against a server that fails in every way; no test waits for a clock."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import loopback
import numpy as np
import pytest
from loopback import Answer, Server, vectors

from workbench import endpoints
from workbench.embedders import Cancelled, Remote, embed, new_texts
from workbench.endpoints import Usage, http
from workbench.endpoints.http import backoff, wait_asked
from workbench.errors import ModelUnavailable
from workbench.store import Store

SECRET = "sk-very-secret-0123456789"
TEXT = "The private text of a document."
GOOD = Answer(vectors([[1, 2, 3], [4, 5, 6]], tokens=9))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The waits that the client asked for; none is waited for."""
    found: list[float] = []
    monkeypatch.setattr(http, "_sleep", found.append)
    monkeypatch.setattr(http, "_random", lambda: 1.0)
    monkeypatch.setattr(http, "_turns", {})
    monkeypatch.setattr(http, "_spent", {})
    monkeypatch.setattr(http, "_unkept", {})
    monkeypatch.setenv("NEAR_KEY", SECRET)
    yield found
    endpoints.define({})


def defined(server: Server, model: dict[str, Any] | None = None, **values: Any) -> endpoints.Remote:
    small = {"dimensions": 3, "price": 2.0, **(model or {})}
    near = {"url": server.url, "key_variable": "NEAR_KEY", "models": {"small": small}, "chat_models": {"talker": {}}}
    endpoints.define({"near": {**near, **values}})
    found = endpoints.remote_model("near/small")
    assert found is not None
    return found


def ask(server: Server, **values: Any) -> Any:
    return endpoints.embeddings(defined(server, **values), [TEXT, "another"])


def failure(server: Server, **values: Any) -> str:
    """What is said when it fails: the endpoint and its host, and neither the key nor the text."""
    with pytest.raises(ModelUnavailable) as caught:
        ask(server, **values)
    said = str(caught.value)
    assert said.startswith(f"endpoint near ({server.host})")
    chain = [caught.value]
    while following := chain[-1].__cause__ or (None if chain[-1].__suppress_context__ else chain[-1].__context__):
        chain.append(following)  # type: ignore[arg-type]
    for error in chain:  # what a traceback would show
        assert SECRET not in repr(error)
        assert TEXT not in repr(error)
    return said


# What is sent, and what a good answer gives


def test_a_request_is_what_the_protocol_says() -> None:
    with Server(GOOD) as server:
        rows = ask(server)
    np.testing.assert_array_equal(rows, np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    assert rows.dtype == np.float32
    (asked,) = server.asked
    assert asked.path == "/v1/embeddings"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.body == {"model": "small", "input": [TEXT, "another"], "encoding_format": "float"}


def test_the_servers_own_name_and_shorter_vectors_are_asked_for() -> None:
    with Server(GOOD) as server:
        ask(server, model={"id": "org/small-v3", "send_dimensions": True})
    assert server.asked[0].body["model"] == "org/small-v3"
    assert server.asked[0].body["dimensions"] == 3


def test_a_server_without_a_key_gets_none() -> None:
    with Server(GOOD) as server:
        ask(server, key_variable="")
    assert "authorization" not in server.asked[0].headers


def test_shuffled_indexes_are_put_in_order() -> None:
    body = vectors([[1, 2, 3], [4, 5, 6]])
    body["data"].reverse()
    with Server(Answer(body)) as server:
        np.testing.assert_array_equal(ask(server)[:, 0], [1, 4])


def test_no_texts_ask_nothing() -> None:
    with Server(GOOD) as server:
        assert endpoints.embeddings(defined(server), []).shape == (0, 3)
    assert server.asked == []


# Failures that pass


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again_with_longer_waits(status: int, waits: list[float]) -> None:
    with Server(Answer(status=status), Answer(status=status), GOOD) as server:
        assert ask(server).shape == (2, 3)
    assert len(server.asked) == 3
    assert waits == [0.5, 1.0]


def test_a_server_that_says_how_long_is_believed(waits: list[float]) -> None:
    with Server(Answer(status=429, headers={"Retry-After": "7"}), GOOD) as server:
        ask(server)
    assert waits == [7.0]


def test_one_that_asks_for_too_much_patience_is_not_waited_for(waits: list[float]) -> None:
    with Server(Answer(status=429, headers={"Retry-After": "3600"})) as server:
        assert "answered 429, and asks to wait 3,600 seconds; try again then" in failure(server)
    assert waits == []


def test_tries_are_bounded(waits: list[float]) -> None:
    with Server(Answer(status=500)) as server:
        assert "answered 500, at the last of 5 tries" in failure(server)
    assert len(server.asked) == 5
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_half_a_body_is_tried_again(waits: list[float]) -> None:
    with Server(Answer(GOOD.body, cut=40), GOOD) as server:
        assert ask(server).shape == (2, 3)
    assert len(server.asked) == 2
    with Server(Answer(GOOD.body, cut=40)) as server:
        assert "broke off (RemoteProtocolError), at the last of 5 tries" in failure(server)


def test_a_slow_answer_is_given_up() -> None:
    hold = threading.Event()
    with Server(Answer(GOOD.body, hold=hold)) as server:
        try:
            assert "did not answer within 0.05 seconds, at the last of 5 tries" in failure(server, timeout=0.05)
        finally:
            hold.set()


def test_a_trickle_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 10_000, 100))
    monkeypatch.setattr(http, "_now", lambda: float(next(times)))
    with Server(GOOD) as server:
        assert "did not finish its answer within 60 seconds" in failure(server)


def test_no_server_at_all() -> None:
    with Server(GOOD) as server:
        pass
    assert "cannot be reached, at the last of 5 tries" in failure(server)


@pytest.mark.parametrize(
    "header, low, high",
    [("0", 0, 0), ("1.5", 1.5, 1.5), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0)],
)
def test_what_a_retry_after_says(header: str, low: float, high: float) -> None:
    found = wait_asked(header)
    assert found is not None
    assert low <= found <= high


def test_a_retry_after_may_be_a_date_or_nonsense() -> None:
    later = wait_asked(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))
    assert later is not None
    assert later > 600
    assert wait_asked("soon") is wait_asked("-3") is wait_asked(None) is None


def test_waits_are_spread_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_random", lambda: 0.0)
    assert [backoff(n) for n in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 30.0]


def test_requests_are_spaced_over_a_minute(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_now", lambda: 1000.0)
    with Server(GOOD) as server:
        for _ in range(3):
            ask(server, requests_per_minute=120)
    assert waits == [0.5, 1.0]


# Failures that stay: one request, and a line that says what to do

REFUSED: list[tuple[Answer, str]] = [
    (Answer({"error": {"message": f"Incorrect API key {SECRET}", "code": "invalid_api_key"}}, 401),
     "answered 401 (invalid_api_key); check the key in NEAR_KEY"),
    (Answer(b"<html>not here</html>", 404), "answered 404; check the endpoint's url, which mostly ends in /v1"),
    (Answer({"error": {"message": f"too long: {TEXT}", "code": TEXT}}, 400), "answered 400; check the model's id"),
    (Answer({"detail": [TEXT]}, 422), "answered 422; check"),
    (Answer({"error": TEXT}, 413), "answered 413; lower batch_size"),
    (Answer({"error": {"type": "insufficient_quota"}}, 429), "answered 429 (insufficient_quota); the account's quota"),
    (Answer(b"x" * 300_000, 418), "answered 418; check its definition"),
    (Answer(b'{"data": [', 200), "answered 200 with 10 bytes that are not JSON"),
    (Answer(b"[" * 60_000, 200), "that are not JSON"),
    (Answer(b" " * 200_000, 200), "sent more than"),
    (Answer([1], 200), "without a list of vectors"),
    (Answer({"data": {}}, 200), "without a list of vectors"),
    (Answer(vectors([[1, 2, 3]]), 200), "answered 2 texts with 1 vectors; lower batch_size"),
    (Answer(vectors([[1, 2, 3]] * 3), 200), "answered 2 texts with 3 vectors"),
    (Answer(vectors([[1, 2], [3, 4]]), 200), "vectors of 2 dimensions, not 3 as defined; correct dimensions"),
    (Answer(vectors([[1, 2, 3], [4, 5, float("nan")]]), 200), "holds NaN, infinity"),
    (Answer(vectors([[1, 2, 3], [4, 5, float("inf")]]), 200), "holds NaN, infinity"),
    (Answer(vectors([[1, 2, 3], [4, 5, 1e300]]), 200), "no number of float32"),
    (Answer({"data": [{"embedding": [1, 2, "3"]}, {"embedding": [1, 2, 3]}]}, 200), "something that is no number"),
    (Answer({"data": [{"embedding": [1, 2, True]}, {"embedding": [1, 2, 3]}]}, 200), "something that is no number"),
    (Answer({"data": [{"embedding": "AACAPwAAAEA="}, {"embedding": ""}]}, 200), "no list of numbers"),
    (Answer({"data": ["x", "y"]}, 200), "no list of numbers"),
    (Answer({"data": [{"index": 0, "embedding": [1, 2, 3]}] * 2}, 200), "do not name each text once"),
    (Answer({"data": [{"index": 7, "embedding": [1, 2, 3]}] * 2}, 200), "do not name each text once"),
    (Answer({"data": [{"index": -1, "embedding": [1, 2, 3]}] * 2}, 200), "do not name each text once"),
]  # fmt: skip


@pytest.mark.parametrize("answer, message", REFUSED, ids=lambda v: v if isinstance(v, str) else "")
def test_what_no_wait_mends_is_not_tried_again(answer: Answer, message: str, waits: list[float]) -> None:
    with Server(answer) as server:
        assert message in failure(server)
    assert len(server.asked) == 1
    assert waits == []


def test_vectors_are_as_long_as_their_definition_says() -> None:
    with Server(GOOD) as server:
        assert "defined as normalised, but a vector has length 3.742" in failure(server, model={"normalised": True})
    with Server(Answer(vectors([[1.001, 0, 0], [0, 0.6, 0.8]]))) as server:
        assert ask(server, model={"normalised": True}).shape == (2, 3)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays(status: int) -> None:
    with Server(GOOD) as elsewhere, Server(Answer(status=status, headers={"Location": elsewhere.url})) as server:
        said = failure(server)
    assert f"answered {status}, a redirect, which is not followed" in said
    assert elsewhere.asked == []
    assert len(server.asked) == 1


def test_no_proxy_of_the_environment_sees_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(GOOD) as proxy, Server(GOOD) as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, f"http://{proxy.host}")
        ask(server)
    assert proxy.asked == []
    assert len(server.asked) == 1


def test_nothing_is_sent_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEAR_KEY")
    with Server(GOOD) as server, pytest.raises(ModelUnavailable, match="the variable NEAR_KEY is empty"):
        ask(server)
    assert server.asked == []


def test_no_log_holds_the_key_or_the_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Server(Answer(status=500), Answer({"error": {"message": SECRET + TEXT}}, 401)) as server:
        failure(server)
    logged = [str(vars(record)) + record.getMessage() for record in caplog.records]
    assert logged  # the client's own library did log
    assert not [line for line in logged if SECRET in line or TEXT in line]


# Usage


def test_usage_is_what_the_server_reports(waits: list[float]) -> None:
    store = Store(None)
    with Server(Answer(status=500), GOOD) as server:
        ask(server)
        ask(server)
    assert endpoints.spent() == {"near/small": Usage(2, 18, pytest.approx(18 * 2.0 / 1e6))}
    endpoints.keep_usage(store)
    endpoints.keep_usage(store)  # what is kept already does not count twice
    assert endpoints.usage_in(store, "near/small") == endpoints.spent()["near/small"]
    with Server(GOOD) as server:
        ask(server)
    endpoints.keep_usage(store)
    assert endpoints.usage_in(store, "near/small").requests == 3
    assert endpoints.usage_in(store, "near/other") == Usage()


@pytest.mark.parametrize(
    "reported", [{}, {"usage": None}, {"usage": {"total_tokens": -5}}, {"usage": {"total_tokens": "9"}}]
)
def test_a_server_that_reports_nothing_is_counted_by_requests(reported: dict[str, Any]) -> None:
    with Server(Answer({"data": GOOD.body["data"], **reported})) as server:
        ask(server)
    assert endpoints.spent() == {"near/small": Usage(1, 0, 0.0)}


# The embedder


def encode(texts: list[str]) -> list[list[float]]:
    return [[len(t), t.count("e"), 1] for t in texts]


def test_nothing_is_paid_twice() -> None:
    store = Store(None)
    texts = [f"text number {i}" for i in range(10)]
    with Server(loopback.serving(encode)) as server:
        defined(server, model={"batch_size": 4})
        embedder = Remote("near/small")
        first = embed(embedder, [*texts, *texts], store)
        assert [len(a.body["input"]) for a in server.asked] == [4, 4, 2]
        assert new_texts(embedder, ["new", *texts, "new"], store) == ["new"]
        again = embed(Remote("near/small", truncate_dim=2), texts, store)
        assert len(server.asked) == 3
    np.testing.assert_array_equal(first[:10], encode(texts))
    np.testing.assert_array_equal(again, first[:10, :2])
    assert endpoints.usage_in(store, "near/small").requests == 3


def test_a_query_that_was_asked_is_not_sent_again() -> None:
    with Server(loopback.serving(encode)) as server:
        defined(server)
        embedder = Remote("near/small")
        first = embedder.encode_query(["one", "two", "one"])
        np.testing.assert_array_equal(first, encode(["one", "two", "one"]))
        np.testing.assert_array_equal(Remote("near/small").encode_query(["two", "three"]), encode(["two", "three"]))
        assert Remote("near/small", truncate_dim=2).encode_query(["one"]).shape == (1, 2)
        assert embedder.encode_query([]).shape == (0, 3)
        defined(server, model={"revision": "2"})
        Remote("near/small").encode_query(["one"])
    assert [a.body["input"] for a in server.asked] == [["one", "two"], ["three"], ["one"], ["one"]]


def test_a_batch_is_bounded_in_tokens_too() -> None:
    with Server(loopback.serving(encode)) as server:
        defined(server, model={"batch_tokens": 25})
        Remote("near/small").encode_document(["word " * 10, "word " * 10, "word " * 60, "x", "y"])
    assert [len(a.body["input"]) for a in server.asked] == [2, 1, 2]


def test_stopping_sends_no_further_batch_and_keeps_what_came() -> None:
    store = Store(None)
    with Server(loopback.serving(encode)) as server:
        defined(server, model={"batch_size": 2})
        with pytest.raises(Cancelled, match="stopped after 2 of 6"):
            embed(Remote("near/small"), list("abcdef"), store, cancelled=lambda: len(server.asked) == 1)
        assert len(server.asked) == 1
        embed(Remote("near/small"), list("abcdef"), store)
    assert [a.body["input"] for a in server.asked] == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_a_failure_in_the_middle_keeps_what_was_paid() -> None:
    store = Store(None)
    with Server(loopback.serving(encode), Answer(status=401), loopback.serving(encode)) as server:
        defined(server, model={"batch_size": 2})
        with pytest.raises(ModelUnavailable, match="401"):
            embed(Remote("near/small"), list("abcd"), store)
        embed(Remote("near/small"), list("abcd"), store)
    assert [a.body["input"] for a in server.asked] == [["a", "b"], ["c", "d"], ["c", "d"]]
    assert endpoints.usage_in(store, "near/small").requests == 2


def test_texts_are_sent_with_prefixes_cut_and_never_empty() -> None:
    model = {"query_prefix": "q: ", "passage_prefix": "p: ", "max_tokens": 5, "truncate": True}
    with Server(loopback.serving(encode)) as server:
        defined(server, model=model)
        Remote("near/small").encode_document(["one two three four five six", ""])
        Remote("near/small").encode_query(["one"])
        Remote("near/small", passage_prefix="").encode_document(["", "half \ud800"])
    assert [a.body["input"] for a in server.asked] == [
        ["p: one two three", "p: "],
        ["q: one"],
        [" ", "half \ufffd\ufffd\ufffd"],
    ]


def test_what_leaves_is_said_before(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.embedders.remote._announced", set())
    with Server(loopback.serving(encode)) as server:
        defined(server, model={"price": 5_000.0})
        embedder = Remote("near/small")
        texts = ["one two three four"] * 3
        assert embedder.cost(texts).tokens == 12
        assert embedder.cost(texts).money == pytest.approx(0.06)
        expected = f"sends 3 chunks (12 tokens, about $0.06) to {server.host}"
        assert embedder.disclosure(texts, "chunks") == expected
        assert server.asked == []
        embedder.encode_query(["first"])
        embedder.encode_query(["second"])
        embedder.encode_document(texts)
    said = [r.getMessage() for r in caplog.records if r.name == "workbench.embedders.remote"]
    assert said == [
        f"model near/small sends 1 text (1 tokens, below $0.01) to {server.host}",
        f"model near/small {expected.replace('chunks', 'texts')}",
    ]
    defined(server, model={"price": None})
    assert "$" not in Remote("near/small").disclosure(texts)


# Chat


def test_a_chat_gives_the_text_of_the_answer() -> None:
    answer = {"choices": [{"message": {"content": "Hello."}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    with Server(Answer(answer)) as server:
        defined(server, chat_models={"talker": {"id": "org/talker", "price": 1.0, "output_price": 10.0}})
        chat = endpoints.chat("near", "talker", max_tokens=50)
        assert chat([{"role": "user", "content": TEXT}]) == "Hello."
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    messages = [{"role": "user", "content": TEXT}]
    assert asked.body == {"model": "org/talker", "max_tokens": 50, "messages": messages}
    assert endpoints.spent() == {"near/talker": Usage(1, 7, pytest.approx(25e-6))}


@pytest.mark.parametrize(
    "body", [[], {}, {"choices": []}, {"choices": [{}]}, {"choices": [{"message": {"content": None}}]}, {"choices": 3}]
)
def test_a_chat_without_a_text(body: Any) -> None:
    with Server(Answer(body)) as server:
        defined(server)
        with pytest.raises(ModelUnavailable, match="model talker, answered without a text"):
            endpoints.chat("near", "talker")([{"role": "user", "content": TEXT}])


def test_what_a_server_says_it_has() -> None:
    with Server(Answer({"data": [{"id": "small"}, {"id": "talker"}, 7]}), Answer([]), Answer(status=503)) as server:
        found = defined(server).endpoint
        assert endpoints.served(found) == {"small", "talker"}
        assert endpoints.served(found) is None
        with pytest.raises(ModelUnavailable, match="503, at the last of 1 tries"):
            endpoints.served(found)
    assert server.asked[0].path == "/v1/models"
    assert json.dumps(server.asked[0].body) == "null"
