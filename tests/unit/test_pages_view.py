"""What a page's picture is told to draw: rectangles of what stands on this page, and nothing else."""

import numpy as np
import pytest

from workbench.parsers import Boxes
from workbench.records import Hit
from workbench.spans import Span
from workbench.ui.components import pdf
from workbench.ui.components.pdf import Marks, PageEvents, payload, peek


@pytest.fixture
def boxes():
    """Two lines of four characters; the text's offsets 100 to 103 and 105 to 108."""
    offsets = np.array([100, 101, 102, 103, 105, 106, 107, 108])
    x = np.array([0, 10, 20, 30] * 2, float)
    y = np.array([0] * 4 + [20] * 4, float)
    return Boxes("d", 3, 200.0, 300.0, offsets, np.column_stack([x, y, x + 10, y + 12]))


def test_only_what_has_characters_on_the_page_is_drawn(boxes):
    chunks = np.array([[0, 90], [90, 102], [102, 107], [107, 300], [400, 500]])
    gold = (Span("d", 101, 103), Span("other", 101, 103), Span("d", 0, 5))
    hits = (Hit(Span("d", 105, 109), 0.5, 2, 0), Hit(Span("other", 105, 109), 0.5, 1, 0))
    found = payload(boxes, Marks(chunks, gold, hits, ("chunk", 2)))
    assert found["size"] == [200.0, 300.0]
    assert found["chunks"] == [
        [2, False, [[0, 0, 20, 12]]],
        [3, True, [[20, 0, 40, 12], [0, 20, 20, 32]]],
        [4, False, [[20, 20, 40, 32]]],
    ]
    assert found["gold"] == [[False, [[10, 0, 30, 12]]]]
    assert found["hits"] == [[2, False, [[0, 20, 40, 32]]]]


def test_the_focus_is_of_one_layer(boxes):
    hits = (Hit(Span("d", 105, 109), 0.5, 1, 0),)
    found = payload(boxes, Marks(np.array([[90, 300]]), (Span("d", 101, 103),), hits, ("gold", 0)))
    assert found["gold"][0][0] is True
    assert found["chunks"][0][1] is found["hits"][0][1] is False


def test_a_page_without_characters_has_no_marks(boxes):
    bare = Boxes("d", 3, 200.0, 300.0, np.empty(0, np.int64), np.empty((0, 4)))
    found = payload(bare, Marks(np.array([[0, 9]]), (Span("d", 0, 9),)))
    assert found["chunks"] == found["gold"] == []


@pytest.mark.parametrize(
    "state, event",
    [
        ({"turn": 4}, PageEvents(turned=4)),
        ({"click": [2, 1.5, 3]}, PageEvents(2, clicked=(1.5, 3.0))),
        ({"turn": True}, PageEvents()),
        ({"turn": "4"}, PageEvents()),
        ({"click": [2, 1.5]}, PageEvents()),
        ({"click": [2, "x", 3]}, PageEvents()),
        ({"click": [2, float("inf"), 3]}, PageEvents()),
        ({"click": [2, float("nan"), 3]}, PageEvents()),
        ({"click": "close"}, PageEvents()),
        ({}, PageEvents()),
    ],
)
def test_what_the_browser_sends_is_checked(monkeypatch, state, event):
    import streamlit as st

    monkeypatch.setattr(st, "session_state", {"page": state})
    assert peek("page") == event


def test_the_components_script_writes_no_markup():
    from pathlib import Path

    script = (Path(pdf.__file__).parent / "view.js").read_text("utf-8")
    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval("):
        assert name not in script
