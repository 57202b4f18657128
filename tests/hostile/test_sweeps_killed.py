"""Sweeps that are killed at random moments go on where they were, and come to the same table, bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("KILLS", "8"))
"""`KILLS=20 make test SUITES=hostile` for more."""


@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")
def test_kills_and_two_at_once(tmp_path: Path) -> None:
    program = Path(__file__).with_name("sweeping.py")
    command = [sys.executable, str(program), str(tmp_path), str(KILLS), "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"killed": KILLS, "folders": found["folders"], "equal": True, "left behind": 0}
