"""Chunk health on documents made so that one thing at a time is wrong, and how vectors lie."""

import numpy as np
import pytest

from workbench.diagnostics import examine, hubs_among_misses, neighbourhoods, split_answers
from workbench.documents import Chunks, Corpus, Document, Section
from workbench.records import Hit
from workbench.spans import Span
from workbench.splitters import Recursive
from workbench.vectors import unit

WORDS = "The relief valve opens at ten bar and closes at eight. Its seat is made of bronze. Check it every year."


def document(text: str, *sections: tuple[str, int, int, str], id: str = "d") -> Document:
    made = tuple(Section(kind, 1, Span(id, start, end), title) for kind, start, end, title in sections)
    return Document(source=id * 64, id=id, name=id, text=text, sections=made)


def findings(shown: Document, pairs, headers=(), size=200, limit=None, others=()):
    splitter = Recursive(chunk_size=size, chunk_overlap=0, unit="characters")
    chunks = {shown.id: Chunks.of(shown, pairs, headers)} | {d.id: Chunks.of(d, [(0, len(d.text))]) for d in others}
    found = examine(Corpus((shown, *others)), splitter, chunks, "wordllama-256", limit)
    return {f.kind: f for f in found}


def test_a_cut_sentence_is_found_and_a_whole_one_is_not():
    end = WORDS.index("Its")
    clean = findings(document(WORDS), [(0, end), (end, len(WORDS))])
    assert clean["cut sentences"].count == 0
    cut = findings(document(WORDS), [(0, end + 8), (end + 8, len(WORDS))])
    assert (cut["cut sentences"].count, cut["cut sentences"].of) == (2, 2)


def test_a_line_that_the_margin_broke_goes_on_and_one_that_its_author_ended_does_not():
    wrapped = (
        "The relief valve opens at ten bar and closes\nat eight when the set runs with four pumps or\nmore of them."
    )
    at = wrapped.index("at eight")
    assert findings(document(wrapped), [(0, at), (at, len(wrapped))])["cut sentences"].count == 2
    listed = "Parts of the set that wear and have to be changed\nSeals\nBearings of all the motors that are in the set"
    at = listed.index("Bearings")
    assert findings(document(listed), [(0, at), (at, len(listed))])["cut sentences"].count == 0


@pytest.mark.parametrize("kind", ["table", "code"])
def test_a_section_that_no_chunk_holds_is_cut(kind):
    text = f"{WORDS}\n\na | b\n1 | 2\n3 | 4\n\nThe end of it."
    start, end = text.index("a |"), text.index("\n\nThe end")
    shown = document(text, (kind, start, end, ""))
    assert findings(shown, [(0, len(text))])[f"cut {kind}s".replace("codes", "code")].count == 0
    cut = findings(shown, [(0, start + 6), (start + 6, len(text))])[f"cut {kind}s".replace("codes", "code")]
    assert cut.examples == (Span("d", start, end),)
    assert cut.share == 1


def test_a_heading_is_severed_unless_a_header_carries_it():
    text = f"Valves\n\n{WORDS}"
    shown = document(text, ("heading", 0, 6, "Valves"))
    apart = [(0, 6), (8, len(text))]
    assert findings(shown, [(0, len(text))])["severed headings"].count == 0
    assert findings(shown, apart)["severed headings"].examples == (Span("d", 0, 6),)
    assert findings(shown, apart, ("", "Valves"))["severed headings"].count == 0


def test_a_heading_over_a_heading_is_not_counted():
    text = f"Manual\n\nValves\n\n{WORDS}"
    shown = document(text, ("heading", 0, 6, "Manual"), ("heading", 8, 14, "Valves"))
    found = findings(shown, [(0, 6), (8, len(text))])["severed headings"]
    assert (found.count, found.of) == (0, 1)


def test_sizes_are_held_against_the_size_asked_for():
    found = findings(document(WORDS), [(0, 10), (10, len(WORDS))], size=60)
    assert (found["tiny chunks"].count, found["oversized chunks"].count) == (1, 1)


def test_what_the_model_never_sees_is_shown():
    found = findings(document(WORDS), [(0, len(WORDS))], limit=5)["truncated chunks"]
    assert found.count == 1
    assert found.examples[0].end == len(WORDS)
    assert findings(document(WORDS), [(0, len(WORDS))], limit=500)["truncated chunks"].count == 0


def test_rules_and_dots_say_little_and_other_scripts_do_not():
    dots = "Valves ........................ 4"
    text = f"{WORDS}\n{dots}\n安全弁は十気圧で開き八気圧で閉じる。座面は青銅で作られている。"
    at = text.index(dots)
    found = findings(document(text), [(0, at), (at, at + len(dots)), (at + len(dots) + 1, len(text))])
    assert found["low-information chunks"].examples == (Span("d", at, at + len(dots)),)


def test_lines_that_repeat_over_the_corpus_are_boilerplate():
    footer = "Confidential, property of Hallmere Pumps & Controls Ltd."
    others = [document(f"{WORDS} {i}\n{footer}", id=f"o{i}") for i in range(2)]
    text = f"{WORDS}\n{footer}"
    at = text.index(footer)
    found = findings(document(text), [(0, at), (at, len(text))], others=others)["boilerplate"]
    assert Span("d", at, len(text)) in found.examples
    assert found.count == 1


def test_a_repeated_chunk_is_a_duplicate_once():
    text = f"{WORDS}\n\n{WORDS.upper()}"
    half = len(WORDS)
    found = findings(document(text), [(0, half), (half + 2, len(text))])["duplicates"]
    assert found.examples == (Span("d", half + 2, len(text)),)


def test_every_finding_of_a_document_without_text_is_zero():
    assert {f.count for f in findings(document(""), []).values()} == {0}


# --- neighbourhoods


def test_a_chunk_amid_the_others_is_their_hub():
    spread = np.eye(40, 41, dtype=np.float32)
    spread[:, 40] = 0.9
    middle = np.zeros((1, 41), np.float32)
    middle[0, 40] = 1
    lie = neighbourhoods(unit(np.concatenate([spread, middle])), k=1)
    assert lie.hubs[0] == 40
    assert lie.occurrence[40] == 40
    assert lie.skew > 1
    assert 40 not in lie.orphans


def test_duplicates_do_not_count_themselves():
    rows = unit(np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0.6, 1]], np.float32))
    lie = neighbourhoods(rows, k=2)
    assert all(i not in lie.neighbours[i].tolist() for i in range(4))
    assert lie.near_duplicates.tolist() == [[0, 1]]


def test_an_outlier_is_far_from_its_nearest():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal([5, 0, 0, 0], 0.2, (30, 4)), [[-1.0, 4, 4, 4]]])
    assert neighbourhoods(unit(rows), k=3).outliers[0] == 30


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_vectors_have_no_neighbours(n):
    lie = neighbourhoods(np.ones((n, 4), np.float32))
    assert (lie.k, len(lie.hubs), len(lie.outliers), len(lie.near_duplicates)) == (0, 0, 0, 0)


def test_hubs_that_cause_misses_are_told_from_those_that_do_not():
    hubs = np.array([7])
    blamed = hubs_among_misses(hubs, [[7, 1], [7, 2], [7, 3], [7, 4]] + [[1, 2]] * 8, [True] * 4 + [False] * 8)
    assert (blamed.missed, blamed.answered) == (0.5, 0.0)
    assert blamed.p < 0.05
    assert np.isnan(hubs_among_misses(hubs, [[1]], [True]).p)
    assert np.isnan(hubs_among_misses(hubs, [[1], [7], [2]], [True, False, False]).p)


def test_neighbouring_hits_are_a_split_answer():
    def hit(rank, chunk, document="d"):
        return Hit(Span(document, chunk * 10, chunk * 10 + 10), 1 / rank, rank, chunk)

    pairs = split_answers([[hit(1, 5), hit(2, 9), hit(3, 4)], [hit(1, 1), hit(2, 2, "e")], []])
    assert [(a.chunk, b.chunk) for a, b in pairs] == [(5, 4)]
