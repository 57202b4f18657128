"""The wheel that exports carry is this version's, the same every time, and runs from a folder of its own."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from workbench.exports.wheel import wheel


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel()[1])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_is_the_same_every_time() -> None:
    first = wheel()
    wheel.cache_clear()
    assert wheel() == first


def test_its_record_holds_every_file(files: dict[str, bytes]) -> None:
    record = next(name for name in files if name.endswith(".dist-info/RECORD"))
    rows = {name: (hash, size) for name, hash, size in csv.reader(io.StringIO(files[record].decode()))}
    assert rows.keys() == files.keys()
    for name, data in files.items():
        wanted = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert rows[name] == (("", "") if name == record else (f"sha256={wanted}", str(len(data))))


def test_it_holds_what_is_installed(files: dict[str, bytes], root: Path) -> None:
    package = root / "workbench"
    wanted = {
        path.relative_to(root).as_posix(): path
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    assert wanted.keys() <= files.keys()
    assert all(files[name] == path.read_bytes() for name, path in wanted.items())
    facts = tomllib.loads((root / "pyproject.toml").read_text())
    build = facts["tool"].get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    for source, target in build.get("force-include", {}).items():
        assert any(name.startswith(target) for name in files), source
    top = {name.partition("/")[0] for name in files}
    assert top == {"workbench", wheel()[0].removesuffix("-py3-none-any.whl") + ".dist-info"}
    project = facts.get("project", {})
    metadata = message_from_bytes(next(data for name, data in files.items() if name.endswith("/METADATA")))
    assert metadata["Name"] == "chunking-workbench"
    assert metadata.get_all("Provides-Extra", []) == list(project.get("optional-dependencies", {}))
    needed = [
        *project.get("dependencies", []),
        *(x for e in project.get("optional-dependencies", {}).values() for x in e),
    ]
    assert len(metadata.get_all("Requires-Dist", [])) == len(needed)


def test_it_runs_where_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel()[1])) as archive:
        archive.extractall(tmp_path)
    start = f"import sys, hashlib; sys.path.insert(0, {str(tmp_path)!r}); import workbench.exports.wheel as w"
    # Unpacked or installed, it makes the very same wheel again.
    code = f"{start}; print(w.__file__, hashlib.sha256(w.wheel()[1]).hexdigest())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [
        str(tmp_path / "workbench" / "exports" / "wheel.py"),
        hashlib.sha256(wheel()[1]).hexdigest(),
    ], done.stderr
