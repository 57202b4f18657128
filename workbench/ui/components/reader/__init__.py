"""One document's text with layers of spans, as a component: what every page shows of a document.

    events = reader(document, key="bench", chunks=chunks.spans, version=pipeline.fingerprint)
    …                                      # the boundaries are on screen while the hits are still being computed
    overlay(document, key="bench", hits=hits, gold=gold, version=pipeline.fingerprint)
    if events.clicked: …

The text goes to the browser once per page load and is kept there under the document's id; a rerun sends spans only. All
offsets are code points, here and on the wire; `text.js` alone turns them into the UTF-16 units that a browser counts.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench.documents import Document
from workbench.records import Hit
from workbench.spans import Ranges, Span, ranges

__all__ = ["Click", "ReaderEvents", "overlay", "reader", "scroll_to"]

SCRIPTS = ("text.js", "layers.js", "drawing.js", "strip.js", "toolbar.js", "events.js", "reader.js", "code.js")
"""In this order they make one ES module; Streamlit has no build step and takes one string."""
SENT = "reader-sent"
"""Session state: the ids of the documents whose text this session has sent, the newest last."""
GOTO = "reader-goto"
"""Session state: reader key → [document id, start, end, nonce] of the last `scroll_to`."""
KEPT_TEXTS = 6
"""As many texts as text.js keeps; an older one is asked for again."""


@dataclass(frozen=True, slots=True)
class Click:
    """What was clicked, and where: a chunk by its row, a hit by its rank, a gold span by its place in those given."""

    layer: str
    id: int
    offset: int


@dataclass(frozen=True, slots=True)
class ReaderEvents:
    """The text selected now (kept over reruns until cleared), and the click that caused this run, if one did."""

    selection: Span | None = None
    clicked: Click | None = None


def reader(
    document: Document | None,
    *,
    key: str,
    chunks: Ranges | None = None,
    numbers: Sequence[int] | None = None,
    structure: bool = False,
    hits: Iterable[Hit] = (),
    gold: Iterable[Span] = (),
    unseen: Ranges | None = None,
    matches: Ranges | None = None,
    version: str = "",
    height: int = 640,
    selectable: bool = True,
    empty: str = "No text to show yet.",
) -> ReaderEvents:
    """Return the selection and click of a reader drawn here.

    Call it inside a fragment, so that a click reruns that alone. `chunks` may stand in any order and overlap; `numbers`
    are shown for them instead of 1, 2, 3 and so on. `structure` draws headings, tables, code and pages. Of `hits` and
    `gold`, those of other documents are left out. `unseen` is text that the embedder never saw; `matches` are query
    terms. `version` names the configuration that made the chunks: an `overlay` of another version is stale. A page that
    has no use for selections passes `selectable=False` and saves their reruns. `empty` is shown where there is no text.
    """
    import streamlit as st

    data: dict[str, Any] = {"role": "reader", "key": key, "height": height, "empty": empty, "selectable": selectable}
    if document is not None and document.text:
        data |= {
            "id": document.id,
            "name": document.name,
            "version": version,
            "chunks": _packed(chunks, len(document.text)),
            **_layers(document, hits, gold, unseen, matches),
        }
        if numbers is not None:
            if chunks is None or len(numbers) != len(chunks):
                raise ValueError(f"{len(numbers)} numbers for {0 if chunks is None else len(chunks)} chunks")
            data["numbers"] = _base64(np.asarray(numbers))
        if structure:
            data["sections"] = [[s.span.start, s.span.end, s.kind, s.level] for s in document.sections]
            data["pages"] = [[span.start, number] for number, span in document.pages]
        data |= _goto(key)
        sent = [id for id in st.session_state.get(SENT, ()) if id != document.id]
        asked = (st.session_state.get(key) or {}).get("need") == document.id
        if asked or document.id not in st.session_state.get(SENT, ()):
            data["text"] = document.text
        st.session_state[SENT] = [*sent, document.id][-KEPT_TEXTS:]

    _component("code")(key=f"{key}-code", data={})
    result = _component("mount")(
        key=key, data=data, on_sel_change=_nothing, on_click_change=_nothing, on_need_change=_nothing
    )
    return _events(document, result.get("sel"), result.get("click"))


def overlay(
    document: Document | None,
    *,
    key: str,
    hits: Iterable[Hit] = (),
    gold: Iterable[Span] = (),
    unseen: Ranges | None = None,
    matches: Ranges | None = None,
    version: str = "",
) -> None:
    """Draw further layers over the reader with this key, without sending its text or chunks again.

    It takes no room on the page. Layers of another document than the reader's are not drawn. Where `version` is not the
    reader's, hits are drawn as stale and `unseen` not at all: both belong to chunks that are gone.
    """
    data: dict[str, Any] = {"role": "overlay", "key": key}
    if document is not None:
        data |= {"id": document.id, "version": version, **_layers(document, hits, gold, unseen, matches), **_goto(key)}
    _component("mount")(key=f"{key}-overlay", data=data)


def scroll_to(key: str, span: Span) -> None:
    """Scroll the reader with this key to the span and flash it, once, when it or its overlay is next drawn.

    Call it before either; naming the same span again scrolls again. A span of another document waits until that is
    shown.
    """
    import streamlit as st

    wanted = {**st.session_state.get(GOTO, {}), key: [span.document, span.start, span.end, secrets.token_hex(4)]}
    st.session_state[GOTO] = wanted


def _goto(key: str) -> dict[str, Any]:
    import streamlit as st

    wanted = st.session_state.get(GOTO, {}).get(key)
    return {"goto": wanted} if wanted else {}


def _layers(
    document: Document, hits: Iterable[Hit], gold: Iterable[Span], unseen: Ranges | None, matches: Ranges | None
) -> dict[str, Any]:
    """Return the layers in this document as plain JSON; empty ones are absent."""
    end = len(document.text)
    out = {
        "hits": [[h.span.start, h.span.end, h.rank, h.score] for h in hits if h.span.document == document.id],
        "gold": [[s.start, s.end, i] for i, s in enumerate(gold) if s.document == document.id],
        "unseen": _packed(unseen, end),
        "matches": _packed(matches, end),
    }
    return {name: layer for name, layer in out.items() if layer}


def _packed(spans: Ranges | None, end: int) -> str:
    """Return the spans as base64 of little-endian int32: made and read faster than a JSON list, and shorter."""
    if spans is None or len(spans) == 0:
        return ""
    spans = spans if isinstance(spans, np.ndarray) else ranges(spans)
    if spans.min() < 0 or spans.max() > end or (spans[:, 0] > spans[:, 1]).any():
        raise ValueError(f"spans {int(spans.min())}..{int(spans.max())} do not fit a text of {end} characters")
    return _base64(spans)


def _base64(numbers: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<i4").tobytes()).decode("ascii")


def _events(document: Document | None, selected: Any, clicked: Any) -> ReaderEvents:
    """Return the events that belong to this document; what the browser sends is checked like any other input."""
    if document is None:
        return ReaderEvents()
    selection = click = None
    if _is_event(selected, document) and 0 <= selected[1] < selected[2] <= len(document.text):
        selection = Span(document.id, selected[1], selected[2])
    if _is_event(clicked, document) and clicked[3] in ("chunk", "hit", "gold"):
        click = Click(clicked[3], clicked[2], clicked[1])
    return ReaderEvents(selection, click)


def _is_event(value: Any, document: Document) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) >= 3
        and value[0] == document.id
        and all(isinstance(v, int) for v in value[1:3])
    )


def _nothing() -> None:
    """Do nothing: by this callback Streamlit knows the name of a value."""


@lru_cache(maxsize=2)
def _component(part: str) -> Callable[..., Any]:
    """Return the component of this part, registered once: "mount" is drawn, "code" is what it runs.

    Streamlit sends a component's script again with every message that changes. So what changes has a script of a few
    lines, and the 40 kB that it needs are a component of their own that never changes and is sent as a reference.
    """
    import streamlit as st

    folder = Path(__file__).parent
    js = _module(folder) if part == "code" else (folder / "mount.js").read_text("utf-8")
    return st.components.v2.component(f"workbench_reader_{part}", js=js)


def _module(folder: Path) -> str:
    """Return the scripts and the style as one module, without indentation and comment lines."""
    lines = (line.strip() for name in SCRIPTS for line in (folder / name).read_text("utf-8").splitlines())
    script = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f"const STYLE = {json.dumps((folder / 'reader.css').read_text('utf-8'))};\n{script}"
