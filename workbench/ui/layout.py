"""The frame of every page: its style, columns, messages, small charts, and tables that are safe to save as CSV.

Streamlit's tables offer a CSV download that writes cells as they are, and a spreadsheet runs a cell that begins like a
formula. So the style hides that download, except for tables whose key begins with "csv-": those hold numbers and words
of our own, or are drawn from `cells`.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from workbench.errors import ModelUnavailable, SpecError, WorkbenchError
from workbench.reports.render import cell
from workbench.ui import state

log = logging.getLogger(__name__)


def open_page(title: str) -> None:
    """Begin a page: the first call of each.

    With a `pages/` folder, the first visit after a start of the server can run a page without app.py. Streamlit notes
    in a class attribute that the folder rules; clearing it and running again brings app.py back.
    """
    from streamlit.runtime.pages_manager import PagesManager

    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    st.html(f"<style>{_STYLE}{STYLE}</style><h1 class='sr-only'>{escape(title)}</h1>")
    state.begin()


@contextmanager
def body() -> Iterator[None]:
    """Frame a page's fragment: messages above it, errors caught in it, and the URL that says what it shows."""
    with guarded():
        _show_messages()
        yield
        state.write_url()


@contextmanager
def guarded() -> Iterator[None]:
    """Catch errors: draw their own line where the user can act on them, else an apology.

    Every fragment needs one inside, because an error in a fragment does not reach the one in app.py.
    """
    try:
        yield
    except WorkbenchError as error:
        st.error(plain(str(error)), icon=":material/error:")
        if isinstance(error, SpecError | ModelUnavailable):
            st.button("Start with the default configuration", key="reset", on_click=state.reset)
    except Exception:  # the last boundary: the log has the details, the page goes on
        log.exception("a page failed")
        st.error(
            "Something went wrong here; your documents and settings are safe. Reload the page to go on. "
            "The server's log has the details.",
            icon=":material/error:",
        )


def _show_messages() -> None:
    workspace = state.workspace()
    if workspace.notice:
        st.warning(plain(workspace.notice), icon=":material/history:")
        if workspace.writable:
            st.button("Understood", on_click=workspace.dismiss_notice, key="dismiss-notice")
    if messages := st.session_state.get("messages", []):
        for kind, text in messages:
            show, icon = _KINDS[kind]
            show("  \n".join(plain(line) for line in text.split("\n")), icon=icon)
        st.button("Dismiss", key="dismiss-messages", on_click=lambda: st.session_state.update(messages=[]))


_KINDS = {"error": (st.error, ":material/error:"), "warning": (st.warning, ":material/warning:")}


def plain(text: str) -> str:
    """Return the text so that Markdown shows it as it is: file names and values in messages are nobody's markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+-.!|$:~" else c for c in text)


def snippet(text: str, most: int) -> str:
    """Return the text in one line, cut off after `most` characters."""
    text = " ".join(text.split())
    return f"{text[:most]} …" if len(text) > most else text


def training_note(*notes: str) -> None:
    """Say beside figures which questions were seen in training; nothing where no note says anything."""
    for note in dict.fromkeys(filter(None, notes)):
        st.caption(f":material/model_training: **{plain(note[:1].upper() + note[1:])}.**")


def status_bar(*parts: str) -> None:
    """Draw one line of facts about what is on the screen; each part is plain text."""
    cells = "".join(f"<span>{escape(part)}</span>" for part in parts if part)
    st.html(f"<div class='status' role='status'>{cells}</div>")


def panels(*widths: float) -> list[DeltaGenerator]:
    """Return columns of these widths side by side; below each other in a narrow window."""
    with st.container(key="panels"):
        return list(st.columns(list(widths), gap="medium"))


def size_label(count: int, unit: str = "") -> str:
    """Return `905 KB`, `1.2 MB` for bytes; `1,204 chunks` for a unit."""
    if unit:
        return f"{count:,} {unit}" if count != 1 else f"1 {unit.removesuffix('s')}"
    value = float(count)
    for name in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {name}" if name != "MB" or value >= 10 else f"{value:.1f} {name}"
        value /= 1000
    return f"{value:.1f} GB"


_STYLE = """
.sr-only { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
[data-testid=stMainBlockContainer] { padding-left: 1.75rem; padding-right: 1.75rem; max-width: none }
[class*=st-key-bench-reader][class*=-facts] { min-height: 3.6rem }
.facts.compact { min-height: 5.9em }
.status { min-height: 1.4em; display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: .8rem; line-height: 1.6;
  opacity: .8; font-variant-numeric: tabular-nums }
.status span + span::before { content: ""; display: inline-block; width: 1px; height: .8em; margin-right: 1rem;
  background: currentColor; opacity: .35; vertical-align: -.05em }
[data-testid=stVerticalBlock] { gap: .6rem }
[class*=st-key-changed-] button { min-height: 1.6rem; padding: 0 .5rem }
[class*=st-key-changed-] button :is(p, [data-testid=stIconMaterial]) { font-size: .8rem }
[class*=st-key-ask-] button { justify-content: flex-start }
[class*=st-key-ask-] button p { text-align: left }
@media (max-width: 1000px) {
  .st-key-panels > * > [data-testid=stHorizontalBlock] { flex-wrap: wrap }
  .st-key-panels > * > [data-testid=stHorizontalBlock] > [data-testid=stColumn] { min-width: 100% }
}
.facts { font-size: .85rem; line-height: 1.5; font-variant-numeric: tabular-nums }
.facts b { font-weight: 600 }
[data-testid=stElementToolbarButton]:has([aria-label^="Download as CSV"]):not([class*=st-key-csv-] *) { display: none }
.facts .warn { color: color-mix(in srgb, #D55E00 72%, currentColor) }
"""


BARS = 40


def histogram(sizes: NDArray[np.int64], requested: int | None, limit: int | None, unit: str = "tokens") -> str:
    """Return HTML: how many chunks have which size, with the size asked for and the model's limit as marked lines."""
    if not len(sizes):
        return ""
    top = int(max(sizes.max(), requested or 0)) + 1
    if limit and limit < 1.5 * top:
        top = max(top, limit + 1)
    counts, edges = np.histogram(sizes, bins=min(BARS, top), range=(0, top))
    bars = "".join(
        f"<i style='height:{max(4.0, 100 * n / counts.max()) if n else 0:.0f}%' "
        f"title='{edges[i]:.0f} to {edges[i + 1]:.0f} {unit}: {n} chunks'></i>"
        for i, n in enumerate(counts)
    )
    marks = "".join(
        f"<b class='{name}{' left' if value > top / 2 else ''}' style='left:{100 * value / top:.1f}%'>"
        f"<span>{name} {value}</span></b>"
        for value, name in ((requested, "size"), (limit, "limit"))
        if value and value <= top and (name == "size" or value != requested)
    )
    label = f"Sizes of {len(sizes)} chunks: median {np.median(sizes):.0f} {unit}, largest {sizes.max()}"
    return f"<div class='histogram' role='img' aria-label='{label}'>{bars}{marks}</div>"


def sizes_by_document(sizes: Mapping[str, NDArray[np.int64]], limit: int | None, model: str) -> Any:
    """Return a plotly figure: the spread of chunk sizes in each document, and the model's limit."""
    from plotly.graph_objects import Box, Figure

    figure = Figure()
    for name, tokens in reversed(list(sizes.items())):
        label = escape(name)  # plotly reads tags in labels
        figure.add_trace(
            Box(x=tokens, name=label, boxpoints="outliers", marker_color="#3B8FCB", marker_size=4, line_width=1.2)
        )
    if limit:
        figure.add_vline(limit, line_color="#D55E00", annotation_text=f"{escape(model)} reads {limit} tokens")
    figure.update_layout(
        height=90 + 24 * len(sizes),
        margin={"l": 0, "r": 10, "t": 24, "b": 0},
        showlegend=False,
        xaxis_title="tokens in a chunk",
    )
    figure.update_xaxes(rangemode="tozero")
    return figure


STYLE = """
.histogram { position: relative; display: flex; align-items: flex-end; height: 2.4rem; margin: .3rem 0 .9rem;
  border-bottom: 1px solid rgba(128, 128, 128, .5); max-width: 26rem }
.histogram i { flex: 1; margin-right: 1px; background: #0072B2; opacity: .6 }
.histogram b { position: absolute; top: 0; bottom: 0; border-left: 1px dashed currentColor; font-weight: 400 }
.histogram b.limit { border-left: 2px solid #D55E00 }
.histogram b span { position: absolute; top: 100%; left: 0; font-size: .68rem; white-space: nowrap; opacity: .85 }
.histogram b.left span { left: auto; right: 0 }
"""


def cells(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table, `cell` applied to each text and each column's name."""
    return [{cell(name): _value(value) for name, value in row.items()} for row in rows]


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return cell(value)
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value


def duration(seconds: float) -> str:
    """Return `12 s`, `8 min`, `2.5 h`."""
    if seconds < 100:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
