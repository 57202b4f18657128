"""The wheel of this very version, made from the files that run: no index and no build tool is needed."""

import base64
import hashlib
import io
import zipfile
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import workbench
from workbench.errors import SpecError

DISTRIBUTION = "chunking-workbench"
FOLDER = "wheels"
"""Where an export has it."""

_TAG = b"Wheel-Version: 1.0\nGenerator: chunking-workbench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_OF_THE_INSTALLER = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


@cache
def wheel() -> tuple[str, bytes]:
    """Return the wheel's name and content: what `pip install` has put here, or would put of this checkout.

    The same files give the same bytes.

    Raises:
        SpecError: the package was copied here without its metadata, so that its requirements are not known.
    """
    version, files = _installed() or _checked_out()
    stem = f"{DISTRIBUTION.replace('-', '_')}-{version}"
    files = {name.replace("{info}", f"{stem}.dist-info"): data for name, data in files.items()}
    lines = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in sorted(files.items())]
    record = f"{stem}.dist-info/RECORD"
    files[record] = "\n".join([*lines, f"{record},,"]).encode() + b"\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, files[name])
    return f"{stem}-py3-none-any.whl", out.getvalue()


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _installed() -> tuple[str, dict[str, bytes]] | None:
    """Return version and files of the installed distribution; None where what runs is not what it installed."""
    try:
        found: Distribution = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
    files: dict[str, bytes] = {}
    for path in found.files or ():
        inside = path.parts[0].endswith(".dist-info")
        if path.parts[0] == "workbench" or (inside and path.name not in _OF_THE_INSTALLER):
            name = "/".join(("{info}", *path.parts[1:])) if inside else path.as_posix()
            if path.suffix != ".pyc":
                files[name] = Path(str(path.locate())).read_bytes()
    own = found.locate_file("workbench/__init__.py")
    runs = "workbench/__init__.py" in files and Path(str(own)).resolve() == Path(str(workbench.__file__)).resolve()
    return (found.version, files) if runs else None


def _checked_out() -> tuple[str, dict[str, bytes]]:
    """Return version and files that pyproject.toml would install."""
    import tomllib

    package = Path(str(workbench.__file__)).resolve().parent
    root = package.parent
    try:
        facts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except OSError:
        raise SpecError(
            f"{package}: this copy of the workbench has no metadata, so exports cannot carry it; install it with pip"
        ) from None
    project = facts.get("project", {})
    build = facts.get("tool", {}).get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    places = {"workbench": "workbench"} | build.get("force-include", {})
    files = {name: data for source, target in places.items() for name, data in _tree(root / source, target)}
    version = project.get("version") or getattr(workbench, "__version__", "0")
    licenses = [path for pattern in project.get("license-files", []) for path in sorted(root.glob(pattern))]
    names = [path.relative_to(root).as_posix() for path in licenses]
    files |= {f"{{info}}/licenses/{name}": path.read_bytes() for name, path in zip(names, licenses, strict=True)}
    files["{info}/METADATA"] = _metadata(project, version, names, root).encode()
    files["{info}/WHEEL"] = _TAG
    if scripts := project.get("scripts"):
        groups = {"console_scripts": scripts} | project.get("entry-points", {})
        blocks = ["\n".join([f"[{group}]", *(f"{k} = {v}" for k, v in rows.items())]) for group, rows in groups.items()]
        files["{info}/entry_points.txt"] = ("\n\n".join(blocks) + "\n").encode()
    return version, files


def _tree(source: Path, target: str) -> list[tuple[str, bytes]]:
    """Return the files of a file or folder under their names in the wheel."""
    if source.is_file():
        return [(target, source.read_bytes())]
    paths = sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [(f"{target}/{path.relative_to(source).as_posix()}", path.read_bytes()) for path in paths
            if path.suffix != ".pyc"]  # fmt: skip


def _metadata(project: dict[str, Any], version: str, licenses: list[str], root: Path) -> str:
    """Return METADATA as pyproject.toml's [project] gives it."""
    lines = ["Metadata-Version: 2.4", f"Name: {project.get('name', DISTRIBUTION)}", f"Version: {version}"]
    for key, name in (("description", "Summary"), ("requires-python", "Requires-Python")):
        lines += [f"{name}: {project[key]}"] if key in project else []
    lines += [f"License-Expression: {project['license']}"] if isinstance(project.get("license"), str) else []
    lines += [f"License-File: {name}" for name in licenses]
    lines += [f"Classifier: {one}" for one in project.get("classifiers", [])]
    lines += [f"Requires-Dist: {line}" for line in project.get("dependencies", [])]
    for extra, needed in project.get("optional-dependencies", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        for line in needed:
            name, _, marker = line.partition(";")
            where = f"({marker.strip()}) and " if marker else ""
            lines.append(f"Requires-Dist: {name.strip()} ; {where}extra == '{extra}'")
    readme = project.get("readme")
    if isinstance(readme, str):
        lines += ["Description-Content-Type: text/markdown", "", (root / readme).read_text("utf-8")]
    return "\n".join(lines) + "\n"
