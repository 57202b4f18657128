"""Golden sets: the round trip, quotes found again, and one plain line for everything that cannot be taken."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden import LONGEST_LINE, MOST_PLACES, find_quote, read_golden, write_golden
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.specs import digest

PUMPS = "The pump hums.\nClose the valve.\n\nThe pump stops. Close  the\tvalve again. 🙂 Ventil schließen."


def document(text: str, name: str = "pumps.txt", parser: str = "text") -> Document:
    source = digest(text.encode("utf-8"))
    return Document(source, digest(f"{source} {parser}".encode()), name, text, parser=parser)


def corpus(*documents: Document) -> Corpus:
    return Corpus(documents or (document(PUMPS),))


def row(**changes: Any) -> dict[str, Any]:
    """A row that can be taken, with some keys changed; None takes a key away."""
    reference = {"document": "pumps.txt", "start": 4, "end": 8, "quote": "pump"}
    question = {"id": "q1", "question": "What hums?", "references": [reference], "tags": ["easy"]}
    for key, value in changes.items():
        (question if key in ("id", "question", "references", "tags", "answerable") else reference)[key] = value
    for record in (question, reference):
        for key in [k for k, v in record.items() if v is None]:
            del record[key]
    return question


def lines(*rows: Any) -> bytes:
    return "\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows).encode()


def only_problem(data: bytes, over: Corpus | None = None) -> str:
    """The message of the single problem, after which every other line was taken."""
    questions, problems = read_golden(data + b"\n" + lines(row(id="good")), over or corpus())
    assert [q.id for q in questions] == ["good"]
    (problem,) = problems
    assert problem.line == 1
    assert "\n" not in str(problem)
    assert len(str(problem)) < 300
    return problem.message


@st.composite
def golden_sets(draw: st.DrawFn) -> tuple[Corpus, tuple[Question, ...]]:
    texts = draw(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=3, unique=True)
    )
    over = Corpus(tuple(document(text, f"{i}.txt") for i, text in enumerate(texts)))
    words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda s: s.strip())
    questions = []
    for id in draw(st.lists(words, max_size=4, unique=True)):
        references = []
        for _ in range(draw(st.integers(0, 3))):
            d = draw(st.sampled_from(over.documents))
            solid = [i for i, c in enumerate(d.text) if not c.isspace()]
            if solid:
                start = draw(st.sampled_from(solid))
                span = Span(d.id, start, draw(st.integers(start + 1, len(d.text))))
                references.append(Reference(span, over[span]))
        tags = tuple(draw(st.lists(words, max_size=2)))
        questions.append(Question(id, draw(words), tuple(references), tags, bool(references)))
    return over, tuple(questions)


@given(golden_sets())
def test_what_is_written_is_read_back(golden: tuple[Corpus, tuple[Question, ...]]) -> None:
    over, questions = golden
    written = write_golden(questions, over)
    assert read_golden(written.encode("utf-8"), over) == (questions, ())
    assert written.count("\n") == len(questions)


@given(golden_sets(), st.sampled_from(["", " ", "\n", "\r\n", "\u3000", "\t \n"]), st.text(max_size=8))
def test_quotes_follow_their_text(golden: tuple[Corpus, tuple[Question, ...]], blank: str, before: str) -> None:
    """Another parser puts other blanks between the same letters, and something before them."""
    over, questions = golden
    moved = Corpus(tuple(document(before + blank.join(d.text.split()), d.name, "other") for d in over))
    taken, problems = read_golden(write_golden(questions, over).encode("utf-8"), moved)
    assert len(taken) + len(problems) == len(questions)
    for question in taken:
        was = next(q for q in questions if q.id == question.id)
        for old, new in zip(was.references, question.references, strict=True):
            assert moved[new.span] == new.quote
            assert "".join(new.quote.split()) == "".join(old.quote.split())
    assert all("times in" in p.message for p in problems), "a quote is never lost, but may stand there twice"


@given(st.binary(max_size=200))
def test_any_bytes_give_one_line_for_each_problem(data: bytes) -> None:
    assume(not data.startswith(b"PK\x03\x04"))  # a ZIP is a BEIR data set, refused as a whole where it is damaged
    questions, problems = read_golden(data, corpus())
    assert questions == ()
    assert [p.line for p in problems] == [
        i for i, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1) if line.strip()
    ]
    assert all("\n" not in str(p) for p in problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.text("\ud800\udfff", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["document", "start", "end", "quote", "x"]), inner)
    ),
    max_leaves=5,
)


@given(
    st.sampled_from(
        ["id", "question", "references", "tags", "answerable", "document", "start", "end", "quote", "source"]
    ),
    JSON,
)
def test_any_value_in_any_place_is_taken_or_told(key: str, value: Any) -> None:
    questions, problems = read_golden(lines(row(**{key: value})), corpus())
    assert len(questions) + len(problems) == 1
    str(*problems).encode("utf-8") if problems else write_golden(questions, corpus()).encode("utf-8")
    assert all(reference.quote == corpus()[reference.span] for q in questions for reference in q.references)


@pytest.mark.parametrize(
    "bad, message",
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes at column 2"),
        ("[1]", "holds a list where a question"),
        ('"q1"', "holds text where a question"),
        ("[" * 100_000, "the nesting too deep"),
        ('{"id": ' + "9" * 5000 + "}", "a number is too long"),
        ('"' + "a" * LONGEST_LINE + '"', "1,000,002 bytes; at most 1,000,000 are read"),
        (row(id=None), "id is missing"),
        (row(id=7), "id must be text, not 7"),
        (row(id="  "), "id must be text"),
        (row(question=None), "question is missing"),
        (row(question="\ud800"), "question must be text"),
        (row(id="two\nlines" * 100, tags=1), "tags must be a list of texts, not 1"),
        (row(tags="easy"), 'tags must be a list of texts, not "easy"'),
        (row(tags=["a", 1]), "tags must be a list of texts, not a list"),
        (row(answerable="no"), 'answerable must be true or false, not "no"'),
        (row(references={}), "references must be a list, not an object"),
        (row(references=["x"]), "holds text where"),
        (row(references=[]), 'has no references; add one, or mark it "answerable": false'),
        (row(answerable=False), "has references and is marked unanswerable"),
        (row(document="pump.txt"), 'document "pump.txt" is not in the corpus of 1 documents'),
        (row(document=None), "document must be a name, not null"),
        (row(document="x" * 10_000), "is not in the corpus"),
        (row(source="abc"), "source must be a sha256"),
        (row(start="4"), 'start and end must be whole numbers, not "4" and 8'),
        (row(end=None), "start and end must be whole numbers, not 4 and null"),
        (row(start=True), "start and end must be whole numbers, not true and 8"),
        (row(start=4.0), "start and end must be whole numbers"),
        (row(start=8, end=4), "span 8..4 is not valid: 0 <= start < end must hold"),
        (row(start=4, end=4), "span 4..4 is not valid"),
        (row(start=-4), "span -4..8 is not valid"),
        (row(end=10**4000, quote=None), f'"pumps.txt" has {len(PUMPS)} characters'),
        (row(quote=None, source="0" * 64), "is not the file that the span was made for; a quote is needed"),
        (row(quote="turbine"), '4..8 does not hold its quote, and the quote "turbine" is not in "pumps.txt"'),
        (
            row(quote="turbine", end=900),
            f'4..900 is outside the {len(PUMPS)} characters, and the quote "turbine" is not',
        ),
        (row(quote="The pump"), 'the quote "The pump" is found 2 times in "pumps.txt"'),
        (row(quote="close the\n"), 'the quote "close the\\n" is not in'),
        (row(quote="Closethe valve"), "is found 2 times in"),
        (row(quote=" \n"), "quote must be text"),
        (row(quote=5), "quote must be text, not 5"),
        (row(quote=None, start=None, end=None), "has neither start and end nor a quote"),
        (row(quote="e", start=None, end=None), 'has no offsets, and its quote "e" is found 11 times'),
    ],
)
def test_what_cannot_be_taken_is_told(bad: Any, message: str) -> None:
    assert message in only_problem(lines(bad))


def test_a_line_that_is_not_utf8_is_told_and_the_rest_taken() -> None:
    assert only_problem(b'{"id": "caf\xe9"}') == "not UTF-8 (byte 12 of the line); save the file as UTF-8"


def test_a_row_is_taken_whole_or_not_at_all() -> None:
    good, lost = row()["references"][0], row(quote="turbine")["references"][0]
    message = only_problem(lines(row(references=[good, lost, {**good, "start": 9}])))
    assert message.startswith("reference 2: 4..8 does not hold its quote")
    assert "; reference 3: span 9..8 is not valid" in message


def test_an_id_is_taken_once() -> None:
    questions, problems = read_golden(lines(row(), "", row(question="Again?"), row(id="q2")), corpus())
    assert [(q.id, q.text) for q in questions] == [("q1", "What hums?"), ("q2", "What hums?")]
    assert [str(p) for p in problems] == ["line 3 (q1): the id is already taken by line 1; give each question its own"]


def test_byte_order_mark_and_crlf_are_read() -> None:
    data = b"\xef\xbb\xbf" + lines(row(), row(id="q2")).replace(b"\n", b"\r\n")
    assert [q.id for q in read_golden(data, corpus())[0]] == ["q1", "q2"]


@pytest.mark.parametrize(
    "changes, span, quote",
    [
        ({}, (4, 8), "pump"),
        ({"quote": None}, (4, 8), "pump"),
        ({"start": 0, "end": 5, "quote": "pump hums"}, (4, 13), "pump hums"),
        ({"start": 0, "end": 9_999, "quote": "pump hums"}, (4, 13), "pump hums"),
        ({"start": None, "end": None, "quote": "pump hums"}, (4, 13), "pump hums"),
        ({"quote": "pump stops.  Close the valve\nagain"}, (37, 71), "pump stops. Close  the\tvalve again"),
        ({"quote": "  🙂 Ventil\n"}, (73, 81), "🙂 Ventil"),
        ({"start": 33, "end": 41, "quote": "The  pump"}, (33, 41), "The pump"),
    ],
)
def test_where_a_reference_is_found(changes: dict[str, Any], span: tuple[int, int], quote: str) -> None:
    """The last case stands twice but for its blanks: it is in its place and stays there."""
    (question,), problems = read_golden(lines(row(**changes)), corpus())
    assert not problems
    (reference,) = question.references
    assert ((reference.span.start, reference.span.end), reference.quote) == (span, quote)


def test_source_settles_a_name_that_is_not_unique() -> None:
    here, there = document("A pump.", "manual.txt"), document("No pump.", "manual.txt")
    over = corpus(here, there, document(PUMPS))
    ask = row(document="manual.txt", start=None, end=None, quote="pump")
    assert 'document "manual.txt" is the name of 2 documents; give its source' in only_problem(lines(ask), over)
    ask["references"][0]["source"] = "0" * 64
    assert "their source (sha256) is another" in only_problem(lines(ask), over)
    ask["references"][0]["source"] = there.source
    (question,), _ = read_golden(lines(ask), over)
    assert question.references[0].span == Span(there.id, 3, 7)


def test_two_parsers_texts_of_one_file_are_not_guessed_between() -> None:
    text = document("A pump.", "twice.txt")
    over = corpus(document(PUMPS), text, document("A pump.", "twice.txt", "other"))
    ask = row(document="twice.txt", source=text.source)
    assert "is in the corpus 2 times; remove all but one" in only_problem(lines(ask), over)


def test_a_renamed_file_is_known_by_its_source() -> None:
    (question,), _ = read_golden(lines(row(document="old name.txt", source=document(PUMPS).source)), corpus())
    assert question.references[0].span.document == document(PUMPS).id


def test_find_quote_prefers_the_letters_as_they_are() -> None:
    assert find_quote("a b  a\tb a b", "a b") == [(0, 3), (9, 12)]
    assert find_quote("a  b\ta\nb", "a b") == [(0, 4), (5, 8)]
    assert find_quote("aaa", "aa") == [(0, 2), (1, 3)]
    assert find_quote("abc", "") == find_quote("abc", " \n") == find_quote("", "a") == []
    assert len(find_quote("a" * 1000, "a")) == MOST_PLACES


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GoldenError, match=r"golden.jsonl cannot be read: No such file"):
        read_golden(tmp_path / "golden.jsonl", corpus())
    (tmp_path / "golden.jsonl").write_bytes(lines(row()))
    assert len(read_golden(tmp_path / "golden.jsonl", corpus())[0]) == 1


@pytest.mark.parametrize(
    "questions, message",
    [
        ([Question("a", "?", answerable=False), Question("a", "?", answerable=False)], 'two questions have the id "a"'),
        ([Question("a", "?")], '"a" has no references'),
        (
            [Question("a", "?", (Reference(Span("b" * 64, 0, 1), "x"),))],
            "document bbbbbbbb, which is not in the corpus",
        ),
        ([Question("a", "?", (Reference(Span(document(PUMPS).id, 0, 900), "x"),))], "span 0..900 is not valid"),
        ([Question("a", "?", (Reference(Span(document(PUMPS).id, 3, 3), ""),))], "span 3..3 is not valid"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(questions: list[Question], message: str) -> None:
    with pytest.raises(GoldenError, match=message.replace(".", r"\.")):
        write_golden(questions, corpus())
