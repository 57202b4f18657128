"""The benchmarks, once each on little text: they run, and what they compare is equal. Never how long it took."""

import re
from pathlib import Path

import pytest

import benchmarks
from benchmarks import __main__ as command
from benchmarks import surface
from benchmarks.forgetting import forget
from benchmarks.tables import Table, ms, ratio, size
from benchmarks.texts import document, prose
from benchmarks.timing import interleaved, percentile_95
from workbench.splitters import Recursive, pieces
from workbench.statistics import questions_for_equivalence


@pytest.fixture(autouse=True)
def _no_collecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times mean nothing here, and collecting garbage before each costs half a second in a process of many tests."""
    monkeypatch.setattr("benchmarks.timing.gc.collect", lambda: 0)


def cells(table: Table, column: str) -> list[str]:
    return [row[list(table.columns).index(column)] for row in table.rows]


def test_cutting_gives_langchains_chunks():
    (table,) = benchmarks.SUBJECTS["cutting"](True)
    assert cells(table, "equal") == ["yes"] * 3
    assert all(int(count.split("–")[0]) > 1 for count in cells(table, "chunks"))


def test_a_slider_step_measures_every_stage():
    (table,) = benchmarks.SUBJECTS["steps"](True)
    assert len(table.rows) >= 8
    assert all(re.fullmatch(r"[\d.]+ (ms|s)", cell) for row in table.rows for cell in row[1:])


def test_embedding_gives_the_vectors_of_sentence_transformers():
    for table in benchmarks.SUBJECTS["embedding"](True):
        cosines = dict(zip(cells(table, ""), map(float, cells(table, "min cosine")), strict=True))
        assert len(cosines) >= 2
        assert all(value > (0.999 if "bfloat16" in name else 0.99999) for name, value in cosines.items())


def test_search_finds_what_numpy_finds():
    (table,) = benchmarks.SUBJECTS["search"](True)
    assert "equal numpy's for 4 of 4 queries" in table.note


def test_the_text_is_the_same_every_time_and_does_not_repeat():
    text = prose(900_000)
    again = prose.__wrapped__(900_000)
    assert again == text
    assert len(text) == 900_000
    paragraphs = [p for p in text.split("\n\n") if len(p) > 300]
    assert len(set(paragraphs)) > 0.99 * len(paragraphs)


def test_a_cold_cut_knows_nothing_of_the_text():
    Recursive()(document(4_000))
    assert pieces.tree.cache.bytes
    forget()
    assert not pieces.tree.cache.bytes


def test_walks_end_where_the_value_is_used():
    summary, cut, hits, known = benchmarks.APART["walks"](True)
    assert all(int(n) > 0 for n in cells(summary, "rooms"))
    assert cells(cut, "stay")[0] == cells(hits, "stay")[0] == "pages/1_Bench.py"
    assert cells(cut, "stay")[-1].startswith("workbench/splitters")
    assert cells(hits, "stay")[-1].startswith("workbench/retrievers")
    assert int(cells(summary, "stays")[2]) == len(known.rows)


def test_rounds_are_interleaved():
    order = []
    times = interleaved(2, {"a": lambda turn: order.append(f"a{turn}"), "b": lambda turn: order.append(f"b{turn}")})
    assert order == ["a0", "b0", "a1", "b1"]
    assert len(times["a"].walls) == len(times["b"].cpus) == 2


def test_the_figures_read_well():
    assert [ms(0.0041), ms(0.18), ms(2.314), ms(0.0004)] == ["4.1 ms", "180 ms", "2.31 s", "0.400 ms"]
    assert [size(120_000), size(5_000_000), size(4_000)] == ["120 KB", "5 MB", "4 KB"]
    assert [ratio(3.0, 2.0), ratio(207.4, 1.0)] == ["1.50 ×", "207 ×"]
    assert percentile_95([3.0, 1.0, 2.0]) == 3.0
    assert percentile_95([float(n) for n in range(1, 101)]) == pytest.approx(95.05)


def test_an_unknown_subject_is_refused_by_name(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["cuting"])
    assert stopped.value.code == 2
    assert "'cuting' is no subject; there are cutting, " in capsys.readouterr().err


def test_a_tiny_run_prints_its_tables_and_keeps_the_results_file(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "RESULTS", tmp_path / "RESULTS.md")
    assert command.main(["cutting", "--tiny"]) == 0
    printed = capsys.readouterr().out
    assert "numpy" in printed
    assert "| 4 KB, cl100k_base" in printed
    assert not (tmp_path / "RESULTS.md").exists()


def test_without_chromium_the_browser_is_skipped_in_one_line(monkeypatch):
    monkeypatch.setattr("tests.chromium.find", lambda: None)
    (table,) = benchmarks.SUBJECTS["browser"](True)
    assert table.columns == ("not measured",)
    assert "no Chromium here" in table.rows[0][0]


def test_a_sweep_embeds_no_more_than_each_afresh():
    sweeps, figures = benchmarks.SUBJECTS["sweep"](True)
    made = [int(cell.replace(",", "")) for cell in cells(sweeps, "chunks embedded")]
    assert [row[0] for row in sweeps.rows[1:]] == [
        f"ours, {d}{a}" for d in ("float32", "bfloat16") for a in ("", ", again")
    ]
    assert made[0] >= made[1] == made[3] > made[2] == made[4] == 0
    assert len(figures.rows) == 5


def test_a_surface_is_explored_beside_a_plain_loop() -> None:
    table, parts = benchmarks.SUBJECTS["surface"](True)
    plain, explored = table.rows
    assert plain[1] == "4"
    assert sum(map(int, explored[1:4])) == 4
    assert "leads with recall@1000tok" in table.note
    assert {row[0] for row in parts.rows} <= set(surface.STAGES.values())


def test_peers_stand_beside_ours_and_langchain_makes_as_many_chunks() -> None:
    for table in benchmarks.SUBJECTS["peers"](True):
        counts = {row[0].split(" 1.")[0]: row[-1] for row in table.rows}
        assert counts["ours, cold"] == counts["langchain-text-splitters"]
        assert len(table.rows) == 6
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_search_and_bm25_by_size_are_checked_against_exact_ones() -> None:
    search, bm25, growth = benchmarks.SUBJECTS["scaling"](True)
    cells = {row[0]: row[1:] for row in search.rows}
    assert all(cell.endswith("1.00") for cell in cells["flat"])
    assert set(cells) == {"flat", "sq8", "binary", "ivf-flat", "ivf-pq", "hnsw"}
    assert len(bm25.rows) == 2  # its scores are compared with bm25s's as it runs
    assert [row[0] for row in growth.rows][:3] == ["chunks, characters", "chunks, tokens", "vectors, static"]


def test_a_large_corpus_is_made_indexed_and_grown() -> None:
    (table,) = benchmarks.SUBJECTS["large"](True)
    assert table.title.startswith("Large: 12 documents, 0.0 MB")
    stages = ("chunks", "vectors and index", "a query, dense")
    assert [row[0] for row in table.rows][-7:] == [
        *(f"{begin}: {stage}" for begin in ("again", "one document more") for stage in stages),
        "one document more: BM25",
    ]


def test_calibration_in_small_finds_nothing_grossly_wrong() -> None:
    """Few draws: each claim with as much room as so few can need. The full table is `docs/calibration.md`."""
    found = {table.title: table for table in benchmarks.APART["calibration"](True)}

    def now(title: str) -> list[float]:
        """The figures of today, after the arrow where there is one."""
        rows = found[title].rows
        some = [re.search(r"([\d.]+) ?%?(?: \(mean.*)?$", cell.split("→")[-1]) for row in rows for cell in row[1:]]
        return [float(match[1]) for match in some if match]

    assert min(now(COVERS)) >= 0.85
    assert max(now(EQUIVALENT)) <= 17
    assert max(now(BEST)) <= 17
    assert max(now("p and interval contradict each other")) == 0
    assert min(now("The leader's interval covers its truth")) >= 0.6
    assert len(found) == 9
    assert all("Claim" in table.note for table in found.values())


ROOT = Path(benchmarks.__file__).parents[1]


def calibrated(title: str) -> list[float]:
    """The figures of today in a table of `docs/calibration.md`: after the arrow, where there is one."""
    text = (ROOT / "docs/calibration.md").read_text()
    (table,) = [part for part in text.split("\n## ") if part.split("\n")[0] == title]
    cells = [cell for line in table.split("\n") if line.startswith("| ") for cell in line.strip("|").split("|")[1:]]
    found = [re.search(r"^([\d.]+) ?%?(?: \(mean.*)?$", cell.split("→")[-1].strip()) for cell in cells]
    return [float(match[1]) for match in found if match]


COVERS, EQUIVALENT = "The 95 % interval of a mean covers the truth", "False “equivalent within ±0.05”"
BEST, DOCUMENTS = "False “best” among equal pipelines", "Documents like these"


NOISE = 0.8
"""Percentage points that so many draws of a cell can be off by."""


def test_the_calibration_that_is_kept_meets_its_claims() -> None:
    assert min(calibrated(COVERS)) >= 0.93
    assert max(calibrated(EQUIVALENT)) <= 5
    assert max(calibrated(BEST)) <= 5 + NOISE
    assert max(calibrated("The truly best is called significantly worse")) <= 2.5
    type1, best, best_of_ten, worse = (calibrated(DOCUMENTS)[i::4] for i in range(4))
    assert max(type1) <= 6
    assert max(best) <= 5 + NOISE
    assert max(best_of_ten) <= 5
    assert max(worse) <= 2.5 + NOISE
    assert max(calibrated("p and interval contradict each other")) == 0
    assert min(calibrated("The leader's interval covers its truth")) >= 0.93
    power = calibrated("A true difference is seen")
    assert all(seen >= least for seen, least in zip(power[::2], power[1::2], strict=True))
    together = re.search(r"all together.*?([\d.]+) % \|", (ROOT / "docs/calibration.md").read_text())
    assert 75 <= float(together[1]) <= 95


def test_the_readme_quotes_the_calibration_as_it_is() -> None:
    text = " ".join((ROOT / "README.md").read_text().split())
    for sentence in (
        f"intervals cover the truth in at least {100 * min(calibrated(COVERS)):.1f} % of draws",
        f"one is called best in at most {max(calibrated(BEST)):.1f} %,",
        f"and in at most {max(calibrated(DOCUMENTS)):.1f} % where documents differ",
        f"equivalent within 0.05 in at most {max(calibrated(EQUIVALENT)):.1f} %.",
        f"Nothing is called equivalent within 0.05 below {questions_for_equivalence(0, 0.05)} questions.",
    ):
        assert sentence in text
