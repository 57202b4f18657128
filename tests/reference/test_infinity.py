"""Remote models against infinity, a server of embedding models that is not ours, on this machine and offline.

It serves the packaged all-MiniLM-L6-v2 with its own code and versions of the libraries, so that what comes back over
the protocol must agree with what we compute ourselves.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from environments import INFINITY

from workbench import endpoints, models
from workbench.embedders import Remote, SentenceTransformer, embed
from workbench.errors import ModelUnavailable
from workbench.exports.environments import EnvironmentUnavailable, python_for
from workbench.store import Store

pytestmark = pytest.mark.slow

KEY = "a-key-for-this-machine"
TEXTS = [
    "The pump stops when the filter is clogged.",
    "Error E-4417: see § 12.3(b).",
    "",
    "漢字とかな交じり文。",
    "emoji 👩‍👩‍👧 and e\u0301 combining\r\nnext line",
    "half a character \ud800 here",
    "Parental leave lasts a year.",
    "word " * 900,  # more than the model reads
    *(f"{'long ' * (i % 7)}sentence number {i}" for i in range(16)),  # which the server sorts by length
]


@dataclass(frozen=True)
class Infinity:
    """The server as it runs."""

    url: str

    def defined(self, **model: Any) -> Remote:
        """Our embedder for it."""
        minilm = {
            "dimensions": 384,
            "max_tokens": 254,
            "tokenizer": models.DEFAULT,
            "normalised": True,
            "batch_size": 7,
        }
        definition = {"url": self.url, "key_variable": "INFINITY_KEY", "models": {"minilm": {**minilm, **model}}}
        endpoints.define({"infinity": definition})
        return Remote("infinity/minilm")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infinity]:
    try:
        python = python_for("infinity", INFINITY)
    except EnvironmentUnavailable:
        pytest.skip("infinity is not here; `make environments` brings it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_API_KEY": KEY}
    quiet |= {"INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HOME": str(tmp_path_factory.mktemp("hub"))}
    options = f"--engine torch --device cpu --dtype float32 --no-bettertransformer --no-model-warmup --port {port}"
    start = "from infinity_emb.cli import cli; cli()"
    command = [str(python), "-c", start, "v2", "--host", "127.0.0.1", "--url-prefix", "/v1", *options.split()]
    command += ["--model-id", str(models.find(models.DEFAULT).folder), "--served-model-name", "minilm"]
    log = tmp_path_factory.mktemp("infinity") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=output, stderr=output)
    try:
        _wait(process, port, log)
        yield Infinity(f"http://127.0.0.1:{port}/v1")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(1_200):
        if process.poll() is not None:
            pytest.fail(f"infinity ended while it started:\n{log.read_text()[-3000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"infinity did not listen within two minutes:\n{log.read_text()[-3000:]}")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("INFINITY_KEY", KEY)
    yield
    endpoints.define({})


def test_vectors_are_those_of_the_same_model_here(server: Infinity) -> None:
    remote, own = server.defined(), SentenceTransformer()
    for there, here in (
        (remote.encode_document(TEXTS), own.encode_document(TEXTS)),
        (remote.encode_query(TEXTS[:3]), own.encode_query(TEXTS[:3])),
    ):
        assert there.shape == here.shape
        assert np.einsum("ij,ij->i", there, here).min() >= 0.999
        np.testing.assert_allclose(np.linalg.norm(there, axis=1), 1, atol=1e-5)


def test_prefixes_and_truncation_are_ours_to_do(server: Infinity) -> None:
    remote, own = (
        server.defined(passage_prefix="passage: ", truncate=True),
        SentenceTransformer(passage_prefix="passage: "),
    )
    there, here = remote.encode_document(TEXTS), own.encode_document(TEXTS)
    assert np.einsum("ij,ij->i", there, here).min() >= 0.999
    cut = Remote("infinity/minilm", truncate_dim=64).encode_document(TEXTS[:2])
    np.testing.assert_allclose(cut, there[:2, :64] / np.linalg.norm(there[:2, :64], axis=1, keepdims=True), atol=1e-5)


def test_nothing_is_asked_twice_and_usage_is_what_the_server_says(server: Infinity) -> None:
    remote, store = server.defined(), Store(None)
    endpoints.keep_usage(Store(None))  # what other tests asked for
    first = embed(remote, TEXTS, store)
    used = endpoints.usage_in(store, "infinity/minilm")
    assert used.requests >= len(set(TEXTS)) / 7
    assert used.tokens > 0
    np.testing.assert_array_equal(embed(remote, TEXTS[::-1], store)[::-1], first)
    assert endpoints.usage_in(store, "infinity/minilm") == used


def test_what_it_serves_and_what_it_refuses(server: Infinity, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = server.defined()
    assert endpoints.served(remote.remote.endpoint) == {"minilm"}
    with pytest.raises(ModelUnavailable, match="of 384 dimensions, not 256 as defined"):
        server.defined(dimensions=256).encode_query(["x"])
    monkeypatch.setenv("INFINITY_KEY", "a-wrong-key")
    with pytest.raises(ModelUnavailable, match="answered 40[13].*key"):
        server.defined().encode_query(["x"])
