"""Pages with more documents than a list can offer, or than can be looked at while somebody waits."""

import re
import shutil
import threading
import time

import pytest
from quick import FAST

from workbench.documents import Document
from workbench.pipelines import to_mapping
from workbench.specs import digest, fingerprint
from workbench.splitters import Splitter
from workbench.ui import documents, forms, jobs, models
from workbench.workspaces import corpus_cache, open_workspace, workspace

MANY = 1_500


def test_of_many_documents_a_part_is_offered_and_the_others_are_found_by_name(visit, monkeypatch):
    monkeypatch.setattr(forms, "MOST_OFFERED", 3)
    app = visit("Bench")
    choice = app.selectbox(key="bench-document")
    assert len(choice.options) == 3
    shown = choice.value
    app.text_input(key="bench-find").set_value("TRAVEL").run()
    choice = app.selectbox(key="bench-document")
    assert [option for option in choice.options if "travel" in option]
    assert choice.value == shown  # what is read stays until another is chosen
    wanted = next(option for option in choice.options if "travel" in option)
    choice.select(wanted).run()
    assert not app.exception
    assert "travel" in app.selectbox(key="bench-document").options[0]


# --- a large corpus


def parse(name, data, parser):
    id = fingerprint([digest(data), parser.fingerprint])
    return Document(digest(data), id, name, data.decode(), media_type="text/plain", parser="test")


@pytest.fixture(scope="session")
def large_home(parsed_home, tmp_path_factory):
    """A WORKBENCH_HOME with many tiny documents beside the sample."""
    folder = tmp_path_factory.mktemp("large") / "home"
    shutil.copytree(parsed_home, folder)
    text = "Record {}. The pump hums. Close the valve before the seal is changed, and note who did it."
    files = [(f"record-{i:05}.txt", text.format(i).encode()) for i in range(MANY)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder))
        patch.setattr(workspace, "write_whole", lambda path, data: path.write_bytes(data))  # a test needs no fsync
        assert len(open_workspace(parse=parse).add_all(files)[0]) == MANY
    return folder


@pytest.fixture
def large(large_home, home, monkeypatch):
    """A copy of it for one test, as a process finds it that has just started."""
    shutil.rmtree(home)
    shutil.copytree(large_home, home)
    corpus_cache._kept.cache_clear()
    corpus_cache.OPENED.clear()
    corpus_cache.store_of.cache_clear()


@pytest.fixture
def looked(monkeypatch):
    """(what, in the background?, document) of each document that is cut or read."""
    out: list[tuple[str, bool, str]] = []

    def note(what: str, name: str) -> None:
        out.append((what, threading.current_thread().name == "workbench-job", name))

    cut, read = Splitter.__call__, corpus_cache._whole
    monkeypatch.setattr(Splitter, "__call__", lambda self, document: note("cut", document.name) or cut(self, document))
    monkeypatch.setattr(corpus_cache, "_whole", lambda *given: note("read", given[2].name) or read(*given))
    return out


def here(looked, what: str) -> int:
    """How many documents the page itself looked at."""
    return len({name for one, behind, name in looked if one == what and not behind})


def settled(app):
    """The page once its background work is done."""
    for _ in range(20):
        until = time.monotonic() + 120
        while time.monotonic() < until and not all(job.finished.is_set() for job in list(jobs._jobs.values())):
            time.sleep(0.02)
        known = set(jobs._jobs)
        app.run()
        if set(jobs._jobs) == known and all(job.finished.is_set() for job in list(jobs._jobs.values())):
            return app
    raise AssertionError("the page starts new work for ever")


def status(app) -> str:
    return next(h.body for h in app.get("html") if "role='status'" in h.body and "documents" in h.body)


def sized(size: int) -> dict:
    found = to_mapping(FAST)
    return {**found, "splitter": {**found["splitter"], "chunk_size": size, "chunk_overlap": 0}}


FEW = 60
"""Documents that a run may look at by itself, of 1,513: those of an estimate, of hits, and the open one."""


def test_a_slider_step_looks_at_few_documents_and_the_others_follow_in_the_background(visit, large, looked):
    app = visit(pipeline=sized(40), query="close the valve")
    assert not app.exception
    assert "estimated from" in status(app)
    assert here(looked, "cut") <= FEW
    assert here(looked, "read") <= FEW
    settled(app)
    assert not app.exception
    assert "estimated" not in status(app)
    looked.clear()
    for size in (12, 15, 18):
        app.session_state["pipeline"] = sized(size)
        app.run()
        assert not app.exception
    assert here(looked, "cut") <= FEW
    settled(app)
    exact = status(app)
    assert "estimated" not in exact
    assert len({name for what, _, name in looked if what == "cut"}) > MANY  # behind the page, the last size of all
    looked.clear()
    app.run()
    assert here(looked, "cut") == 0
    assert status(app) == exact


def test_the_list_of_documents_is_paged_and_searched(visit, large, looked):
    app = visit("Documents")
    assert not app.exception
    frame = app.dataframe[0].value
    assert len(frame) == documents.A_PAGE
    assert here(looked, "read") <= documents.A_PAGE + FEW
    app.number_input(key="documents-turn").set_value(3).run()
    assert app.dataframe[0].value["Document"].iloc[0] != frame["Document"].iloc[0]
    app.text_input(key="documents-find").set_value("RECORD-00777").run()
    assert app.dataframe[0].value["Document"].tolist() == ["record-00777.txt"]
    app.text_input(key="documents-find").set_value("no such name").run()
    assert not app.exception
    assert any("No document has a name like that" in c.value for c in app.caption)


@pytest.mark.parametrize("page", ["Bench", "Documents", "Models", "Golden_set", "Experiments", "Decision"])
def test_no_page_draws_a_widget_for_each_document(visit, large, page):
    app = visit(page)
    assert not app.exception
    assert [e.value for e in app.error] == []
    assert max((len(box.options) for box in [*app.selectbox, *app.multiselect]), default=0) <= forms.MOST_OFFERED + 1
    assert len(app.button) < 100


@pytest.mark.parametrize("page", ["Models", "Golden_set", "Experiments", "Decision"])
def test_no_page_reads_every_document_while_somebody_waits(visit, large, looked, page):
    settled(visit())
    looked.clear()
    app = visit(page)
    assert not app.exception
    assert here(looked, "read") <= models.MOST_LOOKED + FEW < MANY


@pytest.mark.parametrize("model", ["wordllama-256", "all-MiniLM-L6-v2"])
def test_the_price_of_a_sweep_is_an_estimate_that_reads_few_documents(visit, large, looked, model):
    settled(visit())
    app = visit("Experiments")
    app.session_state["experiments-view"] = "Sweep"
    app.session_state["sweep-model"] = [model]
    looked.clear()
    app.run()
    assert not app.exception
    price = next(m.value for m in app.markdown if "configurations × " in m.value)
    chunks = int(re.search(r"at most about ([\d,]+) chunks to embed", price)[1].replace(",", ""))
    assert 4 * MANY < chunks < 20 * MANY  # six configurations of records that are a chunk or two
    assert here(looked, "cut") <= FEW
