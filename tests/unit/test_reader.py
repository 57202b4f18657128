"""What Python sends to the reader, and what it takes from it."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.documents import Document, Section
from workbench.records import Hit
from workbench.spans import Span
from workbench.ui.components import reader as module
from workbench.ui.components.reader import Click, ReaderEvents

streamlit_testing = pytest.importorskip("streamlit.testing.v1")
AppTest = streamlit_testing.AppTest

TEXT = "One \U0001f600 two.\r\nThree."


def document(text: str = TEXT, id: str = "d1") -> Document:
    heading = Section("heading", 2, Span(id, 0, 3), "One")
    return Document("s", id, "a.txt", text, (heading,), ((1, Span(id, 0, 10)), (2, Span(id, 10, len(text)))))


@pytest.fixture(autouse=True)
def unchecked():
    """Streamlit 1.67 keeps an object of a local class for every keyed component, which its own check then refuses."""
    from streamlit import config

    before = config.get_option("runner.enforceSerializableSessionState")
    config.set_option("runner.enforceSerializableSessionState", False)
    yield
    config.set_option("runner.enforceSerializableSessionState", before)


def run(script: Callable[[], None]) -> AppTest:
    at = AppTest.from_function(script)
    at.run()
    assert not at.exception, at.exception
    return at


def sent(at: AppTest) -> list[dict]:
    data = [json.loads(element.proto.json or "{}") for element in at.get("bidi_component")]
    return [d for d in data if d]


def unpacked(packed: str) -> list[list[int]]:
    return np.frombuffer(base64.b64decode(packed), "<i4").reshape(-1, 2).tolist()


def app() -> None:
    import numpy as np
    import streamlit as st

    from workbench.documents import Document, Section
    from workbench.records import Hit
    from workbench.spans import Span
    from workbench.ui.components.reader import overlay, reader, scroll_to

    text = "One \U0001f600 two.\r\nThree."
    doc = Document(
        "s",
        "d1",
        "a.txt",
        text,
        (Section("heading", 2, Span("d1", 0, 3), "One"),),
        ((1, Span("d1", 0, 10)), (2, Span("d1", 10, 18))),
    )
    if st.session_state.get("far"):
        scroll_to("rd", Span("d1", 5, 9))
    events = reader(doc, key="rd", chunks=np.array([[0, 6], [4, 18]]), structure=True, version="v1")
    st.session_state["seen"] = [
        [events.selection.start, events.selection.end] if events.selection else None,
        [events.clicked.layer, events.clicked.id, events.clicked.offset] if events.clicked else None,
    ]
    hits = [Hit(Span("d1", 4, 18), 0.5, 1, 1), Hit(Span("other", 0, 3), 0.4, 2, 7)]
    overlay(
        doc, key="rd", hits=hits, gold=[Span("other", 0, 1), Span("d1", 4, 5)], unseen=np.array([[9, 18]]), version="v1"
    )


def test_the_text_goes_once_and_spans_are_code_points():
    at = run(app)
    first, over = sent(at)
    assert (first["text"], first["id"], first["version"]) == (TEXT, "d1", "v1")
    assert unpacked(first["chunks"]) == [[0, 6], [4, 18]]
    assert first["sections"] == [[0, 3, "heading", 2]]
    assert first["pages"] == [[0, 1], [10, 2]]
    assert over["hits"] == [[4, 18, 1, 0.5]], "hits of other documents are left out"
    assert over["gold"] == [[4, 5, 1]], "the place in the order given, other documents counted"
    assert unpacked(over["unseen"]) == [[9, 18]]
    assert not {"text", "chunks"} & set(over)
    at.run()
    assert "text" not in sent(at)[0]
    at.session_state["rd"] = {"need": "d1"}
    at.run()
    assert sent(at)[0]["text"] == TEXT


def test_selection_and_click_are_checked():
    at = run(app)
    for selected, clicked, seen in [
        (["d1", 4, 7], ["d1", 5, 0, "chunk"], [[4, 7], ["chunk", 0, 5]]),
        (["d2", 4, 7], ["d2", 5, 0, "chunk"], [None, None]),
        (["d1", 7, 4], ["d1", 5, 0, "elsewhere"], [None, None]),
        (["d1", 0, 900], ["d1", "5", 0, "chunk"], [None, None]),
        ("d1", {"a": 1}, [None, None]),
    ]:
        at.session_state["rd"] = {"sel": selected, "click": clicked}
        at.run()
        assert not at.exception
        assert at.session_state["seen"] == seen


def test_scroll_to_is_new_each_time_and_named_in_both():
    at = run(app)
    assert "goto" not in sent(at)[0]
    at.session_state["far"] = True
    at.run()
    one = sent(at)
    assert one[0]["goto"][:3] == ["d1", 5, 9]
    assert one[0]["goto"] == one[1]["goto"]
    at.run()
    assert sent(at)[0]["goto"][3] != one[0]["goto"][3]
    at.session_state["far"] = False
    at.run()
    kept = sent(at)[0]["goto"]
    at.run()
    assert sent(at)[0]["goto"] == kept


def test_spans_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit a text of 18 characters"):
        module._packed(np.array([[0, 19]]), 18)
    with pytest.raises(ValueError, match="do not fit"):
        module._packed(np.array([[5, 4]]), 18)
    assert module._packed(None, 18) == module._packed(np.empty((0, 2), np.int64), 18) == ""


def test_no_document_has_no_events():
    assert module._events(None, ["d1", 0, 1], None) == ReaderEvents()
    assert module._events(document(), None, ("d1", 3, 1, "hit")) == ReaderEvents(None, Click("hit", 1, 3))


def test_layers_of_nothing_are_absent():
    hits = [Hit(Span("d2", 0, 1), 1.0, 1, 0)]
    assert module._layers(document(), hits, [], None, None) == {}


def test_the_scripts_are_one_module_that_writes_text_only():
    folder = Path(module.__file__).parent
    js = module._module(folder)
    assert len(re.findall(r"^export default", js, re.M)) == 1
    functions = re.findall(r"^function (\w+)", js, re.M)
    assert len(functions) == len(set(functions)), "two files of one module may not name a function alike"
    for way_in in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
        assert way_in not in js
    assert int(re.search(r"const KEPT = (\d+)", js)[1]) == module.KEPT_TEXTS
    assert {f.name for f in folder.glob("*.js")} == {*module.SCRIPTS, "mount.js"}
