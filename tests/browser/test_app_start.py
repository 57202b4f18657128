"""The real server loads the heavy libraries while the first page is read, and not before it is asked for."""

import sys
import time
from pathlib import Path

import pytest
from steps import open_app, prepare, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what a process has loaded in /proc")

HEAVY = ("libtorch_cpu", "_swigfaiss")


def loaded(address: str) -> set[str]:
    """Which heavy libraries the server at this address has in its memory."""
    flag = f"--server.port={address.rsplit(':', 1)[1]}"
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and flag in (process / "cmdline").read_bytes().decode(errors="replace").split("\0"):
            maps = (process / "maps").read_text()
            return {name for name in HEAVY if name in maps}
    raise AssertionError(f"no process serves {address}")


def test_the_server_loads_ahead_once_a_page_was_drawn(page, tmp_path):
    query = prepare(tmp_path / "home")  # a static model: nothing on the page itself needs PyTorch
    with serving(tmp_path / "home") as address:
        assert loaded(address) == set()
        open_app(page, address, query)
        patience = time.monotonic() + 120
        while loaded(address) != set(HEAVY):
            assert time.monotonic() < patience, f"only {loaded(address)} after two minutes"
            time.sleep(0.2)
        page.reload()
        page.locator(".facts").first.wait_for()
    assert "was not loaded ahead" not in (tmp_path / "home" / "streamlit.log").read_text()
