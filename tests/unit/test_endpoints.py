"""Definitions of endpoints: what is taken, what is refused and in which words, and that keys show nowhere."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench import endpoints, models
from workbench.embedders import Remote, embedder_for
from workbench.endpoints import Key
from workbench.endpoints.config import read_endpoint
from workbench.errors import ModelUnavailable, SpecError, WorkbenchError
from workbench.specs import from_dict, to_dict
from workbench.tokens import tokenizer

SECRET = "sk-very-secret-0123456789"
FAR: dict[str, Any] = {
    "url": "https://api.example.com/v1/",
    "key_variable": "FAR_KEY",
    "models": {"small": {"dimensions": 8, "max_tokens": 100, "price": 0.02, "query_prefix": "q: "}},
    "chat_models": {"talker": {"price": 1.0, "output_price": 2.0}},
    "requests_per_minute": 60,
}


@pytest.fixture(autouse=True)
def _none_defined(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(endpoints.VARIABLE, raising=False)
    monkeypatch.delenv("FAR_KEY", raising=False)
    endpoints.define({})
    yield
    endpoints.define({})


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> endpoints.Endpoint:
    monkeypatch.setenv(endpoints.VARIABLE, json.dumps({"far": FAR}))
    return endpoints.endpoint("far")


# What is defined


def test_nothing_is_defined_unless_the_operator_did() -> None:
    assert endpoints.defined() == {}
    assert endpoints.remote_models() == endpoints.chat_models() == ()
    assert tuple(m.name for m in models.known()) == models.PACKAGED
    with pytest.raises(ModelUnavailable, match="endpoint 'far' is not defined; none is"):
        endpoints.endpoint("far")


def test_the_environment_defines_in_json_or_in_a_yaml_file(
    far: endpoints.Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert far.url == "https://api.example.com/v1"
    assert far.host == "api.example.com"
    path = tmp_path / "endpoints.yaml"
    path.write_text(
        "far:\n  url: https://api.example.com/v1\n  key_variable: FAR_KEY\n  requests_per_minute: 60\n  models:\n"
        "    small: {dimensions: 8, max_tokens: 100, price: 0.02, query_prefix: 'q: '}\n"
        "  chat_models:\n    talker: {price: 1, output_price: 2}\n"
    )
    monkeypatch.setenv(endpoints.VARIABLE, str(path))
    assert endpoints.endpoint("far") == far


def test_secrets_may_hold_keys_and_stand_before_the_environment(far: endpoints.Endpoint) -> None:
    endpoints.define({"far": {**FAR, "url": "https://other.example.com/v1", "key": f" {SECRET}\n"}})
    found = endpoints.endpoint("far")
    assert found.host == "other.example.com"
    assert found.has_key
    secret = found.secret()
    assert secret is not None
    assert secret.reveal() == SECRET
    endpoints.define({})
    assert endpoints.endpoint("far") == far


def test_a_key_of_the_environment_is_read_when_it_is_needed(
    far: endpoints.Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not far.has_key
    with pytest.raises(ModelUnavailable, match=r"endpoint far: the variable FAR_KEY is empty; set it"):
        far.secret()
    monkeypatch.setenv("FAR_KEY", f"{SECRET}\n")
    assert far.has_key
    assert far.secret() == Key(SECRET)
    monkeypatch.setenv("FAR_KEY", "sk-broken\r\nHost: elsewhere")
    with pytest.raises(ModelUnavailable, match="characters that no key has") as caught:
        far.secret()
    assert "broken" not in str(caught.value)


def test_a_key_shows_nowhere() -> None:
    endpoints.define({"far": {**FAR, "key": SECRET}})
    found = endpoints.endpoint("far")
    key = found.key
    assert key is not None
    texts = [repr(found), str(found), repr(key), f"{key}", f"{key!s:>40}", repr(dataclasses.astuple(found)),
             repr(vars(endpoints.registry)["_given"]), json.dumps(dataclasses.asdict(found), default=str)]  # fmt: skip
    assert not [text for text in texts if SECRET in text or SECRET[3:] in text]
    for write in (pickle.dumps, json.dumps):
        with pytest.raises(TypeError):
            write(key)
    assert copy.deepcopy(key) is key
    assert hash(key) == hash(Key("another"))  # a hash tells nothing about it either
    assert key != Key("another")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": "ftp://x/v1"}, "endpoint far: url must begin with https://"),
    ({"url": "https:///v1"}, "must begin with https:// and name a host"),
    ({"url": "https://[::1"}, "url is not a URL"),
    ({"url": "http://api.example.com/v1"}, "plain http to api.example.com, which anyone on the way can read"),
    ({"url": "http://127.0.0.1.example.com/v1"}, "plain http"),
    ({"url": "https://me:pw@api.example.com/v1"}, "must not hold a name, a password"),
    ({"url": f"https://api.example.com/v1?key={SECRET}"}, "a query"),
    ({"url": 7}, "url must be text, not int"),
    ({"key": SECRET}, "a key has no place here; name the variable that holds it as key_variable"),
    ({"nonsense": 1}, "endpoint far has no field 'nonsense'; its fields are url, key_variable"),
    ({"requests_per_minute": 0}, r"requests_per_minute \(0\) must be at least 1"),
    ({"requests_per_minute": True}, "requests_per_minute must be a whole number, not bool"),
    ({"timeout": float("nan")}, "timeout"),
    ({"models": ["small"]}, "endpoint far: models must be a mapping, not list"),
    ({"models": {"small": {}}}, "endpoint far, model small lacks dimensions"),
    ({"models": {"small": {"dimensions": 0}}}, r"dimensions \(0\) must be from 1"),
    ({"models": {"small": {"dimensions": 8, "price": -1.0}}}, r"price \(-1.0\) must be US dollars"),
    ({"models": {"small": {"dimensions": 8, "price": float("nan")}}}, "price"),
    ({"models": {"small": {"dimensions": 8, "truncate": True}}}, "truncate needs max_tokens"),
    ({"models": {"small": {"dimensions": "8"}}}, "dimensions must be a whole number, not str"),
    ({"chat_models": {"talker": {"dimensions": 8}}}, "chat model talker has no field 'dimensions'"),
]


@pytest.mark.parametrize("change, message", BAD)
def test_what_is_wrong_is_said(change: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        read_endpoint("far", {**FAR, **change})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["a/b", "", "a b", 7, "x" * 65, "-x"])
def test_names_have_no_slash(name: Any) -> None:
    with pytest.raises(SpecError, match="an endpoint's name"):
        read_endpoint(name, FAR)


@pytest.mark.parametrize("url", ["http://localhost:8080/v1", "http://127.0.0.1/v1", "http://[::1]:9/v1"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    assert read_endpoint("near", {"url": url}).url == url
    assert read_endpoint("near", {"url": "http://10.0.0.7/v1", "insecure": True}).host == "10.0.0.7"


@pytest.mark.parametrize(
    "text, message",
    [
        ("{far: [", "is not valid YAML or JSON at line 1"),
        ("{1: {}}", "an endpoint's name"),
        ("/no/such/file", "names a file that cannot be read"),
    ],
)
def test_a_variable_that_cannot_be_read(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(endpoints.VARIABLE, text)
    with pytest.raises(SpecError, match=message):
        endpoints.defined()


def test_the_example_of_the_documentation_is_valid(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    example = (root / "docs/endpoints.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "endpoints.yaml"
    path.write_text(example)
    monkeypatch.setenv(endpoints.VARIABLE, str(path))
    assert endpoints.remote_models() == ("provider/text-embedding-small", "here/minilm")
    assert endpoints.chat_models() == ("provider/chat-mini",)
    named = {f.name for f in dataclasses.fields(endpoints.EmbeddingModel)} | {"key", "key_variable", "insecure"}
    text = (root / "docs/endpoints.md").read_text("utf-8")
    assert [name for name in named if name not in text] == []


# Remote models by name


def test_a_remote_model_is_found_like_any_other(far: endpoints.Endpoint) -> None:
    found = models.find("far/small")
    assert (found.kind, found.dimensions, found.max_tokens, found.price) == ("remote", 8, 100, 0.02)
    assert found.home == "endpoint api.example.com"
    assert [m.name for m in models.known()] == [*models.PACKAGED, "far/small"]
    assert models.available("far/small")
    assert tokenizer("far/small").name == "cl100k_base"
    embedder = embedder_for("far/small")
    assert embedder == Remote("far/small")
    assert embedder.prefix(query=True) == "q: "
    assert Remote("far/small", query_prefix="").prefix(query=True) == ""
    assert embedder.max_tokens == 100
    assert from_dict({"remote": Remote}, to_dict(embedder), "embedder") == embedder


def test_what_cannot_be_found_is_said(far: endpoints.Endpoint) -> None:
    with pytest.raises(ModelUnavailable, match="endpoint far has no embedding model 'large'; defined for it: small"):
        models.find("far/large")
    with pytest.raises(SpecError, match="remote.model is empty; name a defined one: far/small"):
        Remote()
    with pytest.raises(SpecError, match="is a static model; choose that kind"):
        Remote("wordllama-256")
    with pytest.raises(ModelUnavailable, match="endpoint far has no chat model 'small'; defined for it: talker"):
        endpoints.chat("far", "small")


def test_the_same_name_at_another_host_is_another_model(far: endpoints.Endpoint) -> None:
    def identity(**change: Any) -> str:
        endpoints.define({"far": {**FAR, **change}})
        return Remote("far/small").fingerprint

    def model(**change: Any) -> dict[str, Any]:
        return {"small": {**FAR["models"]["small"], **change}}

    before = identity()
    assert before == identity(url="https://api.example.com/v1")  # a slash at the end is none of its own
    assert before == identity(requests_per_minute=3, key_variable="OTHER", models=model(price=9.0, batch_size=2))
    others = [identity(url="https://other.example.com/v1"), identity(models=model(id="small-2")),
              identity(models=model(revision="2")), identity(models=model(query_prefix="other: ")),
              identity(models=model(truncate=True))]  # fmt: skip
    assert len({before, *others}) == 1 + len(others)


def test_team_mode_allows_what_is_listed(far: endpoints.Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    monkeypatch.delenv("WORKBENCH_MODELS", raising=False)
    assert endpoints.remote_models() == endpoints.chat_models() == ()
    assert tuple(m.name for m in models.known()) == models.PACKAGED
    for refused in (lambda: models.find("far/small"), lambda: endpoints.chat("far", "talker")):
        with pytest.raises(ModelUnavailable, match="is not offered on this server"):
            refused()
    monkeypatch.setenv("WORKBENCH_MODELS", "far/small, far/talker")
    assert endpoints.remote_models() == ("far/small",)
    assert endpoints.chat_models() == ("far/talker",)
    assert models.find("far/small").dimensions == 8
    endpoints.chat("far", "talker")


def test_no_pipeline_can_define_an_endpoint() -> None:
    for values in ({"url": "https://evil.example.com"}, {"endpoint": {"url": "https://evil.example.com"}}):
        with pytest.raises(WorkbenchError, match="has no field"):
            from_dict({"remote": Remote}, {"kind": "remote", "model": "evil/x", **values}, "embedder")
