"""Laws that every registered splitter keeps, on any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.documents import Chunks, Document, Section
from workbench.errors import ModelUnavailable, SpecError
from workbench.spans import Span
from workbench.specs import from_dict, to_dict
from workbench.splitters import SPLITTERS, Splitter
from workbench.testing import check_chunks, check_method, check_revision, document, missing
from workbench.tokens import tokenizer

words = st.sampled_from(
    [
        "alpha ",
        "beta. ",
        "Gamma! ",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "漢字。",
        "e\u0301",
        "👩‍🔬",
        "| a | b |\n",
        "# Title\n",
        "## Part\n",
        "- item\n",
        "```\ncode\n```\n",
        "1. first\n",
        "same passage. same passage. ",
        "Dr. Who ",
        "\u00a0",
        "\ufeff",
        "\x1c",
        "9.5 ",
    ]
)
texts = st.one_of(st.lists(words, max_size=50).map("".join), st.text(max_size=100))
sizes = st.tuples(st.integers(1, 50), st.integers(0, 49)).filter(lambda pair: pair[1] < pair[0])
units = st.sampled_from([("characters", "all-MiniLM-L6-v2"), ("tokens", "all-MiniLM-L6-v2"), ("tokens", "cl100k_base")])
kinds = pytest.mark.parametrize("kind", SPLITTERS)


def splitter(kind: str, size: tuple[int, int], unit: tuple[str, str]) -> Splitter:
    return SPLITTERS[kind](chunk_size=size[0], chunk_overlap=size[1], unit=unit[0], tokenizer=unit[1])


def pairs(chunks: Chunks) -> list[list[int]]:
    return chunks.spans.tolist()


@kinds
@settings(max_examples=120)
@given(text=texts, size=sizes, unit=units)
def test_chunks_are_ordered_spans_of_the_text(
    kind: str, text: str, size: tuple[int, int], unit: tuple[str, str]
) -> None:
    check_chunks(splitter(kind, size, unit), document(text))


@kinds
@settings(max_examples=120)
@given(text=texts, size=sizes, unit=units)
def test_nothing_but_white_space_is_lost(kind: str, text: str, size: tuple[int, int], unit: tuple[str, str]) -> None:
    if kind == "separator":
        return  # leaves out its separators, which is its point
    lost = missing(text, pairs(splitter(kind, size, unit)(document(text))))
    # A tokenizer that drops a character (control characters, lone marks) gives a window no place for it.
    allowed = "" if kind != "fixed" or unit[1] != "all-MiniLM-L6-v2" else lost
    assert not lost.strip() or (allowed and not tokenizer(unit[1]).counts(list(lost)).any())


@kinds
@settings(max_examples=60)
@given(text=texts, size=sizes)
def test_no_chunk_is_larger_than_its_size(kind: str, text: str, size: tuple[int, int]) -> None:
    if kind == "separator":
        return  # a piece without a separator stays whole
    for start, end in pairs(splitter(kind, size, ("characters", ""))(document(text))):
        assert end - start <= size[0]


@kinds
def test_a_repeated_passage_keeps_each_of_its_places(kind: str) -> None:
    text = "The same passage stands here twice. It is short.\n\n" * 40
    found = pairs(SPLITTERS[kind](chunk_size=60, chunk_overlap=0, unit="characters")(document(text)))
    starts = [start for start, _ in found]
    assert len(set(starts)) == len(starts) >= 30


@kinds
def test_the_header_is_the_path_above_a_chunk(kind: str) -> None:
    text = (
        "# A\none two three four five\n\n## B\nsix seven eight nine\n\n"
        "## C\nten eleven twelve thirteen\n\n# D\nlast words here, and some more of them\n"
    )
    doc = document(text)
    chunks = SPLITTERS[kind](chunk_size=34, chunk_overlap=0, unit="characters", header="path")(doc)
    assert any(chunks.headers)
    for chunk in chunks:
        over: list[tuple[int, int, str]] = []
        at = 0
        for line in text.splitlines(keepends=True):  # the stack of headings down to the chunk's start, by itself
            if line.startswith("#") and at <= chunk.span.start:
                level = line.index(" ")
                over = [h for h in over if h[0] < level] + [(level, at, line[level:].strip())]
            at += len(line)
        assert chunk.header == " > ".join(title for _, start, title in over if start < chunk.span.start)
    i = next(i for i, header in enumerate(chunks.headers) if header)
    assert chunks.texts(doc)[i] == f"{chunks.headers[i]}\n\n{doc[chunks[i].span]}"


def test_a_tokenizer_counts_only_where_tokens_do() -> None:
    by = [SPLITTERS["recursive"](unit="characters", tokenizer=t).fingerprint for t in ("cl100k_base", "wordllama-256")]
    assert by[0] == by[1]
    assert len({SPLITTERS["recursive"](tokenizer=t).fingerprint for t in ("cl100k_base", "wordllama-256")}) == 2


def test_a_title_stays_with_its_first_section() -> None:
    text = "# Handbook\n\n## Leave\nSixteen weeks.\n\n## Pay\nMonthly.\n"
    splitter = SPLITTERS["structure"](chunk_size=80, chunk_overlap=0, unit="characters")
    found = [text[a:b] for a, b in pairs(splitter(document(text)))]
    assert found == ["# Handbook\n\n## Leave\nSixteen weeks.", "## Pay\nMonthly."]


@kinds
def test_a_spec_goes_through_json_and_keeps_its_identity(kind: str) -> None:
    spec = SPLITTERS[kind](chunk_size=77, chunk_overlap=7)
    assert from_dict(SPLITTERS, to_dict(spec), "splitter") == spec
    assert from_dict(SPLITTERS, to_dict(spec), "splitter").fingerprint == spec.fingerprint
    assert SPLITTERS[kind](chunk_size=78, chunk_overlap=7).fingerprint != spec.fingerprint


@kinds
def test_changed_code_is_another_identity(kind: str) -> None:
    check_revision(SPLITTERS[kind])
    check_method(SPLITTERS[kind])


@kinds
def test_a_tokenizer_that_is_not_here_is_refused_at_construction(kind: str) -> None:
    with pytest.raises(ModelUnavailable, match=rf"{kind}\.tokenizer: model 'nonsense' .*o200k_base.* characters"):
        SPLITTERS[kind](tokenizer="nonsense")
    assert SPLITTERS[kind](tokenizer="nonsense", unit="characters").measure == "characters"
    assert SPLITTERS[kind](tokenizer="cl100k_base").measure == "cl100k_base"


def test_fingerprints_tell_kinds_apart() -> None:
    assert len({cls().fingerprint for cls in SPLITTERS.values()}) == len(SPLITTERS)


@kinds
@pytest.mark.parametrize(
    "bad, says",
    [
        ({"chunk_size": 256, "chunk_overlap": 300}, "chunk_overlap (300) must be smaller than chunk_size (256)"),
        ({"chunk_size": 0}, "chunk_size (0) must be at least 1"),
        ({"chunk_size": "many"}, "chunk_size must be a whole number, not 'many'"),
        ({"chunk_overlap": -1}, "chunk_overlap (-1) must be at least 0"),
        ({"unit": "words"}, "unit ('words') must be one of tokens, characters"),
        ({"sizes": 3}, "has no field 'sizes'"),
    ],
)
def test_bad_fields_are_refused_at_construction(kind: str, bad: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError) as error:
        from_dict(SPLITTERS, {"kind": kind, **bad}, "splitter")
    assert says in str(error.value)


def test_sentences_are_not_cut_at_abbreviations() -> None:
    text = 'Dr. Who met Mr. Smith at 9.5 km, cf. Fig. 3. They left! "Why?" he asked. 晴れた。'
    spans = pairs(SPLITTERS["sentences"](chunk_size=60, chunk_overlap=0, unit="characters")(document(text)))
    found = [text[a:b] for a, b in spans]
    assert found[0] == "Dr. Who met Mr. Smith at 9.5 km, cf. Fig. 3. They left!"


def test_structure_starts_at_headings_and_keeps_tables() -> None:
    table = "| a | b |\n" * 3
    text = f"# One\n\nText of one.\n\n{table}\n# Two\n\nText of two.\n"
    doc = Document("s", "d", "d.md", text, (
        Section("heading", 1, Span("d", 0, 5), "One"),
        Section("table", 1, Span("d", text.index(table), text.index(table) + len(table) - 1)),
        Section("heading", 1, Span("d", text.index("# Two"), text.index("# Two") + 5), "Two"),
    ))  # fmt: skip
    found = [
        text[a:b] for a, b in pairs(SPLITTERS["structure"](chunk_size=45, chunk_overlap=0, unit="characters")(doc))
    ]
    assert found == ["# One\n\nText of one.", table.strip(), "# Two\n\nText of two."]
