"""Each page under what a visit can bring: no documents, refusals, a broken state, links that only read."""

import json
from typing import Any

import pytest
from quick import FAST, control
from streamlit.testing.v1 import AppTest

from workbench.embedders import Static
from workbench.pipelines import Pipeline, from_mapping, to_mapping, to_yaml
from workbench.splitters import Recursive
from workbench.ui import compute, golden_score, jobs
from workbench.workspaces import corpus_cache, open_workspace

PAGES = ("Bench", "Documents", "Models")
EVERY = (*PAGES, "Golden_set", "Experiments", "Decision")
APOLOGY = "Something went wrong"


def words(app: AppTest) -> list[str]:
    """Errors and warnings as they are shown."""
    return [element.value for element in (*app.error, *app.warning)]


def whole(app: AppTest) -> None:
    """The page was drawn without an exception, and without the apology of the last boundary."""
    assert [e.message for e in app.exception] == []
    assert not any(APOLOGY in text for text in words(app))


def status(app: AppTest) -> str:
    """The line of facts."""
    return next(h.value for h in app.get("html") if "class='status'" in h.value)


def keys(app: AppTest) -> set[str]:
    """The keys of the widgets that are drawn."""
    kinds = (app.button, app.selectbox, app.slider, app.text_input, app.text_area, app.button_group, app.file_uploader)
    return {widget.key for kind in kinds for widget in kind}


# --- first visit


@pytest.mark.parametrize("where", PAGES)
def test_a_first_visit_shows_the_sample_corpus(visit, where):
    app = visit(where)
    whole(app)
    assert words(app) == []
    assert "13 documents" in status(app)


@pytest.mark.parametrize("where", EVERY)
def test_no_page_begins_with_an_error(visit, where):
    app = visit(where)
    whole(app)
    assert words(app) == []


@pytest.mark.parametrize("where", EVERY)
def test_every_page_can_do_without_documents_and_without_text(visit, workspace, where):
    for source in workspace.sources:
        workspace.remove(source.id)
    whole(visit(where))
    workspace.paste(" . ", "dot.txt")
    app = visit(where)
    whole(app)
    assert not any(e.value for e in app.error)


@pytest.mark.parametrize("where", PAGES)
def test_a_page_that_is_run_again_says_the_same(visit, where):
    app = visit(where)
    before = {key for key in keys(app) if not key.startswith("clear-")}  # the cache has filled meanwhile
    app.run()
    whole(app)
    assert before <= keys(app)


def test_pages_follow_one_another_and_keep_what_was_set(visit):
    app = visit()
    app.slider(key="chunk-size").set_value(120).run()
    app.text_input(key="query-box").set_value("spare parts").run()
    for path in ("pages/2_Documents.py", "pages/3_Models.py", "pages/1_Bench.py"):
        app.switch_page(path).run()
        whole(app)
    assert control(app, "slider", "chunk-size").value == 120
    assert control(app, "text_input", "query-box").value == "spare parts"


@pytest.mark.parametrize("where", PAGES)
def test_without_documents_a_page_says_what_to_do(visit, workspace, where):
    for source in workspace.sources:
        workspace.remove(source.id)
    app = visit(where)
    whole(app)
    assert "0 documents" in status(app)
    if where != "Models":
        assert "load-sample" in keys(app)
        app.button(key="load-sample").click().run()
        whole(app)
        assert "13 documents" in status(app)


@pytest.mark.parametrize("where", PAGES)
def test_a_corpus_without_any_text_is_drawn(visit, workspace, where):
    for source in workspace.sources:
        workspace.remove(source.id)
    workspace.paste(" . ", "dot.txt")
    app = visit(where, query="dot")
    whole(app)
    assert "1 document" in status(app)


# --- what cannot be read


@pytest.mark.parametrize("where", PAGES)
def test_a_file_whose_bytes_are_gone_is_named_and_the_others_stay(visit, workspace, where):
    source = workspace.paste("The spare impeller lies on shelf nine.", "shelf.txt")
    (workspace.folder / "sources" / source.id).unlink()
    workspace.store.clear("document")
    corpus_cache._kept.cache_clear()  # as in a process that starts anew
    app = visit(where)
    whole(app)
    assert "13 documents" in status(app)
    if where == "Documents":
        assert any("shelf.txt" in text.replace("\\", "") for text in words(app))


# --- a pipeline that cannot be

BROKEN = {
    "overlap": {"splitter": {"chunk_size": 100, "chunk_overlap": 300}},
    "size": {"splitter": {"chunk_size": 0, "chunk_overlap": 0}},
    "kind": {"splitter": {"kind": "no such splitter"}},
    "unknown field": {"splitter": {"no_such_field": 1}},
    "k": {"k": 0},
    "model": {"embedder": {"kind": "sentence-transformer", "model": "nobody/no-such-model"}},
    "tokenizer": {"splitter": {"tokenizer": "nobody/no-such-model"}},
}


def broken(name: str) -> dict[str, Any]:
    found = to_mapping(FAST)
    for part, values in BROKEN[name].items():
        found[part] = {**found[part], **values} if isinstance(values, dict) else values
    if name == "model":
        found["embedder"] = dict(BROKEN[name]["embedder"])
    return found


@pytest.mark.parametrize("where", EVERY)
@pytest.mark.parametrize("name", BROKEN)
def test_a_pipeline_that_cannot_be_is_said_in_a_line_with_a_way_out(visit, where, name):
    app = visit(where, pipeline=broken(name))
    whole(app)
    works_without = where in ("Documents", "Golden_set") or (where == "Models" and name == "tokenizer")
    if not works_without:
        assert len(words(app)) >= 1, "an error is shown"
    assert all(len(text) < 500 and "Traceback" not in text for text in words(app))
    # Whatever was wrong, the user can go on without clearing the browser's state: by a control or a button.
    assert keys(app), "there is something to press"


# --- session state and the URL


@pytest.mark.parametrize("where", PAGES)
def test_session_state_holds_plain_values(visit, where):
    app = visit(
        where, query="spare parts", pinned=to_yaml(Pipeline(splitter=Recursive(chunk_size=90), embedder=FAST.embedder))
    )
    state = app.session_state._state._state
    own = {name: state[name] for name in state._new_session_state | state._old_state if not _of_a_widget(name, app)}
    assert {"pipeline", "visit", "workspace", "query", "pinned"} <= set(own)
    json.dumps(own)


def _of_a_widget(name: str, app: AppTest) -> bool:
    """Return whether Streamlit keeps the value, not we: a widget's, or a component's under our key."""
    known = app.session_state._state._state._key_id_mapper
    return name.startswith("$$") or name in known


def test_a_link_of_another_version_opens_with_the_defaults(visit):
    app = visit(query_params={"v": "9", "q": "lost"})
    whole(app)
    assert app.text_input(key="query-box").value == ""
    assert any("version" in t.value for t in app.toast)


def test_a_link_brings_its_pipeline_and_query(visit, workspace):
    wanted = Pipeline(splitter=Recursive(chunk_size=77, chunk_overlap=7), embedder=FAST.embedder)
    workspace.store.put_many("pipeline", {wanted.fingerprint: to_yaml(wanted).encode()})
    app = visit(query_params={"v": "1", "a": wanted.fingerprint, "q": "spare parts"})
    whole(app)
    assert from_mapping(app.session_state["pipeline"]) == wanted
    assert app.text_input(key="query-box").value == "spare parts"


@pytest.mark.parametrize("damage", ["not there", "not yaml", "not valid"])
@pytest.mark.parametrize("name", ["a", "b"])
def test_a_link_to_a_lost_pipeline_is_said_and_the_page_goes_on(visit, workspace, damage, name):
    data = {"not there": None, "not yaml": b"{{{", "not valid": b"workbench: 1\nk: -5\n"}[damage]
    if data:
        workspace.store.put_many("pipeline", {"feedfeedfeedfeed": data})
    app = visit(query_params={"v": "1", name: "feedfeedfeedfeed"})
    whole(app)
    assert any("link" in text for text in words(app))
    app.button(key="dismiss-messages").click().run()
    assert words(app) == []


@pytest.mark.parametrize("where", PAGES)
def test_a_link_of_a_workspace_that_is_not_here_opens_ones_own(visit, where):
    app = visit(where, query_params={"v": "1", "w": "w" + "x" * 32})
    whole(app)
    assert "13 documents" in status(app)


# --- team mode


@pytest.mark.parametrize("where", PAGES)
def test_a_reading_link_draws_the_page_and_offers_no_change(visit, home, monkeypatch, where):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    mine = open_workspace()
    mine.paste("The spare impeller lies on shelf nine.", "shelf.txt")
    app = visit(where, query_params={"v": "1", "w": mine.reader_id})
    whole(app)
    assert "14 documents" in status(app)
    drawn = keys(app)
    assert not {"remove", "add-pasted", "load-sample-again"} & drawn
    assert not any(key.startswith(("upload-", "replace-", "name-", "tags-", "clear-")) for key in drawn if key)


@pytest.mark.parametrize("where", PAGES)
def test_two_visits_of_a_team_have_two_workspaces(visit, home, monkeypatch, where):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    one, two = visit(where), visit(where)
    whole(one)
    ids = {app.session_state["workspace"] for app in (one, two)}
    assert len(ids) == 2
    open_workspace(one.session_state["workspace"]).paste("Only mine.", "mine.txt")
    assert "14 documents" in status(one.run())
    assert "13 documents" in status(two.run())


def test_a_reading_link_cannot_take_a_model_into_the_workspace(visit, home, monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    monkeypatch.setenv("WORKBENCH_MODELS", "somebody/some-model")
    mine = open_workspace()
    app = visit("Models", query_params={"v": "1", "w": mine.reader_id})
    before = dict(mine.settings)
    if "model-name" in keys(app):
        app.text_input(key="model-name").set_value("wordllama-256").run()
        whole(app)
    assert dict(mine.settings) == before


# --- what a page waits for brings it back


def test_the_score_comes_back_once_the_model_has_read_the_questions(visit, monkeypatch):
    reading, came_back = jobs.Job(), []
    golden_score._scores.clear()  # what other tests have scored
    monkeypatch.setattr(golden_score, "_asked", lambda *_: reading)
    monkeypatch.setattr(jobs, "find", lambda key, find=jobs.find: reading if key[0] == "asked" else find(key))
    monkeypatch.setattr(
        jobs,
        "watch",
        lambda awaited, words=None, *_: came_back.extend(j for *_, j in awaited if words is None and j.running),
    )
    app = visit("Bench")
    came_back.clear()
    done(app)
    assert "the model reads the 64 questions" in score_line(app)
    assert came_back == [reading]
    reading.error = "the model is broken"
    reading.finished.set()
    app.run()
    assert score_line(app).count("the model is broken") == 1
    assert came_back == [reading]


def test_the_pinned_configuration_is_waited_for_too(visit, monkeypatch):
    pinned, waited = Pipeline(splitter=Recursive(chunk_size=90, tokenizer="wordllama-256"), embedder=Static()), []
    slow, dense = jobs.Job(), compute.dense
    a_is_slow = lambda c, p, *rest, **more: slow if p.splitter.chunk_size == 90 else dense(c, p, *rest, **more)  # noqa: E731
    monkeypatch.setattr(compute, "dense", a_is_slow)
    monkeypatch.setattr(compute, "progress", lambda known: waited.append((known.pipeline, known.embedding)))
    app = visit("Bench", query="parental leave")
    app.session_state["pinned"] = to_yaml(pinned)
    waited.clear()
    done(app)
    assert waited == [(pinned, slow)]


def done(app: AppTest) -> AppTest:
    """The page once more, after the work in the background."""
    for job in list(jobs._jobs.values()):
        assert job.finished.wait(60)
    whole(app.run())
    return app


def score_line(app: AppTest) -> str:
    """The line of the golden set's score, as it stands last."""
    return next(h.value for h in reversed(app.get("html")) if "score'" in h.value)
