"""The app under AppTest, in a WORKBENCH_HOME of each test's own whose sample corpus was parsed once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from quick import FAST
from streamlit.testing.v1 import AppTest

from workbench.pipelines import to_mapping
from workbench.workspaces import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def parsed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WORKBENCH_HOME with the sample corpus parsed and, with the static model, embedded."""
    folder, before = tmp_path_factory.mktemp("parsed") / "home", os.environ["WORKBENCH_HOME"]
    os.environ["WORKBENCH_HOME"] = str(folder)
    try:
        open_workspace().corpus()
    finally:
        os.environ["WORKBENCH_HOME"] = before
    return folder


@pytest.fixture
def home(parsed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A WORKBENCH_HOME of this test's own with the sample corpus in it."""
    folder = tmp_path / "home"
    shutil.copytree(parsed_home, folder)
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    monkeypatch.delenv("WORKBENCH_MODE", raising=False)
    return folder


@pytest.fixture
def workspace(home: Path) -> Workspace:
    """The local workspace of this test, with the sample corpus."""
    return open_workspace()


@pytest.fixture
def few(workspace: Workspace) -> Workspace:
    """The local workspace with three small documents, for tests that change parameters again and again."""
    for source in workspace.sources:
        if not source.name.startswith(("travel-policy", "field-safety")):
            workspace.remove(source.id)
    return workspace


@pytest.fixture
def visit(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """A function (page, **session_state) that opens the app there, by way of app.py, and returns it as drawn."""
    monkeypatch.chdir(ROOT)

    def open_(page: str = "Bench", *, query_params: dict[str, str] | None = None, **state: object) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)  # other suites may run beside this one
        app.session_state["pipeline"] = state.pop("pipeline", to_mapping(FAST))
        for name, value in state.items():
            app.session_state[name] = value
        for name, value in (query_params or {}).items():
            app.query_params[name] = value
        if page != "Bench":
            app.switch_page(next(f"pages/{p.name}" for p in (ROOT / "pages").glob(f"*_{page}.py")))
        return app.run()

    return open_
