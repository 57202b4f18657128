"""What "Code for this" shows runs, and gives what the page showed."""

import contextlib
import io
import shlex
from pathlib import Path

import pytest

from workbench import models
from workbench.cli import main
from workbench.documents import Corpus
from workbench.embedders import Static
from workbench.parsers import Auto, read
from workbench.pipelines import Pipeline, from_yaml, prepared, to_yaml
from workbench.retrievers import BM25, Hybrid
from workbench.splitters import Code, Fixed, Recursive, Separator, Structure
from workbench.ui import bench

QUERY = 'What does "§ 12.3(b)" say?'
PIPELINES = [
    Pipeline(splitter=Recursive(chunk_size=900, chunk_overlap=90, unit="characters"), embedder=Static(), k=3),
    Pipeline(splitter=Structure(chunk_size=300, heading_level=2), embedder=Static(), retriever=Hybrid(weight=0.25)),
    Pipeline(parser=Auto(encoding="utf-8"), splitter=Fixed(tokenizer="cl100k_base"), retriever=BM25()),
    Pipeline(splitter=Code(language="markdown", header="path"), retriever=BM25()),
    Pipeline(splitter=Recursive(chunk_size=60, separators=("\n\n", ". ", "")), retriever=BM25()),
    Pipeline(splitter=Separator(separator="\n", chunk_size=50), retriever=BM25()),
]


@pytest.fixture(scope="module")
def corpus(root: Path) -> Corpus:
    return read(root / "sample_docs" / "pressure-boosting-regulation.md", safely=False)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda p: p.label)
def test_the_python_prints_the_hits(pipeline: Pipeline, corpus: Corpus, root: Path) -> None:
    code = bench.python(pipeline, QUERY).replace(
        '"sample_docs"', repr(str(root / "sample_docs" / corpus.documents[0].name))
    )
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "snippet", "exec"), {})
    hits = pipeline.retriever(prepared(corpus, pipeline), [QUERY], pipeline.k)[0]
    assert hits
    assert out.getvalue() == "".join(f"{h.rank} {h.score} {corpus[h.span]}\n" for h in hits)


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda p: p.label)
def test_the_command_prints_the_chunks(
    pipeline: Pipeline, corpus: Corpus, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    line = bench.command(pipeline).splitlines()[0].replace("FILE", str(root / "sample_docs" / corpus.documents[0].name))
    assert main(shlex.split(line)[3:]) == 0
    printed = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    document = corpus.documents[0]
    assert [(row["start"], row["end"]) for row in printed] == [
        tuple(s) for s in pipeline.splitter(document).spans.tolist()
    ]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda p: p.label)
def test_the_file_is_the_pipeline(pipeline: Pipeline) -> None:
    assert from_yaml(to_yaml(pipeline)) == pipeline


@pytest.mark.parametrize("unit", ["tokens", "characters"])
def test_langchain_gives_the_same_texts(unit: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    import tokenizers

    class Local:
        @staticmethod
        def from_pretrained(name: str) -> tokenizers.Tokenizer:
            assert name == "sentence-transformers/all-MiniLM-L6-v2"
            return tokenizers.Tokenizer.from_file(str(models.find(name).tokenizer))

    document = corpus.documents[0]
    pipeline = Pipeline(splitter=Recursive(chunk_size=180, chunk_overlap=40, unit=unit))
    code = bench.langchain(pipeline).replace("from tokenizers import Tokenizer", "")
    names = {"text": document.text, "Tokenizer": Local}
    exec(compile(code, "snippet", "exec"), names)
    assert names["chunks"] == pipeline.splitter(document).texts(document)


def test_langchain_is_not_promised_where_it_differs() -> None:
    assert bench.langchain(Pipeline(splitter=Structure())) == ""
    assert bench.langchain(Pipeline(splitter=Recursive(header="path"))) == ""
    assert bench.langchain(Pipeline(splitter=Recursive(tokenizer="wordllama-256"))) == ""
