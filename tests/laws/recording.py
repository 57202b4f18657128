"""Records what a race is tested on: exact and preview values of 60 configurations.

python tests/laws/recording.py NAME    writes tests/laws/race_NAME.json or .npz; NAME: half (a static model, and the
                                       first 128 of its 256 dimensions as its preview) or short (32 of them: a bad
                                       preview) on the sample corpus, or minilm (MiniLM and its pooled token states, on
                                       the three corpora of chunking_evaluation: ten minutes of CPU)
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from benchmarks.sweeping import questions_and_corpus
from benchmarks.texts import sample
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, Static
from workbench.evaluations import evaluate
from workbench.golden import read_golden
from workbench.pipelines import Pipeline, StoredQueries, collection, indexed, previewed
from workbench.splitters import Recursive, Sentences
from workbench.statistics import clusters
from workbench.store import Store
from workbench.sweeps import METRIC, sweep
from workbench.sweeps.embedding_cost import reading
from workbench.sweeps.race_statistics import places
from workbench.tasks import Task
from workbench.workspaces.manifest import SAMPLE_FOLDER, SAMPLE_GOLDEN

SIZES = (50, 75, 100, 150, 200, 250, 300, 400, 550, 800)
MORE_SIZES = (50, 75, 100, 125, 150, 200, 250, 300, 400, 500, 650, 800)
MORE_OVERLAPS = (0.0, 0.1, 0.2, 0.3, 0.5)
OVERLAPS = (0.0, 0.15, 0.3)
DIMENSIONS = {"half": 128, "short": 32}


def main(name: str) -> None:
    """Nothing; writes the file."""
    store = Store(Path(tempfile.gettempdir()) / f"race-recording-{name}")
    large = name == "minilm"
    corpus = questions_and_corpus(tiny=False)[0] if large else sample()
    questions = questions_and_corpus(tiny=False)[1] if large else read_golden(SAMPLE_FOLDER / SAMPLE_GOLDEN, corpus)[0]
    questions = [q for q in questions if q.answerable]
    embedder = SentenceTransformer() if large else Static()
    pipelines = [
        Pipeline(splitter=kind(chunk_size=n, chunk_overlap=int(n * share), tokenizer=embedder.model), embedder=embedder)
        for kind in ((Recursive,) if large else (Recursive, Sentences))
        for n in (MORE_SIZES if large else SIZES)
        for share in (MORE_OVERLAPS if large else OVERLAPS)
    ]
    runs = sweep(
        corpus, questions, pipelines, store=store, metrics=[METRIC], task=Task(lambda done, total, step: print(step))
    ).runs
    preview = []
    for pipeline in pipelines:
        rows = collection(corpus, pipeline.splitter)
        if isinstance(embedder, SentenceTransformer):
            rows = indexed(rows, previewed(rows, embedder, store), StoredQueries(embedder, store), pipeline.index)
            found = evaluate(corpus, questions, pipeline, [METRIC], store=store, rows=rows)
        else:
            cut = Pipeline(splitter=pipeline.splitter, embedder=Static(truncate_dim=DIMENSIONS[name]))
            found = evaluate(corpus, questions, cut, [METRIC], store=store)
        preview.append(found.values[:, 0].round(4).tolist())
    if large:
        keep(name, pipelines, corpus, [run.column(METRIC) for run in runs], preview, clusters(questions))
        return
    data = {
        "metric": METRIC,
        "labels": [p.label for p in pipelines],
        "places": places(pipelines).round(4).tolist(),
        "clusters": clusters(questions).tolist(),
        "exact": [run.column(METRIC).round(4).tolist() for run in runs],
        "preview": preview,
    }
    lines = [f'"{key}": {json.dumps(value)}' for key, value in data.items()]
    Path(__file__).with_name(f"race_{name}.json").write_text("{" + ",\n".join(lines) + "}\n")


def keep(
    name: str, pipelines: list[Pipeline], corpus: Corpus, exact: list[Any], preview: list[Any], of: NDArray[np.int64]
) -> None:
    """Nothing; writes the values as ten thousandths, and what each configuration costs once another is known."""
    reads = [reading(collection(corpus, p.splitter), p.embedder) for p in pipelines]
    new = np.array([[a.total if a is b else a.new(b.texts) for b in reads] for a in reads], np.int32)
    np.savez_compressed(
        Path(__file__).with_name(f"race_{name}.npz"),
        exact=(np.array(exact) * 1e4).round().astype(np.uint16),
        preview=(np.array(preview) * 1e4).round().astype(np.uint16),
        places=places(pipelines).round(4),
        clusters=of.astype(np.int16),
        new=new,
    )


if __name__ == "__main__":
    main(sys.argv[1])
