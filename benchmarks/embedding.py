"""Embedding: chunks per second of CPU beside sentence-transformers' own encode, and how equal the vectors are."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from benchmarks.tables import Table, ms
from benchmarks.texts import document, sample
from benchmarks.timing import Times, interleaved
from workbench import models, pipelines
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static
from workbench.splitters import Recursive
from workbench.vectors import unit

NOTE = (
    "The sample corpus at 200/20 tokens; sentence-transformers with float32 and batch_size 32. Cosine: the lowest "
    "between a chunk's vector and sentence-transformers' own."
)
STATIC_NOTE = "Chunks of 200/20 tokens; sentence-transformers' StaticEmbedding over the same two files, batch_size 32."


def tables(tiny: bool) -> Iterator[Table]:
    """Two tables: the default model, then the static one."""
    rounds = 1 if tiny else 2
    texts = list(pipelines.collection(sample(), Recursive()).texts()[: 6 if tiny else 256])
    theirs = network()
    embedders = {f"ours, {dtype}": SentenceTransformer(dtype=dtype) for dtype in ("float32", "bfloat16")}
    yield _table("Embedding: all-MiniLM-L6-v2", theirs, embedders, texts, rounds, NOTE)
    texts = list(pipelines.collection(Corpus((document(4_000 if tiny else 5_000_000),)), Recursive()).texts())
    yield _table("Embedding: wordllama-256, static", _static_network(), {"ours": Static()}, texts, rounds, STATIC_NOTE)


def _table(title: str, theirs: Any, ours: dict[str, Any], texts: list[str], rounds: int, note: str) -> Table:
    found: dict[str, Any] = {}

    def reference(_: int) -> None:
        found["sentence-transformers"] = theirs.encode(texts, batch_size=32, show_progress_bar=False)

    actions: dict[str, Callable[[int], None]] = {"sentence-transformers": reference}
    for name, embedder in ours.items():
        embedder.encode_query(["loads the model"])

        def encode(_: int, name: str = name, embedder: Any = embedder) -> None:
            found[name] = embedder.encode_document(texts)

        actions[name] = encode
    theirs.encode(texts[:1])
    times = interleaved(rounds, actions)
    megabytes = sum(map(len, texts)) / 1e6
    rows = [_row(name, times[name], found, len(texts), megabytes) for name in actions]
    return Table(title, ("", "chunks", "wall", "CPU", "chunks / CPU s", "MB / s", "min cosine"), rows, note)


def _row(name: str, times: Times, found: dict[str, Any], n: int, megabytes: float) -> list[str]:
    cosine = (unit(found[name]) * unit(found["sentence-transformers"])).sum(axis=1).min()
    speed = [f"{n / times.cpu:,.0f}", f"{megabytes / times.wall:.2f}"]
    return [name, f"{n:,}", ms(times.wall), ms(times.cpu), *speed, f"{min(cosine, 1):.6f}"]


def network() -> Any:
    """sentence-transformers' own, with the default model."""
    from sentence_transformers import SentenceTransformer as Network

    return Network(str(models.find(models.DEFAULT).folder), device="cpu", local_files_only=True)


@cache
def _static_network() -> Any:
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer as Network
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    model = models.find(Static().model)
    weights = next(iter(load_file(model.weights[0]).values()))
    rules = Tokenizer.from_file(str(model.tokenizer))
    return Network(modules=[StaticEmbedding(rules, embedding_weights=np.asarray(weights, np.float32))], device="cpu")
