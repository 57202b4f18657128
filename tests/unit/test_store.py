import logging
import multiprocessing
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench import store as stores
from workbench.errors import StoreError
from workbench.store import Store, Usage, default_capacity


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" if request.param == "disk" else None, capacity_bytes=1 << 20)


def test_what_is_put_comes_back(store: Store) -> None:
    store.put("vectors", "a", b"one")
    store.put_many("vectors", {"b": b"", "c": b"\0three"})
    assert store.get("vectors", "a") == b"one"
    assert store.get("parsed", "a") is None
    assert store.get_many("vectors", ["c", "b", "x", "c"]) == {"b": b"", "c": b"\0three"}
    assert store.get_many("vectors", []) == {}


def test_a_second_put_replaces(store: Store) -> None:
    store.put("k", "a", b"old")
    store.put("k", "a", b"newer")
    assert store.get("k", "a") == b"newer"
    assert store.usage()["k"].entries == 1


def test_more_keys_than_one_statement_takes(store: Store) -> None:
    entries = {f"key {i}": str(i).encode() for i in range(2_500)}
    store.put_many("k", entries)
    assert store.get_many("k", entries) == entries


def test_usage_counts_by_kind_and_clear_forgets(store: Store) -> None:
    store.put_many("small", {"a": b"1"})
    store.put_many("large", {"a": b"1" * 1_000, "b": b"2" * 1_000})
    usage = store.usage()
    assert list(usage) == ["large", "small"]
    assert usage["large"].entries == 2
    assert usage["large"].bytes >= 2_000
    store.clear("large")
    assert store.usage() == {"small": usage["small"]}
    assert store.get("large", "a") is None
    store.clear()
    assert store.usage() == {}
    assert store.get("small", "a") is None


def test_another_store_on_the_folder_sees_the_same(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    first.put("k", "a", b"1")
    assert second.get("k", "a") == b"1"
    first.close()
    assert Store(tmp_path).get("k", "a") == b"1"


def test_the_cap_drops_what_was_not_used_for_longest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_000_000
    monkeypatch.setattr(stores.time, "time", lambda: clock)
    store = Store(tmp_path, capacity_bytes=50_000)
    for i in range(40):
        clock += 100
        store.put("k", str(i), bytes(1_000))
    clock += 100
    assert store.get("k", "0") is not None  # used again: now the newest
    for i in range(40, 60):
        clock += 100
        store.put("k", str(i), bytes(1_000))
    kept = set(store.get_many("k", map(str, range(60))))
    assert {"0", "59"} <= kept
    assert not {"1", "2", "3"} & kept
    assert sum(u.bytes for u in store.usage().values()) <= 50_000
    assert store.usage()["k"].entries == len(kept)


def test_use_is_noted_at_most_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, touched = 1_000_000, []
    monkeypatch.setattr(stores.time, "time", lambda: clock)
    monkeypatch.setattr(Store, "_touch", lambda self, kind, keys: touched.append(list(keys)))
    store = Store(tmp_path)
    store.put("k", "a", b"1")
    clock += 30
    store.get("k", "a")
    assert touched == []
    clock += 31
    store.get("k", "a")
    assert touched == [["a"]]


def test_an_entry_larger_than_the_cap_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path, capacity_bytes=1_000)
    store.put_many("k", {"big": bytes(2_000), "small": b"1"})
    assert store.get_many("k", ["big", "small"]) == {"small": b"1"}


@pytest.mark.parametrize("change", ["UPDATE entries SET data = x'00'", "UPDATE entries SET key = 'b' WHERE key = 'a'"])
def test_a_damaged_entry_reads_as_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture, change: str) -> None:
    store = Store(tmp_path)
    store.put("k", "a", b"truth")
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute(change)
    key = "b" if "key =" in change else "a"
    with caplog.at_level(logging.WARNING):
        assert store.get("k", key) is None
    assert "damaged" in caplog.text
    assert store.usage() == {}


def test_a_damaged_database_is_set_aside_when_it_opens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"this is not a database" * 100)
    with caplog.at_level(logging.WARNING):
        store = Store(tmp_path)
    assert "set aside" in caplog.text
    assert [p.read_bytes()[:4] for p in tmp_path.glob("store.damaged-*")] == [b"this"]
    store.put("k", "a", b"1")
    assert Store(tmp_path).get("k", "a") == b"1"


def test_a_database_damaged_while_open_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Store(tmp_path)
    first.put_many("k", {str(i): bytes(3_000) for i in range(200)})
    first.close()
    store = Store(tmp_path)
    path = tmp_path / "store.sqlite"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert store.get_many("k", map(str, range(200))) == {}
        store.put("k", "a", b"1")
    assert "set aside" in caplog.text
    assert store.get("k", "a") == b"1"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="or set WORKBENCH_HOME"):
        Store(tmp_path / "file" / "cache")


def test_a_write_that_fails_keeps_nothing_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("k", "a", b"1")
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON entries WHEN new.key = 'c' "
            "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    with pytest.raises(StoreError, match="disk is full"):
        store.put_many("k", {"b": b"2", "c": b"3"})
    assert store.get_many("k", ["a", "b", "c"]) == {"a": b"1"}
    assert store.usage()["k"].entries == 1


def test_threads_share_one_store(store: Store) -> None:
    wrong: list[str] = []

    def work(name: int) -> None:
        for i in range(30):
            entries = {f"{name}-{i}-{j}": f"{name}{i}{j}".encode() for j in range(5)}
            store.put_many("k", entries)
            if store.get_many("k", entries) != entries:
                wrong.append(f"{name}-{i}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert store.usage()["k"].entries == 6 * 30 * 5


def _write(folder: Path, name: int) -> None:
    store = Store(folder)
    for i in range(20):
        store.put_many("k", {f"{name}-{i}-{j}": bytes(100) for j in range(5)})


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_processes_share_one_folder(tmp_path: Path, start: str) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {start}")
    store = Store(tmp_path)
    context = multiprocessing.get_context(start)
    processes = [context.Process(target=_write, args=(tmp_path, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0, 0, 0]
    assert store.usage() == {"k": Usage(300, 300 * (100 + stores._OVERHEAD))}


@pytest.mark.parametrize("text", ["", "four", "0", "-1", "nan", "inf"])
def test_a_size_that_is_no_number_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WORKBENCH_STORE_GB", text)
    with pytest.raises(StoreError, match="WORKBENCH_STORE_GB"):
        default_capacity()


def test_the_size_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STORE_GB", "0.5")
    assert default_capacity() == 1 << 29
    monkeypatch.delenv("WORKBENCH_STORE_GB")
    assert default_capacity() == 4 << 30


def test_a_new_store_is_opened_by_many_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom workbench.store import Store\n"
        "while time.time() < float(sys.argv[2]): pass\n"
        "for i in range(30): Store(Path(sys.argv[1]) / str(i)).put('kind', sys.argv[3], b'data')\n"
    )
    together = str(time.time() + 2)
    line = [sys.executable, "-c", script, str(tmp_path), together]
    processes = [subprocess.Popen([*line, str(n)], cwd=Path(__file__).parents[2]) for n in range(4)]
    assert [p.wait(120) for p in processes] == [0, 0, 0, 0]
    for i in range(30):
        assert set(Store(tmp_path / str(i)).get_many("kind", "0123")) == set("0123")


def _memo(store: Store, items: list[str], made: list[str]) -> Iterator[int]:
    def make(item: str) -> int:
        made.append(item)
        return len(item)

    return store.memo(
        "sizes", items, str.upper, make, lambda n: b"%d" % n, lambda data, _: int(data) if data.isdigit() else None, 2
    )


def test_memo_makes_what_is_missing_once_and_in_order() -> None:
    store, made = Store(None), []
    assert list(_memo(store, ["a", "bb", "ccc"], made)) == [1, 2, 3]
    assert list(_memo(store, ["ccc", "d", "a"], made)) == [3, 1, 1]
    assert made == ["a", "bb", "ccc", "d"]
    store.put("sizes", "A", b"of another form")
    assert list(_memo(store, ["a"], made)) == [1]
    assert made[-1] == "a"
    assert store.get("sizes", "A") == b"1"


def test_memo_keeps_what_was_made_before_its_caller_stopped() -> None:
    store, made = Store(None), []
    values = _memo(store, ["a", "bb", "ccc", "dddd"], made)
    assert [next(values) for _ in range(3)] == [1, 2, 3]
    values.close()
    assert store.held("sizes", ["A", "BB", "CCC", "DDDD"]) == {"A", "BB", "CCC"}


def test_memo_goes_on_where_the_disk_refuses(monkeypatch, caplog) -> None:
    store, made = Store(None), []

    def refuse(kind, entries):
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "put_many", refuse)
    assert list(_memo(store, ["a", "bb", "ccc"], made)) == [1, 2, 3]
    assert caplog.text.count("not kept") == 1
