"""Python environments in which exports for other frameworks run: made once, kept in one folder.

An environment sees the packages of the workbench's own behind those that it installs, so that PyTorch and its kin are
not installed a second time: 50 to 65 MB each instead of 2 GB, and half a minute.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workbench import settings
from workbench.errors import WorkbenchError
from workbench.specs import fingerprint


class EnvironmentUnavailable(WorkbenchError):
    """An environment could not be made; the message says why and what to do."""


def home() -> Path:
    """Return the folder of all environments: WORKBENCH_ENVS, or the one in WORKBENCH_HOME."""
    return Path(os.environ.get("WORKBENCH_ENVS") or settings.home() / "environments").resolve()


def missing(requirements: Sequence[str]) -> list[str]:
    """Return the pinned requirements that the workbench's own environment does not meet."""
    return [line for line in requirements if not _is_met(line)]


def _is_met(line: str) -> bool:
    name, _, wanted = line.partition("==")
    try:
        return version(name).partition("+")[0] == wanted
    except PackageNotFoundError:
        return False


def is_made(name: str, requirements: Sequence[str]) -> bool:
    """Return whether `python_for` has nothing to install."""
    foreign = missing(requirements)
    return not foreign or _python(_folder(name, foreign)).exists()


def python_for(name: str, requirements: Sequence[str], say: Callable[[str], None] | None = None) -> Path:
    """Return the interpreter of an environment with these pinned requirements; make it if it does not exist.

    `say` gets a line when one is made, and how long that took.

    Raises:
        EnvironmentUnavailable: pip could not install them.
    """
    foreign = missing(requirements)
    if not foreign:
        return Path(sys.executable)
    folder = _folder(name, foreign)
    python = _python(folder)
    if python.exists():
        return python
    tell = say or (lambda line: None)
    tell(f"making an environment with {', '.join(foreign)} (once; kept in {home()})")
    start = time.monotonic()
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        _make(partial, _here(), foreign)
        try:
            partial.rename(folder)
        except OSError:  # another process was first
            if not python.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    tell(f"the environment was made in {time.monotonic() - start:.0f} s")
    return python


def _here() -> str:
    return os.path.realpath(sysconfig.get_path("purelib"))


def _folder(name: str, foreign: Sequence[str]) -> Path:
    return home() / f"{name}-{fingerprint([sorted(foreign), sys.version, _here()])}"


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _make(folder: Path, here: str, requirements: Sequence[str]) -> None:
    import venv

    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    except OSError as error:
        raise EnvironmentUnavailable(
            f"no environment can be made in {folder.parent} ({error.strerror}); name another folder in WORKBENCH_ENVS"
        ) from None
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    (packages / "workbench-packages.pth").write_text(f"{here}\n")
    command = [str(_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    done = subprocess.run(command, capture_output=True, text=True, env=_quiet(), check=False)
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-1:]
        raise EnvironmentUnavailable(
            f"pip could not install {', '.join(requirements)}: {' '.join(words) or 'no reason given'}. It needs a "
            "package index: connect to one, or install these into an environment yourself and run `python export.py`"
        )


def _quiet() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
