"""Runs and their files: what is written comes back, and nothing else is taken for a run."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import RunError
from workbench.records import (
    Asked,
    Question,
    Reference,
    Run,
    golden_id,
    read_run,
    run_from_json,
    run_to_json,
    write_run,
)
from workbench.records.runs import _checksum
from workbench.spans import Span


def made(values: list[list[float]] | None = None, name: str = "a", **changes: Any) -> Run:
    """A run of made-up values, questions × (recall@5, recall@1000tok)."""
    table = values if values is not None else [[1.0, 0.5], [0.25, 0.0], [1 / 3, 1.0]]
    questions = tuple(Asked(f"q{i}", i, 100 + i, i or None, ("tag",), False) for i in range(len(table)))
    splitter = {"kind": "recursive", "chunk_size": 200, "chunk_overlap": 0}
    fields: dict[str, Any] = {
        "pipeline": {"workbench": 1, "splitter": splitter, "retriever": {"kind": "dense"}, "k": 5},
        "fingerprint": name * 16,
        "label": f"recursive {name} ½",
        "corpus": "c" * 16,
        "golden": "d" * 16,
        "definitions": "workbench",
        "metrics": ("recall@5", "recall@1000tok"),
        "questions": questions,
        "values": tuple(tuple(row) for row in table),
        "unanswerable": 1,
        "chunks": 12,
        "index_bytes": 4096,
        "seed": 0,
        "seconds": {"search": 0.25},
        "environment": {"python": "3.11"},
        "abstention": {"auroc": 0.75, "threshold": None},
        "anatomy": {"steps": [["parser", 0.1]]},
    }
    return Run(**fields | changes)


def test_a_run_comes_back_from_its_file(tmp_path: Path) -> None:
    run = made()
    write_run(run, tmp_path / "runs/a.json")
    again = read_run(tmp_path / "runs/a.json")
    assert again == run
    assert again.seconds == run.seconds
    assert run_to_json(again) == run_to_json(run)
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["a.json"]


def test_the_file_holds_every_tidy_row() -> None:
    data = json.loads(run_to_json(made()))
    assert len(data["rows"]) == 6
    first = {"pipeline": "a" * 16, "question": "q0", "metric": "recall", "budget": "5", "value": 1.0}
    assert data["rows"][0] == first
    assert data["rows"][1]["budget"] == "1000tok"


def test_timings_are_all_that_may_differ() -> None:
    assert made(seconds={"search": 9.0}) == made()
    assert made(seed=1) != made()


def changed(data: dict[str, Any]) -> bytes:
    """The file with a checksum that fits, as someone would write it who means harm."""
    data.pop("checksum", None)
    return json.dumps(data | {"checksum": _checksum(data)}).encode()


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "lacks metrics": lambda d: d.pop("metrics"),
    'has no key "x"': lambda d: d.update(x=1),
    "not a known form": lambda d: d.update(workbench=2),
    "label must be text": lambda d: d.update(label=["<b>"]),
    "chunks must be a whole number": lambda d: d.update(chunks=-1),
    "seed must be": lambda d: d.update(seed=True),
    "seconds must be numbers": lambda d: d["seconds"].update(search="soon"),
    "environment must be texts": lambda d: d["environment"].update(python=3),
    "pipeline must be a mapping": lambda d: d.update(pipeline=[]),
    "anatomy must be a mapping or null": lambda d: d.update(anatomy="none"),
    "metrics must be a list": lambda d: d.update(metrics="recall@5"),
    "rows must be 3 questions × 2": lambda d: d["rows"].pop(),
    "row 1 must be recall of question": lambda d: d["rows"].insert(1, d["rows"].pop(0)),
    "row 1 must hold a finite number": lambda d: d["rows"][0].update(value=True),
    "question 1 must have the keys": lambda d: d["questions"][0].pop("rank"),
    "has a value of the wrong kind": lambda d: d["questions"][0].update(rank=0),
    "the question 'q0' twice": lambda d: (
        d["questions"][1].update(id="q0"),
        [r.update(question="q0") for r in d["rows"] if r["question"] == "q1"],
    ),
}


@pytest.mark.parametrize("message", CHANGES)
def test_what_is_no_run_is_refused_in_a_line(message: str) -> None:
    data = json.loads(run_to_json(made()))
    CHANGES[message](data)
    with pytest.raises(RunError, match=message.replace("(", r"\(")) as refused:
        run_from_json(changed(data))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"\xff{}", b'{"workbench": 1', b'{"a": NaN}', b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}", b"null"],
)
def test_bytes_that_are_no_run(data: bytes) -> None:
    with pytest.raises(RunError):
        run_from_json(data)


def test_infinity_and_nesting_in_plain_values() -> None:
    data = run_to_json(made()).replace(b'"auroc": 0.75', b'"auroc": 1e999')
    with pytest.raises(RunError, match="not finite"):
        run_from_json(data)
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"x": deep}
    with pytest.raises(RunError, match="nested deeper"):
        run_from_json(run_to_json(made(anatomy=deep)))


def test_every_changed_byte_is_told() -> None:
    data = run_to_json(made())
    for place in range(0, len(data) - 1, 97):
        if data[place : place + 1] in b" \n":
            continue
        broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(RunError):
            run_from_json(broken)
    with pytest.raises(RunError):
        run_from_json(data[: len(data) // 2])


def test_values_that_are_no_numbers_are_no_run() -> None:
    with pytest.raises(RunError, match="finite"):
        made([[float("nan"), 1.0]])
    with pytest.raises(RunError, match="at least one metric"):
        made([])
    with pytest.raises(RunError, match="was not measured"):
        made().column("mrr@5")


def test_a_file_that_cannot_be_opened_or_written(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none\.json: the run cannot be opened"):
        read_run(tmp_path / "none.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_run(made(), tmp_path / "file/run.json")


def test_a_golden_sets_identity_is_its_text_not_its_places() -> None:
    q = Question("q", "Where?", (Reference(Span("d", 0, 4), "here"),))
    moved = replace(q, references=(Reference(Span("e", 7, 11), "here"),))
    assert golden_id([q]) == golden_id([moved])
    assert golden_id([q]) != golden_id([replace(q, text="When?")])
    assert golden_id([q]) != golden_id([replace(q, references=(Reference(Span("d", 0, 4), "hers"),))])


def test_holding_out() -> None:
    run = made().holding_out({"q1"})
    assert [q.held_out for q in run.questions] == [False, True, False]
    assert run.holding_out(()) == made()
