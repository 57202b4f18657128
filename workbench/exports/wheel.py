"""The wheel of this very version, made from the files that run: no index and no build tool is needed."""

import base64
import hashlib
import io
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.errors import SpecError
from workbench.installation import DISTRIBUTION, PACKAGE, package_files

FOLDER = "wheels"
"""Where an export has it."""

_TAG = b"Wheel-Version: 1.0\nGenerator: chunking-workbench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_INSTALLERS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


@cache
def wheel() -> tuple[str, bytes]:
    """Return the wheel's name and content: what `pip install` has put here, or would put of this checkout.

    The same files give the same bytes.

    Raises:
        SpecError: the package was copied here without its metadata, so that its requirements are not known.
    """
    version, facts = _installed() or _checked_out()
    stem = f"{DISTRIBUTION.replace('-', '_')}-{version}"
    files = {name: path.read_bytes() for name, path in package_files().items() if "__pycache__" not in path.parts}
    files |= {f"{stem}.dist-info/{name}": data for name, data in sorted(facts.items())}
    record = f"{stem}.dist-info/RECORD"
    lines = [f"{name},sha256={_hash(data)},{len(data)}" for name, data in files.items()]
    files[record] = "\n".join([*lines, f"{record},,"]).encode() + b"\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return f"{stem}-py3-none-any.whl", out.getvalue()


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _installed() -> tuple[str, dict[str, bytes]] | None:
    """Return version and metadata of the installed distribution; None where it is not what runs."""
    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
    files = {file.as_posix(): Path(str(file.locate())) for file in found.files or ()}
    if (own := files.get("workbench/__init__.py")) is None or own.resolve() != PACKAGE.resolve() / "__init__.py":
        return None  # another installation, or an editable one
    facts = {name.partition(".dist-info/")[2]: path for name, path in files.items()}
    return found.version, {name: path.read_bytes() for name, path in facts.items() if name not in ("", *_INSTALLERS)}


def _checked_out() -> tuple[str, dict[str, bytes]]:
    """Return version and metadata that pyproject.toml gives."""
    import tomllib

    root = PACKAGE.parent
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    except (OSError, LookupError):
        raise SpecError(
            f"{PACKAGE}: this copy of the workbench has no metadata, so exports cannot carry it; install it with pip"
        ) from None
    files = {f"licenses/{name}": (root / name).read_bytes() for name in project["license-files"]}
    files |= {"METADATA": _metadata(project, root).encode(), "WHEEL": _TAG}
    groups = {"console_scripts": project["scripts"]} | project.get("entry-points", {})
    blocks = ["\n".join([f"[{group}]", *(f"{k} = {v}" for k, v in rows.items())]) for group, rows in groups.items()]
    return __version__, files | {"entry_points.txt": ("\n\n".join(blocks) + "\n").encode()}


def _metadata(project: dict[str, Any], root: Path) -> str:
    """Return METADATA as [project] of pyproject.toml gives it."""
    lines = ["Metadata-Version: 2.4", f"Name: {DISTRIBUTION}", f"Version: {__version__}"]
    lines += [f"Summary: {project['description']}", f"Requires-Python: {project['requires-python']}"]
    lines += [f"License-Expression: {project['license']}"]
    lines += [f"License-File: {name}" for name in project["license-files"]]
    lines += [f"Classifier: {one}" for one in project["classifiers"]]
    lines += [f"Requires-Dist: {line}" for line in project["dependencies"]]
    for extra, needed in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        for line in needed:
            name, _, marker = line.partition(";")
            where = f"({marker.strip()}) and " if marker else ""
            lines.append(f"Requires-Dist: {name.strip()} ; {where}extra == '{extra}'")
    lines += ["Description-Content-Type: text/markdown", "", (root / project["readme"]).read_text("utf-8")]
    return "\n".join(lines) + "\n"
