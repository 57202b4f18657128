"""What is doubtful in a golden set: passages without a place, twins, answers that are found elsewhere too, and more."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from workbench.documents import Corpus
from workbench.golden.anchors import Anchor
from workbench.golden.corpus_lookup import short
from workbench.golden.quotes import Quotable, facts, squeezed
from workbench.records import Question, Reference
from workbench.spans import Span

KINDS = {
    "lost": "error",
    "ambiguous": "error",
    "gone": "error",
    "drifted": "warning",
    "duplicate": "warning",
    "near-duplicate": "note",
    "elsewhere": "warning",
    "answered": "warning",
    "near-copy": "note",
    "long": "warning",
    "copied": "note",
}
"""Each kind of finding with its severity, the worst first."""

NEAR_DUPLICATE = 80.0
"""Least `rapidfuzz.fuzz.token_sort_ratio` of two questions, 0 to 100; see `same_question` for the rest."""

NEAR_COPY = 92.0
"""Least likeness, as for `quotes.APPROXIMATE`, of another place that holds the passage's numbers."""

COPIED = 0.8
"""Share of a question's content words in its passages from which it is called copied."""

FEWEST_WORDS = 4
"""Least content words of a question that is called copied: short ones can hardly be asked otherwise."""

TOGETHER = 300
"""Characters within which the words of an unanswerable question may answer it."""

SHORTEST_ANSWER = 8
SHORTEST_COPY = 40
"""Least letters of a passage that is looked for elsewhere, exactly and approximately; shorter ones are everywhere."""

_clip = partial(short, bare=True)
_SPELLING = 70.0  # least likeness of the words that differ: hotel and hotels, but not hotels and meals
_WORD = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
_EMPTY_WORDS = frozenset(
    "what which who whom whose when where why how does did do is are was were be been can could may might must shall "
    "should will would has have had the a an of in on at to for from by with and or not no it its this that these "
    "those there they them their you your we our i my me if as about into than then any some all much many "
    "was wer wie wo wann warum welche welcher welches ist sind der die das den dem ein eine einer und oder nicht ich "
    "que qui quoi quand comment est sont le la les un une des du de et ou dans pour por qué cuál el los las en".split()
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A doubt about a question: `kind` is a key of `KINDS`, `severity` "error", "warning" or "note".

    `other` is the question's twin, where it is about two; `span` the place that is meant, where there is one.
    """

    kind: str
    question: str
    message: str
    other: str = ""
    span: Span | None = None

    @property
    def severity(self) -> str:
        """How bad it is."""
        return KINDS[self.kind]


def lint(
    questions: Sequence[Question],
    corpus: Corpus,
    longest_chunk_characters: int | None = None,
    anchors: Sequence[Anchor] = (),
) -> tuple[Finding, ...]:
    """Return what is doubtful, question by question in their order, the worst first within each.

    `longest_chunk_characters` is the length of the longest chunk that a pipeline could return, `anchors` the result of
    re-anchoring.
    """
    found = [*_unplaced(questions, corpus), *_drifted(questions, corpus, anchors), *_twins(questions)]
    found += _elsewhere(questions, corpus)
    found += _answered(questions, corpus)
    if longest_chunk_characters is not None:
        found += _long(questions, longest_chunk_characters)
    found += _copied(questions)
    place = {q.id: i for i, q in enumerate(questions)}
    worst = list(KINDS)
    return tuple(sorted(found, key=lambda f: (place[f.question], worst.index(f.kind))))


def _unplaced(questions: Sequence[Question], corpus: Corpus) -> Iterator[Finding]:
    for question in questions:
        for lost in question.lost:
            yield Finding(lost.kind, question.id, f"“{_clip(lost.quote)}”: {lost.reason}")
        for reference in question.references:
            if reference.span.document not in corpus:
                yield Finding("gone", question.id, f"the document of “{_clip(reference.quote)}” is not here")


def _drifted(questions: Sequence[Question], corpus: Corpus, anchors: Sequence[Anchor]) -> Iterator[Finding]:
    here = {q.id for q in questions}
    for anchor in anchors:
        if anchor.how == "approximate" and anchor.question in here:
            message = f"“{_clip(anchor.quote)}” has changed ({anchor.score:.0f} of 100 alike): check it"
            yield Finding("drifted", anchor.question, message, span=anchor.span)
    for question in questions:
        for r in _placed(question, corpus):
            if squeezed(corpus[r.span]) != squeezed(r.quote):
                yield Finding("drifted", question.id, f"“{_clip(r.quote)}” is not what is there", span=r.span)


def _twins(questions: Sequence[Question]) -> Iterator[Finding]:
    """Yield each pair once, on the later question."""
    from rapidfuzz.fuzz import token_sort_ratio
    from rapidfuzz.process import cdist

    texts = [_folded(q.text) for q in questions]
    for j in range(1, len(texts)):
        alike = cdist([texts[j]], texts[:j], scorer=token_sort_ratio, score_cutoff=NEAR_DUPLICATE)[0]
        for i in alike.nonzero()[0].tolist():
            twin = questions[i]
            if texts[i] == texts[j]:
                yield Finding("duplicate", questions[j].id, f"the same question as {twin.id}", twin.id)
            elif same_question(texts[i], texts[j]):
                message = f"almost the same question as {twin.id}: “{_clip(twin.text)}”"
                yield Finding("near-duplicate", questions[j].id, message, twin.id)


def same_question(a: str, b: str) -> bool:
    """Return whether two questions ask the same: alike, with the same numbers, and differing in spelling alone."""
    from rapidfuzz.fuzz import ratio, token_sort_ratio

    a, b = _folded(a), _folded(b)
    if a == b:
        return True
    if token_sort_ratio(a, b) < NEAR_DUPLICATE or facts(a) != facts(b):
        return False
    left, right = set(content_words(a)), set(content_words(b))
    only_left, only_right = " ".join(sorted(left - right)), " ".join(sorted(right - left))
    return ratio(only_left, only_right) >= _SPELLING


def _elsewhere(questions: Sequence[Question], corpus: Corpus) -> Iterator[Finding]:
    """Find passages whose words are also at a place that is not gold: a hit there would count for nothing."""
    documents = corpus.documents
    starts = list(accumulate((len(d.text) + 2 for d in documents), initial=0))
    place = {d.id: start for d, start in zip(documents, starts, strict=False)}
    text = Quotable("\n\n".join(d.text for d in documents))
    for question in questions:
        gold = [
            (place[r.span.document] + r.span.start, place[r.span.document] + r.span.end)
            for r in _placed(question, corpus)
        ]
        for reference in _placed(question, corpus):
            size = len(squeezed(reference.quote))
            others = text.find_letters(reference.quote) if size >= SHORTEST_ANSWER else []
            kind, words = "elsewhere", "is found"
            others = [o for o in others if not _touches(o, gold)]
            if not others and size >= SHORTEST_COPY:
                near = [n for n in text.nearest(reference.quote) if n.score >= NEAR_COPY]
                others = [(n.start, n.end) for n in near if not _touches((n.start, n.end), gold)]
                others = [o for o in others if facts(text.text[slice(*o)]) == facts(reference.quote)]
                kind, words = "near-copy", "is almost found"
            if others:
                at = bisect_right(starts, others[0][0]) - 1
                span = Span(documents[at].id, others[0][0] - starts[at], others[0][1] - starts[at])
                more = f" and in {len(others) - 1} places more" if len(others) > 1 else ""
                message = f"“{_clip(reference.quote)}” {words} in {documents[at].name}{more} too, where it is not gold"
                yield Finding(kind, question.id, message, span=span)


def _answered(questions: Sequence[Question], corpus: Corpus) -> Iterator[Finding]:
    """Find unanswerable questions with `COPIED` of their content words within `TOGETHER` characters."""
    asked = {q.id: set(content_words(q.text)) for q in questions if not q.answerable}
    asked = {id: words for id, words in asked.items() if len(words) >= FEWEST_WORDS}
    if not asked:
        return
    every = frozenset[str]().union(*asked.values())
    best: dict[str, tuple[int, Span]] = {}
    for document in corpus:
        found = [(m[0].casefold(), m.start(), m.end()) for m in _WORD.finditer(document.text)]
        found = [place for place in found if place[0] in every]
        for id, words in asked.items():
            count, start, end = _closest([place for place in found if place[0] in words])
            if count >= COPIED * len(words) and count > best.get(id, (0,))[0]:
                best[id] = count, Span(document.id, start, end)
    for id, (count, span) in best.items():
        where = f"{corpus.document(span.document).name}: “{_clip(corpus[span])}”"
        message = f"marked unanswerable, but {count} of its {len(asked[id])} content words are together in {where}"
        yield Finding("answered", id, message, span=span)


def _closest(places: Sequence[tuple[str, int, int]]) -> tuple[int, int, int]:
    """Return (different words, start, end) of the `TOGETHER` characters that hold most of these words."""
    best, last = (0, 0, 0), dict[str, int]()  # word → where it began last
    for word, start, end in places:
        last[word] = start
        near = [at for at in last.values() if end - at <= TOGETHER]
        if len(near) > best[0]:
            best = len(near), min(near), end
    return best


def _long(questions: Sequence[Question], longest: int) -> Iterator[Finding]:
    for question in questions:
        for r in question.references:
            if len(r.span) > longest:
                message = f"a passage of {len(r.span):,} characters; no chunk has more than {longest:,}"
                yield Finding("long", question.id, message, span=r.span)


def _copied(questions: Sequence[Question]) -> Iterator[Finding]:
    for question in questions:
        words = set(content_words(question.text))
        there = {w for r in question.references for w in content_words(r.quote)}
        if len(words) >= FEWEST_WORDS and len(words & there) >= COPIED * len(words):
            message = f"{len(words & there)} of its {len(words)} content words are those of its passage: ask otherwise"
            yield Finding("copied", question.id, message)


def content_words(text: str) -> list[str]:
    """Return the folded words of a text without question words and small words of six languages."""
    return [w for w in _WORD.findall(text.casefold()) if w not in _EMPTY_WORDS]


def _placed(question: Question, corpus: Corpus) -> list[Reference]:
    return [r for r in question.references if r.span.document in corpus]


def _touches(place: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(place[0] < end and start < place[1] for start, end in others)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
