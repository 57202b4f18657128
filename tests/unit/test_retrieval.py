"""Collections and their filters, the rules of hits, the assembled context, and rank movement."""

import subprocess
import sys

import numpy as np
import pytest

from workbench.documents import Chunks, Corpus, Document, Section
from workbench.errors import DocumentError, SpecError
from workbench.records import Hit
from workbench.retrievers import BM25, Collection, Dense, Hybrid, Where, context, movements
from workbench.spans import Span


def document(name: str, text: str, *headings: tuple[int, str], pages: int = 0) -> Document:
    """A document whose headings are found by their title, in order."""
    sections, at = [], 0
    for level, title in headings:
        at = text.index(title, at)
        sections.append(Section("heading", level, Span(name, at, at + len(title)), title))
        at += len(title)
    size = len(text) // pages if pages else 0
    numbered = tuple((i + 1, Span(name, i * size, (i + 1) * size)) for i in range(pages))
    return Document(name, name, name, text, tuple(sections), numbered)


def every(documents: list[Document], size: int) -> Collection:
    """Chunks of `size` characters."""
    return Collection(
        Corpus(tuple(documents)),
        [Chunks.of(d, [(i, min(i + size, len(d.text))) for i in range(0, len(d.text), size)]) for d in documents],
    )


class Vectors:
    """Inner products with fixed vectors; counts its searches. `narrow` stands for an index that finds a part only."""

    def __init__(self, rows: list[list[float]], query: list[float]) -> None:
        self.rows, self.query = np.array(rows, np.float32), np.array([query], np.float32)
        self.asked: list[int] = []
        self.batches: list[int] = []

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(k)
        scores = queries @ self.rows.T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, order, axis=1), order

    def encode_query(self, texts: list[str]) -> np.ndarray:
        self.batches.append(len(texts))
        return np.repeat(self.query, len(texts), axis=0)


def test_rows_go_by_document_then_start_whatever_order_they_came_in() -> None:
    a, b = document("a", "one two three"), document("b", "four five")
    rows = Collection(
        Corpus((b, a)), [Chunks.of(b, [(5, 9), (0, 4)], ["h2", "h1"]), Chunks.of(a, [(0, 3), (4, 13), (0, 2)])]
    )
    assert [rows.span(i) for i in range(len(rows))] == [
        Span("a", 0, 2), Span("a", 0, 3), Span("a", 4, 13), Span("b", 0, 4), Span("b", 5, 9),
    ]  # fmt: skip
    assert [*rows.texts()] == ["on", "one", "two three", "h1\n\nfour", "h2\n\nfive"]
    assert rows.document_index.tolist() == [0, 0, 0, 1, 1]
    with pytest.raises(DocumentError, match="not in this corpus"):
        Collection(Corpus((a,)), [Chunks.of(b, [(0, 4)])])
    with pytest.raises(DocumentError, match="twice"):
        Collection(Corpus((a,)), [Chunks.of(a, [(0, 4)]), Chunks.of(a, [(0, 4)])])


def test_a_score_of_zero_is_no_hit_alone_and_in_hybrid() -> None:
    d = document("d", "pear apple plum ")
    rows = Collection(Corpus((d,)), [Chunks.of(d, [(0, 5), (5, 11), (11, 16)])])
    assert [h.chunk for h in BM25()(rows, ["apple"], 5)[0]] == [1]
    assert BM25()(rows, ["", "§", "kiwi"], 5) == [[], [], []]
    dense = Vectors([[1], [2], [3]], [1])
    both = rows.with_vectors(dense, dense)
    for fusion in ("rrf", "weighted"):
        alone = Hybrid(fusion=fusion)(both, ["kiwi"], 5)[0]
        assert [h.chunk for h in alone] == [2, 1, 0]  # the dense order, not moved by rows that BM25 did not find
    assert Hybrid()(both, ["kiwi"], 5)[0][0].score == pytest.approx(1 / 61)


def test_equal_scores_go_by_document_and_start_also_where_k_cuts_them() -> None:
    a, b = document("a", "same same same "), document("b", "same same ")
    rows = every([b, a], 5)
    spans = [(h.span.document, h.span.start) for h in BM25()(rows, ["same"], 4)[0]]
    assert spans == [("a", 0), ("a", 5), ("a", 10), ("b", 0)]


def test_codes_are_hit_and_headers_are_searched() -> None:
    d = document("d", "Error E-4417: valve stuck. Error E-4418: valve open. ")
    rows = Collection(Corpus((d,)), [Chunks.of(d, [(0, 27), (27, 53)], ["Leave", ""])])
    assert [h.chunk for h in BM25()(rows, ["error E-4418"], 1)[0]] == [1]
    assert [h.chunk for h in BM25()(rows, ["4418"], 5)[0]] == [1]
    hit = BM25()(rows, ["leave"], 5)[0][0]
    assert (hit.chunk, hit.header, hit.span) == (0, "Leave", Span("d", 0, 27))


def test_a_section_is_all_that_stands_under_its_heading() -> None:
    text = "intro. A first. A1 sub. B other. A first again."
    d = document("d", text, (1, "A"), (2, "A1"), (1, "B"), (1, "A"))
    plain = document("plain", "A but no heading.")
    place = text.index("B other")
    pairs = [(i, min(i + 4, len(text))) for i in range(0, len(text), 4)] + [(place - 4, place), (place, place + 4)]
    whole = Chunks.of(plain, [(0, 17)])
    rows = Collection(Corpus((d, plain)), [Chunks.of(d, pairs), whole])

    def inside(*path: str) -> str:
        return "".join(rows.text(i) for i in np.flatnonzero(rows.mask(Where(section=path))))

    for path in [("A",), ("A", "A1"), ("B",)]:
        mask = rows.mask(Where(section=path))
        assert mask is not None
        for i, allowed in enumerate(mask):
            span = rows.span(i)
            owner = rows.corpus.document(span.document)
            assert allowed == any(owner.heading_path(at)[: len(path)] == path for at in range(span.start, span.end))
    assert "sub" in inside("A", "A1")
    assert "other" not in inside("A", "A1")
    assert inside("A1") == ""
    both = rows.mask(Where(documents=("plain",), section=("A",)))
    assert not np.any(both)
    with pytest.raises(DocumentError):
        rows.mask(Where(documents=("unknown",)))
    with pytest.raises(SpecError, match=f"{len(rows)} booleans"):
        rows.mask(np.ones(3, np.bool_))


def test_a_filtered_dense_search_is_exact_by_asking_for_more_or_by_an_index_of_the_subset() -> None:
    d = document("d", "x" * 40)
    rows = every([d], 1)
    dense = Vectors([[40 - i] for i in range(40)], [1])
    allowed = np.zeros(40, np.bool_)
    allowed[[3, 30, 39]] = True
    wider = Dense()(rows.with_vectors(dense, dense), ["q"], 3, where=allowed)[0]
    assert [h.chunk for h in wider] == [3, 30, 39]
    assert dense.asked == [6, 12, 24, 40]
    made = []

    def subset(some: np.ndarray) -> Vectors:
        made.append(some.tolist())
        return Vectors(dense.rows[some].tolist(), [1])

    narrow = rows.with_vectors(dense, dense, subset)
    assert Dense()(narrow, ["q", "r"], 3, where=allowed) == [wider, wider]
    assert made == [[3, 30, 39]]  # made once
    assert Dense()(narrow, ["q"], 3, where=np.ones(40, np.bool_))[0][0].chunk == 0
    assert len(made) == 1


def test_each_query_is_encoded_once_and_alone() -> None:
    d = document("d", "xyz")
    dense = Vectors([[1], [1], [1]], [1])
    rows = every([d], 1).with_vectors(dense, dense)
    Dense()(rows, ["q", "r", "q"], 2)
    Hybrid()(rows, ["r"], 2)
    assert dense.batches == [1, 1]
    assert dense.asked == [2, 3]  # two queries in one search, then one at hybrid's depth
    with pytest.raises(SpecError, match="list of texts"):
        Dense()(rows, "q", 2)


def test_collections_with_the_same_embedder_encode_a_query_once() -> None:
    class Named(Vectors):
        fingerprint = "an embedder of this test"

    dense = Named([[1], [1]], [1])
    for _ in range(3):
        Dense()(every([document("d", "xy")], 1).with_vectors(dense, dense), ["q"], 1)
    assert dense.batches == [1]


def test_other_vectors_encode_the_query_anew() -> None:
    first, second = Vectors([[1], [2]], [1]), Vectors([[1], [2]], [-1])
    rows = every([document("d", "xy")], 1).with_vectors(first, first)
    assert Dense()(rows, ["q"], 1)[0][0].chunk == 1
    assert Dense()(rows.with_vectors(second, second), ["q"], 1)[0][0].chunk == 0


def test_weighted_scores_that_are_all_equal_count_in_full() -> None:
    dense = Vectors([[1], [1], [1]], [1])
    rows = every([document("d", "red ink red ")], 4).with_vectors(dense, dense)
    hits = Hybrid(fusion="weighted", weight=0.25)(rows, ["red"], 5)[0]
    assert [(h.chunk, h.score) for h in hits] == [(0, 1.0), (2, 1.0), (1, 0.25)]


def test_vectors_that_come_later_share_the_lexical_index() -> None:
    rows = every([document("d", "red blue ")], 4)
    before = BM25()(rows, ["blue"], 1)
    dense = Vectors([[1]] * 3, [1])
    later = rows.with_vectors(dense, dense)
    assert later._lexical is rows._lexical
    assert BM25()(later, ["blue"], 1) == before
    assert not rows.has_vectors
    assert later.has_vectors


def test_of_the_lexical_indexes_the_last_two_used_are_kept() -> None:
    rows = every([document("d", "red blue ")], 4)
    for k1 in (1.0, 1.5, 1.0, 2.0, 1.0):
        assert BM25(k1=k1)(rows, ["blue"], 1)
    assert [k1 for k1, _, _ in rows._lexical._entries] == [2.0, 1.0]
    assert BM25(k1=1.5)(rows, ["blue"], 1) == BM25(k1=1.5)(every([document("d", "red blue ")], 4), ["blue"], 1)


def test_the_context_joins_what_continues_and_says_where_it_is_from() -> None:
    text = "Leave\n\nTwo weeks.\n\nMore text here. Pay\nMonthly."
    d = document("handbook.pdf", text, (1, "Leave"), (2, "Pay"), pages=2)
    other = document("z.txt", "Alone.")
    corpus = Corpus((d, other))

    def hit(rank: int, name: str, start: int, end: int) -> Hit:
        return Hit(Span(name, start, end), 1 / rank, rank, 0)

    two, more, monthly = text.index("Two"), text.index("More"), text.index("Monthly")
    hits = [
        hit(1, "z.txt", 0, 6),
        hit(2, "handbook.pdf", more, more + 9),
        hit(3, "handbook.pdf", monthly, len(text)),
        hit(4, "handbook.pdf", two, two + 10),  # a blank line before rank 2
        hit(5, "handbook.pdf", more + 5, more + 14),  # overlaps rank 2
        hit(6, "handbook.pdf", more + 6, more + 8),  # inside rank 5
    ]
    made = context(hits, corpus)
    assert [p.ranks for p in made.passages] == [(1,), (2, 4, 5, 6), (3,)]
    assert [p.text for p in made.passages] == ["Alone.", "Two weeks.\n\nMore text here", "Monthly."]
    assert all(corpus[p.span] == p.text for p in made.passages)
    assert made.text == (
        "[1] z.txt\nAlone.\n\n[2] handbook.pdf · page 1 · Leave\nTwo weeks.\n\nMore text here"
        "\n\n[3] handbook.pdf · page 2 · Leave › Pay\nMonthly."
    )
    assert context([], corpus).text == ""


def ranked(*spans: tuple[int, int], name: str = "d") -> list[Hit]:
    return [Hit(Span(name, a, b), 1 / rank, rank, rank) for rank, (a, b) in enumerate(spans, 1)]


def test_movement_of_the_same_chunks() -> None:
    a, b = ranked((0, 10), (10, 20), (20, 30)), ranked((20, 30), (10, 20), (50, 60))
    moved = movements(a, b)
    assert [(m.word, m.change) for m in moved] == [("up", 2), ("same", 0), ("entered", None), ("left", None)]
    assert [(m.old, m.new) for m in moved] == [(a[2], b[0]), (a[1], b[1]), (None, b[2]), (a[0], None)]


def test_movement_across_chunkings_pairs_by_overlap_and_not_by_chunk_overlap() -> None:
    small, large = ranked((0, 100), (90, 190), (400, 500)), ranked((380, 700), (0, 200))
    moved = movements(small, large)
    assert [(m.old and m.old.rank, m.new and m.new.rank) for m in moved] == [(3, 1), (1, 2), (2, None)]
    for start, same in ((50, True), (51, False), (80, False)):
        words = [m.word for m in movements(ranked((0, 100)), ranked((start, start + 100)))]
        assert words == (["same"] if same else ["entered", "left"])
    nearest = movements(ranked((0, 100), (30, 130)), ranked((30, 135), (0, 105)))
    assert [m.change for m in nearest] == [1, -1]
    elsewhere = movements(ranked((0, 100)), ranked((0, 100), name="other"))
    assert [m.word for m in elsewhere] == ["entered", "left"]
    assert movements([], []) == []


def test_every_hit_of_both_lists_appears_once() -> None:
    draw = np.random.default_rng(7)
    for _ in range(50):
        a, b = (ranked(*[(s, s + n) for s, n in draw.integers(1, 40, (draw.integers(0, 8), 2)).tolist()]) for _ in "ab")
        moved = movements(a, b)
        assert sorted(m.old.rank for m in moved if m.old) == [h.rank for h in a]
        assert [m.new.rank for m in moved if m.new] == [h.rank for h in b]


def test_nothing_heavy_is_imported_with_the_module() -> None:
    code = (
        "import sys, workbench.retrievers; print([m for m in ('bm25s', 'faiss', 'torch', 'scipy') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
