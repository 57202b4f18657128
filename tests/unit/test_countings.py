"""Figures and parts of large corpora: what is looked at, and by what figures are kept."""

import pytest

from workbench.documents import Corpus, Document
from workbench.specs import digest
from workbench.splitters.cuttings import MANY_CHARACTERS
from workbench.ui import countings


def document(name: str, characters: int) -> Document:
    id = digest(name.encode())
    return Document(id, id, name, "a" * characters)


@pytest.mark.parametrize("sizes", [(MANY_CHARACTERS + 9, MANY_CHARACTERS + 5), (MANY_CHARACTERS + 9, 7, 8, 9)])
def test_a_part_of_huge_documents_is_not_empty(sizes: tuple[int, ...]) -> None:
    corpus = Corpus(tuple(document(str(i), n) for i, n in enumerate(sizes)))
    part = countings.part(corpus)
    fits = [n for n in sizes if n <= MANY_CHARACTERS]
    assert sorted(len(d.text) for d in part) == (sorted(fits) or [min(sizes)])
    assert countings.said(part, corpus) == f"By a sample of {len(part):,} of {len(corpus):,} documents."
    assert {d.id for d in countings.part(corpus, frozenset([corpus.documents[0].id]))} >= {corpus.documents[0].id}


def test_a_small_corpus_is_its_own_part() -> None:
    corpus = Corpus((document("a", 10),))
    assert countings.part(corpus) is corpus
    assert countings.said(corpus, corpus) == ""
