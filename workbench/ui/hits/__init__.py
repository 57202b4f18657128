"""Ranked hit lists side by side, as a component: where retrievers or pipelines agree, and which passages moved.

    columns = [column("Dense", dense, corpus, query), column("BM25", bm25, corpus, query)]
    events = hit_lists(columns, key="hits", selected=st.session_state.get("hit"))
    if events.clicked: st.session_state["hit"] = events.clicked.span

A rerun sends the snippets, and the whole text of the selected hit alone. Offsets are code points, here and on the wire;
the reader's `text.js` turns them into the UTF-16 units that a browser counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.retrievers.rank_agreement import movements
from workbench.spans import Span
from workbench.ui.hits.rows import Column, Row, column

__all__ = ["Column", "HitClick", "HitEvents", "Row", "column", "hit_lists"]

SCRIPTS = ("../reader/text.js", "lines.js", "details.js", "hits.js")
"""In this order they make one ES module; code points meet units in the reader's script and nowhere else."""
Members = list[tuple[int, Row]]
"""The rows that are one passage, each with the place of its column."""


@dataclass(frozen=True, slots=True)
class HitClick:
    """The hit that was clicked: its column's place from 0, its rank from 1, its span."""

    column: int
    rank: int
    span: Span


@dataclass(frozen=True, slots=True)
class HitEvents:
    """The click that caused this run, if one did, and whether the user closed the selected hit instead."""

    clicked: HitClick | None = None
    closed: bool = False


def hit_lists(
    columns: Sequence[Column],
    *,
    key: str,
    selected: Span | None = None,
    movement: bool = False,
    height: int = 560,
    empty: str = "Type a query to see its hits.",
) -> HitEvents:
    """The click on ranked lists drawn here, one column each; a single one has larger cards.

    Lines join the same passage in neighbouring columns: the same span, or, with `movement`, what `movements` pairs
    (lists over two chunkings); then the second column also says how each hit moved and which ones are gone. `selected`
    is shown in full below or beside the lists; in the run of a click the clicked hit already is. `empty` is the
    sentence where there are no columns.
    """
    import streamlit as st

    value = (st.session_state.get(key) or {}).get("click")
    events = _events(columns, value)
    shown = events.clicked.span if events.clicked else None if events.closed else selected
    data = {"height": height, "empty": empty, **payload(columns, shown, movement)}
    _component()(key=key, data=data, on_click_change=_nothing)
    return events


def payload(columns: Sequence[Column], selected: Span | None, movement: bool = False) -> dict[str, Any]:
    """The lists as plain JSON: each distinct hit once in `items`, and columns of rows that point to them."""
    passages, links = _passages(columns, movement)
    items: list[dict[str, Any]] = []
    places: dict[tuple[Span, int, str], int] = {}
    out: list[dict[str, Any]] = []

    def item(row: Row) -> int:
        place = places.setdefault((row.hit.span, row.number, row.gold), len(items))
        if place == len(items):
            items.append(_item(row, narrow=len(columns) > 1))
        return place

    for c, col in enumerate(columns):
        digits = _digits([row.hit.score for row in col.rows])
        rows = [
            [item(row), row.hit.rank, f"{row.hit.score:.{digits}f}", passages[c][i], links[c][i]]
            for i, row in enumerate(col.rows)
        ]
        out.append({"title": col.title, "note": col.note, "stale": col.stale, "rows": rows})
    if movement and len(columns) > 1:
        kept = set(passages[1])
        before = zip(columns[0].rows, passages[0], strict=True)
        out[1]["gone"] = [[item(row), row.hit.rank, "", p, "gone"] for row, p in before if p not in kept]
    members = [(c, row, passages[c][i]) for c, col in enumerate(columns) for i, row in enumerate(col.rows)]
    chosen = next(((row, p) for _, row, p in members if row.hit.span == selected), None)
    data: dict[str, Any] = {"columns": out, "items": items, "movement": movement}
    if chosen:
        row, passage = chosen
        data["selected"] = item(row)
        data["detail"] = _detail(row, columns, [(c, other) for c, other, p in members if p == passage])
    return data


def _passages(columns: Sequence[Column], movement: bool) -> tuple[list[list[int]], list[list[int | str]]]:
    """For each row of each column the number of its passage, equal where the passage is, and how it moved there."""
    if not movement:
        known: dict[Span, int] = {}
        same = [[known.setdefault(row.hit.span, len(known)) for row in col.rows] for col in columns]
        return same, [[""] * len(col.rows) for col in columns]
    passages: list[list[int]] = []
    moves: list[list[int | str]] = []
    total = 0
    for c, col in enumerate(columns):
        numbers, words = [], []
        pairs = movements([r.hit for r in columns[c - 1].rows], [r.hit for r in col.rows]) if c else ()
        for i in range(len(col.rows)):
            old = pairs[i].old if c else None
            change = pairs[i].change if c else None
            if old is None:
                numbers.append(total)
                total += 1
            else:
                at = next(j for j, r in enumerate(columns[c - 1].rows) if r.hit is old)
                numbers.append(passages[c - 1][at])
            words.append("" if c != 1 else "new" if change is None else change)
        passages.append(numbers)
        moves.append(words)
    return passages, moves


def _item(row: Row, narrow: bool) -> dict[str, Any]:
    """What a card shows of a hit, whichever list it is in."""
    start, end = row.shown(narrow)
    out: dict[str, Any] = {
        "span": [row.hit.span.document, row.hit.span.start, row.hit.span.end],
        "number": row.number,
        "name": row.name,
        "page": row.page,
        "path": " › ".join(row.path),
        "snippet": row.snippet(narrow),
        "marks": [offset for mark in row.snippet_marks(narrow) for offset in mark],
    }
    more = {
        "before": bool(row.text[:start].strip()),
        "after": bool(row.text[end:].strip()),
        "gold": row.gold if row.gold in ("whole", "cut") else "",
    }
    return out | {name: value for name, value in more.items() if value}


def _detail(row: Row, columns: Sequence[Column], members: Members) -> dict[str, Any]:
    """The selected hit in full, with its rank in every column, but for those that are empty: they may still wait."""
    ranks: list[list[str]] = []
    for c, col in enumerate(columns):
        if not col.rows:
            continue
        digits = _digits([r.hit.score for r in col.rows])
        found = next((r.hit for at, r in members if at == c), None)
        ranks.append([col.title, str(found.rank) if found else "", f"{found.score:.{digits}f}" if found else ""])
    return {
        "header": row.hit.header,
        "text": row.text,
        "marks": [offset for mark in row.marks for offset in mark],
        "gold": [offset for mark in row.gold_marks for offset in mark],
        "found": row.gold,
        "tokens": row.tokens,
        "ranks": ranks,
    }


def _digits(scores: Sequence[float]) -> int:
    """How many decimals a column's scores are shown with: enough to tell neighbours apart, the same in every row."""
    largest = max(map(abs, scores), default=1.0)
    return 2 if largest >= 10 else 3 if largest >= 0.1 else 4


def _events(columns: Sequence[Column], value: Any) -> HitEvents:
    """What the browser sent, if it fits the lists that stand now; a list may have changed under the pointer."""
    if value == "close":
        return HitEvents(closed=True)
    if not isinstance(value, list | tuple) or len(value) != 5 or not isinstance(value[0], int):
        return HitEvents()
    place, rank, *span = value
    for row in columns[place].rows if 0 <= place < len(columns) else ():
        hit = row.hit
        if hit.rank == rank and [hit.span.document, hit.span.start, hit.span.end] == span:
            return HitEvents(HitClick(place, rank, hit.span))
    return HitEvents()


def _nothing() -> None:
    """A callback by which Streamlit knows the name of a value."""


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    import streamlit as st

    here = Path(__file__).parent
    css = (here / "hits.css").read_text("utf-8")
    return st.components.v2.component("workbench_hits", css=css, js=_module(here))


def _module(folder: Path) -> str:
    """The scripts as one, without indentation and comment lines: Streamlit sends it with every changed message."""
    lines = (line.strip() for name in SCRIPTS for line in (folder / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
