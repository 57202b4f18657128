"""What a hit list shows of each hit: where it stands, the part of its text that says why it was found, gold or not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.documents import Corpus
from workbench.records import Hit
from workbench.retrievers.analyser import matches
from workbench.spans import Span

WINDOW = 240
"""About as many characters has a snippet."""
SLACK = 60
"""A chunk longer than a window by no more than this is shown whole."""
LEAD = 22
"""At most so many characters stand before the first term of a window, so that a narrow card still shows the term."""
NEAR = 60
"""What a narrow card shows of a snippet: terms count the more the nearer they are to its beginning."""
WORD = 36
"""How far an end of a window moves to cut no word."""


@dataclass(frozen=True, slots=True)
class Row:
    """A hit as it is listed. `marks` are the query's terms in `text`, `window` the part of `text` that is its snippet.

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
    gold: str = ""
    gold_marks: tuple[tuple[int, int], ...] = ()
    tokens: int | None = None

    @property
    def snippet(self) -> str:
        """The part of the text that the card shows, exactly as it stands there."""
        start, end = self.window
        return self.text[start:end]

    @property
    def snippet_marks(self) -> list[tuple[int, int]]:
        """The query's terms in `snippet`, in its own offsets."""
        start, end = self.window
        return [(max(a, start) - start, min(b, end) - start) for a, b in self.marks if a < end and b > start]


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
        marks, window = _view(query, text)
        kind, gold_marks = _gold(hit.span, wanted)
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
                kind,
                gold_marks,
                None if tokens is None else int(tokens[hit.chunk]),
            )
        )
    return Column(title, tuple(rows), note, stale)


def _gold(span: Span, gold: tuple[Span, ...] | None) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Whether the span holds a gold passage whole, cuts one or holds none, and where they are in it."""
    if gold is None:
        return "", ()
    common = [g for g in gold if span.overlap(g)]
    places = tuple((max(g.start, span.start) - span.start, min(g.end, span.end) - span.start) for g in common)
    return "none" if not common else "whole" if any(span.covers(g) for g in common) else "cut", places


@lru_cache(maxsize=1024)
def _view(query: str, text: str) -> tuple[tuple[tuple[int, int], ...], tuple[int, int]]:
    """The query's terms in the text, and the window to show; the same passage is often in several lists."""
    marks = tuple(matches(query, text)) if query else ()
    return marks, window(text, marks)


def window(text: str, marks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Start and end of the part of the text that tells most of the marked terms, about `WINDOW` characters.

    A term counts once, by its length, and the less the more often it stands in the text, so that `the` moves no window.
    Ends are moved to white space where some is near, so that no word is cut, and carry none themselves.
    """
    low, high = len(text) - len(text.lstrip()), len(text.rstrip())
    if low >= high:
        return 0, 0
    if high - low <= WINDOW + SLACK:
        return low, high
    start = low
    if marks:
        first = _densest(text, marks)
        start = _after_space(text, first - LEAD, first) if first - low > LEAD else low
    if start + WINDOW >= high:
        # Near the end a window is shorter rather than far from its terms, but not by more than half.
        least = high - WINDOW // 2
        return min(start, _after_space(text, least, least + WORD)), high
    end = start + WINDOW
    space = max((i for i in range(end - WORD, end + 1) if text[i].isspace()), default=end)
    return start, max(start + 1, len(text[:space].rstrip()))


def _densest(text: str, marks: Sequence[tuple[int, int]]) -> int:
    """Where the mark stands from which `WINDOW` characters weigh most; what stands near it weighs up to twice."""
    words = [text[a:b].casefold() for a, b in marks]
    weights = {word: len(word) / times for word, times in Counter(words).items()}
    best, place = 0.0, marks[0][0]
    for i, (start, _) in enumerate(marks):
        at: dict[str, int] = {}
        for j in range(i, len(marks)):
            if j > i and marks[j][1] > start + WINDOW - WORD:
                break
            at.setdefault(words[j], marks[j][0] - start)
        weight = round(sum(weights[word] * (1 + max(0.0, 1 - near / NEAR)) for word, near in at.items()), 9)
        if weight > best:
            best, place = weight, start
    return place


def _after_space(text: str, start: int, limit: int) -> int:
    """The first beginning of a word in `start` to `limit`; `start` where there is none."""
    return next((i for i in range(start, limit + 1) if text[i - 1].isspace() and not text[i].isspace()), start)
