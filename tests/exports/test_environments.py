"""What an export's proof would install, told before it does."""

import pytest

from workbench.exports import environments, to_install
from workbench.exports.folder import requirements
from workbench.exports.verification import _installed
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25
from workbench.splitters import Recursive


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """A folder without environments."""
    monkeypatch.setenv("WORKBENCH_ENVS", str(tmp_path))


@pytest.mark.parametrize("target", ["python", "bundle"])
def test_our_own_code_needs_nothing(target):
    assert to_install(Pipeline(), target) == []


@pytest.mark.parametrize("target", ["langchain", "llamaindex", "haystack"])
def test_a_framework_is_installed_once_for_all_pipelines(target):
    lexical = Pipeline(splitter=Recursive(unit="characters"), retriever=BM25())
    found = to_install(Pipeline(), target)
    assert found == environments.missing(_installed(requirements(Pipeline(), target), target))
    assert found
    assert all("==" in line for line in found)
    assert to_install(lexical, target) == found
    python = environments._python(environments._folder(target, found))
    python.parent.mkdir(parents=True)
    python.touch()
    assert to_install(Pipeline(), target) == []
    assert to_install(lexical, target) == []
