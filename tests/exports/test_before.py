"""Exports that earlier versions wrote still verify; see `before/`, which the last version of format 1 wrote."""

from pathlib import Path

import pytest

from workbench.exports import verify
from workbench.exports.targets import FRAMEWORKS


@pytest.mark.parametrize("target", ["langchain", "llamaindex", "haystack", "python", "bundle"])
def test_an_export_of_before_is_equal(target: str, before, interpreter) -> None:
    if target in FRAMEWORKS:
        interpreter(target)
    found = verify(before(target))
    assert found.equal, found.differences
    compared = {check.name: check.compared for check in found.checks}
    assert compared["hits"] == 4
    assert compared["text hashes"] > 5


def test_a_change_of_an_export_of_before_is_found(before) -> None:
    folder: Path = before("python")
    text = (folder / "export.py").read_text()
    (folder / "export.py").write_text(text.replace("hit.chunk for hit in hits", "hit.chunk + 1 for hit in hits"))
    found = verify(folder)
    assert not found.equal
    assert {difference.check for difference in found.differences} == {"files", "hits"}
