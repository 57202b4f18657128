"""Records what a race is tested on: exact and preview values of 60 configurations on the sample corpus.

python tests/laws/recording.py NAME    writes tests/laws/race_NAME.json; NAME: half (a static model, and the first
                                       128 of its 256 dimensions as its preview), short (32 of them: a bad preview), or
                                       states (MiniLM and its pooled token states: an hour of work)
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.texts import sample
from workbench.embedders import SentenceTransformer, Static
from workbench.evaluations import evaluate
from workbench.evaluations.retrieving import Asker
from workbench.golden import read_golden
from workbench.pipelines import Pipeline, collection, indexed, previewed
from workbench.splitters import Recursive, Sentences
from workbench.statistics import clusters
from workbench.store import Store
from workbench.sweeps import METRIC, sweep
from workbench.sweeps.racing import places
from workbench.workspaces.samples import FOLDER, GOLDEN

SIZES = (50, 75, 100, 150, 200, 250, 300, 400, 550, 800)
OVERLAPS = (0.0, 0.15, 0.3)
DIMENSIONS = {"half": 128, "short": 32}


def main(name: str) -> None:
    """Nothing; writes the file."""
    corpus, store = sample(), Store(Path(tempfile.gettempdir()) / f"race-recording-{name}")
    questions = [q for q in read_golden(FOLDER / GOLDEN, corpus)[0] if q.answerable]
    embedder = SentenceTransformer() if name == "states" else Static()
    pipelines = [
        Pipeline(splitter=kind(chunk_size=n, chunk_overlap=int(n * share), tokenizer=embedder.model), embedder=embedder)
        for kind in (Recursive, Sentences)
        for n in SIZES
        for share in OVERLAPS
    ]
    runs = sweep(corpus, questions, pipelines, store=store, metrics=[METRIC], progress=lambda step: print(step)).runs
    preview = []
    for pipeline in pipelines:
        rows = collection(corpus, pipeline.splitter)
        if isinstance(embedder, SentenceTransformer):
            rows = indexed(rows, previewed(rows, embedder, store), Asker(embedder, store), pipeline.index)
            found = evaluate(corpus, questions, pipeline, [METRIC], store=store, rows=rows)
        else:
            cut = Pipeline(splitter=pipeline.splitter, embedder=Static(truncate_dim=DIMENSIONS[name]))
            found = evaluate(corpus, questions, cut, [METRIC], store=store)
        preview.append(found.values[:, 0].round(4).tolist())
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


if __name__ == "__main__":
    main(sys.argv[1])
