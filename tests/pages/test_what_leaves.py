"""What the pages decide for their users: what leaves for a remote model, whose link is handed out, what got better."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from loopback import Server, serving
from quick import FAST
from streamlit.testing.v1 import AppTest

from workbench.embedders import Remote, Static
from workbench.pipelines import Pipeline, to_mapping, to_yaml
from workbench.retrievers import BM25
from workbench.splitters import Recursive
from workbench.workspaces import Workspace, open_workspace

PAGES = ("Bench", "Documents", "Models", "Golden_set", "Experiments", "Decision")
QUERY = "When do inspections take place?"


# --- a remote model


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of the model far/small, which notes what it was sent."""
    with Server(serving(lambda texts: [[float(len(text) % 7), 1, 2] for text in texts])) as server:
        definition = {"far": {"url": server.url, "models": {"small": {"dimensions": 3}}}}
        monkeypatch.setenv("WORKBENCH_ENDPOINTS", json.dumps(definition))
        yield server


def remote() -> Pipeline:
    return Pipeline(splitter=Recursive(tokenizer="wordllama-256"), embedder=Remote("far/small"))


@contextmanager
def settled() -> Iterator[None]:
    """Work in the background that is begun within has ended afterwards."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(20)


@pytest.mark.parametrize("where", PAGES)
def test_nothing_leaves_by_looking(visit, few: Workspace, far: Server, where: str) -> None:
    with settled():
        app = visit(where, pipeline=to_mapping(remote()), query_params={"v": "1", "q": QUERY})
        app.run()
    assert not app.exception
    assert far.asked == []


def test_nothing_leaves_by_comparing_moving_and_asking_until_it_is_agreed_to(
    visit, few: Workspace, far: Server
) -> None:
    with settled():
        app = visit("Bench", pipeline=to_mapping(remote()), pinned=to_yaml(FAST), query_params={"v": "1", "q": QUERY})
        slider = next(s for s in app.slider if (s.key or "").startswith("chunk-size"))
        slider.set_value(120).run()
    assert far.asked == []
    with settled():
        app.button(key="embed").click().run()
    assert far.asked, "it was agreed to"


def test_a_remote_query_is_sent_when_it_is_whole(visit, few: Workspace, far: Server) -> None:
    """While somebody types, every pause would send what stands there."""
    live = {}
    for name, pipeline in (("static", FAST), ("remote", remote())):
        app = visit("Bench", pipeline=to_mapping(pipeline))
        [box] = [box for box in app.text_input if (box.key or "").startswith("query-box")]
        live[name] = box.proto.live_debounce_ms if hasattr(box.proto, "live_debounce_ms") else str(box.proto)
    assert live["static"] != live["remote"]


# --- links


def shared_link(app: AppTest) -> dict[str, list[str]]:
    """The parameters of the link in the popover Share."""
    [link] = [code.value for code in app.code if "v=1" in code.value and "a=" in code.value]
    return parse_qs(urlsplit(link).query)


def test_the_link_that_is_shared_may_only_read_until_its_owner_says_otherwise(visit, home, monkeypatch) -> None:
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    mine = open_workspace()
    app = visit("Bench", query_params={"v": "1", "w": mine.id})
    assert shared_link(app)["w"] == [mine.reader_id]
    assert not open_workspace(shared_link(app)["w"][0]).writable
    app.toggle(key="share-writing").set_value(True).run()
    assert shared_link(app)["w"] == [mine.id]
    app.toggle(key="share-writing").set_value(False).run()
    assert shared_link(app)["w"] == [mine.reader_id]


def test_a_reader_hands_on_a_readers_link(visit, home, monkeypatch) -> None:
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    mine = open_workspace()
    app = visit("Bench", query_params={"v": "1", "w": mine.reader_id})
    assert shared_link(app)["w"] == [mine.reader_id]
    assert not any(toggle.key == "share-writing" for toggle in app.toggle)


# --- what got better

LINE = re.compile(
    r"recall@1000tok</span> <b>(?P<mean>[\d.]+)</b> \((?P<gain>0\.00|[+−][\d.]+)"
    r".*<b>(?P<tokens>[\d,]+)</b> tokens per query \((?P<more>0|[+−][\d,]+)\).*against A"
)


def scored(app: AppTest) -> dict[str, float]:
    """The figures of the line of the golden set's score, as it stands last."""
    for _ in range(60):  # its vectors are made in the background
        text = next(h.value for h in reversed(app.get("html")) if "score'" in h.value)
        if found := LINE.search(text):
            break
        app.run()
    assert found, text
    return {name: float(value.replace(",", "").replace("−", "-")) for name, value in found.groupdict().items()}


def test_the_change_of_the_score_is_the_current_one_less_the_pinned_one(visit, workspace: Workspace) -> None:
    worse = Pipeline(splitter=Recursive(12, 0, "characters"), embedder=Static(), retriever=BM25(), k=1)
    good = scored(visit("Bench", pipeline=to_mapping(FAST), pinned=to_yaml(worse)))
    poor = scored(visit("Bench", pipeline=to_mapping(worse), pinned=to_yaml(FAST)))
    assert good["mean"] > poor["mean"]
    assert good["gain"] == pytest.approx(good["mean"] - poor["mean"], abs=0.0101) == -poor["gain"]
    assert good["more"] == pytest.approx(good["tokens"] - poor["tokens"], abs=1.01) == -poor["more"]


def test_a_link_names_its_form_the_workspace_both_configurations_and_the_query(visit, home, monkeypatch) -> None:
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    mine, current, pinned = open_workspace(), FAST, Pipeline(embedder=Static(), retriever=BM25())
    asked = {"v": "1", "w": mine.id, "q": QUERY}
    app = visit("Bench", query_params=asked, pipeline=to_mapping(current), pinned=to_yaml(pinned))
    named = {"v": ["1"], "a": [pinned.fingerprint], "b": [current.fingerprint], "q": [QUERY]}
    assert shared_link(app) == {**named, "w": [mine.reader_id]}
    assert {name: [value] if isinstance(value, str) else value for name, value in app.query_params.items()} == {
        **named,
        "w": [mine.id],
    }
