"""Libraries loaded ahead: not before the first page is drawn, all of them then, and without harm where one fails."""

import gc
import importlib.util
import logging
import subprocess
import sys
import threading

import pytest

from workbench.ui import preload

SMALL = ("wave", "no_such_library_at_all", "fractions", "chunk_that_breaks", "colorsys")
"""Modules of the standard library that nothing here loads, one that is missing, and one that breaks."""

HEAVY = {name.split(".")[0] for name in preload.LIBRARIES} | {"pandas", "streamlit", "unstructured"}


@pytest.fixture
def quick(monkeypatch, tmp_path) -> None:
    (tmp_path / "chunk_that_breaks.py").write_text("raise OSError('a library of the system is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in SMALL:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(preload, "FIRST", ("no_first_library",))
    monkeypatch.setattr(preload, "LIBRARIES", SMALL)
    monkeypatch.setattr(preload, "PAINTING", 0.0)
    monkeypatch.setattr(preload, "BETWEEN", 0.0)
    monkeypatch.setattr(preload, "settle_memory", lambda: None)  # what this test run holds stays collectable
    for name in ("_begun", "_drawn"):
        monkeypatch.setattr(preload, name, threading.Event())


@pytest.mark.usefixtures("quick")
def test_nothing_is_loaded_before_a_page_is_drawn_and_all_is_afterwards(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        thread = preload.begin()
        thread.join(0.2)
        assert thread.is_alive()
        assert "colorsys" not in sys.modules
        preload.drawn()
        thread.join(20)
    assert not thread.is_alive()
    assert {"wave", "fractions", "colorsys"} <= set(sys.modules)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert "no_first_library was not loaded ahead: ModuleNotFoundError" in caplog.messages[0]
    assert "no_such_library_at_all was not loaded ahead: ModuleNotFoundError" in caplog.messages[1]
    assert "a library of the system is missing" in caplog.messages[2]


@pytest.mark.usefixtures("quick")
def test_slow_work_waits_for_the_first_page_of_a_server_and_for_nothing_else(monkeypatch) -> None:
    preload.wait()  # no server: at once
    preload.begin()
    waiting = threading.Thread(target=preload.wait)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    preload.drawn()
    waiting.join(20)
    assert not waiting.is_alive()
    monkeypatch.setattr(preload, "_drawn", threading.Event())
    monkeypatch.setattr(preload, "PATIENCE", 0.01)
    preload.wait()  # a page that failed


def test_what_is_loaded_ahead_is_there_to_be_loaded() -> None:
    for name in (*preload.FIRST, *preload.LIBRARIES):
        assert importlib.util.find_spec(name.split(".")[0]), name


def test_the_workbench_itself_loads_none_of_them() -> None:
    script = f"import sys, workbench, workbench.parsers; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_settled_memory_is_not_looked_at_any_more() -> None:
    script = "import gc; from workbench.ui import preload; preload.settle_memory(); print(gc.get_freeze_count())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 5_000
    assert gc.isenabled()
