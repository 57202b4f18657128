"""The catalogue: what is recorded is found again, by its own workspace alone, on SQLite and on PostgreSQL alike."""

import gc
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from test_runs import made

from workbench.catalogue import Catalogue, DecisionRecord, Rejected, database, open_catalogue
from workbench.errors import RunError, StoreError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def postgres():
    """Return the URL of a PostgreSQL server of the tests' own; skip where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders or not (folders[-1] / "initdb").exists():
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    # pytest's own folders are closed to the user that the server has to be. The socket stands there: no port is taken.
    home = Path(tempfile.mkdtemp(prefix="workbench-postgres-"))
    who: dict[str, int] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        who = {"user": user.pw_uid, "group": user.pw_gid}
        os.chown(home, user.pw_uid, user.pw_gid)
    data = home / "data"

    def run(tool: str, *arguments: str) -> None:
        done = subprocess.run(
            [folders[-1] / tool, "-D", data, *arguments],
            cwd=home, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **who,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    run("initdb", "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
    run("pg_ctl", "start", "-w", "-l", str(home / "log"), "-o", f"-k {home} -c listen_addresses='' -c fsync=off")
    yield f"postgresql+psycopg://tests@/postgres?host={home}"
    database._ready.cache_clear()
    gc.collect()
    run("pg_ctl", "stop", "-m", "immediate")
    shutil.rmtree(home)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Catalogue:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres")
    return open_catalogue(tmp_path, tmp_path.name, url)


def decided(**changes: object) -> DecisionRecord:
    fields = {
        "chosen": "a" * 16, "label": "recursive", "by": "Ana", "why": "it is the cheapest", "corpus": "c",
        "golden": "g", "metric": "recall@5", "verdict": "not settled", "pipeline": "workbench: 1\n",
        "rejected": (Rejected("b" * 16, "fixed", "dearer"),),
    }  # fmt: skip
    return DecisionRecord(**fields | changes)  # type: ignore[arg-type]


def test_a_run_comes_back_whole(catalogue):
    run = made()
    id = catalogue.record(run)
    again = catalogue.run(id)
    assert again == run
    assert again.seconds == run.seconds
    (entry,) = catalogue.runs()
    assert (entry.id, entry.label, entry.questions, entry.index_bytes) == (id, run.label, 3, 4096)
    assert entry.means["recall@1000tok"] == pytest.approx(0.5)
    assert entry.tokens_per_query == pytest.approx(101)


def test_the_same_run_is_one_entry_whose_newer_body_stands(catalogue):
    first = catalogue.record(made(anatomy=None))
    assert catalogue.record(made()) == first
    assert catalogue.run(first).anatomy is not None
    assert catalogue.record(made(golden="e" * 16)) != first
    assert len(catalogue.runs()) == 2


def test_filters(catalogue):
    good, bad = catalogue.record(made(name="a")), catalogue.record(made([[0.0, 0.1]] * 3, name="b", corpus="f" * 16))
    catalogue.tag(good, ["shipped", "2026"])
    ids = lambda **how: {e.id for e in catalogue.runs(**how)}  # noqa: E731
    assert ids() == {good, bad}
    assert ids(text="RECURSIVE a") == {good}
    assert ids(text="100% _") == set()
    assert ids(tag="shipped") == {good}
    assert ids(corpus="f" * 16) == {bad}
    assert ids(golden="d" * 16) == {good, bad}
    assert ids(metric="recall@5") == {good, bad}
    assert ids(metric="recall@5", at_least=0.5) == {good}
    assert ids(metric="mrr@5") == set()
    assert catalogue.tags() == ["2026", "shipped"]
    catalogue.tag(good, ["2026"])
    assert catalogue.tags() == ["2026"]


def test_remarks_in_order_and_counted(catalogue):
    id = catalogue.record(made())
    catalogue.remark(id, "looks too good", "Ana")
    catalogue.remark(id, " leaked: fixed ", "Bo ✓")
    assert [(r.by, r.text) for r in catalogue.remarks(id)] == [("Ana", "looks too good"), ("Bo ✓", "leaked: fixed")]
    assert catalogue.runs()[0].remarks == 2
    with pytest.raises(RunError, match="remark is missing"):
        catalogue.remark(id, "  ", "Ana")
    with pytest.raises(RunError, match="at most 60"):
        catalogue.tag(id, ["x" * 61])


def test_nobody_sees_another_workspaces(catalogue):
    other = replace(catalogue, workspace=catalogue.workspace + "x")
    id = catalogue.record(made())
    catalogue.tag(id, ["mine"])
    catalogue.decide(decided())
    catalogue.keep_golden("g", "c", "{}\n", 1)
    assert (other.runs(), other.tags(), other.decisions(), other.goldens()) == ([], [], [], [])
    for act in (
        lambda: other.run(id),
        lambda: other.remarks(id),
        lambda: other.tag(id, ["theirs"]),
        lambda: other.remark(id, "hello", "Eve"),
    ):
        with pytest.raises(RunError, match="no run"):
            act()
    assert other.record(made()) != id


def test_decisions_and_golden_versions(catalogue):
    first, second = catalogue.decide(decided()), catalogue.decide(decided(why="it is better", rejected=()))
    assert [d.why for d in catalogue.decisions()] == ["it is better", "it is the cheapest"]
    assert catalogue.decisions() == [second, first]
    assert first.at
    assert first.rejected[0].why == "dearer"
    for label in ("added q1", "again"):
        catalogue.keep_golden("g1", "c", '{"id": "q1"}\n', 1, label)
    catalogue.keep_golden("g2", "c", "", 2, "added q2")
    assert [(g.golden, g.label, g.questions) for g in catalogue.goldens()] == [
        ("g2", "added q2", 2),
        ("g1", "added q1", 1),
    ]
    with pytest.raises(RunError, match="reason"):
        decided(why=" ")


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_runs import made
from workbench.catalogue import open_catalogue
catalogue = open_catalogue(Path({home!r}), {workspace!r}, {url!r})
for i in range(20):
    id = catalogue.record(made(name=str(i // 2) if i % 2 else {name!r} + str(i)))
    catalogue.remark(id, "by " + {name!r}, {name!r})
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_write_at_once_lose_nothing(kind, request, tmp_path):
    """Three begin with no database at all, so that they race for its tables too; half of their runs are the same."""
    url = "" if kind == "sqlite" else request.getfixturevalue("postgres")
    at = {"tests": str(ROOT / "tests/unit"), "home": str(tmp_path), "workspace": tmp_path.name, "url": url}
    tasks = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER.format(name=n, **at)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for n in "xyz"
    ]
    for task in tasks:
        _, errors = task.communicate(timeout=120)
        assert task.returncode == 0, errors
    found = open_catalogue(tmp_path, tmp_path.name, url)
    entries = found.runs()
    assert len(entries) == 10 + 3 * 10
    assert sum(e.remarks for e in entries) == 3 * 20


def test_the_migrations_make_the_tables_that_queries_are_written_for(catalogue):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from workbench.catalogue.database import metadata

    with database.ready(catalogue.url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_sqlite_is_in_write_ahead_mode(tmp_path):
    open_catalogue(tmp_path, "w")
    mode = sqlite3.connect(tmp_path / "catalogue.sqlite3").execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal",)


def test_a_database_that_cannot_be_used_is_a_line_without_its_password(tmp_path, monkeypatch):
    with pytest.raises(StoreError) as told:
        open_catalogue(tmp_path, "w", f"postgresql+psycopg://u:hunter2@/x?host={tmp_path}/nowhere")
    assert "hunter2" not in str(told.value)
    assert "stay in their files" in str(told.value)
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", "nonsense")
    with pytest.raises(StoreError, match="no database URL"):
        open_catalogue(tmp_path, "w")


def test_a_database_of_a_newer_workbench_is_refused(tmp_path):
    open_catalogue(tmp_path, "w")
    database._ready.cache_clear()
    with sqlite3.connect(tmp_path / "catalogue.sqlite3") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer workbench"):
        open_catalogue(tmp_path, "w")
