"""A small workspace on which every page has something to show, and pipelines none of whose fields is a default."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.embedders import Static
from workbench.errors import WorkbenchError
from workbench.evaluations import evaluate, run_of
from workbench.pipelines import REGISTRIES, Pipeline, from_yaml, to_yaml
from workbench.records import write_run
from workbench.retrievers import BM25, RETRIEVERS
from workbench.specs import Spec, from_dict, to_dict
from workbench.splitters import Recursive
from workbench.ui.experiments.evaluation import metrics
from workbench.workspaces import open_workspace
from workbench.workspaces.experiments import experiments_folder

FEW = ("travel-policy-2026.md", "pressure-boosting-regulation.md")
OTHERWISE = {"separator": "\n", "separators": ["\n\n", "\t", " | ", " "], "stop_words": "german"}
"""Texts that may stand in these fields; what any other field may hold is found by trying."""


def unusual(part: str, kind: str, **fixed: Any) -> Spec:
    """Return a method of which as many fields as may be differ from their defaults and from a bare widget's."""
    registry = REGISTRIES[part]
    usual = {**to_dict(from_dict(registry, {"kind": kind}, part)), **fixed}
    for f in dataclasses.fields(registry[kind]):
        for other in [] if f.name in fixed else _others(f, usual[f.name]):
            try:
                from_dict(registry, {**usual, f.name: other}, part)
            except WorkbenchError:
                continue
            usual[f.name] = other
            break
    return from_dict(registry, usual, part)


def _others(f: "dataclasses.Field[Any]", value: Any) -> Iterator[Any]:
    if f.name in OTHERWISE:
        yield OTHERWISE[f.name]
    elif f.metadata["choices"]:
        yield from (choice for choice in reversed(f.metadata["choices"]) if choice != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 3, value - 3)
    elif isinstance(value, float):
        yield from (round(value * 0.9 + 0.01, 3), round(value * 0.5, 3))


SPLITTERS = ("recursive", "semantic", "structure", "cluster", "parent-child", "code", "sentence-window")
"""The splitters that have fields of their own."""


def pipelines() -> dict[str, Pipeline]:
    """Return an unusual pipeline for each of these splitters, and so for each kind of retriever."""
    retrievers = ["hybrid", "bm25", "mmr", "rerank", "dense"]
    assert {*retrievers} == {*RETRIEVERS}
    out = {}
    for i, kind in enumerate(SPLITTERS):
        splitter = unusual("splitter", kind, chunk_size=333, chunk_overlap=44, unit="tokens", tokenizer="cl100k_base")
        retriever = unusual("retriever", retrievers[i % len(retrievers)], expand="section")
        out[kind] = Pipeline(splitter=splitter, embedder=Static(), retriever=retriever, k=7)
    return out


def furnish(home: Path) -> dict[str, Pipeline]:
    """Fill this WORKBENCH_HOME: two documents with questions, two measured runs, pipelines that links may name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(home))
        patch.delenv("WORKBENCH_MODE", raising=False)
        here = open_workspace()
        for source in here.sources:
            if source.name not in FEW:
                here.remove(source.id)
        corpus, _ = here.corpus()
        questions = here.golden.read(corpus).questions
        folder = experiments_folder(here, corpus, questions) / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        found = pipelines()
        for retriever in (BM25(), RETRIEVERS["hybrid"]()):
            measured = Pipeline(splitter=Recursive(tokenizer="wordllama-256"), embedder=Static(), retriever=retriever)
            run = run_of(evaluate(corpus, questions, measured, metrics([measured]), store=here.store), questions)
            write_run(run, folder / f"{measured.fingerprint}.json")
        here.store.put_many("pipeline", {p.fingerprint: to_yaml(p).encode() for p in found.values()})
    return found


def kept(home: Path, fingerprint: str) -> Pipeline:
    """Return the pipeline that a link to this fingerprint opens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(home))
        patch.delenv("WORKBENCH_MODE", raising=False)
        return from_yaml(open_workspace().store.get("pipeline", fingerprint).decode())
