"""`verify` says what it did not compare, and which wrong parameters its questions would not have shown."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from workbench.cli import DONE, main
from workbench.documents import Corpus
from workbench.embedders import Static
from workbench.exports import export, verify
from workbench.exports.comparison import Escape, escapes
from workbench.golden import read_golden
from workbench.parsers import read
from workbench.pipelines import Pipeline, prepared
from workbench.records import Question
from workbench.retrievers import BM25, MMR, Dense, Hybrid, Retriever
from workbench.splitters import Recursive

LINE = Pipeline(
    splitter=Recursive(chunk_size=60, chunk_overlap=0, tokenizer="wordllama-256"), embedder=Static(), retriever=BM25()
)

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def corpus(root: Path) -> Corpus:
    names = ("travel-policy-2026.md", "kurzanleitung-hx.html")
    return Corpus(tuple(d for name in names for d in read(root / "sample_docs" / name, safely=False)))


@pytest.fixture(scope="module")
def golden(root: Path, corpus: Corpus) -> tuple[Question, ...]:
    return read_golden(root / "sample_docs" / "golden.jsonl", corpus)[0]


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[dict[str, object], str]:
    call = ["verify", *map(str, arguments)]
    assert main([*call, "--json"]) == DONE
    plain = json.loads(capsys.readouterr().out)
    assert main(call) == DONE
    return plain, capsys.readouterr().out


def test_without_questions_hits_are_not_compared_and_nothing_calls_them_equal(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(LINE, corpus, [], "python", tmp_path)
    plain, text = said(capsys, tmp_path)
    assert plain["equal"] is None
    assert plain["outcome"] == "equal; hits: not compared"
    assert plain["not_compared"] == ["hits"]
    assert [check["compared"] for check in plain["checks"] if check["name"] == "hits"] == [0]
    assert text.splitlines()[-1].startswith("equal: python; hits: not compared")
    assert "hits: not compared" in (tmp_path / "README.md").read_text()
    plain, text = said(capsys, tmp_path, "--query", "How much is the daily rate?")
    assert plain["equal"] is True
    assert plain["not_compared"] == []
    assert "not compared" not in text
    plain, _ = said(capsys, tmp_path, "--chunks-only")
    assert plain["not_compared"] == ["hits"]


def test_few_questions_say_what_they_would_not_have_shown(corpus: Corpus, tmp_path: Path) -> None:
    """k1 weighs a term's repetition, so a word that no chunk repeats says nothing of it."""
    export(LINE, corpus, [], "python", tmp_path)
    found = verify(tmp_path, queries=["zzz"])
    assert found.equal
    one = next(escape for escape in found.escapes if escape.parameter == "k1")
    assert (one.low, one.high, one.seen) == (0.0, 6.0, (None, None))
    assert one.sentence == (
        "k1 from 0 to 6 instead of 1.5 would have given the same hits on this question, and so would any other."
    )


@pytest.mark.parametrize("retriever", [BM25(), BM25(k1=0.0), Hybrid(), Hybrid(fusion="weighted", weight=0.3), MMR()])
@pytest.mark.parametrize("questions", [2, 12])
def test_what_is_said_to_escape_escapes_and_what_is_said_to_be_seen_is(
    retriever: Retriever, questions: int, corpus: Corpus, golden: tuple[Question, ...]
) -> None:
    line = replace(LINE, retriever=retriever)
    rows = prepared(corpus, line)
    asked = [q.text for q in golden[:questions]]

    def hits(other: Retriever) -> dict[str, tuple[int, ...]]:
        return {query: tuple(hit.chunk for hit in other(rows, [query], line.k)[0]) for query in asked}

    own = hits(retriever)
    found = escapes(rows, line, own, lambda query, got: tuple(got) == own[query])
    numbers = {f.name for f in fields(retriever) if f.metadata.get("high") is not None} - {"window"}
    unused = {"weight"} if retriever == Hybrid() else {"rrf_k"}
    assert {one.parameter for one in found} == numbers - unused
    for one in found:
        value = getattr(retriever, one.parameter)
        assert one.low <= value <= one.high
        for end in (one.low, one.high):
            assert hits(replace(retriever, **{one.parameter: type(value)(end)})) == own
        for end in one.seen:
            assert end is None or hits(replace(retriever, **{one.parameter: type(value)(end)})) != own
        assert f"instead of {value:g}" in one.sentence
        assert "{" not in one.sentence


def test_where_nothing_escapes_that_is_said_and_dense_has_nothing_to_get_wrong(
    corpus: Corpus, golden: tuple[Question, ...]
) -> None:
    assert Escape("k1", 1.5, 1.5, 1.5, (1.35, 1.65), 68).sentence == (
        "k1 of 1.35 or 1.65 instead of 1.5 would have given other hits on these 68 questions."
    )
    line = replace(LINE, retriever=Dense())
    own = {golden[0].text: (1, 2)}
    assert escapes(prepared(corpus, line), line, own, lambda query, got: True) == ()
    assert escapes(prepared(corpus, LINE), LINE, {}, lambda query, got: True) == ()
