"""The engine behind LangChain's interfaces, in this process; the other frameworks run in test_targets.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document as LangChainDocument

from workbench.documents import Corpus
from workbench.embedders import Static
from workbench.errors import SpecError
from workbench.integrations import Search, load_pipeline, metadata_of, parsed, pieces, read_documents
from workbench.integrations.langchain import (
    WorkbenchEmbeddings,
    WorkbenchLoader,
    WorkbenchRetriever,
    WorkbenchSplitter,
    embedded_texts,
)
from workbench.pipelines import Pipeline, collection, prepared, to_yaml
from workbench.retrievers import BM25, Dense, Hybrid
from workbench.splitters import SPLITTERS, Structure

LINE = Pipeline(splitter=Structure(chunk_size=60, chunk_overlap=10, header="path"), embedder=Static(), k=4)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.yaml"
    path.write_text(to_yaml(LINE), "utf-8")
    return path


def test_a_pipeline_is_given_or_read(config: Path, tmp_path: Path) -> None:
    assert load_pipeline(LINE) is LINE
    assert load_pipeline(config) == load_pipeline(str(config)) == LINE
    with pytest.raises(SpecError, match=r"nowhere\.yaml: the pipeline cannot be read"):
        load_pipeline(tmp_path / "nowhere.yaml")


def test_a_document_comes_back_from_plain_values(corpus: Corpus) -> None:
    for document in corpus:
        facts = json.loads(json.dumps(metadata_of(document)))
        again = parsed(document.text, facts)
        assert again == document
        assert (again.text, again.name, again.sections, again.pages) == (
            document.text, document.name, document.sections, document.pages)  # fmt: skip
        other = parsed(document.text + " and more", facts)  # another text, of which the parser knows nothing
        assert other.sections == ()
        assert other.name == document.name


@pytest.mark.parametrize("kind", [kind for kind in SPLITTERS if "semantic" not in kind])
def test_pieces_are_the_rows_of_a_collection(kind: str, corpus: Corpus) -> None:
    splitter = SPLITTERS[kind](header="path")
    rows = collection(corpus, splitter)
    found = [piece for document in corpus for piece in pieces(document, splitter)]
    assert [(p.document, p.start, p.end) for p in found] == [
        (rows.span(i).document, rows.span(i).start, rows.span(i).end) for i in range(len(rows))
    ]
    assert [piece.header for piece in found] == list(rows.headers)
    assert len({piece.id for piece in found}) == len(found)


@pytest.mark.parametrize("retriever", [Dense(), BM25(), Hybrid(), Dense(expand="section", merge=True)])
def test_langchain_finds_what_the_engine_finds(retriever, corpus: Corpus, root: Path, config: Path) -> None:
    line = Pipeline(splitter=LINE.splitter, embedder=LINE.embedder, retriever=retriever, k=4)
    documents = [LangChainDocument(d.text, metadata=metadata_of(d)) for d in corpus]
    found = WorkbenchRetriever.from_documents(documents, line).invoke("How much is the daily rate?")
    hits = retriever(prepared(corpus, line), ["How much is the daily rate?"], 4)[0]
    assert [(d.metadata["document"], d.metadata["start"], d.metadata["end"]) for d in found] == [
        (h.span.document, h.span.start, h.span.end) for h in hits
    ]
    assert [d.metadata["score"] for d in found] == [h.score for h in hits]
    assert [d.page_content for d in found] == [corpus[h.span] for h in hits]


def test_langchain_embeds_the_header_where_it_is_asked_to(corpus: Corpus, config: Path) -> None:
    documents = [LangChainDocument(d.text, metadata=metadata_of(d)) for d in corpus]
    chunks = WorkbenchSplitter(config).split_documents(documents)
    search = Search(corpus, LINE)
    vectors = np.array(WorkbenchEmbeddings(config).embed_documents(embedded_texts(chunks)), np.float32)
    assert np.allclose(vectors, search.vectors, atol=1e-6)
    assert any("header" in chunk.metadata for chunk in chunks)
    assert not any("parsed" in chunk.metadata for chunk in chunks)
    assert len(WorkbenchEmbeddings(config).embed_query("rates")) == LINE.embedder.dimensions


def test_texts_of_other_loaders_are_cut_as_plain_text(config: Path) -> None:
    text = "One sentence. " * 100
    chunks = WorkbenchSplitter(config).split_documents([LangChainDocument(text, metadata={"source": "a.txt", "x": 1})])
    assert len(chunks) > 3
    assert all(text[c.metadata["start"] : c.metadata["end"]] == c.page_content for c in chunks)
    assert {(c.metadata["name"], c.metadata["x"]) for c in chunks} == {("a.txt", 1)}
    assert WorkbenchSplitter(config).split_text(text) == [c.page_content for c in chunks]
    found = WorkbenchRetriever.from_documents([LangChainDocument(text)], config).invoke("sentence")
    assert len(found) == LINE.k


def test_own_files_are_read_by_the_pipelines_parser(root: Path, config: Path, corpus: Corpus, tmp_path: Path) -> None:
    path = root / "sample_docs" / "travel-policy-2026.md"
    assert [d.metadata["name"] for d in WorkbenchLoader(path, config).load()] == [path.name]
    (tmp_path / "documents.jsonl").write_text("{}\n")
    with pytest.raises(SpecError, match=r"documents\.jsonl: it does not hold parsed documents"):
        read_documents(tmp_path / "documents.jsonl", LINE)
