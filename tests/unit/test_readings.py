"""What a model reads of a chunking, against the texts themselves."""

from pathlib import Path

import pytest

from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static
from workbench.parsers import read
from workbench.pipelines import collection
from workbench.splitters import Recursive
from workbench.sweeps.embedding_cost import reading
from workbench.tokens import tokenizer

FOLDER = Path(__file__).parents[2] / "sample_docs"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return read(sorted(FOLDER.glob("*.md"))[0])


@pytest.mark.parametrize("size, overlap", [(40, 0), (60, 15), (400, 100)])
def test_tokens_are_those_of_the_texts(corpus: Corpus, size: int, overlap: int) -> None:
    model = SentenceTransformer()
    rows = collection(corpus, Recursive(chunk_size=size, chunk_overlap=overlap))
    counts = tokenizer(model.tokenizer).counts(rows.texts()).clip(max=model.max_tokens) + 2
    found = reading(rows, model)
    assert found.total == pytest.approx(int(counts.sum()), rel=0.01)
    assert len(found.texts) == len(set(model.seen(rows.texts())))
    assert found.new(found.texts) == 0
    assert found.new(found.texts[:1]) == int(found.tokens.sum() - found.tokens[0])


def test_two_chunkings_share_what_the_model_is_given_alike(corpus: Corpus) -> None:
    model = SentenceTransformer()
    one, other = (collection(corpus, Recursive(chunk_size=60, chunk_overlap=n)) for n in (0, 6))
    shared = set(model.seen(one.texts())) & set(model.seen(other.texts()))
    assert shared
    a, b = reading(one, model), reading(other, model)
    assert len(set(a.texts.tolist()) & set(b.texts.tolist())) == pytest.approx(len(shared), abs=2)


def test_a_model_without_a_limit_is_given_all(corpus: Corpus) -> None:
    rows = collection(corpus, Recursive(chunk_size=800, chunk_overlap=0, unit="characters"))
    found = reading(rows, Static())
    assert found.total == pytest.approx(int(tokenizer(Static().tokenizer).counts(rows.texts()).sum()) + 2 * len(rows))
