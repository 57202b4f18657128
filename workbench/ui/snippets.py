"""The pipeline in hand as a command, as five lines of Python and as a file: the same experiment three ways."""

from dataclasses import fields
from typing import Any

from workbench.pipelines import Pipeline
from workbench.specs import Spec


def call(spec: Spec) -> str:
    """The method as Python writes it, fields at their default left out: `Recursive(chunk_size=256)`."""
    changed = [f"{f.name}={getattr(spec, f.name)!r}" for f in fields(spec) if getattr(spec, f.name) != f.default]
    return f"{type(spec).__name__}({', '.join(changed)})"


def python(pipeline: Pipeline, query: str) -> str:
    """A few lines that give the same hits."""
    parts = {name: getattr(pipeline, name) for name in ("splitter", "embedder", "index", "retriever")}
    imports = [f"from workbench.{name}s import {type(part).__name__}" for name, part in parts.items()]
    return "\n".join(
        [
            "from workbench import Pipeline, read",
            *(line.replace("indexs", "indexes") for line in imports),
            "from workbench.pipelines import prepared",
            "",
            'corpus = read("sample_docs")',
            "pipeline = Pipeline(",
            *(f"    {name}={call(part)}," for name, part in parts.items()),
            f"    k={pipeline.k},",
            ")",
            "rows = prepared(corpus, pipeline)",
            f"for hit in pipeline.retriever(rows, [{query!r}], pipeline.k)[0]:",
            "    print(hit.rank, hit.score, corpus[hit.span])",
        ]
    )


def langchain(pipeline: Pipeline) -> str:
    """LangChain's own splitter with the same parameters, where its chunks are equal; "" where they are not."""
    s: Any = pipeline.splitter
    if s.kind != "recursive" or s.header != "none":
        return ""
    length = ""
    lines = ["from langchain_text_splitters import RecursiveCharacterTextSplitter"]
    if s.unit == "tokens":
        if s.tokenizer.endswith("_base"):
            lines += ["import tiktoken", "", f'encoding = tiktoken.get_encoding("{s.tokenizer}")']
            length = "length_function=lambda text: len(encoding.encode_ordinary(text)), "
        else:
            lines += [
                "from transformers import AutoTokenizer",
                "",
                f'tokenizer = AutoTokenizer.from_pretrained("{s.tokenizer}")',
            ]
            length = "length_function=lambda text: len(tokenizer.tokenize(text)), "
    return "\n".join(
        [
            *lines,
            "",
            "splitter = RecursiveCharacterTextSplitter(",
            f"    chunk_size={s.chunk_size}, chunk_overlap={s.chunk_overlap}, {length}",
            f"    separators={list(s.separators)!r},",
            ")",
            "chunks = splitter.split_text(text)",
        ]
    )


def command(pipeline: Pipeline) -> str:
    """The command line that prints the same chunks."""
    s = pipeline.splitter
    tokens = f" --tokenizer {s.tokenizer}" if s.unit == "tokens" else ""
    return (
        f"python -m workbench chunk FILE --splitter {s.kind} --chunk-size {s.chunk_size} "
        f"--chunk-overlap {s.chunk_overlap} --unit {s.unit}{tokens}"
    )
