"""Of which population the pages say that their figures speak."""

import numpy as np

from workbench.golden.clusters import document_groups
from workbench.records import Lost, Question, Reference
from workbench.spans import Span
from workbench.statistics import by_document, compare, population
from workbench.ui.experiments.results import compared, shared
from workbench.ui.headline import said

DOCUMENTS = np.repeat(np.arange(8), 5)


def test_a_sentence_says_the_population_and_its_caution() -> None:
    assert said(population(None)) == "Holds for questions about these documents."
    wide = said(population(DOCUMENTS))
    assert wide.startswith("Holds for documents like these (8 seen): 8 documents cannot exclude a rare kind")
    assert wide.endswith(".")


def test_two_runs_are_compared_in_a_sentence_that_says_of_which_population() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.random(40), draw.random(40)
    for who in (population(None), population(DOCUMENTS)):
        text = compared(compare(a, b, np.arange(40)), "a", "b", "recall@5", who)
        assert text.endswith(said(who))
        assert "(95 % CI)" in text
    few = compared(compare(a[:1], b[:1], np.arange(1)), "a", "b", "recall@5", population(None))
    assert "1 question," in few
    assert "few questions to compare" in few


def test_a_lost_passage_counts_for_its_document() -> None:
    """Its label names the document, whose id the passages that have a place carry."""
    questions = [
        Question(f"q{i}{kind}", "?", (Reference(Span(f"id{i}", 0, 4), "text"),) if kind == "a" else (),
                 lost=(Lost(f"label{i}", "text", "gone"),) if kind == "b" else ())
        for i in range(8) for kind in "ab"
    ]  # fmt: skip
    ids = {f"label{i}": f"id{i}" for i in range(8)}
    found = by_document(questions, None, ids)
    assert found is not None
    assert found.tolist() == document_groups(questions, ids).tolist()
    assert len(set(found.tolist())) == 8
    assert len(set(by_document(questions).tolist())) == 16  # type: ignore[union-attr]


def test_measures_are_those_that_all_runs_have() -> None:
    from test_sweep_results import run

    a, b = run("a", [1.0]), run("b", [1.0])
    object.__setattr__(b, "metrics", b.metrics[1:])
    assert shared([a, b]) == list(a.metrics[1:])
