"""The views of the page Models: side by side, index, retrievers, map; with little, with nothing, without questions."""

import time

import pytest

from workbench.ui import jobs
from workbench.workspaces import Workspace

VIEWS = ("Side by side", "Index", "Retrievers", "Map", "Cache")
SHORT = "wordllama-256, 64 dimensions"


def whole(app) -> None:
    assert [e.message for e in app.exception] == []
    assert [e.value for e in app.error] == []


def said(app) -> str:
    """Markdown, captions, headings and HTML as one text, unescaped."""
    parts = [e.value for kind in (app.markdown, app.caption, app.subheader, app.warning) for e in kind]
    parts += [h.value for h in app.get("html")]
    return " ".join(parts).replace("\\", "")


def opened(visit, view: str, **state):
    return visit("Models", **{"models-view": view, **state})


def settled(app):
    """The page again, once what it waits for is done."""
    patience = time.monotonic() + 120
    while any(not job.finished.is_set() for job in list(jobs._jobs.values())):
        assert time.monotonic() < patience, "work in the background does not end"
        time.sleep(0.05)
    app.run()
    if any(not job.finished.is_set() for job in list(jobs._jobs.values())):
        return settled(app)
    whole(app)
    return app


def table(app, column: str):
    """The first table with this column, as a list of rows."""
    frame = next(d.value for d in app.dataframe if column in d.value.columns)
    return frame.to_dict("records")


def without_questions(workspace: Workspace) -> None:
    corpus, _ = workspace.corpus()
    workspace.golden.keep((), corpus, "emptied")


def one_chunk(workspace: Workspace) -> None:
    for source in workspace.sources:
        workspace.remove(source.id)
    workspace.paste("The spare impeller lies on shelf nine.", "shelf.txt")


# --- whatever there is


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_drawn_on_the_sample(visit, few, view):
    settled(opened(visit, view))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_without_documents_is_drawn(visit, workspace, view):
    for source in workspace.sources:
        workspace.remove(source.id)
    whole(opened(visit, view))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_of_one_chunk_is_drawn(visit, workspace, view):
    one_chunk(workspace)
    settled(opened(visit, view, **{"models-compared": ["wordllama-256", SHORT]}))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_without_questions_is_drawn(visit, few, view):
    without_questions(few)
    settled(opened(visit, view, **{"models-compared": ["wordllama-256", SHORT]}))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_of_a_reading_link_is_drawn(visit, few, monkeypatch, view):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    from workbench.workspaces import open_workspace

    mine = open_workspace()
    for source in mine.sources:
        if not source.name.startswith("travel-policy"):
            mine.remove(source.id)
    settled(opened(visit, view, query_params={"v": "1", "w": mine.reader_id}))
