"""The terms of a text: one for a word, whole and parts for a code, pairs of characters for scripts without spaces."""

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.documents import Document
from workbench.retrievers.analyser import located, matches, terms
from workbench.retrievers.bm25 import row_terms
from workbench.spans import ranges

CASES = {
    "The quick brown FOX": "the quick brown fox",
    "company's o'clock": "company s o clock",
    "well-known and/or person(s)": "well known and or person s",
    "E-4417": "e-4417 e 4417",
    "88-1032-B": "88-1032-b 88-1032 88 1032 b",
    "§ 12.3(b)": "12.3(b) 12.3 12 3 b",
    "§12.3(b)(ii), 4": "12.3(b)(ii) 12.3(b) 12.3 12 3 b ii 4",
    "see 12.": "see 12",
    "v1.2.3": "v1.2.3 v1.2 v1 v 1 2 3",
    "2016/679": "2016/679 2016 679",
    "jane.doe@acme.com": "jane.doe@acme.com jane.doe acme.com jane doe acme com",
    "max_tokens": "max_tokens max tokens",
    "src/app.py": "src/app.py app.py src app py",
    "R&D": "r&d r d",
    "E4417": "e4417 e 4417",
    "32GB": "32gb 32 gb",
    "1a2b 1a2b3": "1a2b 1 a 2 b 1a2b3",  # too many turns for parts that mean something
    "a-1-b-2-c-3-d-4-e-5": "a-1-b-2-c-3-d-4-e-5 a 1 b 2 c 3 d 4 e 5",  # too many pieces for beginnings
    "東京都庁": "東京 京都 都庁",
    "猫 A社2020": "猫 a 社 2020",
    "한국어": "한국 국어",
    "हिन्दी भाषा": "हिन्दी भाषा",  # vowel signs are marks, and end no word
    "Straße ﬁnd ＡＢＣ m²": "strasse find abc m2",
    "co\u00adoperate \ufeffhi": "cooperate hi",
    "": "",
    " — … §§ () _ - ": "",
}


@pytest.mark.parametrize("text", CASES)
def test_terms(text: str) -> None:
    assert terms(text) == CASES[text].split()


@pytest.mark.parametrize("hyphen", "\u2010\u2011\u2013\u2212\uff0d")
def test_a_code_is_found_whatever_hyphen_the_document_uses(hyphen: str) -> None:
    assert terms(f"E{hyphen}4417") == terms("E-4417")


@pytest.mark.parametrize("text", ["café Ångström", "ガラス", "한국어", "hà nội", "ﾊﾟｿｺﾝ"])
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_unicode_forms_of_a_text_have_the_same_terms(text: str, form: str) -> None:
    assert terms(unicodedata.normalize(form, text)) == terms(text)


def test_an_ordinary_word_is_one_term() -> None:
    text = "Neither hyphen-joined words, nor either/or; not (even) this: it's \u201cquoted\u201d \u2013 counts twice."
    words = "neither hyphen joined words nor either or not even this it s quoted counts twice"
    assert terms(text) == words.split()


def test_a_query_is_marked_where_it_stands() -> None:
    text = "Fault E\u20114417: cafe\u0301 closed. See 4417, not E-4418."
    marked = [text[a:b] for a, b in matches("error e-4417 CAFÉ", text)]
    assert marked == ["E\u20114417", "cafe\u0301", "4417", "E"]
    assert [text[a:b] for a, b in matches("4417", text)] == ["4417", "4417"]
    assert matches("東京都", "東京都庁") == [(0, 3)]
    assert matches("nothing", text) == []
    assert matches("", text) == []


joints = st.sampled_from(list(" -._/@&()\n'’§\u2011\u00ad\u200d\ufe0f"))
letters = st.sampled_from(list("abEß1234é東京あｶﾞ한ᄒ\u1161ก็र्\u0301²①\U0001d400\U00020000🙂"))
texts = st.lists(st.one_of(joints, letters, st.text(max_size=4)), max_size=40).map("".join)


@given(texts)
def test_places_hold_their_terms(text: str) -> None:
    found = located(text)
    assert [t.text for t in found] == terms(text)
    assert len({(t.start, t.end) for t in found}) == len(found)  # nothing is counted twice
    for t in found:
        assert 0 <= t.start < t.end <= len(text)
        assert t.text
        assert unicodedata.is_normalized("NFKC", t.text)
    places = matches(text, text)
    assert all(a < b for a, b in places)
    assert all(b < c for (_, b), (c, _) in pairwise(places))


@settings(max_examples=300)
@given(st.lists(st.one_of(joints, letters, letters, letters), max_size=30).map("".join), st.data())
def test_a_chunks_terms_read_off_the_document_are_those_of_its_text_alone(text: str, data: st.DataObject) -> None:
    place = st.integers(0, len(text))
    cuts = data.draw(st.lists(st.tuples(place, place), min_size=1, max_size=12))
    spans = ranges((min(pair), max(pair)) for pair in cuts)
    document = Document("source", "id-" + text, "name", text)
    rows = row_terms([(document, spans, ["E-1 head"] * len(spans))])
    words = list(rows.vocabulary)
    for (start, end), ids in zip(spans.tolist(), np.split(rows.ids, rows.first[1:-1]), strict=True):
        assert sorted(words[i] for i in ids) == sorted(terms(f"E-1 head\n\n{text[start:end]}"))


def test_every_cut_of_a_code_has_the_terms_of_its_text() -> None:
    text = "§ 12.3(b)(ii)-4 東京都庁A E4417_x é\u0301\u00ad-abc ok"
    pairs = [(a, b) for a in range(len(text) + 1) for b in range(a, len(text) + 1)]
    rows = row_terms([(Document("source", "id-cuts", "name", text), ranges(pairs), [])])
    words = list(rows.vocabulary)
    for (a, b), ids in zip(pairs, np.split(rows.ids, rows.first[1:-1]), strict=True):
        assert sorted(words[i] for i in ids) == sorted(terms(text[a:b]))


@given(st.text("aB1-._/@&() ", max_size=40))
def test_plain_text_has_the_same_terms_beside_other_scripts(text: str) -> None:
    assert terms(text + " é") == [*terms(text), "é"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["a.", "1-", "a_", "(1", "a(b", "東", "e\u0301", "_", "a\u00ad", "1(1)", "a1", "\u0301"]
)
def test_any_repetition_is_read_in_linear_time(unit: str) -> None:
    """Quadratic work on this much would take hours."""
    assert len(terms(unit * 300_000)) <= 900_001
