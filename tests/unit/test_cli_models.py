"""`models` with models behind endpoints."""

import json
from collections.abc import Callable, Iterator

import pytest
from loopback import Answer, Server

from workbench import cli, endpoints, models
from workbench.cli import DONE, WRONG_INPUT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return command


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(Answer({"data": [{"id": "small"}]})) as found:
        model = {"dimensions": 8, "max_tokens": 100, "price": 0.02}
        definition = {"url": found.url, "key_variable": "NEAR_KEY", "models": {"small": model, "gone": model}}
        monkeypatch.setenv(endpoints.VARIABLE, json.dumps({"near": definition}))
        monkeypatch.setenv("NEAR_KEY", "sk-secret")
        yield found


def test_a_list_asks_nobody(run: Run, server: Server) -> None:
    status, out, err = run("models", "--json")
    rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
    assert (status, err) == (DONE, "")
    assert list(rows) == [*models.PACKAGED, "near/small", "near/gone"]
    found = rows["near/small"]
    assert (found["kind"], found["dimensions"], found["max_tokens"], found["price"]) == ("remote", 8, 100, 0.02)
    assert found["home"] == f"endpoint {server.host}"
    assert found["available"] is None
    assert "not asked  0.02" in run("models")[1]
    assert server.asked == []


def test_a_named_one_is_asked_for(run: Run, server: Server) -> None:
    status, out, _ = run("models", "near/small", "--json")
    assert (status, json.loads(out)["available"]) == (DONE, True)
    assert [asked.path for asked in server.asked] == ["/v1/models"]
    status, out, err = run("models", "near/gone", "--json")
    assert (status, json.loads(out)["available"]) == (WRONG_INPUT, False)
    assert "does not list the model 'gone'" in err


def test_a_server_that_lists_nothing_may_have_it(run: Run, server: Server) -> None:
    server.answers = [Answer(status=404)]
    status, out, _ = run("models", "near/small", "--json")
    assert (status, json.loads(out)["available"]) == (DONE, None)


def test_without_a_key_it_cannot_be_had(run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEAR_KEY")
    status, out, err = run("models", "--json")
    assert [json.loads(line)["available"] for line in out.splitlines()][-2:] == [False, False]
    assert status == DONE
    assert "the variable NEAR_KEY is empty" in err
    assert "sk-secret" not in out + err
