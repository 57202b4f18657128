"""Ranked lists of hits, drawn as one component. Texts go as text nodes, so that no document adds markup.

    columns = [column("Dense", dense, corpus, query), column("BM25", bm25, corpus, query)]
    events = hit_lists(columns, key="hits", selected=st.session_state.get("hit"))
    if events.clicked: st.session_state["hit"] = events.clicked.span

A rerun sends the snippets, and the whole text of the selected hit alone. Offsets are code points, here and on the wire;
the reader's `text.js` turns them into the UTF-16 units that a browser counts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.anatomy import CUT, WHOLE, state
from workbench.documents import Corpus, Document
from workbench.records import Hit
from workbench.retrievers.analyser import matches
from workbench.retrievers.rank_agreement import movements
from workbench.spans import Span

WINDOW = 240
"""About as many characters has a snippet."""
SLACK = 60
"""A chunk longer than a window by no more than this is shown whole."""
BEFORE = 70
"""At most so many characters of a snippet stand before the place that tells most."""
LEAD = 20
"""As many on a narrow card, which has room for two short lines."""
NEAR = 60
"""About what a narrow card shows: terms count the more the nearer they are to its beginning."""
WORD = 36
"""How far an end of a window moves to cut no word."""


@dataclass(frozen=True, slots=True)
class Row:
    """A hit as it is listed. `marks` are the query's terms in `text`, `window` the part of `text` that is its snippet,
    `focus` where in it a narrow card begins.

    `gold` is whole, cut or none, or "" where nothing is known; `gold_marks` are the gold passages within `text`.
    """

    hit: Hit
    number: int
    name: str
    page: int | None
    path: tuple[str, ...]
    text: str
    marks: tuple[tuple[int, int], ...] = ()
    window: tuple[int, int] = (0, 0)
    focus: int = 0
    gold: str = ""
    gold_marks: tuple[tuple[int, int], ...] = ()
    tokens: int | None = None

    def snippet(self, narrow: bool = False) -> str:
        """Return the part of the text that a card shows, exactly as it stands there."""
        start, end = self.shown(narrow)
        return self.text[start:end]

    def snippet_marks(self, narrow: bool = False) -> list[tuple[int, int]]:
        """Return the query's terms in `snippet`, in its own offsets."""
        start, end = self.shown(narrow)
        return [(max(a, start) - start, min(b, end) - start) for a, b in self.marks if a < end and b > start]

    def shown(self, narrow: bool) -> tuple[int, int]:
        """Return where the snippet stands in the text; that of a narrow card begins nearer to the terms."""
        return self.focus if narrow else self.window[0], self.window[1]


@dataclass(frozen=True, slots=True)
class Column:
    """One ranked list: its title, its rows, what to say about it, and whether it is of an older configuration."""

    title: str
    rows: tuple[Row, ...] = ()
    note: str = ""
    stale: bool = False


def column(
    title: str,
    hits: Iterable[Hit],
    corpus: Corpus,
    query: str,
    note: str = "",
    *,
    numbers: Sequence[int] | None = None,
    gold: Iterable[Span] | None = None,
    tokens: Sequence[int] | None = None,
    stale: bool = False,
) -> Column:
    """Return the hits as a column of `hit_lists`.

    `numbers` and `tokens` go by a hit's row in the index: the chunk numbers that the reader shows (they also choose its
    two hues), and the chunks' lengths. Without `numbers` chunks count from 1 over the whole index. `gold` are the
    query's gold passages; None where it has none, which is not the same as an empty list of them.
    """
    wanted = None if gold is None else tuple(gold)
    rows = []
    for hit in hits:
        document = corpus.document(hit.span.document)
        text = document[hit.span]
        marks, window, focus = _view(query, text)
        kind, gold_marks = _gold(document, hit.span, wanted)
        rows.append(
            Row(
                hit,
                hit.chunk + 1 if numbers is None else int(numbers[hit.chunk]),
                document.name,
                document.page_at(hit.span.start),
                document.heading_path(hit.span.start),
                text,
                marks,
                window,
                focus,
                kind,
                gold_marks,
                None if tokens is None else int(tokens[hit.chunk]),
            )
        )
    return Column(title, tuple(rows), note, stale)


def _gold(document: Document, span: Span, gold: tuple[Span, ...] | None) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return whether the span holds a gold passage whole, cuts one or holds none, and where they are in it."""
    if gold is None:
        return "", ()
    common = [g for g in gold if span.overlap(g)]
    places = tuple((max(g.start, span.start) - span.start, min(g.end, span.end) - span.start) for g in common)
    states = {state(g, [span], lambda _: document.blanks) for g in common}
    return "whole" if WHOLE in states else "cut" if CUT in states else "none", places


@lru_cache(maxsize=1024)
def _view(query: str, text: str) -> tuple[tuple[tuple[int, int], ...], tuple[int, int], int]:
    """Return the query's terms in the text, the window to show and its focus; a passage is often in several lists."""
    marks = tuple(matches(query, text)) if query else ()
    return marks, *window(text, marks)


def window(text: str, marks: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], int]:
    """Start and end of the part of the text that tells most of the marked terms, and where in it a narrow card begins.

    It is about `WINDOW` characters. A term counts once, by its length, and the less the more often it stands in the
    text, so that `the` moves no window. Ends are moved to white space where some is near, so that no word is cut, and
    carry none themselves.
    """
    low, high = len(text) - len(text.lstrip()), len(text.rstrip())
    if low >= high:
        return (0, 0), 0
    best = _densest(text, marks) if marks else low
    focus = _after_space(text, best - LEAD, best) if best - low > LEAD else low
    if high - low <= WINDOW + SLACK:
        return (low, high), focus
    start = _after_space(text, best - BEFORE, best) if best - low > BEFORE else low
    if start + WINDOW >= high:
        return (min(start, _after_space(text, high - WINDOW, high - WINDOW + WORD)), high), focus
    end = start + WINDOW
    space = max((i for i in range(end - WORD, end + 1) if text[i].isspace()), default=end)
    return (start, max(start + 1, len(text[:space].rstrip()))), focus


def _densest(text: str, marks: Sequence[tuple[int, int]]) -> int:
    """Return the mark from which `WINDOW` characters weigh most; what is near it weighs up to twice."""
    words = [text[a:b].casefold() for a, b in marks]
    weights = {word: len(word) / times for word, times in Counter(words).items()}
    best, place = 0.0, marks[0][0]
    for i, (start, _) in enumerate(marks):
        at: dict[str, int] = {}
        for j in range(i, len(marks)):
            if j > i and marks[j][1] > start + WINDOW - BEFORE - WORD:
                break
            at.setdefault(words[j], marks[j][0] - start)
        weight = round(sum(weights[word] * (1 + max(0.0, 1 - near / NEAR)) for word, near in at.items()), 9)
        if weight > best:
            best, place = weight, start
    return place


def _after_space(text: str, start: int, limit: int) -> int:
    """Return the first beginning of a word in `start` to `limit`; `start` where there is none."""
    return next((i for i in range(start, limit + 1) if text[i - 1].isspace() and not text[i].isspace()), start)


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
    """Return the click on ranked lists drawn here, one column each; a single one has larger cards.

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
    """Return the lists as plain JSON: each distinct hit once in `items`, and columns of rows that point to them."""
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
    """Return for each row of each column its passage's number, equal for equal passages, and how it moved."""
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
    """Return what a card shows of a hit, whichever list it is in."""
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
    """Return the selected hit in full, with its rank in every column that is not empty (those may still wait)."""
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
    """Return how many decimals a column's scores have: enough to tell neighbours apart, the same in every row."""
    largest = max(map(abs, scores), default=1.0)
    return 2 if largest >= 10 else 3 if largest >= 0.1 else 4


def _events(columns: Sequence[Column], value: Any) -> HitEvents:
    """Return what the browser sent, if it fits the lists that stand now; a list may have changed under the pointer."""
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
    """Do nothing: by this callback Streamlit knows the name of a value."""


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    import streamlit as st

    here = Path(__file__).parent
    css = (here / "hits.css").read_text("utf-8")
    return st.components.v2.component("workbench_hits", css=css, js=_module(here))


def _module(folder: Path) -> str:
    """Return the scripts as one, without indentation and comments: Streamlit sends it with every changed message."""
    lines = (line.strip() for name in SCRIPTS for line in (folder / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
