"""What a hit list shows of each hit: where it stands, the part of its text that says why it was found, gold or not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.anatomy import CUT, WHOLE, state
from workbench.documents import Corpus, Document
from workbench.records import Hit
from workbench.retrievers.analyser import matches
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
        """The part of the text that a card shows, exactly as it stands there."""
        start, end = self.shown(narrow)
        return self.text[start:end]

    def snippet_marks(self, narrow: bool = False) -> list[tuple[int, int]]:
        """The query's terms in `snippet`, in its own offsets."""
        start, end = self.shown(narrow)
        return [(max(a, start) - start, min(b, end) - start) for a, b in self.marks if a < end and b > start]

    def shown(self, narrow: bool) -> tuple[int, int]:
        """Where the snippet stands in the text; that of a narrow card begins nearer to the terms."""
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
    """The hits as a column of `hit_lists`.

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
    """Whether the span holds a gold passage whole, cuts one or holds none, and where they are in it."""
    if gold is None:
        return "", ()
    common = [g for g in gold if span.overlap(g)]
    places = tuple((max(g.start, span.start) - span.start, min(g.end, span.end) - span.start) for g in common)
    states = {state(g, [span], lambda _: document.blanks) for g in common}
    return "whole" if WHOLE in states else "cut" if CUT in states else "none", places


@lru_cache(maxsize=1024)
def _view(query: str, text: str) -> tuple[tuple[tuple[int, int], ...], tuple[int, int], int]:
    """The query's terms in the text, the window to show and its focus; a passage is often in several lists."""
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
    """Where the mark stands from which `WINDOW` characters weigh most; what stands near it weighs up to twice."""
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
    """The first beginning of a word in `start` to `limit`; `start` where there is none."""
    return next((i for i in range(start, limit + 1) if text[i - 1].isspace() and not text[i].isspace()), start)
