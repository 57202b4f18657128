"""A page of a PDF as it looks, with chunks, golden passages and hits drawn over it, as a component.

    events = peek("page")  # what the last click asked for, before anything is drawn
    page_view(image, boxes, Marks(chunks, gold, hits), numbers, key="page", name=document.name)

The picture goes to the browser once per page and visit; a rerun sends rectangles only. Nothing that is drawn is markup:
rectangles and numbers are made of elements, and the name is an attribute's value.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench.parsers import Boxes, PageImage
from workbench.records import Hit
from workbench.spans import Ranges, Span

__all__ = ["Marks", "PageEvents", "page_view", "payload", "peek"]

SENT = "pages-sent"
"""Session state: the pictures that this session has sent, the newest last."""
KEPT = 12
"""As many pictures as view.js keeps; an older one is asked for again."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What is drawn over a page. `focus` is the layer ("chunk", "gold", "hit") and id that was clicked in the text: a
    chunk's row, the place of a gold span in `gold`, a hit's rank.
    """

    chunks: Ranges
    gold: Sequence[Span] = ()
    hits: Sequence[Hit] = ()
    focus: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class PageEvents:
    """What was done on the page: the number it was turned to, or where it was clicked, in points."""

    page: int = 0
    turned: int | None = None
    clicked: tuple[float, float] | None = None


def peek(key: str) -> PageEvents:
    """Return the event that caused this run, if one did; what the browser sends is checked like any other input."""
    import streamlit as st

    values = st.session_state.get(key) or {}
    turned, clicked = values.get("turn"), values.get("click")
    if isinstance(turned, int) and not isinstance(turned, bool):
        return PageEvents(turned=turned)
    if isinstance(clicked, list | tuple) and len(clicked) == 3:
        page, x, y = clicked
        if isinstance(page, int) and all(isinstance(v, int | float) and abs(v) < 1e6 for v in (x, y)):
            return PageEvents(page, clicked=(float(x), float(y)))
    return PageEvents()


def page_view(
    image: PageImage,
    boxes: Boxes,
    marks: Marks,
    numbers: Sequence[int],
    *,
    key: str,
    name: str,
    height: int = 640,
) -> None:
    """Draw the page. `numbers` are the pages to turn to; see `peek` for clicks."""
    import streamlit as st

    id = f"{boxes.document}-{boxes.page}"
    data = {"height": height, "name": name, "numbers": list(numbers), "id": id, **payload(boxes, marks)}
    sent = [one for one in st.session_state.get(SENT, ()) if one != id]
    asked = (st.session_state.get(key) or {}).get("need") == id
    if asked or id not in st.session_state.get(SENT, ()):
        data["png"] = base64.b64encode(image.png).decode("ascii")
    st.session_state[SENT] = [*sent, id][-KEPT:]
    _component()(key=key, data=data, on_turn_change=_nothing, on_click_change=_nothing, on_need_change=_nothing)


def payload(boxes: Boxes, marks: Marks) -> dict[str, Any]:
    """Return the page's size and layers as plain JSON; each rectangle is left, top, right, bottom in points.

    A chunk is [number from 1, focused, rectangles], a gold span [focused, rectangles], a hit [rank, focused,
    rectangles]; those without a character on this page are left out.
    """
    layer, chosen = (*marks.focus, "", -1)[:2]
    rows = np.flatnonzero(_on_page(boxes, marks.chunks)).tolist() if len(marks.chunks) else []
    chunks = [
        [i + 1, layer == "chunk" and chosen == i, _over(boxes, int(marks.chunks[i][0]), int(marks.chunks[i][1]))]
        for i in rows
    ]
    gold = [
        [layer == "gold" and chosen == i, _over(boxes, s.start, s.end)]
        for i, s in enumerate(marks.gold)
        if s.document == boxes.document
    ]
    hits = [
        [h.rank, layer == "hit" and chosen == h.rank, _over(boxes, h.span.start, h.span.end)]
        for h in marks.hits
        if h.span.document == boxes.document
    ]
    return {
        "page": boxes.page,
        "size": [boxes.width, boxes.height],
        "chunks": [one for one in chunks if one[-1]],
        "gold": [one for one in gold if one[-1]],
        "hits": [one for one in hits if one[-1]],
    }


def _on_page(boxes: Boxes, spans: Ranges) -> Any:
    if not len(boxes.offsets):
        return np.zeros(len(spans), bool)
    return (spans[:, 0] <= boxes.offsets[-1]) & (spans[:, 1] > boxes.offsets[0])


def _over(boxes: Boxes, start: int, end: int) -> list[list[float]]:
    return [[round(v, 1) for v in rectangle] for rectangle in boxes.over(Span(boxes.document, start, end))]


def _nothing() -> None:
    """Do nothing: by this callback Streamlit knows the name of a value."""


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    import streamlit as st

    here = Path(__file__).parent
    css, js = ((here / f"view.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return st.components.v2.component("workbench_pages", css=css, js=js)
