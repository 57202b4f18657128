"""What every test relies on: no network, no installs, nobody's workspace, and repeatable made-up data."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ["PIP_NO_INDEX"] = "1"  # no test installs anything
os.environ.setdefault("WORKBENCH_ENVS", str(Path.home() / ".cache" / "workbench-envs"))

# Before anything heavy is imported: no test reaches the network or the workspaces of whoever runs it.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
os.environ.update(SCARF_NO_ANALYTICS="true", UNSTRUCTURED_DISABLE_NOTICE="true", TOKENIZERS_PARALLELISM="false")
_home = tempfile.TemporaryDirectory(prefix="workbench-tests-")
os.environ["WORKBENCH_HOME"] = _home.name
os.environ.pop("WORKBENCH_MODE", None)

# `HYPOTHESIS_PROFILE=explore` looks for new examples; otherwise every run sees the same ones.
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=slow, print_blob=True)
settings.register_profile("explore", max_examples=2_000, deadline=None, suppress_health_check=slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit's AppTest leaves its script behind as `__main__`, and processes that later tests spawn would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files beside the repository; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "files").is_dir():
        pytest.skip("the folder ../shared with real files is not here")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty WORKBENCH_HOME of this test's own."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
