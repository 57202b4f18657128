"""The sample corpus holds what docs/sample-corpus.md promises, and its golden set fits it to the letter."""

import difflib
import importlib
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from workbench.documents import Corpus, Document
from workbench.golden import read_golden, write_golden
from workbench.parsers import PARSERS, parse, read
from workbench.records import Question


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "sample_docs"


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return read(folder, safely=False)


@pytest.fixture(scope="module")
def questions(folder: Path, corpus: Corpus) -> tuple[Question, ...]:
    questions, problems = read_golden(folder / "golden.jsonl", corpus)
    assert not problems
    return questions


@pytest.fixture(scope="module")
def make(folder: Path) -> ModuleType:
    pytest.importorskip("reportlab", reason="remaking the documents needs requirements-dev.txt")
    sys.path.insert(0, str(folder / ".sources"))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    yield importlib.import_module("make")
    sys.dont_write_bytecode = before
    sys.path.remove(str(folder / ".sources"))


def named(corpus: Corpus, name: str) -> Document:
    return next(d for d in corpus if d.name == name)


def test_formats_and_size(corpus: Corpus) -> None:
    formats = Counter(Path(d.name).suffix for d in corpus)
    assert formats == {
        ".md": 4, ".html": 2, ".csv": 1, ".docx": 1, ".eml": 1, ".pdf": 1, ".pptx": 1, ".txt": 1, ".xlsx": 1,
    }  # fmt: skip
    assert 150_000 <= corpus.characters <= 300_000
    assert len(named(corpus, "state-of-the-union-2024.md").text) > 40_000
    assert all(not d.warnings for d in corpus)


def test_every_file_is_a_document_but_the_golden_set(folder: Path, corpus: Corpus) -> None:
    files = {p.name for p in folder.iterdir() if not p.name.startswith(".")}
    assert files == {d.name for d in corpus} | {"golden.jsonl"}


def test_the_manual_is_long_and_keeps_remedies_apart_from_their_codes(corpus: Corpus) -> None:
    manual = named(corpus, "hx-service-manual.pdf")
    assert len(manual.pages) > 20
    faults = re.split(r"(?m)^(?=E-44\d\d [A-Z])", manual.text.split("8.1 Table of codes")[0])[1:]
    assert len(faults) == 22
    assert all(fault.count(fault[:6]) == 1 for fault in faults), "a code stands in the heading of its fault alone"


def test_codes_that_are_easily_confused_are_there(corpus: Corpus) -> None:
    text = named(corpus, "hx-service-manual.pdf").text + named(corpus, "product-catalogue.xlsx").text
    pairs = [
        "E-4417 E-4471",
        "E-4414 E-4441",
        "E-4427 E-4472",
        "88-1032-B 88-1023-B",
        "67-4418-A 67-4481-A",
        "52-2207-A 52-2270-A",
    ]
    for a, b in map(str.split, pairs):
        assert sorted(a) == sorted(b)
        assert a in text
        assert b in text


def test_skus_are_unique_and_tables_long(corpus: Corpus) -> None:
    skus = re.findall(r"(?m)^\d\d-\d{4}-[A-Z](?=\t)", named(corpus, "product-catalogue.xlsx").text)
    assert len(skus) == len(set(skus)) > 200
    assert named(corpus, "travel-rates.csv").text.count("\n") > 100


def test_articles_named_elsewhere_stand_in_the_catalogue(corpus: Corpus) -> None:
    catalogue = named(corpus, "product-catalogue.xlsx").text
    replaced = {"88-1012-B", "88-1033-B", "41-6030-A", "88-2114-A"}
    for document in corpus:
        for sku in set(re.findall(r"\b(?:41|52|67|88)-\d{4}-[A-Z]\b", document.text)) - replaced:
            assert f"{sku}\t" in catalogue, f"{sku} in {document.name}"


def test_cross_references_of_the_regulation_lead_somewhere(corpus: Corpus) -> None:
    text = named(corpus, "pressure-boosting-regulation.md").text
    defined = set(re.findall(r"(?m)^(?:### )?§ (\d+(?:\.\d+)?)", text))
    assert set(re.findall(r"§ (\d+(?:\.\d+)?)", text)) == defined


def test_the_two_policies_differ_in_little(corpus: Corpus) -> None:
    old, new = (named(corpus, f"travel-policy-{year}.md").text for year in (2024, 2026))
    assert 0.85 < difflib.SequenceMatcher(None, old, new, autojunk=False).ratio() < 1
    for phrase, former in (("0.42 EUR", "0.38 EUR"), ("does not apply to contractors", "and to contractors")):
        assert (phrase in new, phrase in old, former in new, former in old) == (True, False, False, True)


def test_german_stands_beside_english(corpus: Corpus) -> None:
    assert {d.name for d in corpus if d.language == "de"} == {"kurzanleitung-hx.html"}


def test_every_quote_is_the_text_of_its_span(questions: tuple[Question, ...], corpus: Corpus) -> None:
    for question in questions:
        for reference in question.references:
            assert reference.quote == corpus[reference.span], question.id
            assert reference.quote == reference.quote.strip(), question.id


def test_no_quote_needed_to_be_moved(folder: Path, corpus: Corpus, questions: tuple[Question, ...]) -> None:
    """Offsets and hashes are those of the documents beside the file, so writing it again changes nothing."""
    assert write_golden(questions, corpus) == (folder / "golden.jsonl").read_text(encoding="utf-8")


def test_quotes_are_found_again_in_another_parsers_text(
    folder: Path, corpus: Corpus, questions: tuple[Question, ...]
) -> None:
    name = "hx-service-manual.pdf"
    other = parse(name, (folder / name).read_bytes(), PARSERS["pypdf"]())
    assert other.text != named(corpus, name).text
    moved = Corpus((other, *(d for d in corpus if d.name != name)))
    again, problems = read_golden(folder / "golden.jsonl", moved)
    assert not problems
    for was, now in zip(questions, again, strict=True):
        for old, new in zip(was.references, now.references, strict=True):
            assert new.quote == moved[new.span]
            assert new.quote.split() == old.quote.split()


def test_questions_cover_what_is_hard(questions: tuple[Question, ...], corpus: Corpus) -> None:
    assert len(questions) >= 40
    tags = Counter(tag for q in questions for tag in q.tags)
    least = {
        "sample": 8, "exact-code": 10, "neighbour": 8, "table": 10, "two-documents": 6, "near-duplicate": 5,
        "section-number": 5, "negation": 8, "paraphrase": 10, "narrative": 4, "long-answer": 4, "unanswerable": 3,
        "multilingual": 2, "slides": 2, "email": 2, "long-document": 3,
    }  # fmt: skip
    assert {tag: tags[tag] for tag in least if tags[tag] < least[tag]} == {}
    assert {tag for tag in tags if tag not in least} == set(), "a tag is listed here and in docs/sample-corpus.md"
    assert [q.answerable for q in questions] == ["unanswerable" not in q.tags for q in questions]
    asked = {reference.span.document for q in questions for reference in q.references}
    assert asked == {d.id for d in corpus}, "every document answers something"
    for question in questions:
        if "two-documents" in question.tags:
            assert len({reference.span.document for reference in question.references}) == 2, question.id


def test_questions_are_asked_in_other_words(questions: tuple[Question, ...]) -> None:
    for question in questions:
        for reference in question.references:
            same = difflib.SequenceMatcher(None, question.text.lower(), reference.quote.lower(), autojunk=False)
            assert same.find_longest_match().size < 0.6 * len(question.text), question.id


def test_what_cannot_be_answered_is_not_there(corpus: Corpus) -> None:
    text = "\n".join(d.text for d in corpus)
    assert "E-4499" not in text
    assert "§ 31" not in text
    assert "diesel" not in text.lower()


def test_documents_can_be_remade_from_their_sources(make: ModuleType, folder: Path, corpus: Corpus) -> None:
    """The texts are compared, as other versions of the libraries pack them into other bytes."""
    once, again = make.documents(), make.documents()
    assert once == again
    assert len(once) == 4
    for name, data in once.items():
        assert parse(name, data).text == named(corpus, name).text
    assert (folder / "hx-service-manual.pdf").stat().st_size < 200_000
