"""The pipeline in hand as a command, as five lines of Python and as a file: the same experiment three ways."""

from dataclasses import fields
from shlex import quote
from typing import Any

from workbench.pipelines import REGISTRIES, Pipeline
from workbench.specs import Spec
from workbench.tokens import BPE_ENCODINGS

HOMES = {part: "indexes" if part == "index" else f"{part}s" for part in REGISTRIES}
"""Part of a pipeline → the package that its methods are in."""


def call(spec: Spec) -> str:
    """The method as Python writes it, fields at their default left out: `Recursive(chunk_size=256)`."""
    changed = [f"{f.name}={getattr(spec, f.name)!r}" for f in fields(spec) if getattr(spec, f.name) != f.default]
    return f"{type(spec).__name__}({', '.join(changed)})"


def python(pipeline: Pipeline, query: str) -> str:
    """A few lines that give the same hits."""
    parts = {name: getattr(pipeline, name) for name in HOMES}
    return "\n".join(
        [
            "from workbench import Pipeline, read",
            *(f"from workbench.{HOMES[name]} import {type(part).__name__}" for name, part in parts.items()),
            "from workbench.pipelines import prepared",
            "",
            f'corpus = read("sample_docs", parser={call(pipeline.parser)})',
            "pipeline = Pipeline(",
            *(f"    {name}={call(part)}," for name, part in parts.items()),
            f"    k={pipeline.k},",
            ")",
            "rows = prepared(corpus, pipeline)",
            f"for hit in pipeline.retriever(rows, [{query!r}], pipeline.k)[0]:",
            "    print(hit.rank, hit.score, corpus[hit.span])",
        ]
    )


HUB_NAMES = {"all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2"}
"""What a packaged model is called on the hub, where LangChain's users have it from."""


def langchain(pipeline: Pipeline) -> str:
    """LangChain's own splitter with the same parameters, where its chunks are equal; "" where they are not."""
    s: Any = pipeline.splitter
    if s.kind != "recursive" or s.header != "none":
        return ""
    lines, length = ["from langchain_text_splitters import RecursiveCharacterTextSplitter"], ""
    if s.unit == "tokens" and s.tokenizer in BPE_ENCODINGS:
        lines += ["import tiktoken", "", f'encoding = tiktoken.get_encoding("{s.tokenizer}")']
        length = "    length_function=lambda text: len(encoding.encode_ordinary(text)),"
    elif s.unit == "tokens":
        hub_name = HUB_NAMES.get(s.tokenizer, s.tokenizer)
        if "/" not in hub_name:
            return ""
        lines += ["from tokenizers import Tokenizer", "", f"tokenizer = Tokenizer.from_pretrained({hub_name!r})"]
        lines += ["tokenizer.no_truncation()", "tokenizer.no_padding()"]
        length = "    length_function=lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids),"
    return "\n".join(
        [
            *lines,
            "",
            "splitter = RecursiveCharacterTextSplitter(",
            f"    chunk_size={s.chunk_size},",
            f"    chunk_overlap={s.chunk_overlap},",
            *([length] if length else []),
            f"    separators={list(s.separators)!r},",
            ")",
            "chunks = splitter.split_text(text)",
        ]
    )


def command(pipeline: Pipeline) -> str:
    """The command lines that print the same chunks, and the same hits."""
    flags = _flags("parser", pipeline.parser, "parser-") + _flags("splitter", pipeline.splitter, "")
    return (
        f"python -m workbench chunk FILE{''.join(flags)}\n"
        'python -m workbench search FOLDER --config pipeline.yaml --query "…"'
    )


def _flags(part: str, spec: Spec, prefix: str) -> list[str]:
    """The kind, where it is not the default, and every field that was changed."""
    flags = [] if type(spec) is type(getattr(Pipeline(), part)) else [f" --{part} {spec.kind}"]
    for f in fields(spec):
        value = getattr(spec, f.name)
        if value != f.default:
            values = [str(v) for v in (value if isinstance(value, tuple) else (value,))]
            written = " ".join(quote(v.encode("unicode_escape").decode() if v.isascii() else v) for v in values)
            flags.append(f" --{prefix}{f.name.replace('_', '-')} {written}")
    return flags
