"""`doctor`: one line a kind, worst first; the same as JSON; a wrong file is exit 2."""

import json

from workbench.cli import main
from workbench.diagnostics.checks import FINDINGS

TEXT = "The relief valve opens at ten bar and closes at eight. " * 20
P = """
splitter: {kind: fixed, chunk_size: 60, chunk_overlap: 0, unit: characters}
embedder: {kind: static, model: wordllama-256}
"""


def test_every_kind_is_told_with_places_in_the_text(tmp_path, home, capsys):
    (tmp_path / "p.yaml").write_text(P)
    (tmp_path / "valves.txt").write_text(TEXT)
    assert main(["doctor", str(tmp_path / "valves.txt"), "--config", str(tmp_path / "p.yaml"), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["kind"] for row in rows} == set(FINDINGS)
    assert [row["share"] for row in rows] == sorted((row["share"] for row in rows), reverse=True)
    cut = next(row for row in rows if row["kind"] == "cut sentences")
    assert cut["count"] > 5
    assert all(TEXT[e["start"] : e["end"]] for e in cut["examples"])


def test_people_read_shares_and_remedies(tmp_path, home, capsys):
    (tmp_path / "p.yaml").write_text(P)
    (tmp_path / "valves.txt").write_text(TEXT)
    assert main(["doctor", str(tmp_path / "valves.txt"), "--config", str(tmp_path / "p.yaml")]) == 0
    out = capsys.readouterr().out
    assert "splitter.kind: Cut by sentences" in out
    assert "ok    cut code (nothing of the kind is here)" in out


def test_nothing_to_read_is_said(tmp_path, home, capsys):
    assert main(["doctor", str(tmp_path / "none.txt")]) == 2
    assert "none.txt" in capsys.readouterr().err
