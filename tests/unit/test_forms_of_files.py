"""What is kept on disks, scripted against or linked to has the forms that it had: fingerprints, files, flags, keys.

`forms_of_files.json` beside this file holds them, by the name of the function that finds each. A form that is meant to
change is recorded again, and the commit says why:

    PYTHONPATH=. .venv/bin/python tests/unit/test_forms_of_files.py NAME…

Values that name the releases of installed libraries are compared without them, or only where the releases are those of
the recording.
"""

import io
import json
import re
import sqlite3
import sys
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import fields
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import COMMANDS, main
from workbench.documents import Corpus
from workbench.embedders import embed
from workbench.golden import read_golden, write_golden
from workbench.parsers import parse
from workbench.pipelines import REGISTRIES, Pipeline, from_mapping, from_yaml, to_yaml
from workbench.pipelines import split as cut
from workbench.records import read_run, run_from_json, run_to_json
from workbench.specs import fingerprint, from_dict
from workbench.splitters.chunk_cache import all_chunks
from workbench.store import Store
from workbench.workspaces import open_workspace
from workbench.workspaces.experiments import catalogue_of
from workbench.workspaces.transfer import export_workspace

EXPECTED = Path(__file__).with_name("forms_of_files.json")
ROOT = Path(__file__).parents[2]
RELEASE = re.compile(r"\((\S+) [^)]+\)")  # of a library, in the label of a parser's engine
LIBRARIES = ("pypdfium2", "pypdf", "pdfplumber", "python-calamine", "selectolax", "markdown-it-py", "unstructured")

TOPICS = "pump valve sensor filter tank gauge motor seal grease belt fuse relay".split()
LINES = [
    f"The {t} of set {i} needs care: look at the {t} each week, and note code E-{i}00." for i, t in enumerate(TOPICS)
]
MANUAL = "# Manual\n\n## First half\n\n{}\n\n## Second half\n\n{}\n".format(
    "\n\n".join(LINES[:6]), "\n\n".join(LINES[6:])
)
NOTES = "Notes 😀 of the shop.\nThe compressor is loud.\n\nCafe\u0301 closes at noon. Thirty days of leave for all.\n"

FAR = {
    "url": "https://models.example/v1",
    "models": {"small": {"dimensions": 8, "max_tokens": 100, "truncate": True, "revision": "2"}},
}
OTHERS: dict[str, list[dict[str, Any]]] = {
    "parser": [
        {"kind": "auto", "furniture": "drop", "hyphens": "keep", "encoding": "cp1252"},
        {"kind": "pypdf", "mode": "layout"},
        {"kind": "pdfplumber", "mode": "layout", "furniture": "drop"},
    ],
    "splitter": [
        {"kind": "recursive", "chunk_size": 300, "chunk_overlap": 30, "unit": "characters"},
        {"kind": "recursive", "tokenizer": "wordllama-256", "separators": ["\n", ""], "header": "path"},
        {"kind": "fixed", "tokenizer": "cl100k_base", "chunk_size": 64},
        {"kind": "sentences", "chunk_size": 90, "chunk_overlap": 0, "unit": "characters", "header": "path"},
        {"kind": "structure", "heading_level": 2, "header": "none"},
        {"kind": "code", "language": "java"},
        {"kind": "separator", "separator": "\n---\n"},
        {"kind": "semantic", "breakpoint": "gradient", "threshold": 90.0, "buffer": 2},
        {"kind": "cluster", "piece_size": 40, "chunk_size": 160},
        {"kind": "parent-child", "parent_size": 1000},
        {"kind": "sentence-window", "window": 2},
    ],
    "embedder": [
        {"kind": "static", "truncate_dim": 64},
        {"kind": "sentence-transformer", "query_prefix": "query: ", "passage_prefix": "passage: "},
        {"kind": "late", "truncate_dim": 128},
        {"kind": "remote", "model": "far/small", "truncate_dim": 4},
    ],
    "index": [
        {"kind": "flat", "metric": "dot", "storage": "float16"},
        {"kind": "hnsw", "m": 16, "ef_search": 32},
        {"kind": "ivf-flat", "nlist": 4, "nprobe": 2},
        {"kind": "ivf-pq", "m": 8, "rerank": "float16"},
        {"kind": "sq8", "rerank": "float16", "oversample": 8},
        {"kind": "binary", "oversample": 8},
    ],
    "retriever": [
        {"kind": "dense", "expand": "neighbours", "window": 2, "merge": True},
        {"kind": "bm25", "k1": 1.2, "b": 0.5, "stemmer": "english", "stop_words": "en"},
        {"kind": "hybrid", "fusion": "weighted", "weight": 0.3},
        {"kind": "mmr", "weight": 0.7, "depth": 20},
        {"kind": "rerank", "model": "nobody/reranker", "first": "bm25", "depth": 10},
    ],
}
"""For each part settings other than the defaults."""
NEEDED = {"remote": {"model": "far/small"}, "rerank": {"model": "nobody/reranker"}}
"""What a kind has no default for, or one whose identity depends on what lies in the hub's cache."""
BM25 = {
    "workbench": 1,
    "splitter": {"kind": "recursive", "chunk_size": 90, "chunk_overlap": 0, "unit": "characters"},
    "retriever": {"kind": "bm25"},
    "k": 2,
}
STATIC = BM25 | {"embedder": {"kind": "static"}, "retriever": {"kind": "dense"}}
CHOICE = "recursive 90/0 characters · all-MiniLM-L6-v2 · bm25"
GRID = """
base: {splitter: {kind: recursive, unit: characters, chunk_overlap: 0}, retriever: {kind: bm25}, k: 2}
vary:
  splitter.chunk_size: [40, 90]
  splitter.chunk_overlap: [0, 60]
"""


# --- identities


def settings() -> list[tuple[str, dict[str, Any]]]:
    """(part, its mapping): each kind of each registry with its defaults, and those of `OTHERS`."""
    plain = [(part, {"kind": kind, **NEEDED.get(kind, {})}) for part, kinds in REGISTRIES.items() for kind in kinds]
    return plain + [(part, mapping) for part, mappings in OTHERS.items() for mapping in mappings]


def masked(value: Any) -> Any:
    """The value without releases of libraries in it."""
    return json.loads(RELEASE.sub(r"(\1)", json.dumps(value, ensure_ascii=False)))


def field_names(folder: Path) -> Any:
    """Of every registered class: its fields in order, with type, default, limits and choices."""
    return {
        part: {
            kind: [
                [
                    f.name,
                    getattr(f.type, "__name__", str(f.type)),
                    f.default,
                    *(f.metadata[k] for k in ("low", "high", "choices", "advanced")),
                ]
                for f in fields(cls)
            ]
            for kind, cls in kinds.items()
        }
        for part, kinds in REGISTRIES.items()
    }


def identities(folder: Path) -> Any:
    """The identity of each method, and the fingerprint of that: what caches and links are named by."""
    out = []
    for part, mapping in settings():
        method = from_dict(REGISTRIES[part], mapping, part)
        identity = masked(method.identity())
        assert method.fingerprint == fingerprint(method.identity())
        out.append([part, mapping, identity, fingerprint(identity)])
    return out


def pipelines() -> list[Pipeline]:
    """The default and its neighbours, and mixes of `OTHERS` in which every one of them comes up."""
    mixes = zip(*((mappings * 4)[:11] for mappings in OTHERS.values()), strict=True)
    mixed = [dict(zip(OTHERS, mix, strict=True)) | {"k": 1 + i} for i, mix in enumerate(mixes)]
    return [Pipeline(), Pipeline(k=20), from_mapping(BM25), from_mapping(STATIC), *map(from_mapping, mixed)]


def name_of(pipeline: Pipeline) -> str:
    """The pipeline's fingerprint, releases of libraries left out."""
    parts: dict[str, Any] = {name: getattr(pipeline, name).identity() for name in REGISTRIES}
    assert pipeline.fingerprint == fingerprint(parts | {"k": pipeline.k})
    return fingerprint(masked(parts | {"k": pipeline.k}))


def pipeline_files(folder: Path) -> Any:
    """The YAML text of each pipeline, line by line, and its fingerprint, which the text gives back."""
    out = []
    for pipeline in pipelines():
        text = to_yaml(pipeline)
        assert from_yaml(text).fingerprint == pipeline.fingerprint
        out.append([name_of(pipeline), text.splitlines()])
    return out


def pipeline_fingerprints(folder: Path) -> Any:
    """The fingerprint of a pipeline for each of the `settings`, its other parts at their defaults."""
    return [[part, mapping["kind"], name_of(from_mapping({part: mapping}))] for part, mapping in settings()]


def labels(folder: Path) -> Any:
    """What lists, runs and tables call each pipeline."""
    return [pipeline.label for pipeline in pipelines()]


# --- documents, chunks, vectors: the store


def tiny(folder: Path) -> Path:
    """A folder of two files."""
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "manual.md").write_text(MANUAL, "utf-8", newline="")
    (docs / "notes.txt").write_text(NOTES, "utf-8", newline="")
    return docs


def corpus_of(folder: Path) -> Corpus:
    return Corpus(tuple(parse(path.name, path.read_bytes()) for path in sorted(tiny(folder).iterdir())))


def entries(store: Path) -> dict[str, dict[str, str]]:
    """Kind → key → what is kept under it, where that is JSON."""
    out: dict[str, dict[str, str]] = {}
    with closing(sqlite3.connect(store)) as connection:
        for kind, key, data in connection.execute("SELECT kind, key, data FROM entries ORDER BY kind, key"):
            out.setdefault(kind, {})[key] = data.decode("utf-8", "replace") if kind in ("document", "card") else ""
    return out


def documents(folder: Path) -> Any:
    """Ids, sections and pages of parsed documents, and the corpus's id."""
    corpus = corpus_of(folder)
    return [
        {
            "name": d.name,
            "id": fingerprint([d.source, masked(d.parser), d.text]),
            "source": d.source,
            "media_type": d.media_type,
            "parser": masked(d.parser),
            "language": d.language,
            "sections": [[s.kind, s.level, s.span.start, s.span.end, s.title] for s in d.sections],
            "characters": len(d.text),
        }
        for d in corpus.documents
    ]


def kept_cuts(folder: Path) -> Any:
    """The bytes that a large corpus's chunks are kept as, and the key's ingredients."""
    corpus = corpus_of(folder)
    others = [parse(f"{i}.txt", f"Note {i} of many.".encode()) for i in range(500)]  # more than 500 are many
    many = Corpus((*corpus.documents, *others))
    splitters = [from_dict(REGISTRIES["splitter"], m, "splitter") for m in (BM25["splitter"], {"kind": "structure"})]
    out = []
    for splitter in splitters:
        store = Store(folder / f"cuts-{splitter.kind}")
        all_chunks(many, splitter, cut, store)
        store.close()
        with closing(sqlite3.connect(folder / f"cuts-{splitter.kind}" / "store.sqlite")) as connection:
            rows = connection.execute("SELECT kind, key, data FROM entries ORDER BY key").fetchall()
        wanted = {fingerprint([1, splitter.fingerprint, d.id]): d.name for d in corpus.documents}
        out.append(sorted([wanted[key], kind, data.hex()] for kind, key, data in rows if key in wanted))
    return out


def kept_vectors(folder: Path) -> Any:
    """Kind and keys of the vectors of passages and queries."""
    store = Store(folder / "vectors")
    static = from_dict(REGISTRIES["embedder"], {"kind": "static", "truncate_dim": 64}, "embedder")
    embed(static, ["a passage", "Cafe\u0301 😀"], store)
    embed(static, ["a query"], store, queries=True)
    store.close()
    with closing(sqlite3.connect(folder / "vectors" / "store.sqlite")) as connection:
        rows = connection.execute("SELECT kind, key, length(data) FROM entries ORDER BY kind, key").fetchall()
        schema = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return {"entries": rows, "schema": schema}


def kept_documents(folder: Path) -> Any:
    """What a command leaves in the store: kinds, their keys' ingredients, and documents and cards in full."""
    command("chunk", folder, tiny(folder), "--json")
    command("search", folder, tiny(folder), "--query", "pump", "--config", file(folder, "static.yaml", STATIC))
    [store] = (folder / "home").rglob("store.sqlite")
    assert store == folder / "home/store/store.sqlite"
    parser = Pipeline().parser.fingerprint
    keys = {}
    for path in sorted(tiny(folder).iterdir()):
        digest = sha256(path.read_bytes()).hexdigest()
        keys[fingerprint([1, digest, parser, path.suffix])] = path.name
    ids = {d.id: f"id of {d.name}" for d in corpus_of(folder).documents}
    out: dict[str, Any] = {}
    for kind, rows in entries(store).items():
        if kind in ("document", "card"):
            texts = {keys[key]: json.loads(text) for key, text in rows.items()}
            for values in texts.values():
                values["id"] = ids[values["id"]]
            out[kind] = masked(texts)
        else:
            out[kind] = sorted(re.sub("[0-9a-f]{64}$", "", key) for key in rows)
    return out


# --- commands


def command(name: str, folder: Path, *arguments: object) -> tuple[int, str, str]:
    """(status, stdout, stderr) of a command, called in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([name, *map(str, arguments)])
        except SystemExit as end:  # --help
            status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


def file(folder: Path, name: str, value: Any) -> Path:
    """A file of this text, or of this value as JSON, which YAML reads too."""
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def shape(value: Any) -> Any:
    """The keys of JSON in their order, the types of its leaves, and of lists the shapes that stand in them."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        shapes = []
        for one in map(shape, value):
            if one not in shapes:
                shapes.append(one)
        return shapes
    return {int: "number", float: "number", type(None): "null"}.get(type(value), type(value).__name__)


def golden_file(folder: Path) -> Path:
    rows = [
        {
            "id": t,
            "question": f"What of the {t}?",
            "references": [{"document": "manual.md", "quote": line}],
            "tags": ["x"],
        }
        for t, line in zip(TOPICS, LINES, strict=True)
    ]
    rows.append({"id": "none", "question": "Who is the mayor?", "answerable": False, "references": []})
    return file(folder, "golden.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def flags(folder: Path) -> Any:
    """Each command's flags with their value's name."""
    out = {}
    for name in COMMANDS:
        _, text, _ = command(name, folder, "--help")
        out[name] = sorted(set(re.findall(r"(?m)^  (?:-\w[^,\n]*, )?(--?[a-z][\w-]*)", text)))
    return out


def outputs(folder: Path) -> Any:
    """The exact output of commands that tell of documents and chunks, and the shape of every other's JSON."""
    docs, golden = tiny(folder), golden_file(folder)
    bm25, static = file(folder, "bm25.yaml", BM25), file(folder, "static.yaml", STATIC)
    grid, runs = file(folder, "grid.yaml", GRID), folder / "sweep"
    worse = file(folder, "worse.yaml", json.loads(json.dumps(BM25).replace("90", "12")))
    exact = {
        "parse": command("parse", folder, docs, "--json"),
        "chunk": command("chunk", folder, docs, "--config", bm25, "--json"),
        "search": command("search", folder, docs, "--config", bm25, "--query", "care of the belt", "-k", "2", "--json"),
        "search, where there is nothing": command("search", folder, docs, "--config", bm25, "--query", "zzz", "--json"),
    }
    out: dict[str, Any] = {
        name: [status, [masked(json.loads(line)) for line in text.splitlines()]]
        for name, (status, text, _) in exact.items()
    }
    for row in out["search"][1]:
        for key in row:
            if isinstance(row[key], float):
                row[key] = round(row[key], 4)
    a, b, kept = folder / "a.json", folder / "b.json", folder / "kept.json"
    asked = ("--golden", golden)
    calls = {
        "search, dense": ("search", docs, "--config", static, "--query", "care of the belt"),
        "evaluate": ("evaluate", docs, *asked, "--config", static, "--per-question", "--out", a),
        "evaluate, chroma": ("evaluate", docs, *asked, "--config", worse, "--metrics", "chroma", "--no-anatomy"),
        "evaluate, named": ("evaluate", docs, *asked, "--config", worse, "--metrics", "recall@2,mrr@2", "--out", b),
        "doctor": ("doctor", docs, "--config", worse),
        "sweep, estimate": ("sweep", docs, *asked, "--grid", grid, "--out", runs, "--estimate"),
        "sweep": ("sweep", docs, *asked, "--grid", grid, "--out", runs, "--held-out", "0.2"),
        "sweep, again": ("sweep", docs, *asked, "--grid", grid, "--out", runs, "--metric", "recall@2"),
        "compare": ("compare", a, b, "--metric", "recall@2"),
        "check": ("check", docs, *asked, "--config", bm25, "--baseline", b, "--metric", "recall@2", "--out", kept),
        "check, a drop": ("check", docs, *asked, "--config", worse, "--baseline", a, "--metric", "recall@2"),
        "report": (
            "report",
            docs,
            *asked,
            "--runs",
            runs,
            "--out",
            folder / "r.html",
            "--chosen",
            CHOICE,
            "--decided-by",
            "Ada",
            "--why",
            "it is best",
            "--date",
            "2026-01-02",
        ),
        "export": ("export", docs, "--config", static, "--target", "bundle", "--out", folder / "bundle", *asked),
        "models": ("models",),
        "models, one": ("models", "wordllama-256"),
        "adapt": ("adapt", docs, *asked, "--config", static, "--out", folder / "adapted", "--folds", "2", "--anyway"),
    }
    for name, (which, *arguments) in calls.items():
        status, text, err = command(which, folder, *arguments, "--json")
        assert text or status, f"{name}: {err}"
        out[name] = [status, shape([json.loads(line) for line in text.splitlines()]) if text else err.split(":")[0]]
    return out


def exit_codes(folder: Path) -> Any:
    """The exit status of a command that is done, of wrong input in several ways, and of a fault of our own."""
    docs, golden = tiny(folder), golden_file(folder)
    calls = {
        "help": ("--help",),
        "no command": (),
        "unknown command": ("chop",),
        "unknown flag": ("chunk", docs, "--chunk-seize", "3"),
        "done": ("chunk", docs),
        "no such file": ("chunk", folder / "nowhere.txt"),
        "a wrong value": ("chunk", docs, "--chunk-size", "0"),
        "no golden set": ("evaluate", docs, "--golden", folder / "none.jsonl"),
        "an unknown model": ("models", "nobody/nothing"),
        "a damaged run": ("compare", golden, golden),
    }
    out = {name: command(*call[:1], folder, *call[1:])[0] if call else main([]) for name, call in calls.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
        out["a fault"] = command("chunk", folder, docs, "--json")[0]
    return out


# --- files


def run_file(folder: Path) -> Any:
    """The keys of a run's file and of its rows; and that a file reads back to the same bytes."""
    a, docs = folder / "a.json", tiny(folder)
    command(
        "evaluate",
        folder,
        docs,
        "--golden",
        golden_file(folder),
        "--config",
        file(folder, "s.yaml", STATIC),
        "--out",
        a,
    )
    data = a.read_bytes()
    assert run_to_json(run_from_json(data)) == data
    values = json.loads(data)
    rows = [
        [r["question"], r["metric"], r["budget"], round(r["value"], 9)]
        for r in values["rows"]
        if r["question"] in TOPICS[:2]
    ]
    del values["environment"]  # the packages that are installed
    return {"shape": shape(values), "metrics": values["metrics"], "rows": rows, "golden": values["golden"]}


def sweep_folder(folder: Path) -> Any:
    """The files of a sweep, and its table."""
    runs, docs = folder / "sweep", tiny(folder)
    grid = file(folder, "grid.yaml", GRID)
    command(
        "sweep",
        folder,
        docs,
        "--golden",
        golden_file(folder),
        "--grid",
        grid,
        "--out",
        runs,
        "--metrics",
        "recall@2,mrr@2",
    )
    names = {}
    for path in sorted((runs / "runs").iterdir()):
        run = read_run(path)
        assert path.name == f"{run.fingerprint}.json" == f"{from_mapping(run.pipeline).fingerprint}.json"
        names[run.fingerprint] = run.label
    table = (runs / "table.csv").read_text("utf-8")
    for name, label in names.items():
        table = table.replace(name, f"<{label}>")
    return {"files": sorted(p.name for p in runs.iterdir()), "table": table.splitlines()[:30]}


def golden_lines(folder: Path) -> Any:
    """Questions as JSON lines, as CSV columns, and the identity of a question's passages."""
    corpus = corpus_of(folder)
    questions, problems = read_golden(golden_file(folder), corpus)
    return [write_golden(questions, corpus).splitlines(), list(map(str, problems))]


def workspace(folder: Path) -> Any:
    """The files of a workspace that somebody worked in, its manifest, its golden set's versions and its ZIP file."""
    docs = tiny(folder)
    here = open_workspace()
    for source in here.sources:
        here.remove(source.id)
    for path in sorted(docs.iterdir()):
        here.add(path.name, path.read_bytes())
    here.keep_pipeline("mine", to_yaml(from_mapping(BM25)))
    here.keep_settings(tags={here.sources[0].id: ["a"]}, models=["wordllama-256"])
    corpus, _ = here.corpus()
    questions, _ = read_golden(golden_file(folder), corpus)
    here.keep_golden_set(questions[:2], corpus, "two")
    names = sorted(p.relative_to(folder / "home").as_posix() for p in (folder / "home").rglob("*") if p.is_file())
    manifest = re.sub(r'"added": "[^"]+"', '"added": "…"', (here.folder / "manifest.json").read_text("utf-8"))
    manifest = re.sub(r'(?s)"removed": \[.*?\n?\],', '"removed": […],', manifest)
    versions = re.sub(r'"time": "[^"]*"', '"time": "…"', (here.folder / "golden/versions.json").read_text("utf-8"))
    data, _ = export_workspace(here)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members, about = archive.namelist(), json.loads(archive.read("workspace.json"))
    names = [n for n in names if not n.endswith(("-wal", "-shm"))]
    return {"files": names, "manifest": manifest.splitlines(), "versions": versions, "members": members, "about": about}


def team_links(folder: Path) -> Any:
    """Which folder an owner's and a reader's id lead to; what no id is."""
    out = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_MODE", "team")
        owner = open_workspace().id
        assert re.fullmatch(r"w[A-Za-z0-9_-]{32}", owner)
        place = open_workspace(owner).folder
        known = "w" + "A" * 32
        reader = "r" + urlsafe_b64encode(sha256(f"read {known}".encode()).digest()[:24]).decode()
        there = place.with_name(f"team-{sha256(reader.encode()).hexdigest()}")
        place.rename(there)
        for id in (known, reader):
            found = open_workspace(id)
            out[id] = [found.folder.relative_to(folder / "home").as_posix(), found.id, found.reader_id, found.writable]
    return out


def catalogue(folder: Path) -> Any:
    """The tables, columns and indexes of the run history, and the migration that they stand at."""
    catalogue_of(open_workspace()).runs()
    path = folder / "home/catalogue.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        columns = {t: [row[1:] for row in connection.execute(f"PRAGMA table_info({t})")] for t in tables}
        indexes = sorted(
            [name, table, [row[2] for row in connection.execute(f"PRAGMA index_info({name})")]]
            for name, table in connection.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'")
        )
        versions = connection.execute("SELECT * FROM alembic_version").fetchall() if "alembic_version" in tables else []
    return {"columns": columns, "indexes": indexes, "versions": versions}


FORMS: tuple[Callable[[Path], Any], ...] = (
    field_names, identities, pipeline_files, pipeline_fingerprints, labels, documents, kept_cuts, kept_vectors,
    kept_documents, flags, outputs, exit_codes, run_file, sweep_folder, golden_lines, workspace, team_links, catalogue,
)  # fmt: skip


def told(form: Callable[[Path], Any], folder: Path) -> Any:
    """The form as JSON holds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder / "home"))
        patch.setenv("WORKBENCH_ENDPOINTS", json.dumps({"far": FAR}))
        patch.setenv("COLUMNS", "100")
        return json.loads(json.dumps(form(folder), ensure_ascii=False))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_the_form_is_what_it_was(form: Callable[[Path], Any], tmp_path: Path) -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))[form.__name__]
    found = told(form, tmp_path)
    if form is flags:  # commands and flags may be added, none may go
        found = {name: [flag for flag in found[name] if flag in old] for name, old in expected.items()}
    assert found == expected


def test_fingerprints_with_the_libraries_of_the_recording() -> None:
    recorded = json.loads(EXPECTED.read_text("utf-8"))["with libraries"]
    here = {name: version(name) for name in LIBRARIES}
    if here != recorded["libraries"]:
        pytest.skip(f"parsers' identities name other releases here: {here}")
    assert Pipeline().fingerprint == recorded["default"]


def record(names: list[str]) -> None:
    """Write what is so now to the file, for these forms or for all."""
    expected = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
    for form in FORMS:
        if not names or form.__name__ in names:
            with tempfile.TemporaryDirectory() as folder:
                expected[form.__name__] = told(form, Path(folder).resolve())
    expected["with libraries"] = {
        "libraries": {name: version(name) for name in LIBRARIES},
        "default": Pipeline().fingerprint,
    }
    EXPECTED.write_text("{\n" + ",\n".join(f"{_line(k)}: {_lines(v)}" for k, v in expected.items()) + "\n}\n", "utf-8")


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(value: Any) -> str:
    """JSON with a line for each part, so that a difference can be read."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"  {_line(one)}" for one in value) + "\n]"
    return "{\n" + ",\n".join(f"  {_line(key)}: {_line(one)}" for key, one in value.items()) + "\n}"


if __name__ == "__main__":
    record(sys.argv[1:])
