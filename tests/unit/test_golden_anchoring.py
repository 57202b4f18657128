"""Re-anchoring: quotes found again in texts that were parsed anew, and whatever has no place told and kept."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.documents import Corpus, Document
from workbench.golden import APPROXIMATE, Anchoring, anchored, find_quote, read_golden, reread_golden, write_golden
from workbench.golden.quotes import Quotable, approximate, squeezed
from workbench.parsers import PARSERS, parse, read
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.specs import digest

WORDS = """pump valve sensor pressure manifold gasket torque converter bearing spare flange seal lime water electric
motor wrench coupling thread membrane vessel suction discharge relief controller fieldbus alarm menu service manual
invoice order delivery warranty return certificate inspector class building operator maker installer drinking hygiene
standstill flush isolate drain capillary teach exchange tighten level frame rubber housing drawing label
serial""".split()


def document(text: str, name: str = "manual.txt", file: str = "file") -> Document:
    return Document(digest(file.encode()), digest(text.encode()), name, text)


def prose(seed: int, words: int = 400) -> str:
    """Sentences that no two places share."""
    rng = random.Random(seed)
    out = []
    for i in range(words):
        word = rng.choice(WORDS)
        out.append(word + rng.choice(["", "", "", "", ",", ".", f" {i}"]))
    return " ".join(out)


TEXT = prose(1)
BEFORE = Corpus((document(TEXT),))


def question(text: str, start: int, end: int, id: str = "q1") -> Question:
    return Question(id, "Where?", (Reference(Span(document(text).id, start, end), text[start:end]),))


def moved(text: str, start: int, end: int, after: str) -> Anchoring:
    return anchored([question(text, start, end)], Corpus((document(text),)), Corpus((document(after),)))


@st.composite
def passages(draw: st.DrawFn) -> tuple[int, int]:
    """Whole words of TEXT, enough of them to be unlike any other place."""
    starts = [m.start() for m in re.finditer(r"\S+", TEXT)]
    ends = [m.end() for m in re.finditer(r"\S+", TEXT)]
    first = draw(st.integers(0, len(starts) - 12))
    return starts[first], ends[draw(st.integers(first + 7, min(first + 60, len(ends) - 1)))]


@given(passages(), st.text("abc .\n", min_size=1, max_size=300), st.floats(0, 1))
def test_what_is_put_in_elsewhere_moves_a_quote_and_nothing_more(at: tuple[int, int], new: str, where: float) -> None:
    start, end = at
    before = where < 0.5
    cut = int(2 * where * start) if before else end + int((2 * where - 1) * (len(TEXT) - end))
    after = TEXT[:cut] + new + TEXT[cut:]
    (found,) = moved(TEXT, start, end, after).questions
    shift = len(new) if before else 0
    assert found.references == (Reference(Span(document(after).id, start + shift, end + shift), TEXT[start:end]),)


@given(passages(), st.sampled_from(["\n", "  ", "\t", "\u00a0", " \r\n "]))
def test_other_blanks_are_no_other_words(at: tuple[int, int], blank: str) -> None:
    after = "Cover.\n" + TEXT.replace(" ", blank)
    found = moved(TEXT, *at, after)
    assert [a.how for a in found.anchors] == ["respaced"]
    assert squeezed(found.questions[0].references[0].quote) == squeezed(TEXT[slice(*at)])


@given(passages(), st.integers(0, 10_000))
def test_small_typos_are_found_at_the_edges_of_words(at: tuple[int, int], seed: int) -> None:
    """One letter in about thirty is another: likeness stays far above the threshold."""
    rng = random.Random(seed)
    assume(len(squeezed(TEXT[slice(*at)])) >= 30)
    letters = list(TEXT)
    for i in rng.sample([i for i, c in enumerate(TEXT) if c.isalpha()], len(TEXT) // 30):
        letters[i] = "ß"
    after = "Preface of the second edition. " + "".join(letters)
    shift = len(after) - len(TEXT)
    found = moved(TEXT, *at, after)
    (anchor,) = found.anchors
    assert anchor.how in ("approximate", "moved")
    assert anchor.span is not None
    assert anchor.score >= APPROXIMATE
    start, end = anchor.span.start, anchor.span.end
    assert abs(start - at[0] - shift) <= 3
    assert abs(end - at[1] - shift) <= 3
    assert found.questions[0].references[0].quote == after[start:end]
    for edge in (start, end):  # no word is torn
        assert not (after[edge - 1 : edge].isalnum() and after[edge : edge + 1].isalnum())


@given(st.integers(0, 10_000), passages())
def test_unrelated_text_of_the_same_words_is_not_taken(seed: int, at: tuple[int, int]) -> None:
    after = prose(seed + 2)
    assume(TEXT[slice(*at)] not in after)
    found = moved(TEXT, *at, after)
    assert [a.how for a in found.anchors] == ["lost"]
    (kept,) = found.questions
    assert kept.references == ()
    assert [(gone.quote, gone.document, gone.start, gone.end) for gone in kept.lost] == [
        (TEXT[slice(*at)], "manual.txt", *at)
    ]


def test_words_put_in_and_left_out_are_spanned() -> None:
    text = f"Start here now. {prose(5, 40)} And ends here. {prose(6, 200)}"
    end = text.index(" And ends here.") + len(" And ends here.")
    words = text[:end].split()
    changed = " ".join([*words[:12], "whatever", "else", *words[12:25], *words[27:]]) + text[end:]
    (anchor,) = moved(text, 0, end, "x " + changed).anchors
    assert anchor.how == "approximate"
    assert anchor.span is not None
    here = ("x " + changed)[anchor.span.start : anchor.span.end]
    assert here.startswith("Start here now.")
    assert here.endswith("And ends here.")


def test_two_places_as_good_are_not_chosen_between() -> None:
    sentence = "The relief valve of the vessel is to be tested once a year by the operator."
    one, two = sentence.replace("tested", "testad"), sentence.replace("operator", "operater")
    text = f"{prose(7, 50)} {one} {prose(8, 50)} {two} {prose(9, 50)}"
    found = anchored([question(sentence, 0, len(sentence))], Corpus((document(sentence),)), Corpus((document(text),)))
    assert [a.how for a in found.anchors] == ["ambiguous"]
    assert "2 places are as much like it" in found.questions[0].lost[0].reason


def test_a_repeated_quote_is_told_by_the_words_around_it() -> None:
    text = "First pump. Close the valve. Then wait for an hour. Second pump. Close the valve. Then go home."
    second = text.rindex("Close the valve.")
    ask = question(text, second, second + 16)
    after = "New.\n\n" + text.replace(" ", "\n")
    found = anchored([ask], Corpus((document(text),)), Corpus((document(after),)))
    assert found.questions[0].references[0].span.start == after.rindex("Close")
    # A file keeps those words, and only where they are needed.
    written = write_golden([ask, question(text, 0, 11, "q2")], Corpus((document(text),)))
    assert ["prefix" in json.loads(line)["references"][0] for line in written.splitlines()] == [True, False]
    assert read_golden(written.encode(), Corpus((document(after),)))[0][0] == found.questions[0]
    # Without words that tell them apart it is not guessed, however near the old offset is.
    alike = "Close the valve. " * 40
    found = anchored([question(alike, 340, 356)], Corpus((document(alike),)), Corpus((document("x" + alike),)))
    assert found.counts == {"ambiguous": 1}


def test_rows_of_a_table_are_not_taken_for_each_other() -> None:
    row = "88-1032-B\tShaft seal kit\tHX 60, drinking water\tSiC / EPDM\t0.6\t143.5"
    other = "88-1041-C\tShaft seal kit\tHX 60, drinking water\tSiC / EPDM\t0.7\t151.0"
    assert approximate(Quotable(f"SKU\tArticle\n{other}\n"), row)[0] is None
    near, _ = approximate(Quotable(f"SKU\tArticle\n{row.replace('Shaft', 'Schaft')}\n{other}\n"), row)
    assert near is not None
    assert near.start == len("SKU\tArticle\n")


def test_scripts_without_spaces_are_found_to_the_character() -> None:
    text = "水泵每年应当由操作人员检查一次，并在记录簿中写明日期、压力和结果，以便检查员随时查阅。"
    after = f"前言。{text.replace('操作人员', '操作員')}附录。" + "其他内容与此无关。" * 20
    near, _ = approximate(Quotable(after), text)
    assert near is not None
    assert after[near.start : near.end] == text.replace("操作人员", "操作員")


def test_a_passage_without_spaces_is_cut_between_characters() -> None:
    text = "检查员应当每年对全部增压设备进行一次检查并把结果写入设备的记录簿以便操作人员随时可以查阅这些记录"
    quote = text[6:36]
    after = text.replace("一次", "壹次") + "。" + "其他内容与此无关。" * 20
    near, _ = approximate(Quotable(after), quote)
    assert near is not None
    assert (near.start, near.end) == (6, 36)


def test_a_passage_that_is_half_rewritten_is_lost() -> None:
    quote = "The relief valve of the vessel is to be tested once a year by the operator with a gauge."
    other = "The relief valve of the vessel needs no tests at all, says the operator of another plant."
    near, why = approximate(Quotable(f"{prose(3, 60)} {other} {prose(4, 60)}"), quote)
    assert near is None
    assert "is not like enough" in why


def test_a_document_that_is_gone_loses_nothing() -> None:
    """Written without its document and read with it again, a question is as it was."""
    other = document("Something else.", "other.txt", "other")
    asked = [question(TEXT, 10, 60), Question("q2", "And?", (Reference(Span(other.id, 0, 9), "Something"),))]
    both = Corpus((document(TEXT), other))
    without = reread_golden(write_golden(asked, both).encode(), Corpus((other,)))
    assert without.counts == {"kept": 1, "gone": 1}
    assert without.summary == "1 wait for a document that is not here"
    assert reread_golden(write_golden(without.questions, Corpus((other,))).encode(), both).questions == tuple(asked)
    assert len(read_golden(write_golden(asked, both).encode(), Corpus((other,)))[0]) == 1, "an import stays strict"


def test_a_file_that_was_replaced_under_another_name_is_followed() -> None:
    new = Document(digest(b"new"), digest(b"text"), "manual-2.txt", "Preface. " + TEXT)
    over, rows = Corpus((new,)), write_golden([question(TEXT, 10, 60)], BEFORE).encode()
    assert reread_golden(rows, over).counts == {"gone": 1}
    old = document(TEXT).source
    found = reread_golden(rows, over, {old: "f" * 64, "f" * 64: new.source})
    assert found.counts == {"moved": 1}
    assert reread_golden(rows, over, {old: "f" * 64, "f" * 64: old}).counts == {"gone": 1}, "no endless search"


def test_half_lost_questions_keep_both_halves() -> None:
    two = Question("q", "?", tuple(question(TEXT, a, b).references[0] for a, b in ((0, 50), (900, 990))))
    after = Corpus((document(TEXT[:600]),))
    found = anchored([two], BEFORE, after)
    (kept,) = found.questions
    assert (len(kept.references), len(kept.lost)) == (1, 1)
    assert anchored(found.questions, after, BEFORE).questions[0].lost == ()


def test_the_manual_read_by_another_parser(root: Path) -> None:
    """Every passage of the sample's golden set stands in the text of another engine as well."""
    folder, name = root / "sample_docs", "hx-service-manual.pdf"
    corpus = read(folder, safely=False)
    questions, _ = read_golden(folder / "golden.jsonl", corpus)
    other = parse(name, (folder / name).read_bytes(), PARSERS["pypdf"]())
    over = Corpus((other, *(d for d in corpus if d.name != name)))
    found = anchored(questions, corpus, over)
    assert found.counts.keys() <= {"kept", "moved", "respaced"}
    assert sum(found.counts.values()) == sum(len(q.references) for q in questions)
    for was, now in zip(questions, found.questions, strict=True):
        assert [squeezed(r.quote) for r in was.references] == [squeezed(r.quote) for r in now.references]


def test_the_data_set_is_re_anchored_whole(shared: Path) -> None:
    folder = shared / "reference/chunking_evaluation"
    if not folder.is_dir():
        pytest.skip("the data set of chunking_evaluation is not beside the repository")
    corpus = read(folder / "corpora", safely=False)
    questions, _ = read_golden(folder / "questions.csv", corpus)
    after = Corpus(tuple(Document(d.source, digest(d.id.encode()), d.name, "Cover page.\n\n" + d.text) for d in corpus))
    found = anchored(questions, corpus, after)
    assert len(found.questions) == 276
    assert set(found.counts) == {"moved"}
    for was, now in zip(questions, found.questions, strict=True):
        assert [(r.quote, r.span.start + 13) for r in was.references] == [
            (r.quote, r.span.start) for r in now.references
        ]


def test_grams_meet_texts_that_are_shorter_than_they_are() -> None:
    assert Quotable("").nearest("a quote of more than twenty letters") == []
    assert Quotable("short").nearest("a quote of more than twenty letters") == []
    assert Quotable(TEXT).nearest("too short") == []
    assert find_quote("", "x") == []
